//! Exercise 5.1: the memory of the screen at a second address.
//!
//! Two pages can mean the same frame. The frame of the screen belongs to no allocator, so it has no `OwnedFrame`, and
//! `Directory::map` cannot be used. The entry has to be written by hand.

#![no_std]

use common::PhysAddr;
use paging::directory::MapError;
use paging::{Entry, Flags, Frame, KERNEL, Page, Table};

/// The frame of the text screen's memory.
pub const SCREEN: Frame = Frame::containing(PhysAddr::new(0xB_8000));

/// Makes `page` mean the screen's frame, so that it can be read and written there too. Returns the entry that `page`
/// had before.
///
/// # Errors
/// If there is no frame for a page table.
///
/// # Safety
/// No code uses `page`.
pub unsafe fn show_at(page: Page) -> Result<Entry, MapError> {
    let mut kernel = KERNEL.lock();
    kernel.make_tables(page.address()..page.address().wrapping_add(1))?;
    let before = kernel.entry_of(page).expect("it has a table now");
    let table = kernel.entry(page.directory_index()).frame();
    // SAFETY: the kernel's page tables stay, and the caller promises that no code relies on the old entry.
    unsafe { Table::in_frame(table).set(page.table_index(), Entry::new(SCREEN, Flags::WRITABLE)) };
    // The page may have meant something before.
    flush(page);
    Ok(before)
}

/// Gives `page` its former entry again.
///
/// # Safety
/// [`show_at`] has returned `before` for this page, and no code uses the page.
pub unsafe fn hide(page: Page, before: Entry) {
    let table = KERNEL.lock().entry(page.directory_index()).frame();
    // SAFETY: as in `show_at`.
    unsafe { Table::in_frame(table).set(page.table_index(), before) };
    flush(page);
}

/// Makes the CPU forget what it remembers of a page.
fn flush(page: Page) {
    // SAFETY: if the CPU forgets an entry, it looks it up again.
    unsafe { x86::tlb::flush(page.address().as_u32() as usize) };
}
