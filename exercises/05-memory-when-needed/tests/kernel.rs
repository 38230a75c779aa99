//! Judges exercise 5.4: random uses of the region.

#![no_std]
#![no_main]

use common::{VirtAddr, image};
use ex05_memory_when_needed::{REGION, fault_count, give_back, init};
use harness::seeded::{Random, Sight, look, show};
use harness::{End, Test, test};
use paging::{Flags, KERNEL, PAGE_BYTES, Page, frame_allocator};

harness::boot!(TESTS, up to paging);

const TESTS: &[Test] = &[
    test!(pages_on_demand),
    test!(pages_at_the_edges),
    test!(a_fault_behind_the_region)
        .ends(End::Stop("a write to 0x50400000 in no region of the kernel: the page is not present")),
    test!(a_fault_of_a_present_page)
        .ends(End::Stop("a write to 0x50001004 in no region of the kernel: the page is read-only")),
    test!(pages_given_back),
    test!(the_last_frames),
    test!(one_page_too_many).ends(End::Stop("EXCEPTION: page fault: a read of 0x50000000 in no region")),
];

/// How many pages the region has.
const PAGES: u32 = 1024;

/// The address of a word of the region.
fn word(page: u32, number: u32) -> *mut u32 {
    REGION.start.wrapping_add(page * PAGE_BYTES + 4 * number).as_ptr()
}

fn read(page: u32, number: u32) -> u32 {
    // SAFETY: the word lies in the region, and no reference leads there.
    unsafe { word(page, number).read_volatile() }
}

fn write(page: u32, number: u32, value: u32) {
    // SAFETY: as in `read`.
    unsafe { word(page, number).write_volatile(value) };
}

/// Random pages, all of them different.
fn pages<const COUNT: usize>(random: &mut Random) -> [u32; COUNT] {
    let step = PAGES / COUNT as u32;
    let mut pages = core::array::from_fn(|number| number as u32 * step + random.within(0..step));
    random.shuffle(&mut pages);
    pages
}

/// Fills the frames that are handed out next with random words.
fn fill_free_frames(random: &mut Random) {
    let frames = [(); 40].map(|()| frame_allocator::allocate().expect("a free frame"));
    for owned in &frames {
        let start = owned.frame().in_window().address().as_ptr::<u32>();
        for word in 0..PAGE_BYTES as usize / 4 {
            // SAFETY: the frame was free, and lies in the identity map.
            unsafe { start.add(word).write_volatile(random.word()) };
        }
    }
}

fn pages_on_demand() {
    let mut random = Random::new();
    init();
    fill_free_frames(&mut random);
    let before = frame_allocator::free_count();
    for page in pages::<10>(&mut random) {
        let (place, value) = (random.within(0..PAGE_BYTES / 4), random.word());
        if random.within(0..2) == 0 {
            let sum = (0..PAGE_BYTES / 4).fold(0, |sum, number| sum | read(page, number));
            show("all words of a page at its first use, combined by \"or\" (0: all are zeros)", sum);
            write(page, place, value);
        } else {
            write(page, place, value);
            let others = (0..PAGE_BYTES / 4).filter(|number| *number != place);
            show(
                "all words of a page but the one whose write was its first use, combined by \"or\" (0: all are zeros)",
                others.fold(0, |sum, number| sum | read(page, number)),
            );
        }
        show("a word that was written to a page at or after its first use", read(page, place));
        write(page, place, !value);
        show("the same word after a second write", read(page, place));
        show("how many faults were counted so far, with one for each page", fault_count());
        show("how many frames are in use so far, with one for each page", before - frame_allocator::free_count());
    }
    // The part of the kernel's address space above the identity map.
    // SAFETY: the new directory is only looked at.
    let linked = unsafe { KERNEL.lock().link(Some(32..1024)) }.expect("a frame for a directory");
    look("the kernel's address space above 128 MiB (1)", Sight::Spaces(&[linked.frame().address().as_u32()]));
}

fn pages_at_the_edges() {
    let mut random = Random::new();
    init();
    for (page, number) in [(0, 0), (PAGES - 1, 1023), (random.within(1..PAGES - 1), random.within(0..1024))] {
        write(page, number, random.word());
        show("a word that was written at an edge of the region", read(page, number));
        show("how many faults were counted for pages at the edges", fault_count());
    }
    let kernel = KERNEL.lock();
    for outside in [REGION.start.wrapping_sub(4), REGION.end] {
        show("whether the page beside the region is absent", kernel.translate(outside).is_none().into());
    }
    // The kernel's own parts keep their rights.
    let is_read_only = |address| kernel.rights(Page::containing(address)) == Some(Flags::PRESENT);
    show("whether the kernel's instructions are read-only", is_read_only(image::text().start).into());
}

fn a_fault_behind_the_region() {
    init();
    write(0, 0, 1);
    write(PAGES, 0, 1);
}

fn a_fault_of_a_present_page() {
    init();
    write(1, 1, 1);
    let page = Page::containing(VirtAddr::from(word(1, 1).cast_const()));
    // SAFETY: the test writes to the page once more, to see that it cannot.
    unsafe { KERNEL.lock().protect(page, Flags::empty()) }.expect("it is mapped").flush();
    write(1, 1, 2);
}

fn pages_given_back() {
    let mut random = Random::new();
    init();
    let before = frame_allocator::free_count();
    for _ in 0..3 {
        let pages = pages::<12>(&mut random);
        for page in pages {
            write(page, random.within(0..1024), random.word() | 1);
        }
        show("how many frames are in use for 12 pages", before - frame_allocator::free_count());
        // SAFETY: no reference leads into the region.
        show("what `give_back` returns for 12 pages", unsafe { give_back() });
        show("how many of their frames are still in use after `give_back`", before - frame_allocator::free_count());
        for page in pages {
            let sum = (0..PAGE_BYTES / 4).fold(0, |sum, number| sum | read(page, number));
            show(
                "all words of a page that is used again after `give_back`, combined by \"or\" (0: all are zeros)",
                sum,
            );
        }
        show("how many faults were counted so far, with two for each page that was used", fault_count());
        // SAFETY: no reference leads into the region.
        show("what a second `give_back` returns, once the 12 pages were used again", unsafe { give_back() });
    }
    // SAFETY: no reference leads into the region.
    show("what `give_back` returns when no page has appeared", unsafe { give_back() });
    show("how many frames are in use at the end", before - frame_allocator::free_count());
}

/// Leaves this many frames free.
fn hoard(free: u32) {
    while frame_allocator::free_count() > free {
        frame_allocator::allocate().expect("a free frame").into_frame();
    }
}

fn the_last_frames() {
    let mut random = Random::new();
    init();
    let free = random.within(5..20);
    hoard(free);
    for page in &pages::<20>(&mut random)[..free as usize] {
        write(*page, 0, random.word());
        show("a word that was written while few frames were free", read(*page, 0));
        show("how many frames are free after the use of one more page", frame_allocator::free_count());
    }
    show("how many faults were counted once no frame was free", fault_count());
    // SAFETY: no reference leads into the region.
    show("what `give_back` returns once no frame was free", unsafe { give_back() });
    show("how many frames are free after `give_back`", frame_allocator::free_count());
}

fn one_page_too_many() {
    init();
    hoard(3);
    (1..4).for_each(|page| write(page, 0, 1));
    read(0, 0);
}
