//! Bytes behind which nothing can be read.
//!
//! They end where a page ends, and the next page must not be accessed. So reading one byte too many always ends the
//! test with a fault.

use crate::frames::page::PAGE_BYTES;
use rustix::mm::{MapFlags, MprotectFlags, ProtFlags, mmap_anonymous, mprotect, munmap};
use std::{ptr, slice};

/// Bytes at the end of a readable page.
pub struct AtTheEdge {
    pages: *mut u8,
    length: usize,
}

impl AtTheEdge {
    const PAGE: usize = PAGE_BYTES as usize;

    pub fn new(bytes: &[u8]) -> Self {
        assert!(bytes.len() <= Self::PAGE);
        let access = ProtFlags::READ | ProtFlags::WRITE;
        // SAFETY: these are two new pages. The second one becomes inaccessible; the first one has room for the bytes.
        let pages = unsafe {
            let pages = mmap_anonymous(ptr::null_mut(), 2 * Self::PAGE, access, MapFlags::PRIVATE).unwrap();
            mprotect(pages.byte_add(Self::PAGE), Self::PAGE, MprotectFlags::empty()).unwrap();
            pages.cast::<u8>()
        };
        let edge = Self { pages, length: bytes.len() };
        // SAFETY: as above; no reference to them exists yet.
        unsafe { ptr::copy_nonoverlapping(bytes.as_ptr(), edge.start(), bytes.len()) };
        edge
    }

    /// The boot information begins at a multiple of 8, so up to 7 bytes may follow its end.
    fn start(&self) -> *mut u8 {
        // SAFETY: the result lies in the first page.
        unsafe { self.pages.add(Self::PAGE - self.length.next_multiple_of(8)) }
    }

    pub fn bytes(&self) -> &[u8] {
        // SAFETY: the pages stay as long as `self`, and no code writes to them.
        unsafe { slice::from_raw_parts(self.start(), self.length) }
    }
}

impl Drop for AtTheEdge {
    fn drop(&mut self) {
        // SAFETY: no reference into them is left.
        unsafe { munmap(self.pages.cast(), 2 * Self::PAGE) }.unwrap();
    }
}
