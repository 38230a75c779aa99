//! What the CPU has to be told when an entry changes.

#![cfg(target_os = "none")]

use crate::frames::page::Page;
use x86::tlb;

// ANCHOR: flush
/// The duty to tell the CPU that a page's entry has changed: it may remember the old one (in its
/// translation lookaside buffer, Intel SDM volume 3, 4.10.4).
#[must_use = "the CPU may go on using the old entry"]
pub struct Flush(pub(super) Page);

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
