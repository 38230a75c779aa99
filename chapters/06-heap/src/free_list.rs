//! The free list: every free block, linked with the next and the previous one.
//!
//! The links lie in the free blocks themselves, in bytes that nobody needs meanwhile. A list that is
//! linked both ways lets go of any block without searching for it, as merging requires. The order
//! means nothing: what was freed last comes first.

#![forbid(unsafe_code)]

use crate::{
    blocks::{Block, Blocks},
    memory::WORD,
};
use core::iter;

/// Where the list of free blocks begins.
#[derive(Debug)]
pub(crate) struct FreeList {
    first: Option<Block>,
}

impl FreeList {
    /// A list without blocks.
    pub const fn new() -> Self {
        Self { first: None }
    }

    // ANCHOR: list
    /// Puts `block`, which is not in the list, at its beginning.
    pub fn insert(&mut self, blocks: &mut Blocks, block: Block) {
        set_link(blocks, next_link(block), self.first);
        set_link(blocks, previous_link(block), None);
        if let Some(second) = self.first {
            set_link(blocks, previous_link(second), Some(block));
        }
        self.first = Some(block);
    }

    /// Takes `block`, which is in the list, out of it.
    pub fn remove(&mut self, blocks: &mut Blocks, block: Block) {
        debug_assert!(
            self.is_linked(blocks, block),
            "heap: the free block at {:#x} was written to after it had been freed",
            block.0
        );
        let next = link(blocks, next_link(block));
        let previous = link(blocks, previous_link(block));
        match previous {
            Some(previous) => set_link(blocks, next_link(previous), next),
            None => self.first = next,
        }
        if let Some(next) = next {
            set_link(blocks, previous_link(next), previous);
        }
    }
    // ANCHOR_END: list

    /// Whether the neighbours of `block` in the list know of it.
    pub fn is_linked(&self, blocks: &Blocks, block: Block) -> bool {
        let from_before = match link(blocks, previous_link(block)) {
            Some(previous) => link(blocks, next_link(previous)),
            None => self.first,
        };
        let from_after = match link(blocks, next_link(block)) {
            Some(next) => link(blocks, previous_link(next)),
            None => Some(block),
        };
        from_before == Some(block) && from_after == Some(block)
    }

    /// The blocks in the list.
    pub fn iter(&self, blocks: &Blocks) -> impl Iterator<Item = Block> {
        iter::successors(self.first, |&block| link(blocks, next_link(block)))
    }
}

/// Where `block` keeps its link to the next block.
fn next_link(block: Block) -> usize {
    block.0 + WORD
}

/// Where `block` keeps its link to the previous block.
fn previous_link(block: Block) -> usize {
    block.0 + 2 * WORD
}

/// The link at `address`; 0, where no block can be, is a link to nothing.
fn link(blocks: &Blocks, address: usize) -> Option<Block> {
    Some(Block(blocks.memory.read(address))).filter(|&block| block != Block(0))
}

fn set_link(blocks: &mut Blocks, address: usize, block: Option<Block>) {
    blocks.memory.write(address, block.map_or(0, |block| block.0));
}
