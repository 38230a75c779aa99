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

use crate::entry::{Entry, Flags};
use crate::frame_allocator;
use crate::owned_frame::OwnedFrame;
use crate::page::{Frame, PAGE_BYTES, Page};
use common::{PhysAddr, VirtAddr};
use core::mem::ManuallyDrop;
use core::ops::Range;
use x86::controlregs::cr3;
use x86::tlb;

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

/// A run of pages that lie in as many frames, one after the other: one page, or a large one.
#[derive(Clone, Copy, Debug)]
pub struct Mapping {
    /// The first page.
    pub page: Page,
    /// The first frame.
    pub frame: Frame,
    /// How many of each: 1, or 1024 for a large page.
    pub pages: u32,
    /// What may be done with them, and what has been.
    pub flags: Flags,
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

// ANCHOR: flush
/// The duty to tell the CPU that a page's entry has changed: it may remember the old one (in its
/// translation lookaside buffer, Intel SDM volume 3, 4.10.4).
#[must_use = "the CPU may go on using the old entry"]
pub struct Flush(Page);

impl Flush {
    /// Makes the CPU forget what it knows about the page.
    pub fn flush(self) {
        // SAFETY: forgetting an entry only makes the CPU look it up again.
        unsafe { tlb::flush(self.0.address().as_u32() as usize) };
    }

    /// Nothing to forget: the page was absent before, or the address space has not been in use since it was
    /// mapped.
    pub fn ignore(self) {}
}
// ANCHOR_END: flush

impl Directory {
    /// An address space in which nothing is mapped; none if memory is out.
    ///
    /// # Safety
    /// It must not take the place of a directory in use, such as the kernel's: not even the kernel is mapped in it.
    pub unsafe fn new() -> Option<Self> {
        frame_allocator::allocate_cleared().map(|frame| Self { frame })
    }

    /// The address space that the CPU is using, to be looked at; its owner gives it back.
    pub(crate) fn in_use() -> ManuallyDrop<Self> {
        // SAFETY: reading CR3 changes nothing. Its directory is not given back while the CPU uses it, nor here.
        let frame = unsafe { OwnedFrame::from_frame(Frame::containing(PhysAddr::new(cr3() as u32))) };
        ManuallyDrop::new(Self { frame })
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
    /// The page may not be used any more.
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

    /// Maps free frames, with whatever is in them, to all pages of `addresses`, or to none of them.
    ///
    /// # Errors
    /// [`MapError`]; the frames taken so far are given back. Page tables stay.
    ///
    /// # Safety
    /// As for [`map`](Self::map), except that nothing else refers to the frames.
    pub unsafe fn map_free_frames(&mut self, addresses: Range<VirtAddr>, flags: Flags) -> Result<(), MapError> {
        for page in Page::range(addresses.clone()) {
            let allocated = frame_allocator::allocate().ok_or(MapError::OutOfMemory);
            // SAFETY: the caller's, and the frame was free.
            let mapped = allocated.and_then(|owned| unsafe { self.map(page, owned, flags) });
            match mapped {
                // The CPU does not remember entries that are not present (Intel SDM volume 3, 4.10.2.3).
                Ok(flush) => flush.ignore(),
                Err(error) => {
                    // SAFETY: no code knows of these pages yet.
                    unsafe { self.unmap_and_free(addresses.start..page.address()) };
                    return Err(error);
                }
            }
        }
        Ok(())
    }

    /// Takes all pages of `addresses` out of the address space and gives back the shares that they had.
    ///
    /// # Panics
    /// If [`map`](Self::map) has not mapped one of them.
    ///
    /// # Safety
    /// The pages may not be used any more.
    pub unsafe fn unmap_and_free(&mut self, addresses: Range<VirtAddr>) {
        for page in Page::range(addresses) {
            // SAFETY: the caller's.
            let (owned, flush) = unsafe { self.unmap(page) }.expect("the page is mapped");
            flush.flush();
            drop(owned);
        }
    }

    /// Makes sure that all pages of `addresses` have page tables, so that [`map`](Self::map) needs none.
    ///
    /// # Errors
    /// `OutOfMemory`; the tables made so far stay.
    pub fn make_tables(&mut self, addresses: Range<VirtAddr>) -> Result<(), MapError> {
        const BYTES: u32 = PAGES_PER_TABLE * PAGE_BYTES;
        let mut tables = addresses.start.as_u32() / BYTES..addresses.end.as_u32().div_ceil(BYTES);
        tables.try_for_each(|index| self.table_or_new(Page::from_indices(index as usize, 0)).map(drop))
    }

    // ANCHOR: translate
    /// The physical address that `address` means; none if its page is not mapped.
    pub fn translate(&self, address: VirtAddr) -> Option<PhysAddr> {
        let page = Page::containing(address);
        let entry = self.entries()[page.directory_index()];
        let (entry, bytes) = if entry.flags().contains(Flags::LARGE) {
            (entry, PAGE_BYTES * PAGES_PER_TABLE)
        } else {
            (self.table(page.directory_index())?[page.table_index()], PAGE_BYTES)
        };
        let offset = address.as_u32() % bytes;
        entry.is_present().then(|| PhysAddr::new(entry.frame().address().as_u32() + offset))
    }
    // ANCHOR_END: translate

    /// What may be done with `page`: what both levels grant. None if it is not mapped.
    pub fn rights(&self, page: Page) -> Option<Flags> {
        let of_directory = self.entries()[page.directory_index()].flags();
        let of_table = match self.table(page.directory_index()) {
            Some(table) => table[page.table_index()].flags(),
            None => of_directory,
        };
        let rights = of_directory & of_table & (Flags::PRESENT | Flags::WRITABLE | Flags::USER);
        rights.contains(Flags::PRESENT).then_some(rights)
    }

    /// Everything that is mapped, from the lowest page to the highest.
    pub fn mappings(&self) -> impl Iterator<Item = Mapping> {
        self.entries().iter().enumerate().filter(|(_, entry)| entry.is_present()).flat_map(|(index, entry)| {
            let large = entry.flags().contains(Flags::LARGE).then(|| mapping(index, 0, *entry, PAGES_PER_TABLE));
            let small = self.table(index).into_iter().flat_map(move |table| {
                let present = table.iter().enumerate().filter(|(_, entry)| entry.is_present());
                present.map(move |(number, entry)| mapping(index, number, *entry, 1))
            });
            large.into_iter().chain(small)
        })
    }

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
    fn table_or_new(&mut self, page: Page) -> Result<&mut Table, MapError> {
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

fn mapping(directory: usize, table: usize, entry: Entry, pages: u32) -> Mapping {
    Mapping { page: Page::from_indices(directory, table), frame: entry.frame(), pages, flags: entry.flags() }
}
