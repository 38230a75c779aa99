//! Looking at the whole heap: how full it is, and whether it is sound.

#![forbid(unsafe_code)]

use crate::heap::Heap;

/// What a heap's memory is used for. Bytes count whole blocks, the heap's own tags included, so that
/// used and free bytes add up to all there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// The size of the heap's memory in bytes.
    pub total_bytes: usize,
    /// The bytes in blocks in use.
    pub used_bytes: usize,
    /// The bytes in free blocks.
    pub free_bytes: usize,
    /// The number of blocks in use.
    pub used_blocks: usize,
    /// The number of free blocks.
    pub free_blocks: usize,
    /// The size of the largest free block in bytes; 0 if none is free.
    pub largest_free_bytes: usize,
}

/// What makes a heap unsound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unsound {
    /// The header at this address does not agree with its footer, or is none.
    Damaged(usize),
    /// The free block at this address has a free block before it: they should have been merged.
    Unmerged(usize),
    /// The free list leads to this address, where no free block begins, or by a wrong link.
    WrongLink(usize),
    /// The free list holds fewer blocks than are free, or more, perhaps without end.
    Miscounted {
        /// The number of blocks in the free list; of those too many, only the first is counted.
        listed: usize,
        /// The number of free blocks.
        free: usize,
    },
}

impl Heap {
    /// Counts the blocks and their bytes, by a walk over all of them.
    pub fn usage(&self) -> Usage {
        let total_bytes = self.memory().end() - self.memory().start();
        let mut usage = Usage { total_bytes, ..Usage::default() };
        for block in self.blocks.iter() {
            let size = self.blocks.size(block);
            if self.blocks.is_free(block) {
                usage.free_blocks += 1;
                usage.free_bytes += size;
                usage.largest_free_bytes = usage.largest_free_bytes.max(size);
            } else {
                usage.used_blocks += 1;
                usage.used_bytes += size;
            }
        }
        usage
    }

    /// Checks every block and every link. This takes time with the square of their number: it is meant
    /// for tests.
    ///
    /// # Errors
    /// The first fault found, as [`Unsound`].
    pub fn check(&self) -> Result<(), Unsound> {
        let mut end = self.memory().start();
        let (mut free, mut free_before) = (0, false);
        for block in self.blocks.iter() {
            let is_free = self.blocks.is_free(block);
            if is_free && free_before {
                return Err(Unsound::Unmerged(block.0));
            }
            free += usize::from(is_free);
            free_before = is_free;
            end = self.blocks.end(block);
        }
        if end != self.memory().end() {
            return Err(Unsound::Damaged(end));
        }
        self.check_list(free)
    }

    /// Checks that the free list holds the heap's free blocks, of which there are `free`.
    fn check_list(&self, free: usize) -> Result<(), Unsound> {
        let mut listed = 0;
        for block in self.free_list.iter(&self.blocks).take(free + 1) {
            let exists = self.blocks.iter().any(|other| other == block);
            if !exists || !self.blocks.is_free(block) || !self.free_list.is_linked(&self.blocks, block) {
                return Err(Unsound::WrongLink(block.0));
            }
            listed += 1;
        }
        if listed == free { Ok(()) } else { Err(Unsound::Miscounted { listed, free }) }
    }
}
