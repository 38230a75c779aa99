//! What can be wrong with a pointer that is to be freed.
//!
//! Whether it can be freed is decided by the two tags of the block, in a handful of instructions, in
//! release builds too. Only when they say no, the blocks are walked to find out what it is instead.

#![forbid(unsafe_code)]

use crate::{
    heap::Heap,
    memory::{Block, WORD},
};
use core::fmt;

/// Why a pointer cannot be freed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FreeError {
    /// It does not point into the heap's memory.
    Outside,
    /// Its address is not a multiple of a word, as every address that the heap gives out is.
    Misaligned,
    /// It points into a block in use, but not to where the block's owner was told it begins.
    Inside {
        /// The address that the owner was told.
        payload: usize,
    },
    /// It points into memory that is free: freed before, or never allocated.
    AlreadyFree,
    /// A block's header and footer do not agree: some code has written past the end of a payload.
    Damaged {
        /// The address of the damaged block's payload. The block is the one to be freed, or lies before it.
        payload: usize,
    },
}

impl fmt::Display for FreeError {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::Outside => write!(f, "it is not in the heap"),
            Self::Misaligned => write!(f, "it is not aligned to a word, so no allocation begins there"),
            Self::Inside { payload } => write!(f, "it is in the middle of the allocation at {payload:#x}"),
            Self::AlreadyFree => write!(f, "it is free already; was it freed twice?"),
            Self::Damaged { payload } => write!(
                f,
                "the heap is damaged: something was written past the end of the allocation at {payload:#x} \
                 or of the one before it"
            ),
        }
    }
}

impl Heap {
    // ANCHOR: block
    /// The block in use whose payload is at `address`.
    #[inline(always)]
    pub(crate) fn block_in_use(&self, address: usize) -> Result<Block, FreeError> {
        let Some(place) = self.memory.place(address.wrapping_sub(WORD)) else {
            return Err(self.why_not_in_use(address));
        };
        let Some(block) = self.memory.used_at(place) else { return Err(self.why_not_in_use(address)) };
        Ok(block)
    }

    /// Why no block in use has its payload at `address`.
    #[cold]
    fn why_not_in_use(&self, address: usize) -> FreeError {
        let memory = &self.memory;
        if !(memory.start()..memory.end()).contains(&address) {
            return FreeError::Outside;
        }
        if !address.is_multiple_of(WORD) {
            return FreeError::Misaligned;
        }
        if address >= memory.top() {
            return FreeError::AlreadyFree;
        }
        let mut end = memory.start();
        for block in memory.blocks() {
            end = block.end();
            if address < end && block.is_free() {
                return FreeError::AlreadyFree;
            }
            if address < end {
                return FreeError::Inside { payload: block.address() + WORD };
            }
        }
        // The walk has not come as far as `address`, so the block that begins here is damaged.
        FreeError::Damaged { payload: end + WORD }
    }
    // ANCHOR_END: block
}
