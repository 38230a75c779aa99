//! Judges exercise 9.4: address spaces with random pages, inside the shared range and outside, and their copies.

#![no_std]
#![no_main]

extern crate alloc;

use alloc::vec::Vec;
use common::VirtAddr;
use common::lock::let_interrupts_in;
use core::cmp::Reverse;
use core::mem;
use core::sync::atomic::{AtomicU32, Ordering::Relaxed};
use ex09_shared_on_purpose::{SHARED, copy};
use harness::seeded::{Random, Sight, look, show};
use harness::{Test, test};
use multitasking::rule::{COPIED, PRIVATE};
use multitasking::{AddressSpace, OutOfMemory, switch};
use paging::{Flags, Frame, KERNEL, OwnedFrame, PAGE_BYTES, Page, frame_allocator};
use threads::{Context, ReservedThread};

harness::boot!(TESTS, up to heap, then {
    timer::init(1000).expect("within the timer's range");
    timer::start();
    threads::init(1);
    multitasking::init();
});

const TESTS: &[Test] = &[
    test!(page_tables_of_copies),
    test!(threads_in_two_copies),
    test!(owners_of_shared_frames),
    test!(copies_without_memory),
];

const RIGHTS: [Flags; 4] = [Flags::empty(), Flags::WRITABLE, Flags::USER, Flags::WRITABLE.union(Flags::USER)];

fn page_at(address: u32) -> Page {
    Page::containing(VirtAddr::new(address))
}

/// Pages of the shared range, but not at its ends.
fn shared_pages(count: usize, random: &mut Random) -> Vec<Page> {
    let start = SHARED.start.as_u32();
    let pages = core::iter::repeat_with(|| page_at(start + random.within(1..1023) * PAGE_BYTES));
    different(pages, count)
}

/// Private pages far from the shared range.
fn other_pages(count: usize, random: &mut Random) -> Vec<Page> {
    let (start, end) = (SHARED.end.as_u32() / PAGE_BYTES + 1024, PRIVATE.end.as_u32() / PAGE_BYTES - 8);
    let pages = core::iter::repeat_with(|| page_at(random.within(start..end) * PAGE_BYTES));
    different(pages, count)
}

fn different(pages: impl Iterator<Item = Page>, count: usize) -> Vec<Page> {
    let mut all: Vec<Page> = Vec::with_capacity(count);
    for page in pages {
        if !all.contains(&page) {
            all.push(page);
        }
        if all.len() == count {
            break;
        }
    }
    all
}

/// Maps new frames with random contents at these pages, with rights of all kinds.
fn map(space: &mut AddressSpace, pages: &[Page], rights: &[Flags], random: &mut Random) {
    for (page, rights) in pages.iter().zip(rights.iter().cycle()) {
        let frame = frame_allocator::allocate().expect("a free frame");
        let start = frame.frame().in_window().address().as_ptr::<u32>();
        for word in 0..PAGE_BYTES / 4 {
            // SAFETY: the frame is ours, and lies in the identity map.
            unsafe { start.add(word as usize).write_volatile(random.word()) };
        }
        // SAFETY: no reference leads to the frame, and the CPU does not use the space.
        unsafe { space.map_frame(*page, frame, *rights) }.expect("frames for tables");
    }
}

fn new_space() -> AddressSpace {
    AddressSpace::new().expect("a frame for the directory")
}

fn directory_of(space: &AddressSpace) -> u32 {
    space.directory().frame().address().as_u32()
}

