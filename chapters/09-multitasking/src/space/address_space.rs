//! The address space of a task: made, copied, changed, and given back.

#![cfg(target_os = "none")]

use super::copy::copy_pages;
use super::rule::{COPIED, GUARD_PAGE, LINKED, PRIVATE};
use super::switch;
use common::VirtAddr;
use core::ops::Range;
use core::slice;
use paging::directory::{Directory, MapError, NotMapped};
use paging::{Entry, Flags, Frame, KERNEL, OwnedFrame, PAGE_BYTES, Page, Table, frame_allocator};

/// An address space: the kernel's part linked, the private part its own. When it is dropped, every frame of
/// it is given back; the CPU must not be using it then.
pub struct AddressSpace {
    directory: Directory,
    /// How many copies are being made of it, by code that has not borrowed it.
    copies: u32,
}

/// Memory is out. What had been taken by then has been given back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutOfMemory;

impl AddressSpace {
    // ANCHOR: new
    /// An address space with the kernel linked and nothing private.
    ///
    /// From the first one on, the kernel gets no further page table: it would be missing here.
    ///
    /// # Errors
    /// If there is no frame for the directory.
    ///
    /// # Panics
    /// If it comes before [`init`](crate::init).
    pub fn new() -> Result<Self, OutOfMemory> {
        assert!(switch::is_ready(), "`multitasking::init` comes before the first address space");
        // SAFETY: it stays in this address space. The kernel's tables are never given back, and from now on there are no
        // others: whatever the kernel maps later, it maps in these.
        let directory = unsafe { KERNEL.lock().link(LINKED) };
        directory.map(|directory| Self { directory, copies: 0 }).ok_or(OutOfMemory)
    }
    // ANCHOR_END: new

    // ANCHOR: copy
    /// An address space with the kernel linked and a copy of everything private in this one.
    ///
    /// # Errors
    /// If memory is out, wherever that happens.
    pub fn copy(&self) -> Result<Self, OutOfMemory> {
        // SAFETY: the borrow keeps this space as it is.
        unsafe { Self::copy_of(self.directory.frame()) }
    }

    /// Begins a copy of the space, which must stay as it is until [`end_copy`](Self::end_copy). Returns the frame of its
    /// directory.
    pub(super) fn begin_copy(&mut self) -> Frame {
        self.copies += 1;
        self.directory.frame()
    }

    /// Ends it.
    pub(super) fn end_copy(&mut self) {
        self.copies -= 1;
    }

    /// Whether a copy has begun and has not ended.
    pub(super) fn is_being_copied(&self) -> bool {
        self.copies > 0
    }

    /// As [`copy`](Self::copy), of the address space whose directory is in the frame `directory`.
    ///
    /// # Safety
    /// That is the directory of an `AddressSpace` that stays as it is until this returns.
    pub(super) unsafe fn copy_of(directory: Frame) -> Result<Self, OutOfMemory> {
        let mut copy = Self::new()?;
        // SAFETY: the caller's.
        for (index, entry) in unsafe { Table::in_frame(directory) }.present(COPIED) {
            let table = frame_allocator::allocate_cleared().ok_or(OutOfMemory)?.into_frame();
            // SAFETY: the new table is empty so far; the old one stays as it is, as the caller says.
            unsafe {
                copy.directory.fill(index, Entry::new(table, entry.flags()));
                copy_pages(Table::in_frame(entry.frame()), Table::in_frame(table))?;
            }
        }
        // Should memory run out above, dropping `copy` gives back what it has got.
        Ok(copy)
    }
    // ANCHOR_END: copy

    /// Maps free frames at private `addresses`, with whatever is in them.
    ///
    /// # Errors
    /// [`MapError`]; no page has been mapped then.
    ///
    /// # Panics
    /// If the addresses are not all private, or the guard page of the stack is among them.
    pub fn map(&mut self, addresses: Range<VirtAddr>, flags: Flags) -> Result<(), MapError> {
        assert_may_be_mapped(&addresses);
        // SAFETY: no reference of Rust's leads into the private part except into a stack, and what is mapped there
        // stays as it is.
        unsafe { self.directory.map_free_frames(addresses, flags) }
    }

    /// Maps `frame` at the private `page`: a share of it, which other pages may have too.
    ///
    /// # Errors
    /// [`MapError`]; nothing has changed then.
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

    /// Takes the private `page` out, and returns the share of its frame.
    ///
    /// # Errors
    /// If it is not mapped.
    ///
    /// # Panics
    /// If the page is not private, or is the guard page of the stack.
    ///
    /// # Safety
    /// The page is not used any more.
    pub unsafe fn unmap(&mut self, page: Page) -> Result<OwnedFrame, NotMapped> {
        assert_may_be_mapped(&addresses_of(page));
        // SAFETY: the caller's.
        let (frame, flush) = unsafe { self.directory.unmap(page) }?;
        flush.flush();
        Ok(frame)
    }

    /// Changes what may be done with the private `page`, which keeps its frame.
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
    /// Writes `value` at `address` of this address space, from whichever one the CPU is using.
    ///
    /// # Panics
    /// If a page there is not mapped.
    ///
    /// # Safety
    /// 1. No code relies on what is there.
    /// 2. `T` has no padding.
    pub unsafe fn write<T: Copy>(&mut self, address: VirtAddr, value: &T) {
        // SAFETY: the caller's: every byte of the value is one.
        let mut bytes = unsafe { slice::from_raw_parts((&raw const *value).cast::<u8>(), size_of::<T>()) };
        let mut address = address;
        while !bytes.is_empty() {
            let there = self.directory.translate(address).expect("a value is written to mapped pages alone");
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
    assert!(end <= GUARD_PAGE.start || GUARD_PAGE.end <= start, "the guard page of the stack is never mapped");
}

fn addresses_of(page: Page) -> Range<VirtAddr> {
    page.address()..page.address().wrapping_add(PAGE_BYTES)
}

// ANCHOR: drop
impl Drop for AddressSpace {
    fn drop(&mut self) {
        for (_, entry) in self.directory.present(COPIED) {
            // SAFETY: the private tables belong to no other directory. `map` and `copy_pages` have made what they say,
            // and nothing uses it after this.
            unsafe {
                let table = Table::in_frame(entry.frame());
                table.present(0..1024).for_each(|(_, page)| drop(OwnedFrame::from_entry(page)));
                drop(OwnedFrame::from_frame(entry.frame()));
            }
        }
    }
}
// ANCHOR_END: drop
