//! Judges exercise 5.1: random pages that mean the screen's frame.

#![no_std]
#![no_main]

use common::VirtAddr;
use ex05_screen_twice::{SCREEN, hide, show_at};
use harness::seeded::{Random, Sight, look, show};
use harness::{Test, test};
use paging::{Entry, Flags, KERNEL, Page, Table, frame_allocator};

harness::boot!(TESTS, up to paging);

const TESTS: &[Test] =
    &[test!(the_screen_at_a_second_page), test!(all_other_pages), test!(the_page_after_it_was_hidden)];

const CELLS: u32 = 80 * 25;

/// A page somewhere above the identity map.
fn page(random: &mut Random) -> Page {
    Page::containing(VirtAddr::new(random.within(0x4_0000..0xF_0000) << 12))
}

fn cell(page: Page, number: u32) -> *mut u16 {
    page.address().wrapping_add(2 * number).as_ptr()
}

fn the_screen_at_a_second_page() {
    let mut random = Random::new();
    let page = page(&mut random);
    let first = SCREEN.in_window();
    // SAFETY: no other code uses the page.
    unsafe { show_at(page) }.expect("a frame for a page table");
    for _ in 0..50 {
        let (number, value) = (random.within(0..CELLS), random.word() as u16);
        // SAFETY: both pages mean the memory of the screen, whose cells may have any value.
        let there = unsafe {
            cell(page, number).write_volatile(value);
            cell(first, number).read_volatile()
        };
        show("a cell of the screen that was written through the new page", there.into());
        let (number, value) = (random.within(0..CELLS), random.word() as u16);
        // SAFETY: as above.
        let there = unsafe {
            cell(first, number).write_volatile(value);
            cell(page, number).read_volatile()
        };
        show("a cell of the screen that is read through the new page", there.into());
    }
}

fn all_other_pages() {
    let mut random = Random::new();
    let before = frame_allocator::free_count();
    for _ in 0..5 {
        let page = page(&mut random);
        // SAFETY: no other code uses the page.
        let old = unsafe { show_at(page) }.expect("a frame for a page table");
        show("whether the page was absent before", (!old.is_present()).into());
        if random.within(0..2) == 0 {
            // SAFETY: as above.
            unsafe { hide(page, old) };
        }
    }
    show("how many frames are taken", before - frame_allocator::free_count());
    let kernel = KERNEL.lock().frame().address().as_u32();
    look("the kernel's address space (1)", Sight::Spaces(&[kernel]));
}

fn the_page_after_it_was_hidden() {
    let mut random = Random::new();
    for _ in 0..5 {
        let page = page(&mut random);
        // SAFETY: no other code uses the page.
        let old = unsafe { show_at(page) }.expect("a frame for a page table");
        // SAFETY: the page means the screen. Now the CPU knows its entry.
        unsafe { cell(page, 0).write_volatile(0x4F41) };
        // SAFETY: no code uses the page any more.
        unsafe { hide(page, old) };
        let entry = KERNEL.lock().entry_of(page).expect("it has a table");
        show("whether the entry is the former one again", (entry == old).into());

        // Another frame takes the page. If the CPU still remembers the old entry, it finds the screen.
        let frame = frame_allocator::allocate().expect("a frame").into_frame();
        let value = random.word() as u16;
        let table = KERNEL.lock().entry(page.directory_index()).frame();
        // SAFETY: the frame was free, and the page is absent.
        unsafe {
            cell(frame.in_window(), 0).write_volatile(value);
            Table::in_frame(table).set(page.table_index(), Entry::new(frame, Flags::WRITABLE));
            show("what the page contains once it means another frame", cell(page, 0).read_volatile().into());
        }
    }
}
