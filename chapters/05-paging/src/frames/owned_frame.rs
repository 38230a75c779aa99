//! A share of a frame: the right to keep it, and the duty to give it back.
//!
//! It is to a frame what Rust's `Rc` is to a value of the heap: there can be several, each gives its share back
//! once, and no safe code can give back a share that it does not have.

#![cfg(target_os = "none")]

use crate::frames::frame_allocator::FRAMES;
use crate::frames::frame_table::TooManyOwners;
use crate::frames::page::Frame;
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

// ANCHOR_END: owned

// ANCHOR: drop
impl Drop for OwnedFrame {
    #[inline]
    fn drop(&mut self) {
        if let Err(error) = FRAMES.lock().give_back(self.0) {
            panic!("a frame cannot be given back: {error:?}");
        }
    }
}
// ANCHOR_END: drop
