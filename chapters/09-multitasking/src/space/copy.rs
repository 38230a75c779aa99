//! Copies the private part of an address space, one page at a time.

#![cfg(target_os = "none")]

use super::address_space::OutOfMemory;
use core::arch::asm;
use paging::{Frame, Table, frame_allocator};

// ANCHOR: pages
/// Copies every page of the table `from` into a frame of its own, with the same rights, for the empty table `to`.
///
/// # Safety
/// `from` is a page table that stays unchanged meanwhile. `to` is a page table that is not in use yet.
pub(super) unsafe fn copy_pages(from: Table, to: Table) -> Result<(), OutOfMemory> {
    for (index, page) in from.present(0..1024) {
        let copy = frame_allocator::allocate().ok_or(OutOfMemory)?;
        // SAFETY: the page's frame stays as long as its table; the copy's frame was free. The index is within a table,
        // and `to` is not in use.
        unsafe {
            copy_frame(page.frame(), copy.frame());
            to.set(index, copy.into_entry(page.flags()));
        }
    }
    Ok(())
}
// ANCHOR_END: pages

// ANCHOR: frame
/// Copies 4 KiB through the identity map. An interrupt may come between any two words, and if the page belongs to the
/// stack in use, it pushes onto the page that is being copied. Rust's own copy functions do not allow that.
///
/// # Safety
/// `from` is in use, and nothing else uses `to`.
unsafe fn copy_frame(from: Frame, to: Frame) {
    let (from, to) = (from.in_window().address(), to.in_window().address());
    // SAFETY: the identity map shows both frames; the rest is the caller's. The compiler reserves ESI, so the code
    // restores it.
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
