//! A page directory and its page tables: one address space.
//!
//! ```text
//!   virtual address:   | directory index: 10 bits | table index: 10 bits | offset: 12 bits |
//!                                  |                        |                    |
//!         CR3 -> directory: 1024 entries       table: 1024 entries        frame: 4096 bytes
//!                one per 4 MiB  ------------>  one per page  --------->   of memory
//! ```
//! Source: Intel SDM volume 3A, 4.3 "32-Bit Paging". Directories and tables lie in frames themselves, and the kernel
//! reads and writes them through the identity map.

#![cfg(target_os = "none")]

use crate::frames::frame_allocator;
use crate::frames::owned_frame::OwnedFrame;
use crate::frames::page::{Frame, Page};
use crate::tables::entry::{Entry, Flags};
use crate::tables::flush::Flush;
use crate::tables::table::Table;
use core::ops::Range;

/// How many pages one entry of a directory covers.
pub const PAGES_PER_TABLE: u32 = 1024;

/// One address space. It owns its own frame. Each page that [`map`](Self::map) has mapped owns a share of its
/// frame, which [`unmap`](Self::unmap) takes back.
///
/// Dropping it does not free its page tables, nor what they map: another directory may have the same tables.
pub struct Directory {
    frame: OwnedFrame,
    /// How many directories are linked to this one.
    links: u32,
}

/// Why a page cannot be mapped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MapError {
    /// The page means this frame already.
    AlreadyMapped(Frame),
    /// No frame is free for a page table.
    OutOfMemory,
}

/// The page was not mapped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotMapped(pub Page);

impl Directory {
    /// An address space in which nothing is mapped. None if no frame is free.
    ///
    /// # Safety
    /// It must not take the place of a directory in use, such as the kernel's: it does not even map the kernel.
    pub unsafe fn new() -> Option<Self> {
        frame_allocator::allocate_cleared().map(|frame| Self { frame, links: 0 })
    }

    /// The frame of the directory itself, whose address goes into CR3.
    #[inline]
    pub fn frame(&self) -> Frame {
        self.frame.frame()
    }

    /// Entry `index` of the directory.
    ///
    /// # Panics
    /// If `index` is 1024 or more.
    pub fn entry(&self, index: usize) -> Entry {
        self.entries().entry(index)
    }

    /// The entries of the directory in `range` that are present.
    ///
    /// # Panics
    /// If the range ends beyond 1024.
    #[inline(always)]
    pub fn present(&self, range: Range<usize>) -> impl Iterator<Item = (usize, Entry)> {
        self.entries().present(range)
    }

    /// The entry of `page` in its page table. None if there is no table.
    pub fn entry_of(&self, page: Page) -> Option<Entry> {
        self.entries().table(page.directory_index()).map(|table| table.entry(page.table_index()))
    }

    // ANCHOR: fill
    /// Fills entry `index`, which must be absent.
    ///
    /// # Panics
    /// If the entry is present, or if [`link`](Self::link) has closed the directory.
    ///
    /// # Safety
    /// If `entry` is present, it leads to a page table that stays, or to memory as for [`map`](Self::map).
    #[inline]
    pub unsafe fn fill(&mut self, index: usize, entry: Entry) {
        assert!(self.links == 0, "a new page table would be missing in the directories that already share the others");
        assert!(!self.entry(index).is_present(), "entry {index} of the directory is present");
        // SAFETY: no code relies on an absent entry; the caller guarantees the rest.
        unsafe { self.entries().set(index, entry) };
    }

    /// An address space that shares the entries in `linked` with this one, and maps nothing else. None if no frame is
    /// free.
    ///
    /// This closes the directory: from now on it gets no new page tables, because the other directory would not have
    /// them. In the page tables that it has, pages can be mapped as before, and are then mapped in both.
    ///
    /// # Panics
    /// If a range ends beyond 1024.
    ///
    /// # Safety
    /// As for [`new`](Self::new), for all that is not linked. The linked page tables stay.
    pub unsafe fn link(&mut self, linked: impl IntoIterator<Item = Range<usize>>) -> Option<Self> {
        self.links += 1;
        // SAFETY: the caller guarantees it.
        let new = unsafe { Self::new() }?;
        // SAFETY: the new directory is empty so far; the caller guarantees the rest.
        linked.into_iter().for_each(|range| unsafe { new.entries().copy_from(self.entries(), range) });
        Some(new)
    }
    // ANCHOR_END: fill

