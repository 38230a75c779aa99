//! Blocks: how the heap divides its memory, and how it finds a block's neighbors.
//!
//! Below the top, the memory consists of blocks, and each begins where the one before it ends. A block holds
//! its size twice, in a *header* and in a *footer*. Adding the size leads to the block after it, and the footer just
//! below leads to the block before it. Neither step takes longer when there are more blocks.
//!
//! ```text
//!               in use                     free
//!         +----------------+         +----------------+ <- the block's address, a multiple of a word
//!  header | size + USED    |         | size           |
//!         +----------------+         +----------------+ <- the payload: the address that its owner gets
//!         |                |         | next free      |
//!         | the owner's    |         +----------------+
//!         | bytes, two     |         | previous free  |
//!         | words or more  |         +----------------+
//!         |                |         | (left over)    |
//!         +----------------+         +----------------+
//!  footer | sealed header  |         | sealed header  |
//!         +----------------+         +----------------+ <- the end: the next block begins here
//! ```
//!
//! The size counts the whole block, in bytes. It is a multiple of a word, so its lowest bit is always zero, and the
//! header uses this bit to say whether the block is in use.
//!
//! The footer is *sealed*: it is the header exclusive-or the footer's own address. If it were a plain copy, two equal
//! words among the owner's bytes, or words copied from another block, could look like a header and its footer.
//!
//! A write past the owner's bytes hits the footer first, and then header and footer no longer match. Such a block is
//! *damaged*. It counts as in use, so that no other block merges with it, and is reported when it is freed itself.

#![forbid(unsafe_code)]

use crate::memory::{Block, Memory, Note, Place, WORD};
use core::iter;

// ANCHOR: sizes
/// The size of a block's header and footer together, in bytes.
pub(crate) const TAGS: usize = 2 * WORD;
/// The bit of a header that means "in use".
const USED: usize = 1;
// ANCHOR_END: sizes

// ANCHOR: tags
impl Block {
    /// Marks the block as free in both tags.
    #[inline(always)]
    pub fn tag_free(self) {
        self.write_tags(self.size());
    }

    /// Marks the block as in use in both tags.
    #[inline(always)]
    pub fn tag_used(self) {
        self.write_tags(self.size() | USED);
    }

    /// Marks the block as free in its header alone, which is enough for `used_at` to refuse it.
    pub fn clear_used(self) {
        self.place().write(Note::Header, self.size());
    }

    #[inline(always)]
    fn write_tags(self, header: usize) {
        self.place().write(Note::Header, header);
        self.write_footer(header ^ self.footer());
    }
}

impl Memory {
    /// The block in use at `place`; `None` if it is free or damaged.
    #[inline(always)]
    pub(crate) fn used_at(&self, place: Place) -> Option<Block> {
        let header = place.read(Note::Header);
        if header & USED != 0 { self.tagged(place, header) } else { None }
    }

    /// The free block at `place`; `None` if it is in use or damaged.
    #[inline(always)]
    pub(crate) fn free_at(&self, place: Place) -> Option<Block> {
        let header = place.read(Note::Header);
        if header & USED == 0 { self.tagged(place, header) } else { None }
    }

    /// The block at `place` with this header; `None` if its footer does not match.
    #[inline(always)]
    fn tagged(&self, place: Place, header: usize) -> Option<Block> {
        let block = self.block(place, header)?;
        if block.read_footer() ^ block.footer() == header { Some(block) } else { None }
    }

    /// The free block that ends where `block` begins; `None` if there is none.
    #[inline(always)]
    pub(crate) fn free_before(&self, block: Block) -> Option<Block> {
        let footer = block.address() - WORD;
        let header = self.word_before(block)? ^ footer;
        if header & USED != 0 {
            return None;
        }
        let before = self.block_before(block, header)?;
        if before.place().read(Note::Header) == header { Some(before) } else { None }
    }
    // ANCHOR_END: tags

    /// All blocks in the order of their addresses, up to the top or to the first damaged one.
    pub(crate) fn blocks(&self) -> impl Iterator<Item = Block> {
        let at = |address| {
            let place = self.place(address)?;
            self.tagged(place, place.read(Note::Header))
        };
        iter::successors(at(self.start()), move |block| at(block.end()))
    }
}

impl Block {
    /// Whether the header says that the block is free.
    pub fn is_free(self) -> bool {
        self.place().read(Note::Header) & USED == 0
    }
}
