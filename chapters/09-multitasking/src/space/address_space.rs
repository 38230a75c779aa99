//! The address space of a task: how it is made, copied, changed and freed.

#![cfg(target_os = "none")]

use super::copy::copy_pages;
use super::rule::{COPIED, GUARD_PAGE, LINKED, PRIVATE};
use super::switch;
use common::VirtAddr;
use core::ops::Range;
use core::slice;
use paging::directory::{Directory, MapError, NotMapped};
use paging::{Entry, Flags, Frame, KERNEL, OwnedFrame, PAGE_BYTES, Page, Table, frame_allocator};

/// An address space: the kernel's part is linked, the private part is its own. Dropping it frees all its private
/// frames; the CPU must not be using it then.
pub struct AddressSpace {
    directory: Directory,
    /// The number of copies in progress by code that does not borrow this space.
    copies: u32,
}

/// There is no free frame left. All frames that the call had allocated have been freed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutOfMemory;

impl AddressSpace {
    // ANCHOR: new
    /// An address space with the kernel linked and nothing private.
    ///
    /// From the first one on, the kernel gets no further page table, because this space would lack it.
    ///
    /// # Errors
    /// If there is no frame for the directory.
    ///
    /// # Panics
    /// If it is called before [`init`](crate::init).
    pub fn new() -> Result<Self, OutOfMemory> {
        assert!(switch::is_ready(), "call `multitasking::init` before making an address space");
        // SAFETY: the directory stays in this address space. The kernel's tables are never freed, and no others are
        // added from now on: all that the kernel maps later, it maps in these.
        let directory = unsafe { KERNEL.lock().link(LINKED) };
        directory.map(|directory| Self { directory, copies: 0 }).ok_or(OutOfMemory)
    }
    // ANCHOR_END: new

    // ANCHOR: copy
    /// An address space with the kernel linked and a copy of all private pages of this one.
    ///
    /// # Errors
    /// If memory runs out at any point.
    pub fn copy(&self) -> Result<Self, OutOfMemory> {
        // SAFETY: the borrow keeps this space unchanged.
        unsafe { Self::copy_of(self.directory.frame()) }
    }

    /// Marks the start of a copy: the space must stay unchanged until [`end_copy`](Self::end_copy). Returns the
    /// frame of its directory.
    pub(super) fn begin_copy(&mut self) -> Frame {
        self.copies += 1;
        self.directory.frame()
    }

    /// Marks the end of a copy.
    pub(super) fn end_copy(&mut self) {
        self.copies -= 1;
    }

    /// Whether a copy is in progress.
    pub(super) fn is_being_copied(&self) -> bool {
        self.copies > 0
    }

    /// Like [`copy`](Self::copy), for the address space whose directory is in the frame `directory`.
    ///
    /// # Safety
    /// The frame holds the directory of an `AddressSpace` that stays unchanged until this returns.
    pub(super) unsafe fn copy_of(directory: Frame) -> Result<Self, OutOfMemory> {
        let mut copy = Self::new()?;
        // SAFETY: the caller's.
        for (index, entry) in unsafe { Table::in_frame(directory) }.present(COPIED) {
            let table = frame_allocator::allocate_cleared().ok_or(OutOfMemory)?.into_frame();
            // SAFETY: the new table is empty; the caller keeps the old one unchanged.
            unsafe {
                copy.directory.fill(index, Entry::new(table, entry.flags()));
                copy_pages(Table::in_frame(entry.frame()), Table::in_frame(table))?;
            }
        }
        // If memory runs out above, dropping `copy` frees what it has so far.
        Ok(copy)
    }
    // ANCHOR_END: copy

    /// Maps free frames at private `addresses`. The frames keep their old contents.
    ///
    /// # Errors
    /// [`MapError`]; in this case no page has been mapped.
    ///
    /// # Panics
    /// If an address is not private, or if the guard page of the stack is among them.
    pub fn map(&mut self, addresses: Range<VirtAddr>, flags: Flags) -> Result<(), MapError> {
        assert_may_be_mapped(&addresses);
        // SAFETY: Rust references lead only into the stack of the private part, and pages that are mapped already
        // stay unchanged.
        unsafe { self.directory.map_free_frames(addresses, flags) }
    }

