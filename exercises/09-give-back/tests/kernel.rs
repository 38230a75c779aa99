//! Judges exercise 9.3: address spaces with random pages, which are dropped in a random order.

#![no_std]
#![no_main]

extern crate alloc;

use alloc::vec::Vec;
use common::VirtAddr;
use core::sync::atomic::{AtomicU32, Ordering::Relaxed};
use harness::seeded::{Random, Sight, look, show};
use harness::{Test, test};
use multitasking::rule::{COPIED, PRIVATE};
use multitasking::{AddressSpace, exit, fork, map, run, wait};
use paging::{Flags, Frame, KERNEL, OwnedFrame, PAGE_BYTES, Page, frame_allocator};

harness::boot!(TESTS, up to heap, then {
    timer::init(1000).expect("within the timer's range");
    timer::start();
    threads::init(1);
    multitasking::init();
});

const TESTS: &[Test] =
    &[test!(all_frames_are_free), test!(tasks_that_have_exited), test!(shared_frames), test!(what_others_have)];

/// More frames than any address space here has.
const MOST_FRAMES: usize = 128;
/// How many tasks fork.
const CHILDREN: u32 = 12;

/// The page with index `in_table` in the table with index `in_directory`.
fn page(in_directory: u32, in_table: u32) -> Page {
    Page::containing(VirtAddr::new(in_directory << 22 | in_table << 12))
}

/// A page of the private half, but neither the first nor the last one of a table.
fn any_page(random: &mut Random) -> Page {
    page(random.within(COPIED.start as u32..COPIED.end as u32), random.within(1..1000))
}

fn new_space() -> AddressSpace {
    AddressSpace::new().expect("a frame for the directory")
}

/// Maps `frame`, unless the page is mapped already.
fn map_at(space: &mut AddressSpace, page: Page, frame: OwnedFrame) {
    if space.directory().translate(page.address()).is_none() {
        // SAFETY: no reference leads to the frame, and the CPU does not use the space.
        unsafe { space.map_frame(page, frame, Flags::WRITABLE) }.expect("frames for tables");
    }
}

/// A frame with random words.
fn frame_with_words(random: &mut Random) -> OwnedFrame {
    let frame = frame_allocator::allocate().expect("a free frame");
    let start = frame.frame().in_window().address().as_ptr::<u32>();
    for word in 0..PAGE_BYTES / 4 {
        // SAFETY: the frame is ours, and lies in the identity map.
        unsafe { start.add(word as usize).write_volatile(random.word()) };
    }
    frame
}

/// A number that depends on every word of a frame.
fn checksum(frame: Frame) -> u32 {
    let start = frame.in_window().address().as_ptr::<u32>();
    (0..PAGE_BYTES as usize / 4).fold(1, |sum: u32, word| {
        // SAFETY: the frame lies in the identity map.
        sum.rotate_left(5).wrapping_mul(0x9E37_79B9) ^ unsafe { start.add(word).read_volatile() }
    })
}

/// The frames of an address space's private part.
fn private_frames(space: &AddressSpace) -> impl Iterator<Item = Frame> {
    let mappings = space.directory().mappings();
    mappings
        .filter(|one| PRIVATE.contains(&one.page.address()))
        .flat_map(|one| (0..one.pages).map(move |number| Frame::from_number(one.frame.number() + number)))
}

fn all_frames_are_free() {
    let mut random = Random::new();
    let mut frames = Vec::with_capacity(MOST_FRAMES);
    for _ in 0..8 {
        frames.clear();
        let before = frame_allocator::taken_count();
        let mut space = new_space();
        // Both ends of the private half, both ends of a table, neighbors, and pages that are far from each other.
        let middle = random.within(COPIED.start as u32 + 1..COPIED.end as u32 - 1);
        let corners =
            [page(COPIED.start as u32, 0), page(COPIED.end as u32 - 1, 1023), page(middle, 0), page(middle, 1023)];
        for corner in corners {
            map_at(&mut space, corner, frame_allocator::allocate().expect("a free frame"));
        }
        for _ in 0..random.within(3..9) {
            let first = any_page(&mut random);
            for number in 0..random.within(1..4) {
                let page = Page::containing(first.address().wrapping_add(number * PAGE_BYTES));
                map_at(&mut space, page, frame_allocator::allocate().expect("a free frame"));
            }
        }
        show("how many frames the address space takes", frame_allocator::taken_count() - before);
        frames.push(space.directory().frame());
        frames.extend(space.directory().present(COPIED).map(|(_, entry)| entry.frame()));
        frames.extend(private_frames(&space));
        drop(space);
        for frame in &frames {
            show("how many owners a frame of the dropped address space has", frame_allocator::owner_count(*frame));
        }
        show("how many frames stay in use", frame_allocator::taken_count() - before);
    }
}

