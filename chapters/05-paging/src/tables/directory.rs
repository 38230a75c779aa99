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
use common::PhysAddr;
use core::mem::ManuallyDrop;
use x86::controlregs::{Cr0, cr0, cr3};

/// A page directory, or a page table.
pub type Table = [Entry; 1024];

/// How many pages an entry of a directory is in charge of.
pub const PAGES_PER_TABLE: u32 = 1024;

/// One address space. It owns its own frame. Each page that [`map`](Self::map) has mapped owns a share of its
/// frame, which [`unmap`](Self::unmap) takes back.
///
/// Its page tables, and what they map, are not given back when it is dropped: another directory may refer to
/// the same tables.
pub struct Directory {
    frame: OwnedFrame,
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
        frame_allocator::allocate_cleared().map(|frame| Self { frame })
    }

    /// The address space that the CPU is using, to be looked at; none if paging is off.
    pub(crate) fn in_use() -> Option<ManuallyDrop<Self>> {
        // SAFETY: reading CR0 and CR3 changes nothing.
        let (is_on, frame) = unsafe { (cr0().contains(Cr0::CR0_ENABLE_PAGING), PhysAddr::new(cr3() as u32)) };
        // SAFETY: the owner of the directory does not give it back while the CPU uses it; nor is that done here.
        is_on.then(|| ManuallyDrop::new(Self { frame: unsafe { OwnedFrame::from_frame(Frame::containing(frame)) } }))
    }

    /// The frame of the directory itself, as CR3 wants it.
    pub fn frame(&self) -> Frame {
        self.frame.frame()
    }

    /// The directory's own entries.
    pub fn entries(&self) -> &Table {
        // SAFETY: the frame is this directory's and holds a table; `&self` keeps writers away. All but the
        // CPU: it sets "accessed" and "dirty", by which nothing is decided here.
        unsafe { &*table_in(self.frame()) }
    }

    /// The directory's own entries, to be changed.
    ///
    /// # Safety
    /// What a present entry refers to must be a page table, or memory as for [`map`](Self::map).
    pub unsafe fn entries_mut(&mut self) -> &mut Table {
        // SAFETY: the frame is this directory's and holds a table; `&mut self` keeps all others away.
        unsafe { &mut *table_in(self.frame()) }
    }

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
        let table = self.table_or_new(page)?;
        let entry = &mut table[page.table_index()];
        if entry.is_present() {
            return Err(MapError::AlreadyMapped(entry.frame()));
        }
        *entry = owned.into_entry(flags);
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
        let entry = self.entry_mut(page).ok_or(NotMapped(page))?;
        // SAFETY: an entry that owns a share does so once, and it is overwritten below.
        let owned = unsafe { OwnedFrame::from_entry(*entry) }.ok_or(NotMapped(page))?;
        *entry = Entry::ABSENT;
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
        let entry = self.entry_mut(page).filter(|entry| entry.is_present()).ok_or(NotMapped(page))?;
        *entry = entry.with_rights(flags);
        Ok(Flush(page))
    }
    // ANCHOR_END: map

    /// The page table behind entry `index` of the directory, if there is one.
    pub fn table(&self, index: usize) -> Option<&Table> {
        let frame = self.table_frame(index)?;
        // SAFETY: the entry says that the frame holds a table; for the rest, as in `entries`.
        Some(unsafe { &*table_in(frame) })
    }

    fn entry_mut(&mut self, page: Page) -> Option<&mut Entry> {
        let frame = self.table_frame(page.directory_index())?;
        // SAFETY: the entry says that the frame holds a table; `&mut self` keeps all others away.
        Some(unsafe { &mut (*table_in(frame))[page.table_index()] })
    }

    fn table_frame(&self, index: usize) -> Option<Frame> {
        let entry = self.entries()[index];
        (entry.is_present() && !entry.flags().contains(Flags::LARGE)).then(|| entry.frame())
    }

    // ANCHOR: table
    pub(super) fn table_or_new(&mut self, page: Page) -> Result<&mut Table, MapError> {
        // SAFETY: below, only absent entries are changed, to refer to a new and empty table.
        let entry = unsafe { &mut self.entries_mut()[page.directory_index()] };
        if entry.flags().contains(Flags::PRESENT | Flags::LARGE) {
            return Err(MapError::AlreadyMapped(entry.frame()));
        }
        if !entry.is_present() {
            let table = frame_allocator::allocate_cleared().ok_or(MapError::OutOfMemory)?;
            // The page's own entry decides; a right is granted only if both grant it.
            *entry = Entry::new(table.into_frame(), Flags::WRITABLE | Flags::USER);
        }
        // SAFETY: the entry says that the frame holds a table; `&mut self` keeps all others away.
        Ok(unsafe { &mut *table_in(entry.frame()) })
    }
    // ANCHOR_END: table
}

/// Where the identity window shows the table in `frame`.
#[inline(always)]
pub fn table_in(frame: Frame) -> *mut Table {
    frame.in_window().address().as_ptr()
}
