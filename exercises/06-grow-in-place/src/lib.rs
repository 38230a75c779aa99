//! Exercise 6.3: blocks that grow and shrink where they lie.
//!
//! Chapter 6 keeps the words of its heap private. So this is a small heap of its own, with the same blocks:
//!
//! ```text
//!     start                                        top                 end
//!       | in use | free | in use | in use |  hole  | in use |  unused   |
//!
//!   a block:  | tag | payload: two words or more | tag |        tag = 2 * size + 1 if it is in use
//! ```
//!
//! As in the chapter, no two holes are neighbors, no hole ends at the top, and no block has less than [`SMALLEST`]
//! words. Unlike there, the memory is a slice, all sizes and addresses count words, the tags are not sealed, and there
//! are no free lists: [`Heap::allocate`] walks over the blocks and takes the first hole that fits.

#![no_std]
#![forbid(unsafe_code)]

use core::iter;
use core::ops::Range;

/// The size of the smallest block, in words.
pub const SMALLEST: usize = 4;
/// The size of a block's two tags, in words.
const TAGS: usize = 2;

/// A heap in a slice of words.
pub struct Heap<'a> {
    words: &'a mut [u32],
    top: usize,
}

/// A block: where it begins, and how many words it has, its tags included.
///
/// The code that has allocated a block keeps this value. A block that has grown, shrunk or moved has a new one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Block {
    /// The place of its first tag.
    pub start: usize,
    /// How many words it has, tags included.
    pub size: usize,
}

/// How the memory of a heap is used. Sizes count words, tags included.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// The words of all blocks in use.
    pub used: usize,
    /// How many holes there are, without the memory above the top.
    pub holes: usize,
    /// The words of all holes.
    pub free: usize,
    /// The words above the top.
    pub unused: usize,
    /// Whether the blocks fill the memory up to the top, their tags match, and no two holes are neighbors or end at the
    /// top.
    pub is_sound: bool,
}

impl Block {
    /// The place behind its last word.
    pub fn end(self) -> usize {
        self.start + self.size
    }

    /// The places of the words that belong to its owner.
    pub fn payload(self) -> Range<usize> {
        self.start + 1..self.end() - 1
    }
}

impl<'a> Heap<'a> {
    /// A heap in this memory, all of it unused.
    pub fn new(words: &'a mut [u32]) -> Self {
        Self { words, top: 0 }
    }

    /// The size of a block whose payload has `words` words.
    pub fn size_for(words: usize) -> usize {
        (words + TAGS).max(SMALLEST)
    }

    /// The words of a block's owner.
    pub fn payload(&self, block: Block) -> &[u32] {
        &self.words[block.payload()]
    }

    /// The words of a block's owner, for writing.
    pub fn payload_mut(&mut self, block: Block) -> &mut [u32] {
        &mut self.words[block.payload()]
    }

    /// Allocates a block whose payload has `words` words, or a few more: in the first hole that fits, or else above the
    /// top.
    pub fn allocate(&mut self, words: usize) -> Option<Block> {
        let size = Self::size_for(words);
        let hole = self.blocks().find(|(block, is_used)| !is_used && size <= block.size);
        if let Some((hole, _)) = hole {
            return Some(self.cut(hole, size));
        }
        if size > self.words.len() - self.top {
            return None;
        }
        let block = Block { start: self.top, size };
        self.top = block.end();
        self.tag(block, true);
        Some(block)
    }

    /// Frees a block in use.
    ///
    /// # Panics
    /// If there is no such block in use.
    pub fn free(&mut self, block: Block) {
        assert!(self.block_at(block.start) == Some((block, true)), "{block:?} is not in use");
        let mut hole = block;
        if let Some(before) = self.free_before(block) {
            hole = Block { start: before.start, size: before.size + hole.size };
        }
        if let Some(after) = self.free_after(block) {
            hole.size += after.size;
        }
        if hole.end() == self.top {
            self.top = hole.start;
        } else {
            self.tag(hole, false);
        }
    }

    /// Makes a block larger without moving it, so that its payload has at least `words` words. Returns the block as it
    /// is now. `None` if there is not enough free memory behind it; then nothing has changed.
    pub fn grow(&mut self, block: Block, words: usize) -> Option<Block> {
        panic!("exercise 6.3: write `Heap::grow`")
    }

    /// Makes a block smaller without moving it: its payload keeps `words` words. Returns the block as it is now. What
    /// it gives up goes to the hole behind it, or above the top, or becomes a hole. Only between two blocks in use, and
    /// with less than [`SMALLEST`] words, it stays with the block.
    pub fn shrink(&mut self, block: Block, words: usize) -> Block {
        panic!("exercise 6.3: write `Heap::shrink`")
    }

    /// Gives a block another size, where it lies if possible. Returns the block as it is now, which has at least
    /// `words` words of payload, and as many of the old words as fit. `None` if there is no memory; then nothing has
    /// changed.
    pub fn reallocate(&mut self, block: Block, words: usize) -> Option<Block> {
        panic!("exercise 6.3: write `Heap::reallocate`")
    }

    /// How the memory is used.
    pub fn usage(&self) -> Usage {
        let mut usage = Usage { unused: self.words.len() - self.top, is_sound: true, ..Usage::default() };
        let (mut end, mut was_free) = (0, false);
        for (block, is_used) in self.blocks() {
            if is_used {
                usage.used += block.size;
            } else {
                usage.holes += 1;
                usage.free += block.size;
                usage.is_sound &= !was_free;
            }
            (end, was_free) = (block.end(), !is_used);
        }
        usage.is_sound &= end == self.top && !was_free;
        usage
    }

    /// Makes a block of the first `size` words of `hole`, and a hole of the rest, if that is large enough.
    fn cut(&mut self, hole: Block, size: usize) -> Block {
        let rest = hole.size - size;
        if rest < SMALLEST {
            self.tag(hole, true);
            return hole;
        }
        let block = Block { size, ..hole };
        self.tag(block, true);
        self.tag(Block { start: block.end(), size: rest }, false);
        block
    }

    /// Writes both tags of a block.
    fn tag(&mut self, block: Block, is_used: bool) {
        let tag = 2 * block.size as u32 + u32::from(is_used);
        self.words[block.start] = tag;
        self.words[block.end() - 1] = tag;
    }

    /// The block at `start`, and whether it is in use. `None` at the top, or if its tags do not match.
    fn block_at(&self, start: usize) -> Option<(Block, bool)> {
        let tag = *self.words[..self.top].get(start)?;
        let block = Block { start, size: tag as usize / 2 };
        let is_block = SMALLEST <= block.size && block.end() <= self.top && self.words[block.end() - 1] == tag;
        is_block.then_some((block, tag % 2 != 0))
    }

    /// The hole that begins where `block` ends.
    fn free_after(&self, block: Block) -> Option<Block> {
        self.block_at(block.end()).filter(|(_, is_used)| !is_used).map(|(hole, _)| hole)
    }

    /// The hole that ends where `block` begins.
    fn free_before(&self, block: Block) -> Option<Block> {
        let tag = self.words[block.start.checked_sub(1)?];
        let start = block.start.checked_sub(tag as usize / 2)?;
        self.block_at(start).filter(|(before, is_used)| !is_used && before.end() == block.start).map(|(hole, _)| hole)
    }

    /// All blocks, from the first one to the top, and whether each is in use.
    fn blocks(&self) -> impl Iterator<Item = (Block, bool)> {
        iter::successors(self.block_at(0), |(block, _)| self.block_at(block.end()))
    }
}