fn tasks_that_have_exited() {
    static PAGES: [AtomicU32; CHILDREN as usize] = [const { AtomicU32::new(0) }; CHILDREN as usize];
    static IN_USE: [AtomicU32; CHILDREN as usize] = [const { AtomicU32::new(0) }; CHILDREN as usize];
    fn first_task(_: usize) {
        for (number, (pages, in_use)) in PAGES.iter().zip(&IN_USE).enumerate() {
            let start = PRIVATE.start.wrapping_add((number as u32) << 22);
            // SAFETY: nothing on the stack owns anything, and the heap gets no reference to it.
            if unsafe { fork() }.expect("room and memory for a child").is_none() {
                map(start..start.wrapping_add(pages.load(Relaxed) * PAGE_BYTES), Flags::WRITABLE).expect("memory");
                // SAFETY: no code relies on what is on the stack.
                unsafe { exit(0) }
            }
            wait().expect("there is a child");
            in_use.store(frame_allocator::taken_count(), Relaxed);
        }
    }
    let mut random = Random::new();
    PAGES.iter().for_each(|pages| pages.store(random.within(0..40), Relaxed));
    let before = frame_allocator::taken_count();
    show("whether task 1 ended well", (run(first_task) == Ok(0)).into());
    let all = IN_USE.iter().map(|count| count.load(Relaxed));
    all.clone().zip(all.skip(1)).for_each(|(one, next)| show("how many frames a child has left behind", next - one));
    show("how many frames stay in use after all tasks have exited", frame_allocator::taken_count() - before);
}

fn shared_frames() {
    let mut random = Random::new();
    let shared: Vec<OwnedFrame> = (0..10).map(|_| frame_with_words(&mut random)).collect();
    let frames: Vec<Frame> = shared.iter().map(OwnedFrame::frame).collect();
    let mut spaces: Vec<AddressSpace> = (0..4).map(|_| new_space()).collect();
    for space in &mut spaces {
        for owned in &shared {
            // One address space may have the same frame twice.
            for _ in 0..random.within(0..3) {
                map_at(space, any_page(&mut random), owned.share().expect("room for an owner"));
            }
        }
    }
    // For some frames, the test itself stays an owner until the end.
    let mut kept = shared;
    kept.truncate(4);
    random.shuffle(&mut spaces);
    while let Some(space) = spaces.pop() {
        drop(space);
        for frame in &frames {
            show("how many owners a shared frame has left", frame_allocator::owner_count(*frame));
        }
    }
    drop(kept);
    for frame in &frames {
        show("how many owners it has after the last one has gone", frame_allocator::owner_count(*frame));
    }
}

fn what_others_have() {
    let mut random = Random::new();
    let shared: Vec<OwnedFrame> = (0..3).map(|_| frame_with_words(&mut random)).collect();
    let mut spaces = Vec::new();
    for _ in 0..6 {
        let mut space = new_space();
        for owned in &shared {
            map_at(&mut space, any_page(&mut random), owned.share().expect("room for an owner"));
        }
        for _ in 0..4 {
            map_at(&mut space, any_page(&mut random), frame_with_words(&mut random));
        }
        spaces.push(space);
    }
    drop(shared);
    random.shuffle(&mut spaces);
    while let Some(space) = spaces.pop() {
        let own = private_frames(&space).find(|frame| frame_allocator::owner_count(*frame) == 1);
        drop(space);
        if let Some(own) = own {
            show("how many owners a page of the dropped address space has", frame_allocator::owner_count(own));
        }
        // The next owners of the frames that are free now fill them with something else.
        let next_owners: Vec<OwnedFrame> = (0..16).map(|_| frame_with_words(&mut random)).collect();
        for frame in spaces.iter().flat_map(private_frames) {
            show("a checksum of a page of another address space", checksum(frame));
        }
        let kernel = KERNEL.lock().frame().address().as_u32();
        let others = spaces.iter().map(|space| space.directory().frame().address().as_u32());
        let directories: Vec<u32> = core::iter::once(kernel).chain(others).collect();
        look("the kernel's address space (1), and those that are left", Sight::Spaces(&directories));
        drop(next_owners);
    }
}