fn page_tables_of_copies() {
    let mut random = Random::new();
    let mut space = new_space();
    let mut pages = shared_pages(10, &mut random);
    pages.extend(other_pages(8, &mut random));
    // The ends of the shared range, inside and outside.
    let (start, end) = (SHARED.start.as_u32(), SHARED.end.as_u32());
    pages.extend([start - PAGE_BYTES, start, end - PAGE_BYTES, end].map(page_at));
    random.shuffle(&mut pages);
    map(&mut space, &pages, &RIGHTS, &mut random);
    let before = frame_allocator::taken_count();
    let first = copy(&space).expect("frames for a copy");
    show("how many frames the copy takes", frame_allocator::taken_count() - before);
    let second = copy(&first).expect("frames for a copy");
    let kernel = KERNEL.lock().frame().address().as_u32();
    let directories = [kernel, directory_of(&space), directory_of(&first), directory_of(&second)];
    look(
        "the kernel's address space (1), the original (2), its copy (3) and the copy's copy (4)",
        Sight::Spaces(&directories),
    );
    let mut tables: Vec<u32> = [&space, &first, &second]
        .iter()
        .flat_map(|space| space.directory().present(COPIED))
        .map(|(_, entry)| entry.frame().number())
        .collect();
    let all = tables.len();
    tables.sort_unstable();
    tables.dedup();
    show("how many page tables belong to more than one address space", (all - tables.len()) as u32);
    // How shares are given back is another test's concern.
    [space, first, second].into_iter().for_each(mem::forget);
}

/// What a thread does: it writes a word and then reads one, each at an address; 0 means no address.
static WRITES: [AtomicU32; 2] = [const { AtomicU32::new(0) }; 2];
static READS: [AtomicU32; 2] = [const { AtomicU32::new(0) }; 2];

/// Runs a thread in `space` that writes `value` to one address and returns the word at another one.
fn run_in(space: AddressSpace, (to, value): (VirtAddr, u32), from: VirtAddr) -> (AddressSpace, u32) {
    #[expect(improper_ctypes_definitions, reason = "caller and callee are compiled by the same rustc")]
    extern "C" fn begin(entry: fn(usize), argument: usize) -> ! {
        // SAFETY: every vector has a handler.
        unsafe { let_interrupts_in() };
        entry(argument);
        // SAFETY: `entry` has returned, and the thread is joined.
        unsafe { threads::exit() }
    }
    fn write_and_read(_: usize) {
        let [to, value] = WRITES.each_ref().map(|one| one.load(Relaxed));
        let from = READS[0].load(Relaxed);
        // SAFETY: the caller has mapped both, for nothing else.
        unsafe {
            VirtAddr::new(to).as_ptr::<u32>().write_volatile(value);
            READS[1].store(VirtAddr::new(from).as_ptr::<u32>().read_volatile(), Relaxed);
        }
    }
    WRITES[0].store(to.as_u32(), Relaxed);
    WRITES[1].store(value, Relaxed);
    READS[0].store(from.as_u32(), Relaxed);
    let mut thread = ReservedThread::new().expect("there is room");
    let context = thread.allocate_stack().expect("memory is not out").as_ptr::<Context>().wrapping_sub(1);
    let id = thread.id();
    // SAFETY: the stack is new, and stays until the thread is joined.
    let thread = unsafe {
        context.write(Context::new(begin, write_and_read, 0));
        switch::start_in(space, thread, context)
    };
    thread.join();
    // SAFETY: the thread has been joined.
    let space = unsafe { switch::take_from(id) }.expect("the thread had a space");
    (space, READS[1].load(Relaxed))
}

