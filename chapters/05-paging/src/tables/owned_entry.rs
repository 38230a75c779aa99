//! An entry of a page table that owns a share of its frame.
//!
//! ```text
//!   OwnedFrame  --- into_entry ---->  entry with OWNED set     the CPU reads it and ignores OWNED
//!   OwnedFrame  <-- from_entry -----  entry that the caller overwrites
//! ```
//! An entry is a number that can be copied, so it cannot give its share back by itself, as an [`OwnedFrame`] does. The
//! code that overwrites the entry has to do it.

#![cfg(target_os = "none")]

use crate::frames::owned_frame::OwnedFrame;
use crate::tables::entry::{Entry, Flags};

// ANCHOR: owned
impl OwnedFrame {
    /// A present entry with `flags`, for a page table. It owns this share from now on.
    #[inline]
    pub fn into_entry(self, flags: Flags) -> Entry {
        Entry::new(self.into_frame(), flags | Flags::OWNED)
    }

    /// The share that an entry of a page table owns. None if it owns none.
    ///
    /// # Safety
    /// 1. If the entry says that it owns a share, [`into_entry`](Self::into_entry) has made it.
    /// 2. Its share is taken once: the entry is overwritten, or no longer used.
    #[inline]
    pub unsafe fn from_entry(entry: Entry) -> Option<Self> {
        let owns = entry.flags().contains(Flags::PRESENT | Flags::OWNED);
        // SAFETY: `into_entry` left the share, and it is taken over once, as the caller guarantees.
        owns.then(|| unsafe { Self::from_frame(entry.frame()) })
    }
}
// ANCHOR_END: owned
