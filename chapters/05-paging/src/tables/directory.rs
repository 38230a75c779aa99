//! A page directory and its page tables: one address space.
//!
//! ```text
//!   virtual address:   | directory index: 10 bits | table index: 10 bits | offset: 12 bits |
//!                                  |                        |                    |
//!         CR3 -> directory: 1024 entries       table: 1024 entries        frame: 4096 bytes
//!                one per 4 MiB  ------------>  one per page  --------->   of memory
//! ```
//! Source: Intel SDM volume 3, 4.3. Directories and tables are frames themselves, and are read and
//! written through the identity window.

#![cfg(target_os = "none")]

use crate::frames::frame_allocator;
use crate::frames::owned_frame::OwnedFrame;
use crate::frames::page::{Frame, Page};
use crate::tables::entry::{Entry, Flags};
use crate::tables::flush::Flush;
use crate::tables::table::Table;
use core::ops::Range;

/// How many pages an entry of a directory is in charge of.
pub const PAGES_PER_TABLE: u32 = 1024;

/// One address space. It owns its own frame. Each page that [`map`](Self::map) has mapped owns a share of its
/// frame, which [`unmap`](Self::unmap) takes back.
///
/// Its page tables, and what they map, are not given back when it is dropped: another directory may refer to
/// the same tables.
pub struct Directory {
    frame: OwnedFrame,
    /// How many directories have been linked to this one.
    links: u32,
}

/// Why a page cannot be mapped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MapError {
    /// The page has this frame already.
    AlreadyMapped(Frame),
    /// No frame is left for a page table.
    OutOfMemory,
}

/// The page was not mapped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotMapped(pub Page);

impl Directory {
    /// An address space in which nothing is mapped; none if memory is out.
    ///
    /// # Safety
    /// It must not take the place of a directory in use, such as the kernel's: not even the kernel is mapped in it.
    pub unsafe fn new() -> Option<Self> {
        frame_allocator::allocate_cleared().map(|frame| Self { frame, links: 0 })
    }

    /// The frame of the directory itself, as CR3 wants it.
    #[inline]
    pub fn frame(&self) -> Frame {
        self.frame.frame()
    }

    /// Entry `index` of the directory.
    ///
    /// # Panics
    /// If there are not so many.
    pub fn entry(&self, index: usize) -> Entry {
        self.entries().entry(index)
    }

    /// The entries of the directory in `range` that are present.
    ///
    /// # Panics
    /// If there are not so many.
    #[inline(always)]
    pub fn present(&self, range: Range<usize>) -> impl Iterator<Item = (usize, Entry)> {
        self.entries().present(range)
    }

    /// The entry of `page` in its page table; none if there is no table.
    pub fn entry_of(&self, page: Page) -> Option<Entry> {
        self.entries().table(page.directory_index()).map(|table| table.entry(page.table_index()))
    }

    // ANCHOR: fill
    /// Fills entry `index`, which is absent so far.
    ///
    /// # Panics
    /// If it is present, or the directory has been closed by [`link`](Self::link).
    ///
    /// # Safety
    /// A present `entry` refers to a page table that stays, or to memory as for [`map`](Self::map).
    #[inline]
    pub unsafe fn fill(&mut self, index: usize, entry: Entry) {
        assert!(self.links == 0, "a new page table would be missing in the directories that have the others already");
        assert!(!self.entry(index).is_present(), "entry {index} of the directory is present");
        // SAFETY: absent entries are not relied on; the rest is the caller's.
        unsafe { self.entries().set(index, entry) };
    }

    /// An address space that is linked to this one by its entries in `linked`, and has nothing else mapped; none if
    /// memory is out.
    ///
    /// This closes the directory: from now on it gets no further page table, which would be missing in the other one.
    /// In the page tables that it has, pages can be mapped as before, and are mapped in both.
    ///
    /// # Panics
    /// If a directory has not so many entries.
    ///
    /// # Safety
    /// As for [`new`](Self::new), of what is not linked; and the page tables stay.
    pub unsafe fn link(&mut self, linked: impl IntoIterator<Item = Range<usize>>) -> Option<Self> {
        self.links += 1;
        // SAFETY: the caller's.
        let new = unsafe { Self::new() }?;
        // SAFETY: the new directory is empty so far; the rest is the caller's.
        linked.into_iter().for_each(|range| unsafe { new.entries().copy_from(self.entries(), range) });
        Some(new)
    }
    // ANCHOR_END: fill

