//! Copying the private part of an address space, a page at a time.

#![cfg(target_os = "none")]

use super::address_space::OutOfMemory;
use core::arch::asm;
use core::ops::Range;
use paging::directory::table_in;
use paging::{Entry, Frame, frame_allocator};

/// The entries that are present, of the directory or table in `frame`, from those in `range`.
///
/// # Safety
/// The frame holds a directory or a table for as long as they are looked at, and the range ends at 1024 at most.
pub(super) unsafe fn present(frame: Frame, range: Range<usize>) -> Present {
    Present { table: table_in(frame).cast(), left: range.len(), end: range.end }
}

/// Goes over the entries of a table that are present.
///
/// Few of so many are, so the CPU's own loop skips the absent ones, which are 0 in all bits. The CPU may be
/// using the table meanwhile, and sets "accessed" and "dirty" in it at any time; so of an entry that was found
/// one single read counts.
pub(super) struct Present {
    table: *const Entry,
    left: usize,
    end: usize,
}

impl Iterator for Present {
    type Item = (usize, Entry);

    #[inline(always)] // once for every page that is copied
    fn next(&mut self) -> Option<Self::Item> {
        let found: u32;
        // SAFETY: callers of `present` name a table, whose 1024 entries lie in the identity window. They are
        // only read.
        unsafe {
            asm!(
                "xor eax, eax", // an absent entry; and "equal", should there be none to look at
                "repe scasd",
                "setne al",
                out("eax") found,
                inout("edi") self.table.add(self.end - self.left) => _,
                inout("ecx") self.left,
                options(nostack, readonly),
            );
        }
        let index = self.end - self.left - 1;
        // SAFETY: as above.
        (found != 0).then(|| (index, unsafe { self.table.add(index).read_volatile() }))
    }
}

// ANCHOR: pages
/// Copies every page of the table in `from` into a frame of its own, with the same rights, noted in the
/// empty table in `to`.
///
/// # Safety
/// Both frames hold tables: `from` one that stays as it is meanwhile, `to` one that is not in use yet.
pub(super) unsafe fn copy_pages(from: Frame, to: Frame) -> Result<(), OutOfMemory> {
    let to: *mut Entry = table_in(to).cast();
    // SAFETY: the caller's.
    for (index, page) in unsafe { present(from, 0..1024) } {
        let copy = frame_allocator::allocate().ok_or(OutOfMemory)?;
        // SAFETY: the page's frame stays as long as its table; the copy was free. `to` is the caller's, and has an entry
        // with every index that a table has.
        unsafe {
            copy_frame(page.frame(), copy.frame());
            to.add(index).write(copy.into_entry(page.flags()));
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