    // ANCHOR: map
    /// Maps the frame of `owned` at `page`, with `flags`. Makes a page table if there is none.
    ///
    /// # Errors
    /// [`MapError`]. Then the share has been given back, and nothing else has changed.
    ///
    /// # Safety
    /// 1. No two conflicting references to the same memory come into being through different pages.
    /// 2. No code that relies on the contents of the frame finds them changed.
    pub unsafe fn map(&mut self, page: Page, owned: OwnedFrame, flags: Flags) -> Result<Flush, MapError> {
        let (table, index) = (self.table_or_new(page)?, page.table_index());
        let present = table.entry(index);
        if present.is_present() {
            return Err(MapError::AlreadyMapped(present.frame()));
        }
        // SAFETY: the index is a page's; the caller guarantees the rest.
        unsafe { table.set(index, owned.into_entry(flags & Flags::GRANTED)) };
        Ok(Flush(page))
    }

    /// Unmaps `page` and returns the share of the frame that it owned.
    ///
    /// # Errors
    /// If [`map`](Self::map) has not mapped it: the identity map owns nothing that could be returned.
    ///
    /// # Safety
    /// 1. The page is not used any more.
    /// 2. The caller tells the CPU before it gives the share back: until then, the CPU may still find the frame.
    pub unsafe fn unmap(&mut self, page: Page) -> Result<(OwnedFrame, Flush), NotMapped> {
        let (table, index) = (self.table(page).ok_or(NotMapped(page))?, page.table_index());
        // SAFETY: an entry that says it owns a share was made by `into_entry`, and is overwritten below.
        let owned = unsafe { OwnedFrame::from_entry(table.entry(index)) }.ok_or(NotMapped(page))?;
        // SAFETY: the index is a page's; the caller guarantees the rest.
        unsafe { table.set(index, Entry::ABSENT) };
        Ok((owned, Flush(page)))
    }

    /// Changes what may be done with `page`, which keeps its frame.
    ///
    /// # Errors
    /// If it is not mapped, or is part of a large page.
    ///
    /// # Safety
    /// No code relies on a right that is taken away, or on the absence of a right that is granted.
    pub unsafe fn protect(&mut self, page: Page, flags: Flags) -> Result<Flush, NotMapped> {
        let (table, index) = (self.table(page).ok_or(NotMapped(page))?, page.table_index());
        let entry = table.entry(index);
        if !entry.is_present() {
            return Err(NotMapped(page));
        }
        // SAFETY: the index is a page's; the caller guarantees the rest.
        unsafe { table.set(index, entry.with_rights(flags)) };
        Ok(Flush(page))
    }
    // ANCHOR_END: map

    /// The directory's own entries.
    #[inline(always)]
    pub(super) fn entries(&self) -> Table {
        // SAFETY: the frame belongs to this directory, and holds a table.
        unsafe { Table::in_frame(self.frame()) }
    }

    /// The page table of `page`, if there is one.
    fn table(&self, page: Page) -> Option<Table> {
        self.entries().table(page.directory_index())
    }

    // ANCHOR: table
    /// The page table of `page`. Makes one if there is none.
    pub(super) fn table_or_new(&mut self, page: Page) -> Result<Table, MapError> {
        let index = page.directory_index();
        let entry = self.entry(index);
        if entry.is_present() {
            return self.table(page).ok_or(MapError::AlreadyMapped(entry.frame()));
        }
        let table = frame_allocator::allocate_cleared().ok_or(MapError::OutOfMemory)?.into_frame();
        // SAFETY: the frame holds an empty table, and has no owner that could free it.
        unsafe {
            // The page's own entry decides, because both levels have to grant a right.
            self.fill(index, Entry::new(table, Flags::WRITABLE | Flags::USER));
            Ok(Table::in_frame(table))
        }
    }
    // ANCHOR_END: table
}
