//! A share of a frame: the right to use it, and the duty to give it back.
//!
//! If code freed frames by number, a wrong number would free a frame in use. An [`OwnedFrame`] is to a frame what an
//! `Rc` is to a value on the heap: there can be several, dropping one gives its share back, and no safe code can give
//! back a share that it does not have.

#![cfg(target_os = "none")]

use crate::frames::frame_allocator::FRAMES;
use crate::frames::frame_table::TooManyOwners;
use crate::frames::page::Frame;
use core::mem::ManuallyDrop;

// ANCHOR: owned
/// One share of a frame. Dropping it gives the share back, and the last share frees the frame.
#[derive(Debug)]
#[must_use = "the frame is freed as soon as this is dropped"]
pub struct OwnedFrame(Frame);

impl OwnedFrame {
    /// The frame.
    #[inline]
    pub const fn frame(&self) -> Frame {
        self.0
    }

    /// Another share of the same frame.
    ///
    /// # Errors
    /// If the frame has as many owners as the allocator can count.
    pub fn share(&self) -> Result<Self, TooManyOwners> {
        FRAMES.lock().share(self.0).map(|()| Self(self.0))
    }

    /// The frame without the value that owns it. It stays in use until [`from_frame`](Self::from_frame) takes over the
    /// share.
    #[inline]
    pub fn into_frame(self) -> Frame {
        ManuallyDrop::new(self).0
    }

    /// Takes over a share that [`into_frame`](Self::into_frame) has left.
    ///
    /// # Safety
    /// The share was left in this way, and is taken over once.
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
            panic!("a frame cannot be freed: {error:?}");
        }
    }
}
// ANCHOR_END: drop
