//! Judges exercise 9.2: address spaces with random pages, and their copies.

#![no_std]
#![no_main]

extern crate alloc;

use alloc::vec::Vec;
use common::VirtAddr;
use core::cmp::Reverse;
use core::mem;
use harness::seeded::{Random, Sight, look, show};
use harness::{Test, test};
use multitasking::rule::{COPIED, PRIVATE};
use multitasking::{AddressSpace, OutOfMemory};
use paging::{Flags, Frame, KERNEL, OwnedFrame, PAGE_BYTES, Page, Table, frame_allocator};

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

/// Fills the frames that are handed out next with random words. Otherwise they would hold zeros, as QEMU leaves them.
fn fill_free_frames(random: &mut Random) {
    // With room from the start, so that the heap takes no frame from among them.
    let mut frames = Vec::with_capacity(64);
    frames.extend(core::iter::from_fn(frame_allocator::allocate).take(64));
    frames.iter().for_each(|frame| fill(frame, random));
    // The one that is freed last is handed out first. So they come in the same order again.
    while frames.pop().is_some() {}
}

/// The frames of the private page tables of an address space, and those of its private pages.
fn private_frames(space: &AddressSpace) -> [Vec<Frame>; 2] {
    let tables: Vec<Frame> = space.directory().present(COPIED).map(|(_, entry)| entry.frame()).collect();
    // SAFETY: these are page tables, and they are only read.
    let pages = tables.iter().flat_map(|table| unsafe { Table::in_frame(*table) }.present(0..1024));
    let pages = pages.map(|(_, entry)| entry.frame()).collect();
    [tables, pages]
}

/// Copies while enough frames are free, and shows how many the copy takes.
fn copy_with_ample_memory(space: &AddressSpace) -> AddressSpace {
    let before = frame_allocator::taken_count();
    let copy = space.copy().expect("enough frames are free, so a copy must not fail");
    show(
        "frames that a copy takes: for its directory, its tables and its pages",
        frame_allocator::taken_count() - before,
    );
    copy
}

/// Shows what a copy consists of, and drops it if that is right. A wrong one would free frames that are not its own,
/// and the kernel would stop with a message that does not say why. Returns whether it was dropped.
fn show_and_drop(copy: AddressSpace, original: &AddressSpace) -> bool {
    let [tables, pages] = private_frames(&copy);
    let [tables_of_original, pages_of_original] = private_frames(original);
    let shared = |ours: &[Frame], theirs: &[Frame]| ours.iter().filter(|frame| theirs.contains(frame)).count();
    let (shared_tables, shared_pages) = (shared(&tables, &tables_of_original), shared(&pages, &pages_of_original));
    show("private page tables that original and copy share", shared_tables as u32);
    show("how many private page tables a copy has", tables.len() as u32);
    show("how many entries of these page tables are not empty", pages.len() as u32);
    show("frames of private pages that original and copy share", shared_pages as u32);
    let is_right = (shared_tables, shared_pages) == (0, 0)
        && (tables.len(), pages.len()) == (tables_of_original.len(), pages_of_original.len());
    if is_right {
        let before = frame_allocator::taken_count();
        drop(copy);
        show("frames that are freed when a copy is dropped", before - frame_allocator::taken_count());
    } else {
        mem::forget(copy);
    }
    is_right
}

fn a_copy_in_pieces() {
    let mut random = Random::new();
    let pages = pages(&mut random);
    let space = space_with(&pages, &mut random);
    fill_free_frames(&mut random);
    let copy = copy_with_ample_memory(&space);
    let kernel = KERNEL.lock().frame().address().as_u32();
    let directories = [kernel, directory_of(&space), directory_of(&copy)];
    look("the kernel's address space (1), the original (2) and the copy (3)", Sight::Spaces(&directories));
    show_and_drop(copy, &space);
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
    fill_free_frames(&mut random);
    let mut copy = space.copy().expect("enough frames are free, so a copy must not fail");
    show("how many pages a copy has, before their contents are compared", private_frames(&copy)[1].len() as u32);
    for page in &pages {
        show("a checksum of a page of the copy, before any write (0: the page is absent)", checksum(&copy, *page));
    }
    for page in &pages {
        if copy.directory().translate(page.address()).is_none() {
            // That has been shown, and the page cannot be written.
            continue;
        }
        let (value, other) = (random.word(), random.word());
        // SAFETY: no code relies on the contents of these pages.
        unsafe { space.write(page.address().wrapping_add(4 * random.within(0..1024)), &value) };
        show("a checksum of a page of the copy, after a write to the original's page", checksum(&copy, *page));
        // SAFETY: as above.
        unsafe { copy.write(page.address().wrapping_add(4 * random.within(0..1024)), &other) };
        show("a checksum of a page of the original, after a write to the copy's page", checksum(&space, *page));
    }
    for owned in &neighbors {
        let sum = checksum_at(owned.frame().in_window().address());
        show("a checksum of a frame that belongs to neither original nor copy", sum);
    }
    // Other tests look at what a drop frees.
    mem::forget([space, copy]);
}

/// How many frames a copy needs in `copies_without_memory`: for the directory, three tables and eight pages.
const NEEDED: usize = 12;

/// An address space with eight pages in three tables.
fn space_of_eight_pages(random: &mut Random) -> AddressSpace {
    const PAGES_PER_TABLE: u32 = 1024;
    let mut tables: [u32; 24] = core::array::from_fn(|number| (COPIED.start + 4 + 28 * number) as u32);
    random.shuffle(&mut tables);
    let mut pages = Vec::new();
    for (table, count) in tables.into_iter().zip([1, 4, 3]) {
        let first = table * PAGES_PER_TABLE + random.within(0..PAGES_PER_TABLE - count);
        pages.extend((first..first + count).map(|number| Page::containing(VirtAddr::new(number * PAGE_BYTES))));
    }
    space_with(&pages, random)
}

/// A label for each number of free frames up to [`NEEDED`].
macro_rules! labels {
    ($what:literal: $($free:literal)*) => {
        [$(concat!("with ", $free, " free frames, where the copy needs 12: ", $what)),*]
    };
}

const HOW_IT_ENDS: [&str; NEEDED + 1] = labels!("whether it fails with `OutOfMemory`": 0 1 2 3 4 5 6 7 8 9 10 11 12);
const WHAT_IT_LEAVES: [&str; NEEDED + 1] =
    labels!("frames that stay in use once it has failed, or is dropped": 0 1 2 3 4 5 6 7 8 9 10 11 12);

fn copies_without_memory() {
    let mut random = Random::new();
    let space = space_of_eight_pages(&mut random);
    // With room for all, before memory is short, and before the frames that a copy gets are free in any other order.
    let mut hoard = Vec::with_capacity(frame_allocator::free_count() as usize);
    fill_free_frames(&mut random);
    if !show_and_drop(copy_with_ample_memory(&space), &space) {
        return;
    }
    for free in 0..=NEEDED {
        // All frames except the lowest, which are handed out from the lowest on.
        hoard.extend(core::iter::from_fn(frame_allocator::allocate));
        hoard.sort_unstable_by_key(|owned: &OwnedFrame| Reverse(owned.frame().number()));
        let in_use = frame_allocator::taken_count();
        hoard.truncate(hoard.len() - free);
        let copy = space.copy();
        show(HOW_IT_ENDS[free], copy.as_ref().is_err_and(|error| *error == OutOfMemory).into());
        drop(copy);
        let left = (frame_allocator::taken_count() + free as u32).wrapping_sub(in_use);
        show(WHAT_IT_LEAVES[free], left);
        if left != 0 {
            return;
        }
    }
}
