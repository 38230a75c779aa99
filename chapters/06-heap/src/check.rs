//! Looking at the whole heap: how full it is, and whether it is sound.

#![forbid(unsafe_code)]

use crate::{
    free_lists::{LISTS, list_for},
    heap::Heap,
    memory::Block,
};

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
    /// The free block at this address ends at the top, which should have moved down.
    BelowTop(usize),
    /// A free list leads to this address, where no free block of its sizes begins, or by a wrong link.
    WrongLink(usize),
    /// The bit of the list with this number says that it is empty, and it is not, or the other way round.
    WrongBit(usize),
    /// The free lists hold fewer blocks than are free, or more, perhaps without end.
    Miscounted {
        /// The number of blocks in the free lists; of those too many, only the first is counted.
        listed: usize,
        /// The number of free blocks.
        free: usize,
    },
}

impl Heap {
    /// Counts the blocks and their bytes, by a walk over all of them. The memory that has not been needed yet
    /// counts as one free block.
    pub fn usage(&self) -> Usage {
        let mut usage = Usage { total_bytes: self.memory.end() - self.memory.start(), ..Usage::default() };
        for block in self.memory.blocks() {
            if block.is_free() {
                usage.add_free(block.size());
            } else {
                usage.used_blocks += 1;
                usage.used_bytes += block.size();
            }
        }
        let not_needed_yet = self.memory.end() - self.memory.top();
        if not_needed_yet > 0 {
            usage.add_free(not_needed_yet);
        }
        usage
    }

    /// Checks every block, every link and every bit. This takes time with the square of their number: it is meant
    /// for tests.
    ///
    /// # Errors
    /// The first fault found, as [`Unsound`].
    pub fn check(&self) -> Result<(), Unsound> {
        let mut end = self.memory.start();
        let (mut free, mut free_before) = (0, None);
        for block in self.memory.blocks() {
            let is_free = block.is_free();
            if is_free && free_before.is_some() {
                return Err(Unsound::Unmerged(block.address()));
            }
            free += usize::from(is_free);
            free_before = is_free.then_some(block.address());
            end = block.end();
        }
        if end != self.memory.top() {
            return Err(Unsound::Damaged(end));
        }
        match free_before {
            Some(last) => Err(Unsound::BelowTop(last)),
            None => self.check_lists(free),
        }
    }

    /// Checks that the free lists hold the heap's free blocks, of which there are `free`.
    fn check_lists(&self, free: usize) -> Result<(), Unsound> {
        let mut listed = 0;
        for list in 0..LISTS {
            for place in self.free_lists.places(&self.memory, list).take(free + 1 - listed) {
                let block = self.memory.blocks().find(|block| block.place() == place && block.is_free());
                let is_right =
                    |&block: &Block| list_for(block.size()) == list && self.free_lists.is_linked(&self.memory, block);
                block.filter(is_right).ok_or(Unsound::WrongLink(place.address()))?;
                listed += 1;
            }
            if !self.free_lists.has_right_bit(list) {
                return Err(Unsound::WrongBit(list));
            }
        }
        if listed == free { Ok(()) } else { Err(Unsound::Miscounted { listed, free }) }
    }
}

impl Usage {
    fn add_free(&mut self, bytes: usize) {
        self.free_blocks += 1;
        self.free_bytes += bytes;
        self.largest_free_bytes = self.largest_free_bytes.max(bytes);
    }
}
