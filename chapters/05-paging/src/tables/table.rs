//! A table: the 1024 entries of a page directory or page table.
//!
//! A page table may belong to several directories, and code may change it through each of them. The CPU also sets
//! "accessed" and "dirty" in it at any time. A Rust reference would promise that the table does not change while the
//! reference lives. So there is none: each entry is read and written singly, by value.

#![cfg(target_os = "none")]

use crate::frames::page::Frame;
use crate::tables::entry::Entry;
use core::arch::asm;
use core::ops::Range;

/// How many entries a table has.
const ENTRIES: usize = 1024;

// ANCHOR: table
/// A page directory or a page table.
#[derive(Clone, Copy)]
pub struct Table(*mut Entry);

impl Table {
    /// The table in `frame`.
    ///
    /// # Safety
    /// The frame holds a table for as long as this value is used.
    #[inline(always)]
    pub unsafe fn in_frame(frame: Frame) -> Self {
        Self(frame.in_window().address().as_ptr())
    }

    /// Entry `index`, as it is now.
    ///
    /// # Panics
    /// If `index` is 1024 or more.
    #[inline(always)]
    pub fn entry(self, index: usize) -> Entry {
        assert!(index < ENTRIES, "a table has 1024 entries");
        // SAFETY: a table has 1024 entries, and lies in the identity map.
        unsafe { self.0.add(index).read_volatile() }
    }

    /// Writes entry `index`.
    ///
    /// # Safety
    /// 1. The index is below 1024.
    /// 2. A present entry leads to a page table, or to memory as for [`Directory::map`](crate::Directory::map).
    /// 3. No code relies on the old entry.
    #[inline(always)]
    pub unsafe fn set(self, index: usize, entry: Entry) {
        // SAFETY: a table lies in the identity map; the caller guarantees the rest.
        unsafe { self.0.add(index).write_volatile(entry) };
    }

    /// Copies the entries in `range` from another table.
    ///
    /// # Panics
    /// If the range ends beyond 1024.
    ///
    /// # Safety
    /// As for [`set`](Self::set).
    #[inline]
    pub(super) unsafe fn copy_from(self, from: Self, range: Range<usize>) {
        assert!(range.end <= ENTRIES, "a table has 1024 entries");
        // SAFETY: both tables have 1024 entries, and lie in the identity map; the caller guarantees the rest.
        unsafe { self.0.add(range.start).copy_from(from.0.add(range.start), range.len()) };
    }

    /// The entries in `range` that are present, each as it is when the iterator reaches it.
    ///
    /// # Panics
    /// If the range ends beyond 1024.
    #[inline(always)]
    pub fn present(self, range: Range<usize>) -> Present {
        assert!(range.end <= ENTRIES, "a table has 1024 entries");
        Present { table: self, left: range.len(), end: range.end }
    }
}
// ANCHOR_END: table

/// Iterates over the entries of a table that are present.
///
/// Most entries are absent, which means 0 in all bits. A string instruction of the CPU skips them.
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
        // SAFETY: the entries that are left belong to the table, which lies in the identity map. They are only read.
        unsafe {
            asm!(
                "xor eax, eax", // the value of an absent entry; also sets "equal", in case no entry is left
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
