//! Judges exercise 9.2: address spaces with random pages, and their copies.

#![no_std]
#![no_main]

extern crate alloc;

use alloc::vec::Vec;
use common::VirtAddr;
use core::cmp::Reverse;
use harness::seeded::{Random, Sight, look, show};
use harness::{Test, test};
use multitasking::rule::PRIVATE;
use multitasking::{AddressSpace, OutOfMemory};
use paging::{Flags, KERNEL, OwnedFrame, PAGE_BYTES, Page, frame_allocator};

harness::boot!(TESTS, up to heap, then {
    timer::init(1000).expect("within the timer's range");
    timer::start();
    threads::init(1);
    multitasking::init();
});

const TESTS: &[Test] = &[test!(a_copy_in_pieces), test!(contents_of_a_copy), test!(copies_without_memory)];

/// Pages that are far from each other, and some that are neighbors.
fn pages(random: &mut Random) -> Vec<Page> {
    let mut pages: Vec<Page> = Vec::new();
    let (lowest, end) = (PRIVATE.start.as_u32() / PAGE_BYTES, PRIVATE.end.as_u32() / PAGE_BYTES - 8);
    for _ in 0..random.within(4..8) {
        let first = random.within(lowest..end);
        for number in first..first + random.within(1..5) {
            let page = Page::containing(VirtAddr::new(number * PAGE_BYTES));
            if !pages.contains(&page) {
                pages.push(page);
            }
        }
    }
    pages
}

const RIGHTS: [Flags; 4] = [Flags::empty(), Flags::WRITABLE, Flags::USER, Flags::WRITABLE.union(Flags::USER)];

/// An address space with these pages, which have random contents, and all kinds of rights.
fn space_with(pages: &[Page], random: &mut Random) -> AddressSpace {
    let mut space = AddressSpace::new().expect("a frame for the directory");
    for (page, rights) in pages.iter().zip(RIGHTS.into_iter().cycle().skip(random.within(0..4) as usize)) {
        let frame = frame_allocator::allocate().expect("a frame for a page");
        fill(&frame, random);
        // SAFETY: the frame was free, and the CPU does not use the space.
        unsafe { space.map_frame(*page, frame, rights) }.expect("frames for tables");
    }
    space
}

/// Fills a frame with random words.
fn fill(frame: &OwnedFrame, random: &mut Random) {
    let start = frame.frame().in_window().address().as_ptr::<u32>();
    for word in 0..PAGE_BYTES / 4 {
        // SAFETY: the frame is ours, and lies in the identity map.
        unsafe { start.add(word as usize).write_volatile(random.word()) };
    }
}

/// A number that depends on every word of a page of an address space; 0 if the page is not mapped.
fn checksum(space: &AddressSpace, page: Page) -> u32 {
    space.directory().translate(page.address()).map_or(0, |start| checksum_at(VirtAddr::new(start.as_u32())))
}

/// A number that depends on every word of a page of the identity map.
fn checksum_at(start: VirtAddr) -> u32 {
    let start = start.as_ptr::<u32>();
    (0..PAGE_BYTES as usize / 4).fold(1, |sum: u32, word| {
        // SAFETY: the frame lies in the identity map.
        sum.rotate_left(5).wrapping_mul(0x9E37_79B9) ^ unsafe { start.add(word).read_volatile() }
    })
}

fn directory_of(space: &AddressSpace) -> u32 {
    space.directory().frame().address().as_u32()
}

fn a_copy_in_pieces() {
    let mut random = Random::new();
    let pages = pages(&mut random);
    let space = space_with(&pages, &mut random);
    let before = frame_allocator::taken_count();
    let copy = space.copy().expect("frames for a copy");
    show("frames that the copy takes", frame_allocator::taken_count() - before);
    let kernel = KERNEL.lock().frame().address().as_u32();
    let directories = [kernel, directory_of(&space), directory_of(&copy)];
    look("the kernel's address space (1), the original (2) and the copy (3)", Sight::Spaces(&directories));
    let tables: Vec<u32> = [&space, &copy]
        .iter()
        .flat_map(|space| space.directory().present(32..768))
        .map(|(_, entry)| entry.frame().number())
        .collect();
    let shared = (0..tables.len()).filter(|one| tables[..*one].contains(&tables[*one])).count();
    show("page tables that original and copy share in the private part", shared as u32);
    drop(copy);
    show("frames that stay in use once the copy is dropped", frame_allocator::taken_count() - before);
}

/// Frames that are in use, filled with random words. The next frames that the allocator hands out lie between them.
fn neighbors(random: &mut Random) -> Vec<OwnedFrame> {
    let mut frames: Vec<OwnedFrame> = core::iter::from_fn(frame_allocator::allocate).take(256).collect();
    frames.sort_unstable_by_key(|owned| owned.frame().number());
    let mut is_odd = false;
    frames.retain(|_| {
        is_odd = !is_odd;
        !is_odd
    });
    frames.iter().for_each(|frame| fill(frame, random));
    frames
}

fn contents_of_a_copy() {
    let mut random = Random::new();
    let neighbors = neighbors(&mut random);
    let pages = pages(&mut random);
    let mut space = space_with(&pages, &mut random);
    let mut copy = space.copy().expect("frames for a copy");
    for page in &pages {
        show("a checksum of a page of the copy", checksum(&copy, *page));
    }
    for page in &pages {
        let (value, other) = (random.word(), random.word());
        // SAFETY: no code relies on the contents of these pages.
        unsafe { space.write(page.address().wrapping_add(4 * random.within(0..1024)), &value) };
        show("a checksum of the copy's page after a write to the original", checksum(&copy, *page));
        // SAFETY: as above.
        unsafe { copy.write(page.address().wrapping_add(4 * random.within(0..1024)), &other) };
        show("a checksum of the original's page after a write to the copy", checksum(&space, *page));
    }
    for owned in &neighbors {
        let sum = checksum_at(owned.frame().in_window().address());
        show("a checksum of a frame that neither of the two has", sum);
    }
}

fn copies_without_memory() {
    let mut random = Random::new();
    let pages = pages(&mut random);
    let space = space_with(&pages, &mut random);
    let before = frame_allocator::taken_count();
    drop(space.copy().expect("frames for a copy"));
    // Room for the list, before memory is short.
    let mut hoard = Vec::with_capacity(frame_allocator::free_count() as usize);
    for free in 0..pages.len() + 4 {
        // All frames except the lowest, which are handed out from the lowest on.
        hoard.extend(core::iter::from_fn(frame_allocator::allocate));
        hoard.sort_unstable_by_key(|owned: &OwnedFrame| Reverse(owned.frame().number()));
        let in_use = frame_allocator::taken_count();
        hoard.truncate(hoard.len() - free);
        show("how many frames are free for the copy", frame_allocator::free_count());
        let copy = space.copy();
        show(
            "whether the copy fails for lack of memory",
            copy.as_ref().is_err_and(|error| *error == OutOfMemory).into(),
        );
        drop(copy);
        show("frames that stay in use after it", frame_allocator::taken_count() + free as u32 - in_use);
    }
    drop(hoard);
    show("frames in use at the end, compared with the beginning", frame_allocator::taken_count() - before);
}
