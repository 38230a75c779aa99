//! Copying the private part of an address space, a page at a time.

#![cfg(target_os = "none")]

use super::address_space::OutOfMemory;
use core::arch::asm;
use paging::{Frame, Table, frame_allocator};

// ANCHOR: pages
/// Copies every page of the table `from` into a frame of its own, with the same rights, noted in the empty table `to`.
///
/// # Safety
/// `from` is a page table that stays as it is meanwhile, `to` one that is not in use yet.
pub(super) unsafe fn copy_pages(from: Table, to: Table) -> Result<(), OutOfMemory> {
    for (index, page) in from.present(0..1024) {
        let copy = frame_allocator::allocate().ok_or(OutOfMemory)?;
        // SAFETY: the page's frame stays as long as its table; the copy was free. The index is a table's, and the table
        // is not in use.
        unsafe {
            copy_frame(page.frame(), copy.frame());
            to.set(index, copy.into_entry(page.flags()));
        }
    }
    Ok(())
}
// ANCHOR_END: pages

// ANCHOR: frame
/// Copies 4 KiB through the identity window. An interrupt may come between any two words.
///
/// # Safety
/// `from` is in use, and `to` is used by nothing else.
unsafe fn copy_frame(from: Frame, to: Frame) {
    let (from, to) = (from.in_window().address(), to.in_window().address());
    // SAFETY: both frames are seen in the window; for the rest, the caller's. The compiler keeps ESI to itself, so it
    // is put back.
    unsafe {
        asm!(
            "xchg esi, {from}",
            "rep movsd",
            "xchg esi, {from}",
            from = inout(reg) from.as_u32() => _,
            inout("edi") to.as_u32() => _,
            inout("ecx") 1024 => _,
            options(nostack, preserves_flags),
        );
    }
}
// ANCHOR_END: frame