    /// Maps `frame` at the private `page`. The page owns one share of the frame, and other pages may own others.
    ///
    /// # Errors
    /// [`MapError`]; in this case nothing has changed.
    ///
    /// # Panics
    /// If the page is not private, or is the guard page of the stack.
    ///
    /// # Safety
    /// As for [`Directory::map`].
    pub unsafe fn map_frame(&mut self, page: Page, frame: OwnedFrame, flags: Flags) -> Result<(), MapError> {
        assert_may_be_mapped(&addresses_of(page));
        // SAFETY: the caller's.
        unsafe { self.directory.map(page, frame, flags) }.map(|flush| flush.flush())
    }

    /// Unmaps the private `page` and returns its share of the frame.
    ///
    /// # Errors
    /// If it is not mapped.
    ///
    /// # Panics
    /// If the page is not private, or is the guard page of the stack.
    ///
    /// # Safety
    /// No code uses the page any more.
    pub unsafe fn unmap(&mut self, page: Page) -> Result<OwnedFrame, NotMapped> {
        assert_may_be_mapped(&addresses_of(page));
        // SAFETY: the caller's.
        let (frame, flush) = unsafe { self.directory.unmap(page) }?;
        flush.flush();
        Ok(frame)
    }

    /// Changes the rights of the private `page`, which keeps its frame.
    ///
    /// # Errors
    /// If it is not mapped.
    ///
    /// # Panics
    /// If the page is not private, or is the guard page of the stack.
    ///
    /// # Safety
    /// As for [`Directory::protect`].
    pub unsafe fn protect(&mut self, page: Page, flags: Flags) -> Result<(), NotMapped> {
        assert_may_be_mapped(&addresses_of(page));
        // SAFETY: the caller's.
        unsafe { self.directory.protect(page, flags) }.map(|flush| flush.flush())
    }

    // ANCHOR: write
    /// Writes `value` at `address` of this address space, no matter which one the CPU is using.
    ///
    /// # Panics
    /// If a page there is not mapped.
    ///
    /// # Safety
    /// 1. No code relies on the old contents.
    /// 2. `T` has no padding.
    pub unsafe fn write<T: Copy>(&mut self, address: VirtAddr, value: &T) {
        // SAFETY: the caller's: without padding, every byte of the value is initialized.
        let mut bytes = unsafe { slice::from_raw_parts((&raw const *value).cast::<u8>(), size_of::<T>()) };
        let mut address = address;
        while !bytes.is_empty() {
            let there = self.directory.translate(address).expect("a value can only be written to mapped pages");
            let left_in_page = (PAGE_BYTES - address.as_u32() % PAGE_BYTES) as usize;
            let (now, later) = bytes.split_at(left_in_page.min(bytes.len()));
            // SAFETY: the caller's; the identity map shows the rest of the page at its physical address.
            unsafe { VirtAddr::new(there.as_u32()).as_ptr::<u8>().copy_from_nonoverlapping(now.as_ptr(), now.len()) };
            (bytes, address) = (later, address.wrapping_add(now.len() as u32));
        }
    }
    // ANCHOR_END: write

    /// The page directory.
    pub fn directory(&self) -> &Directory {
        &self.directory
    }
}

fn assert_may_be_mapped(addresses: &Range<VirtAddr>) {
    let Range { start, end } = *addresses;
    assert!(PRIVATE.start <= start && start <= end && end <= PRIVATE.end, "{start}-{end} is not private");
    assert!(end <= GUARD_PAGE.start || GUARD_PAGE.end <= start, "the guard page of the stack cannot be mapped");
}

fn addresses_of(page: Page) -> Range<VirtAddr> {
    page.address()..page.address().wrapping_add(PAGE_BYTES)
}

// ANCHOR: drop
impl Drop for AddressSpace {
    fn drop(&mut self) {
        for (_, entry) in self.directory.present(COPIED) {
            // SAFETY: the private tables belong to no other directory. `map` and `copy_pages` have made their entries,
            // and nothing uses these after this.
            unsafe {
                let table = Table::in_frame(entry.frame());
                table.present(0..1024).for_each(|(_, page)| drop(OwnedFrame::from_entry(page)));
                drop(OwnedFrame::from_frame(entry.frame()));
            }
        }
    }
}
// ANCHOR_END: drop
