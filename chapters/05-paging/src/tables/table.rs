//! A table: the 1024 entries of a page directory, or of a page table.
//!
//! A page table may belong to several directories, and code may change it through each of them. The CPU, too, sets
//! "accessed" and "dirty" in it at any time. A reference of Rust's would promise that the table stays as it is
//! while the reference lives. So there are none: each entry is read and written by itself, by value.

#![cfg(target_os = "none")]

use crate::frames::page::Frame;
use crate::tables::entry::Entry;
use core::arch::asm;
use core::ops::Range;

/// How many entries a table has.
const ENTRIES: usize = 1024;

// ANCHOR: table
/// A page directory, or a page table.
#[derive(Clone, Copy)]
pub struct Table(*mut Entry);

impl Table {
    /// The table in `frame`.
    ///
    /// # Safety
    /// The frame holds a table, and goes on to hold it as long as this value is used.
    #[inline(always)]
    pub unsafe fn in_frame(frame: Frame) -> Self {
        Self(frame.in_window().address().as_ptr())
    }

    /// Entry `index`, as it is now.
    ///
    /// # Panics
    /// If there are not so many.
    #[inline(always)]
    pub fn entry(self, index: usize) -> Entry {
        assert!(index < ENTRIES, "a table has 1024 entries");
        // SAFETY: a table has so many entries, and lies in the identity map.
        unsafe { self.0.add(index).read_volatile() }
    }

    /// Writes entry `index`.
    ///
    /// # Safety
    /// There is such an entry. What a present entry refers to must be a page table, or memory as for
    /// [`Directory::map`](crate::Directory::map); and no code may rely on what the entry was.
    #[inline(always)]
    pub unsafe fn set(self, index: usize, entry: Entry) {
        // SAFETY: a table lies in the identity map; the rest is the caller's.
        unsafe { self.0.add(index).write_volatile(entry) };
    }

    /// Copies the entries in `range` from another table.
    ///
    /// # Panics
    /// If there are not so many.
    ///
    /// # Safety
    /// As for [`set`](Self::set).
    #[inline]
    pub(super) unsafe fn copy_from(self, from: Self, range: Range<usize>) {
        assert!(range.end <= ENTRIES, "a table has 1024 entries");
        // SAFETY: both tables have so many entries, and lie in the identity map; the rest is the caller's.
        unsafe { self.0.add(range.start).copy_from(from.0.add(range.start), range.len()) };
    }

    /// The entries in `range` that are present, each as it is when the iterator comes to it.
    ///
    /// # Panics
    /// If there are not so many.
    #[inline(always)]
    pub fn present(self, range: Range<usize>) -> Present {
        assert!(range.end <= ENTRIES, "a table has 1024 entries");
        Present { table: self, left: range.len(), end: range.end }
    }
}
// ANCHOR_END: table

/// Goes over the entries of a table that are present.
///
/// Few of so many are, so the CPU's own loop skips the absent ones, which are 0 in all bits.
pub struct Present {
    table: Table,
    left: usize,
    end: usize,
}

impl Iterator for Present {
    type Item = (usize, Entry);

    #[inline(always)] // once for every page that is copied
    fn next(&mut self) -> Option<Self::Item> {
        let found: u32;
        // SAFETY: the entries that are left are among the table's, which lies in the identity map. They are only read.
        unsafe {
            asm!(
                "xor eax, eax", // an absent entry; and "equal", should there be none to look at
                "repe scasd",
                "setne al",
                out("eax") found,
                inout("edi") self.table.0.add(self.end - self.left) => _,
                inout("ecx") self.left,
                options(nostack, readonly),
            );
        }
        (found != 0).then(|| {
            let index = self.end - self.left - 1;
            // SAFETY: as above.
            (index, unsafe { self.table.0.add(index).read_volatile() })
        })
    }
}
