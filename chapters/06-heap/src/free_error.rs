//! What can be wrong with a pointer that is to be freed.
//!
//! Two tags decide whether a pointer can be freed, in a handful of instructions, in release builds too. Only if they do
//! not match does the heap walk over all blocks to find out what is wrong.

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
    /// Its address is not a multiple of a word, unlike every address that the heap returns.
    Misaligned,
    /// It points into a block in use, but not to the beginning of its payload.
    Inside {
        /// The address of the block's payload.
        payload: usize,
    },
    /// It points into free memory: freed before, or never allocated.
    AlreadyFree,
    /// A block's header and footer do not match, because code has written past the end of a payload.
    Damaged {
        /// The address of the damaged block's payload. This is the block to be freed, or one before it.
        payload: usize,
    },
}

impl fmt::Display for FreeError {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::Outside => write!(f, "it is not in the heap"),
            Self::Misaligned => write!(f, "it is not aligned to a word, so no allocation begins there"),
            Self::Inside { payload } => write!(f, "it points into the allocation at {payload:#x}"),
            Self::AlreadyFree => write!(f, "it is free already; was it freed twice?"),
            Self::Damaged { payload } => write!(
                f,
                "the heap is damaged: code wrote past the end of the allocation at {payload:#x} \
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

    /// Finds out why no block in use has its payload at `address`.
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
        // The walk has ended before `address`, so the block that begins at `end` is damaged.
        FreeError::Damaged { payload: end + WORD }
    }
    // ANCHOR_END: block
}