fn threads_in_two_copies() {
    let mut random = Random::new();
    let mut original = new_space();
    let shared = shared_pages(4, &mut random);
    let others = other_pages(4, &mut random);
    map(&mut original, &shared, &[Flags::WRITABLE], &mut random);
    map(&mut original, &others, &[Flags::WRITABLE], &mut random);
    let mut second = copy(&original).expect("frames for a copy");
    let mut third = copy(&second).expect("frames for a copy");
    for _ in 0..30 {
        let offset = 4 * random.within(0..1024);
        let mut pages = if random.within(0..2) == 0 { shared.clone() } else { others.clone() };
        random.shuffle(&mut pages);
        let address = pages[0].address().wrapping_add(offset);
        // The first thread writes; the others overwrite another word, and read the first one.
        let elsewhere = pages[1].address().wrapping_add(offset);
        let mut words = [0; 3];
        (original, words[0]) = run_in(original, (address, random.word()), address);
        (second, words[1]) = run_in(second, (elsewhere, random.word()), address);
        (third, words[2]) = run_in(third, (elsewhere, random.word()), address);
        show("the word that the thread in the original finds", words[0]);
        show("the word that the thread in the copy finds at the same address", words[1]);
        show("the word that the thread in the copy's copy finds at the same address", words[2]);
        (original, words[0]) = run_in(original, (address, random.word()), elsewhere);
        show("the word that the thread in the original finds where the others have written", words[0]);
    }
    [original, second, third].into_iter().for_each(mem::forget);
}

/// The frame of a page that is mapped.
fn frame_of(space: &AddressSpace, page: Page) -> Frame {
    Frame::containing(space.directory().translate(page.address()).expect("it is mapped"))
}

fn owners_of_shared_frames() {
    let mut random = Random::new();
    let before = frame_allocator::taken_count();
    for _ in 0..4 {
        let mut original = new_space();
        let shared = shared_pages(6, &mut random);
        map(&mut original, &shared, &RIGHTS, &mut random);
        let others = other_pages(3, &mut random);
        map(&mut original, &others, &RIGHTS, &mut random);
        let frames: Vec<Frame> = shared.iter().map(|page| frame_of(&original, *page)).collect();
        let mut spaces = Vec::from([original]);
        for _ in 0..30 {
            let wants_more = spaces.len() < 2 || (spaces.len() < 8 && random.within(0..2) == 0);
            let which = random.within(0..spaces.len() as u32) as usize;
            if wants_more {
                let another = copy(&spaces[which]).expect("frames for a copy");
                spaces.push(another);
            } else {
                drop(spaces.swap_remove(which));
            }
            show("how many address spaces there are", spaces.len() as u32);
            for frame in &frames {
                show("how many owners a shared frame has", frame_allocator::owner_count(*frame));
            }
        }
        drop(spaces);
        for frame in &frames {
            show(
                "how many owners a shared frame has when all address spaces are gone",
                frame_allocator::owner_count(*frame),
            );
        }
    }
    show("how many frames stay in use", frame_allocator::taken_count() - before);
}

fn copies_without_memory() {
    let mut random = Random::new();
    let mut space = new_space();
    let shared = shared_pages(6, &mut random);
    map(&mut space, &shared, &RIGHTS, &mut random);
    let others = other_pages(4, &mut random);
    map(&mut space, &others, &RIGHTS, &mut random);
    let frames: Vec<Frame> = shared.iter().map(|page| frame_of(&space, *page)).collect();
    // Room for the list, before memory is short.
    let mut hoard = Vec::with_capacity(frame_allocator::free_count() as usize);
    // For the directory, the tables, and the pages that are not shared.
    let needed = 1 + space.directory().present(COPIED).count() + others.len();
    for free in 0..needed + 2 {
        // All frames except the lowest.
        hoard.extend(core::iter::from_fn(frame_allocator::allocate));
        hoard.sort_unstable_by_key(|owned: &OwnedFrame| Reverse(owned.frame().number()));
        let in_use = frame_allocator::taken_count();
        hoard.truncate(hoard.len() - free);
        show("how many frames are free for the copy", frame_allocator::free_count());
        let copy = copy(&space);
        show(
            "whether the copy fails for lack of memory",
            copy.as_ref().is_err_and(|error| *error == OutOfMemory).into(),
        );
        drop(copy);
        show("frames that stay in use after it", frame_allocator::taken_count() + free as u32 - in_use);
        for frame in &frames {
            show("how many owners a shared frame has after it", frame_allocator::owner_count(*frame));
        }
    }
}
