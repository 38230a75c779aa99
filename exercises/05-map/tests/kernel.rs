//! Judges exercise 5.3: address spaces with random pages.

#![no_std]
#![no_main]

use common::VirtAddr;
use core::mem;
use harness::seeded::{Random, Sight, look, show};
use harness::{Test, test};
use paging::directory::{Directory, MapError, NotMapped};
use paging::{Flags, Frame, KERNEL, OwnedFrame, PAGE_BYTES, Page, frame_allocator};

harness::boot!(TESTS, up to paging);

const TESTS: &[Test] = &[test!(random_maps), test!(random_unmaps), test!(maps_that_fail), test!(random_translations)];

/// How many pages a test maps.
const COUNT: usize = 16;
/// What stands for "no address".
const NOWHERE: u32 = u32::MAX;

/// Four runs of four pages, each in a quarter of the address space, in a random order. One run goes on in the next page
/// table.
fn pages(random: &mut Random) -> [Page; COUNT] {
    let mut numbers = [0; COUNT];
    for (quarter, run) in (0..).zip(numbers.chunks_mut(4)) {
        let offset = if quarter == 1 { random.within(1..200) * 1024 - 2 } else { random.within(0..(1 << 18) - 4) };
        (0..).zip(run).for_each(|(place, number)| *number = (quarter << 18) + offset + place);
    }
    let mut pages = numbers.map(|number| Page::containing(VirtAddr::new(number * PAGE_BYTES)));
    random.shuffle(&mut pages);
    pages
}

fn allocate() -> OwnedFrame {
    frame_allocator::allocate().expect("a free frame")
}

/// An address space that is not in use.
fn new_space() -> Directory {
    // SAFETY: it takes no other directory's place.
    unsafe { Directory::new() }.expect("a free frame")
}

/// Fills the frames that are handed out next.
fn fill_free_frames(mut word: impl FnMut() -> u32) {
    let frames = [(); 3 * COUNT].map(|()| allocate());
    for owned in &frames {
        let start = owned.frame().in_window().address().as_ptr::<u32>();
        for place in 0..PAGE_BYTES as usize / 4 {
            // SAFETY: the frame was free, and lies in the identity map.
            unsafe { start.add(place).write_volatile(word()) };
        }
    }
}

/// Maps all pages, and returns their frames.
fn map_all(space: &mut Directory, pages: [Page; COUNT]) -> [Frame; COUNT] {
    pages.map(|page| {
        let owned = allocate();
        let frame = owned.frame();
        // SAFETY: the frame was free, and the space is not in use.
        unsafe { space.map(page, owned, Flags::WRITABLE) }.expect("the page is absent").ignore();
        frame
    })
}

fn random_maps() {
    let mut random = Random::new();
    fill_free_frames(|| random.word());
    let pages = pages(&mut random);
    let mut space = new_space();
    let before = frame_allocator::free_count();
    let mut shared: Option<OwnedFrame> = None;
    for page in pages {
        let owned = shared.take().unwrap_or_else(allocate);
        let frame = owned.frame();
        if random.within(0..4) == 0 {
            shared = Some(owned.share().expect("it has few owners"));
        }
        let flags = Flags::from_bits_truncate(random.word());
        // SAFETY: the frame was free, and the space is not in use.
        unsafe { space.map(page, owned, flags) }.expect("the page is absent").ignore();
        let entry = space.entry_of(page).expect("it has a page table now");
        show("the flags of the new entry", entry.flags().bits());
        show("whether the new entry has the page's frame", (entry.frame() == frame).into());
        show("how many frames are in use for pages and page tables", before - frame_allocator::free_count());
    }
    look("the new address space (1)", Sight::Spaces(&[space.frame().address().as_u32()]));
}

fn random_unmaps() {
    let mut random = Random::new();
    // What the boot loader has left in them differs from one machine to another.
    fill_free_frames(|| 0);
    let mut space = new_space();
    let mut pages = pages(&mut random);
    let frames = map_all(&mut space, pages);
    let mut order: [usize; COUNT] = core::array::from_fn(|number| number);
    random.shuffle(&mut order);
    for number in order {
        let (page, frame) = (pages[number], frames[number]);
        // SAFETY: the space is not in use.
        let (owned, flush) = unsafe { space.unmap(page) }.expect("it is mapped");
        flush.ignore();
        show("whether the share is that of the page's frame", (owned.frame() == frame).into());
        show("how many owners the frame has while the share is kept", frame_allocator::owner_count(frame));
        drop(owned);
        show("how many owners the frame has after that", frame_allocator::owner_count(frame));
        let entry = space.entry_of(page).expect("the page table stays");
        show("the flags of the page's entry after unmapping", entry.flags().bits());
        show("the number of the frame in the page's entry after unmapping", entry.frame().number());
    }
    random.shuffle(&mut pages);
    for page in &pages[..4] {
        show_refusal("whether a page that is not mapped is refused", &mut space, *page);
    }
    let kernel = &mut *KERNEL.lock();
    show_refusal("whether a page without a page table is refused", kernel, page_above(0x4_0000, &mut random));
    show_refusal("whether a large page is refused", kernel, Page::containing(VirtAddr::new(8 << 20)));
    show_refusal("whether a page of the identity map is refused", kernel, allocate().into_frame().in_window());

    // Two frames, one after the other, at one page of the space in use.
    let page = page_above(0x8_0000, &mut random);
    for value in [random.word(), random.word()] {
        let owned = allocate();
        let there = owned.frame().in_window().address().as_ptr::<u32>();
        // SAFETY: the frame was free, and no other code uses the page.
        unsafe {
            there.write_volatile(value);
            kernel.map(page, owned, Flags::empty()).expect("the page is absent").flush();
            show(
                "what is read at a page that had another frame before",
                page.address().as_ptr::<u32>().read_volatile(),
            );
            let (owned, flush) = kernel.unmap(page).expect("it is mapped");
            flush.flush();
            mem::forget(owned);
        }
    }
}

