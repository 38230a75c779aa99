//! Statistics of the heap and a check of its consistency.

#![forbid(unsafe_code)]

use crate::{
    free_lists::{LISTS, list_for},
    heap::Heap,
    memory::Block,
};

/// How a heap's memory is used. Bytes count whole blocks including their tags, so `used_bytes` and `free_bytes` add
/// up to `total_bytes`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// The size of the heap's memory in bytes.
    pub total_bytes: usize,
    /// The total size of the blocks in use, in bytes.
    pub used_bytes: usize,
    /// The total size of the free blocks, in bytes.
    pub free_bytes: usize,
    /// The number of blocks in use.
    pub used_blocks: usize,
    /// The number of free blocks.
    pub free_blocks: usize,
    /// The size of the largest free block in bytes; 0 if there is none.
    pub largest_free_bytes: usize,
}

/// How a heap can be inconsistent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unsound {
    /// The word at this address should be a header, but does not match a footer.
    Damaged(usize),
    /// The free block at this address has a free block before it: they should have been merged.
    Unmerged(usize),
    /// The free block at this address ends at the top, which should have moved down.
    BelowTop(usize),
    /// A free list leads to this address, but no free block of this list's sizes begins there, or its neighbors in
    /// the list do not link back to it.
    WrongLink(usize),
    /// The bit of the list with this number is set although the list is empty, or clear although it is not.
    WrongBit(usize),
    /// The number of blocks in the free lists differs from the number of free blocks. A list may be a cycle.
    Miscounted {
        /// The number of blocks in the free lists. The count stops at one more than `free`.
        listed: usize,
        /// The number of free blocks that the walk over the memory has found.
        free: usize,
    },
}

impl Heap {
    /// Counts the blocks and their bytes, in a walk over all blocks. The memory above the top counts as one free block.
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

    /// Checks every block, every link and every bit. The time grows with the square of their number: this is for tests.
    ///
    /// # Errors
    /// The first inconsistency that it finds, as [`Unsound`].
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

    /// Checks that the free lists hold exactly the heap's free blocks, of which there are `free`.
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
