//! Several pages at once: all of them, or none.

#![cfg(target_os = "none")]

use crate::frames::frame_allocator;
use crate::frames::page::{PAGE_BYTES, Page};
use crate::tables::directory::{Directory, MapError, PAGES_PER_TABLE};
use crate::tables::entry::Flags;
use common::VirtAddr;
use core::ops::Range;

impl Directory {
    /// Maps free frames, with their old contents, at all pages of `addresses`, or at none of them.
    ///
    /// # Errors
    /// [`MapError`]. The frames taken so far are freed, and new page tables stay.
    ///
    /// # Safety
    /// As for [`map`](Self::map), except that nothing else refers to the frames.
    pub unsafe fn map_free_frames(&mut self, addresses: Range<VirtAddr>, flags: Flags) -> Result<(), MapError> {
        for page in Page::range(addresses.clone()) {
            let allocated = frame_allocator::allocate().ok_or(MapError::OutOfMemory);
            // SAFETY: the caller guarantees it, and the frame was free.
            let mapped = allocated.and_then(|owned| unsafe { self.map(page, owned, flags) });
            match mapped {
                // The CPU does not cache absent entries (Intel SDM volume 3A, 4.10.2.3 "Details of TLB Use").
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

    /// Unmaps all pages of `addresses` and gives back the shares that they owned.
    ///
    /// # Panics
    /// If [`map`](Self::map) has not mapped one of them.
    ///
    /// # Safety
    /// The pages are not used any more.
    pub unsafe fn unmap_and_free(&mut self, addresses: Range<VirtAddr>) {
        for page in Page::range(addresses) {
            // SAFETY: the caller guarantees it.
            let (owned, flush) = unsafe { self.unmap(page) }.expect("the page is mapped");
            flush.flush();
            drop(owned);
        }
    }

    /// Makes sure that all pages of `addresses` have page tables, so that [`map`](Self::map) needs none.
    ///
    /// # Errors
    /// `OutOfMemory`. The tables made so far stay.
    ///
    /// # Panics
    /// If a table is missing, and the directory has been closed by [`link`](Self::link).
    pub fn make_tables(&mut self, addresses: Range<VirtAddr>) -> Result<(), MapError> {
        const BYTES: u32 = PAGES_PER_TABLE * PAGE_BYTES;
        let mut tables = addresses.start.as_u32() / BYTES..addresses.end.as_u32().div_ceil(BYTES);
        tables.try_for_each(|index| self.table_or_new(Page::from_indices(index as usize, 0)).map(|_| ()))
    }
}
