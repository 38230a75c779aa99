//! Blocks: how the memory is cut up, and how neighbours are found.
//!
//! The memory is nothing but blocks, each beginning where the one before it ends. A block notes its
//! size twice, in a *header* and in a *footer*: so the block after it is found by adding the size,
//! and the block before it by the footer just below. Neither takes longer the more blocks there are.
//!
//! ```text
//!               in use                     free
//!         +----------------+         +----------------+ <- the block's address, a multiple of a word
//!  header | size + USED    |         | size           |
//!         +----------------+         +----------------+ <- the payload: what its owner gets to see
//!         |                |         | next free      |
//!         | the owner's    |         +----------------+
//!         | bytes, two     |         | previous free  |
//!         | words or more  |         +----------------+
//!         |                |         | (left over)    |
//!         +----------------+         +----------------+
//!  footer | sealed header  |         | sealed header  |
//!         +----------------+         +----------------+ <- the end: here the next block begins
//! ```
//!
//! The size counts the whole block, in bytes. It is a multiple of a word, so its lowest bit is free
//! to say whether the block is in use. A write past the owner's bytes hits the footer first, so
//! that header and footer no longer agree. The footer is *sealed*: it is the header exclusive-or the
//! footer's own address. So no two words among the owner's bytes look like a header and its footer by
//! accident, not if all are alike, and not if they were copied from elsewhere.

#![forbid(unsafe_code)]

use crate::memory::{Memory, WORD};
use core::{iter, num::NonZeroUsize, ptr::NonNull};

// ANCHOR: sizes
/// The smallest block in bytes: when it is free it has to hold header, two links and footer.
pub(crate) const SMALLEST: usize = 4 * WORD;
/// What a block in use costs beyond its payload, in bytes: header and footer.
pub(crate) const TAGS: usize = 2 * WORD;
/// The bit of a header that says 'in use'.
const USED: usize = 1;
// ANCHOR_END: sizes

/// A block, by its address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Block(pub usize);

impl Block {
    /// The block whose payload is at `address`.
    pub fn of_payload(address: usize) -> Self {
        Self(address - WORD)
    }

    /// What the block's owner gets: a pointer to the word after the header.
    pub fn payload(self) -> NonNull<u8> {
        let address = NonZeroUsize::new(self.0 + WORD).expect("no block lies at address 0");
        NonNull::with_exposed_provenance(address)
    }
}

/// All blocks, and the memory they are cut from.
#[derive(Debug)]
pub(crate) struct Blocks {
    pub memory: Memory,
}

impl Blocks {
    /// The size of `block` in bytes, tags included.
    pub fn size(&self, block: Block) -> usize {
        self.memory.read(block.0) & !USED
    }

    /// The address just past `block`.
    pub fn end(&self, block: Block) -> usize {
        block.0 + self.size(block)
    }

    /// Whether `block` is nobody's.
    pub fn is_free(&self, block: Block) -> bool {
        self.memory.read(block.0) & USED == 0
    }

    /// Makes the `size` bytes at `block` a block that is free.
    pub fn mark_free(&mut self, block: Block, size: usize) {
        self.write_tags(block, size, 0);
    }

    /// Makes the `size` bytes at `block` a block that is in use.
    pub fn mark_used(&mut self, block: Block, size: usize) {
        self.write_tags(block, size, USED);
    }

    // ANCHOR: tags
    fn write_tags(&mut self, block: Block, size: usize, used: usize) {
        debug_assert!(size >= SMALLEST && size.is_multiple_of(WORD), "heap: a block of {size} bytes");
        let footer = block.0 + size - WORD;
        self.memory.write(block.0, size | used);
        self.memory.write(footer, (size | used) ^ footer);
    }

    /// Whether there is a block at `block`: a header within the memory, and the footer to go with it.
    pub fn is_intact(&self, block: Block) -> bool {
        if !self.memory.contains(block.0, SMALLEST) {
            return false;
        }
        let size = self.size(block);
        if size < SMALLEST || !self.memory.contains(block.0, size) || !size.is_multiple_of(WORD) {
            return false;
        }
        let footer = self.end(block) - WORD;
        self.memory.read(footer) ^ footer == self.memory.read(block.0)
    }

    /// The block that begins at `address`; `None` at the memory's end, and if the block is damaged.
    pub fn at(&self, address: usize) -> Option<Block> {
        Some(Block(address)).filter(|&block| self.is_intact(block))
    }

    /// The block that ends at `address`; `None` at the memory's start, and if the block is damaged.
    pub fn before(&self, address: usize) -> Option<Block> {
        if address == self.memory.start() {
            return None;
        }
        let footer = address - WORD;
        let size = (self.memory.read(footer) ^ footer) & !USED;
        let block = self.at(address.checked_sub(size)?)?;
        (self.end(block) == address).then_some(block)
    }
    // ANCHOR_END: tags

    /// All blocks by their addresses, up to the memory's end or the first damaged block.
    pub fn iter(&self) -> impl Iterator<Item = Block> {
        iter::successors(self.at(self.memory.start()), |&block| self.at(self.end(block)))
    }
}