/// A random page in the 256 MiB from this page on.
fn page_above(number: u32, random: &mut Random) -> Page {
    Page::containing(VirtAddr::new((number + random.within(0..0x1_0000)) * PAGE_BYTES))
}

/// Tries to unmap a page that owns no share. Shows 1 if the error names it, and then whether its entries are as they
/// were.
fn show_refusal(label: &'static str, space: &mut Directory, page: Page) {
    let before = entries(space, page);
    // SAFETY: no other code uses the page.
    let is_refused = match unsafe { space.unmap(page) } {
        Ok((owned, flush)) => {
            flush.flush();
            // It was never a share, so it cannot be given back.
            mem::forget(owned);
            false
        }
        Err(NotMapped(named)) => named == page,
    };
    show(label, is_refused.into());
    show("whether that page's entry is as it was", (entries(space, page) == before).into());
}

/// The entries of a page in the directory and in the page table, without what the CPU notes in them.
fn entries(space: &Directory, page: Page) -> [Option<(Frame, Flags)>; 2] {
    let noted = Flags::ACCESSED | Flags::DIRTY;
    let entries = [Some(space.entry(page.directory_index())), space.entry_of(page)];
    entries.map(|entry| entry.map(|entry| (entry.frame(), entry.flags() - noted)))
}

fn maps_that_fail() {
    let mut random = Random::new();
    // What the boot loader has left in them differs from one machine to another.
    fill_free_frames(|| 0);
    let mut space = new_space();
    let pages = pages(&mut random);
    let frames = map_all(&mut space, pages);
    for (page, frame) in pages.into_iter().zip(frames) {
        let (owned, before) = (allocate(), space.entry_of(page));
        let other = owned.frame();
        let error = fails(&mut space, page, owned, frame);
        show("the error for a page that is mapped already (1: with its frame, 2: with another)", error);
        show("whether the page's entry is as it was", (space.entry_of(page) == before).into());
        show("how many owners the frame has that could not be mapped", frame_allocator::owner_count(other));
    }
    let large = Page::containing(VirtAddr::new((4 + random.within(0..8)) << 20));
    let first = Frame::from_number(large.directory_index() as u32 * 1024);
    let error = fails(&mut KERNEL.lock(), large, allocate(), first);
    show("the error for a page in a large page (1: with the large page's frame, 2: with another)", error);

    let owned = allocate();
    while let Some(frame) = frame_allocator::allocate() {
        frame.into_frame();
    }
    let mut empty_page = || loop {
        let page = Page::containing(VirtAddr::new(random.within(0..1 << 20) * PAGE_BYTES));
        if !space.entry(page.directory_index()).is_present() {
            break page;
        }
    };
    let (page, other) = (empty_page(), empty_page());
    show("the error without memory for a page table (3: out of memory)", fails(&mut space, page, owned, first));
    show(
        "whether the directory's entry is absent after that",
        (!space.entry(page.directory_index()).is_present()).into(),
    );
    show("how many frames are free, because the share was given back", frame_allocator::free_count());
    let last = allocate();
    show("the error for the second try without memory", fails(&mut space, other, last, first));
    show("how many frames are free after the second try", frame_allocator::free_count());
}

/// Maps a page, which must fail. 0 if it does not; 1 or 2 if the page is mapped, to this frame or another; 3 without
/// memory.
fn fails(space: &mut Directory, page: Page, owned: OwnedFrame, frame: Frame) -> u32 {
    // SAFETY: no other code uses the page.
    match unsafe { space.map(page, owned, Flags::WRITABLE) } {
        Ok(flush) => {
            flush.flush();
            0
        }
        Err(MapError::AlreadyMapped(named)) => {
            if named == frame {
                1
            } else {
                2
            }
        }
        Err(MapError::OutOfMemory) => 3,
    }
}

fn random_translations() {
    let mut random = Random::new();
    // What the boot loader has left in them differs from one machine to another.
    fill_free_frames(|| 0);
    let mut space = new_space();
    let pages = pages(&mut random);
    let frames = map_all(&mut space, pages);
    for (page, frame) in pages.into_iter().zip(frames) {
        let address = page.address().wrapping_add(random.within(0..PAGE_BYTES));
        let found = space.translate(address).map_or(NOWHERE, |found| found.as_u32() - frame.address().as_u32());
        show("how far behind the start of its frame an address lies", found);
    }
    for page in pages {
        let address = page.address().wrapping_add(2 * random.within(2..1000) * PAGE_BYTES);
        let is_mapped = pages.contains(&Page::containing(address));
        let found = space.translate(address).map_or(NOWHERE, |_| 0);
        if !is_mapped {
            show("where an address leads whose page is absent (0xffffffff: nowhere)", found);
        }
    }
    let kernel = KERNEL.lock();
    for _ in 0..20 {
        let translate = |address| kernel.translate(VirtAddr::new(address)).map_or(NOWHERE, |found| found.as_u32());
        show("where an address in a large page leads", translate(random.within(4 << 20..12 << 20)));
        show("where an address below 1 MiB leads", translate(random.within(PAGE_BYTES..1 << 20)));
        show("where an address in page 0 leads", translate(random.within(0..PAGE_BYTES)));
        show("where an address without a page table leads", translate(random.within(1 << 30..u32::MAX)));
    }
}
