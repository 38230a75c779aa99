//! Blocks: how the memory is cut up, and how neighbours are found.
//!
//! Below the top, the memory is nothing but blocks, each beginning where the one before it ends. A block notes
//! its size twice, in a *header* and in a *footer*: so the block after it is found by adding the size,
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
//!
//! A block whose tags do not agree is *damaged*. It counts as in use, so that the damage does not spread, and
//! is reported when that block itself is freed.

#![forbid(unsafe_code)]

use crate::memory::{Block, Memory, Note, Place, WORD};
use core::iter;

// ANCHOR: sizes
/// What a block in use costs beyond its payload, in bytes: header and footer.
pub(crate) const TAGS: usize = 2 * WORD;
/// The bit of a header that says 'in use'.
const USED: usize = 1;
// ANCHOR_END: sizes

// ANCHOR: tags
impl Block {
    /// Notes in both tags that the block is free.
    #[inline(always)]
    pub fn tag_free(self) {
        self.write_tags(self.size());
    }

    /// Notes in both tags that the block is in use.
    #[inline(always)]
    pub fn tag_used(self) {
        self.write_tags(self.size() | USED);
    }

    /// Notes in the header alone that the block is free: enough for it not to be taken for one in use.
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
    /// The block in use at `place`; `None` if it is free, or damaged.
    #[inline(always)]
    pub(crate) fn used_at(&self, place: Place) -> Option<Block> {
        let header = place.read(Note::Header);
        if header & USED != 0 { self.tagged(place, header) } else { None }
    }

    /// The free block at `place`; `None` if it is in use, or damaged.
    #[inline(always)]
    pub(crate) fn free_at(&self, place: Place) -> Option<Block> {
        let header = place.read(Note::Header);
        if header & USED == 0 { self.tagged(place, header) } else { None }
    }

    /// The block at `place` if this is its header, and if its footer agrees.
    #[inline(always)]
    fn tagged(&self, place: Place, header: usize) -> Option<Block> {
        let block = self.block(place, header)?;
        if block.read_footer() ^ block.footer() == header { Some(block) } else { None }
    }

    /// The free block that ends where `block` begins, if there is one.
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

    /// All blocks by their addresses, up to the top or the first damaged one.
    pub(crate) fn blocks(&self) -> impl Iterator<Item = Block> {
        let at = |address| {
            let place = self.place(address)?;
            self.tagged(place, place.read(Note::Header))
        };
        iter::successors(at(self.start()), move |block| at(block.end()))
    }
}

impl Block {
    /// Whether its header says that it is free.
    pub fn is_free(self) -> bool {
        self.place().read(Note::Header) & USED == 0
    }
}
