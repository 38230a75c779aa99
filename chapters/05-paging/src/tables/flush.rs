//! The duty to tell the CPU that an entry has changed.

#![cfg(target_os = "none")]

use crate::frames::page::Page;
use x86::tlb;

// ANCHOR: flush
/// The duty to tell the CPU that a page's entry has changed: its translation lookaside buffer may hold the old one
/// (Intel SDM volume 3A, 4.10.4 "Invalidation of TLBs and Paging-Structure Caches").
#[must_use = "the CPU may go on using the old entry"]
pub struct Flush(pub(super) Page);

impl Flush {
    /// Makes the CPU forget what it remembers of the page.
    pub fn flush(self) {
        // SAFETY: if the CPU forgets an entry, it looks it up again.
        unsafe { tlb::flush(self.0.address().as_u32() as usize) };
    }

    /// For a caller that needs no flush: the page was absent before, or the address space has not been in use since
    /// the page was mapped.
    pub fn ignore(self) {}
}
// ANCHOR_END: flush