    // ANCHOR: map
    /// Makes `page` mean the frame of `owned` from now on, with `flags`. A page table is made where there is none.
    ///
    /// # Errors
    /// [`MapError`]; the share has been given back then, and nothing else has changed.
    ///
    /// # Safety
    /// No two references to the same memory may come about through different pages, and no code that relies on
    /// what is in the frame may find it changed.
    pub unsafe fn map(&mut self, page: Page, owned: OwnedFrame, flags: Flags) -> Result<Flush, MapError> {
        let (table, index) = (self.table_or_new(page)?, page.table_index());
        let present = table.entry(index);
        if present.is_present() {
            return Err(MapError::AlreadyMapped(present.frame()));
        }
        // SAFETY: the index is a page's; for the rest, the caller's.
        unsafe { table.set(index, owned.into_entry(flags & Flags::GRANTED)) };
        Ok(Flush(page))
    }

    /// Takes `page` out of the address space and returns the share of the frame that it had.
    ///
    /// # Errors
    /// If [`map`](Self::map) has not mapped it: the identity map owns nothing that could be returned.
    ///
    /// # Safety
    /// The page may not be used any more. The CPU has to be told before the share is given back: until then it may
    /// still find the frame.
    pub unsafe fn unmap(&mut self, page: Page) -> Result<(OwnedFrame, Flush), NotMapped> {
        let (table, index) = (self.table(page).ok_or(NotMapped(page))?, page.table_index());
        // SAFETY: `into_entry` has made what is in the table and says that it owns a share. It is overwritten below.
        let owned = unsafe { OwnedFrame::from_entry(table.entry(index)) }.ok_or(NotMapped(page))?;
        // SAFETY: the index is a page's; for the rest, the caller's.
        unsafe { table.set(index, Entry::ABSENT) };
        Ok((owned, Flush(page)))
    }

    /// Changes what may be done with `page`, which keeps its frame.
    ///
    /// # Errors
    /// If it is not mapped, or is part of a large page.
    ///
    /// # Safety
    /// No code may rely on a right that is taken away, or on the absence of one that is given.
    pub unsafe fn protect(&mut self, page: Page, flags: Flags) -> Result<Flush, NotMapped> {
        let (table, index) = (self.table(page).ok_or(NotMapped(page))?, page.table_index());
        let entry = table.entry(index);
        if !entry.is_present() {
            return Err(NotMapped(page));
        }
        // SAFETY: the index is a page's; for the rest, the caller's.
        unsafe { table.set(index, entry.with_rights(flags)) };
        Ok(Flush(page))
    }
    // ANCHOR_END: map

    /// The directory's own entries.
    #[inline(always)]
    pub(super) fn entries(&self) -> Table {
        // SAFETY: the frame is this directory's, and holds a table.
        unsafe { Table::in_frame(self.frame()) }
    }

    /// The page table of `page`, if there is one.
    fn table(&self, page: Page) -> Option<Table> {
        self.entries().table(page.directory_index())
    }

    // ANCHOR: table
    /// The page table of `page`, which is made if there is none.
    pub(super) fn table_or_new(&mut self, page: Page) -> Result<Table, MapError> {
        let index = page.directory_index();
        let entry = self.entry(index);
        if entry.is_present() {
            return self.table(page).ok_or(MapError::AlreadyMapped(entry.frame()));
        }
        let table = frame_allocator::allocate_cleared().ok_or(MapError::OutOfMemory)?.into_frame();
        // SAFETY: the frame holds an empty table, and has no owner who would give it back.
        unsafe {
            // The page's own entry decides; a right is granted only if both grant it.
            self.fill(index, Entry::new(table, Flags::WRITABLE | Flags::USER));
            Ok(Table::in_frame(table))
        }
    }
    // ANCHOR_END: table
}
