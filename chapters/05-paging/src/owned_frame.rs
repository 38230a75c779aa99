//! A share of a frame: the right to keep it, and the duty to give it back.
//!
//! ```text
//!   OwnedFrame ---------------+
//!                             +---> frame, two owners: free when both have given it back
//!   entry of a page table ----+
//!   with OWNED
//! ```
//! It is to a frame what `Rc` is to a value of the heap. An entry of a page table can hold the share instead: the
//! CPU reads entries, so they cannot hold a Rust type, and bit 9 says that there is a share.

#![cfg(target_os = "none")]

use crate::entry::{Entry, Flags};
use crate::frame_allocator::FRAMES;
use crate::frames::TooManyOwners;
use crate::page::Frame;
use core::mem::ManuallyDrop;

// ANCHOR: owned
/// One share of a frame. Dropping it gives the share back; with the last share the frame is free.
#[derive(Debug)]
#[must_use = "the frame is given back as soon as this is dropped"]
pub struct OwnedFrame(Frame);

impl OwnedFrame {
    /// The frame.
    #[inline]
    pub const fn frame(&self) -> Frame {
        self.0
    }

    /// A second share of the same frame.
    ///
    /// # Errors
    /// If the frame has as many owners as can be counted.
    pub fn share(&self) -> Result<Self, TooManyOwners> {
        FRAMES.lock().share(self.0).map(|()| Self(self.0))
    }

    /// The entry of a page table that owns this share from now on, present, with `flags` besides.
    #[inline]
    pub fn into_entry(self, flags: Flags) -> Entry {
        Entry::new(self.into_frame(), flags.union(Flags::OWNED))
    }

    /// The share that an entry of a page table owns; none if it owns none.
    ///
    /// # Safety
    /// It is the entry's only once: the entry is overwritten, or not used any more.
    #[inline]
    pub unsafe fn from_entry(entry: Entry) -> Option<Self> {
        if entry.is_present() && entry.flags().contains(Flags::OWNED) { Some(Self(entry.frame())) } else { None }
    }

    /// The frame without its owner: it stays in use until [`from_frame`](Self::from_frame) takes it over.
    #[inline]
    pub fn into_frame(self) -> Frame {
        ManuallyDrop::new(self).0
    }

    /// Takes over a share that has been left by [`into_frame`](Self::into_frame).
    ///
    /// # Safety
    /// The share was left, and is taken over once.
    #[inline]
    pub unsafe fn from_frame(frame: Frame) -> Self {
        Self(frame)
    }
}

impl Drop for OwnedFrame {
    #[inline]
    fn drop(&mut self) {
        if let Err(error) = FRAMES.lock().give_back(self.0) {
            panic!("a frame cannot be given back: {error:?}");
        }
    }
}
// ANCHOR_END: owned
