//! The heap: allocate, free, grow.
//!
//! ```text
//!   before    |              hole: free               |
//!             +-----------+-------------------+-------+
//!   after     | gap: free |   block: in use   | rest: |
//!             |           |                   | free  |
//!             +-----------+-------------------+-------+
//!                           ^ payload, aligned as asked
//! ```
//!
//! Two rules keep it sound. No piece is smaller than the smallest block: the block moves up until the
//! gap is nothing or a block of its own, and a rest too small for one stays with the block in use. And
//! no two free blocks are neighbours: whoever adds a free block merges it with those on both sides.

#![forbid(unsafe_code)]

use crate::{
    blocks::{Block, Blocks, SMALLEST, TAGS},
    free_error::FreeError,
    free_list::FreeList,
    memory::{Memory, WORD},
};
use core::{alloc::Layout, ptr::NonNull};

/// The largest alignment that the heap serves, in bytes: a page.
pub const LARGEST_ALIGNMENT: usize = 4096;

/// A heap: one piece of memory that grows at its end and never shrinks.
#[derive(Debug)]
pub struct Heap {
    pub(crate) blocks: Blocks,
    pub(crate) free_list: FreeList,
}

impl Heap {
    /// A heap without memory; its memory is going to begin at the address `start`.
    ///
    /// # Panics
    /// If `start` is 0 or not a multiple of a word.
    pub const fn new(start: usize) -> Self {
        Self { blocks: Blocks { memory: Memory::empty(start) }, free_list: FreeList::new() }
    }

    /// The memory that the heap manages at present.
    pub fn memory(&self) -> &Memory {
        &self.blocks.memory
    }

    // ANCHOR: grow
    /// Gives the heap `more` memory. This takes no memory from the heap, not even a full one.
    ///
    /// # Panics
    /// If `more` does not begin where the heap ends, or is too small to be a block.
    pub fn grow(&mut self, more: Memory) {
        let (block, size) = (Block(more.start()), more.end() - more.start());
        assert!(size >= SMALLEST, "heap: growth by {size} bytes is no block");
        self.blocks.memory.append(more);
        self.merge_free(block, size);
    }
    // ANCHOR_END: grow

    // ANCHOR: allocate
    /// Memory as `layout` asks for it, no byte of it set; `None` if there is no free block that it
    /// fits in. A `layout` of 0 bytes gets an address of its own like any other.
    pub fn allocate(&mut self, layout: Layout) -> Option<NonNull<u8>> {
        let hole = self.first_fit(layout)?;
        let block = place(hole, layout);
        let mut size = size_for(layout);
        let gap = block.0 - hole.0;
        let rest = self.blocks.size(hole) - gap - size;

        self.free_list.remove(&mut self.blocks, hole);
        if gap > 0 {
            self.add_free(hole, gap);
        }
        if rest >= SMALLEST {
            self.add_free(Block(block.0 + size), rest);
        } else {
            size += rest;
        }
        self.blocks.mark_used(block, size);
        Some(block.payload())
    }
    // ANCHOR_END: allocate

    // ANCHOR: shortfall
    /// How many bytes the heap has to grow by for `layout` to fit at its end for sure; 0 if it fits
    /// there as it is. An alignment beyond [`LARGEST_ALIGNMENT`] asks for more than there can be.
    pub fn shortfall(&self, layout: Layout) -> usize {
        let end = self.memory().end();
        let hole = self.free_before(end).unwrap_or(Block(end));
        needed(hole, layout).saturating_sub(end - hole.0)
    }
    // ANCHOR_END: shortfall

    // ANCHOR: free
    /// Takes back the memory at `pointer`, which [`allocate`](Self::allocate) has returned.
    ///
    /// # Errors
    /// A [`FreeError`] that says why this cannot be freed; nothing has been changed then.
    pub fn free(&mut self, pointer: NonNull<u8>) -> Result<(), FreeError> {
        let block = self.block_in_use(pointer.addr().get())?;
        let size = self.blocks.size(block);
        // A merge leaves this block's tags where they are, in the midst of a larger block. They say
        // 'free' by then, so that freeing the same address again does not find them saying 'in use'.
        self.blocks.mark_free(block, size);
        self.merge_free(block, size);
        Ok(())
    }

    /// Makes the `size` bytes at `block` a free block that has no free neighbours.
    fn add_free(&mut self, block: Block, size: usize) {
        self.blocks.mark_free(block, size);
        self.free_list.insert(&mut self.blocks, block);
    }

    /// Makes the `size` bytes at `block` a free block, together with the free blocks on either side.
    fn merge_free(&mut self, mut block: Block, mut size: usize) {
        if let Some(after) = self.free_at(block.0 + size) {
            self.free_list.remove(&mut self.blocks, after);
            size += self.blocks.size(after);
        }
        if let Some(before) = self.free_before(block.0) {
            self.free_list.remove(&mut self.blocks, before);
            size += self.blocks.size(before);
            block = before;
        }
        self.add_free(block, size);
    }

    /// The free block that begins at `address`, if there is one. A damaged block counts as in use: so
    /// the damage does not spread, and is reported when that block itself is freed.
    fn free_at(&self, address: usize) -> Option<Block> {
        self.blocks.at(address).filter(|&block| self.blocks.is_free(block))
    }

    /// The free block that ends at `address`, if there is one; a damaged one counts as in use.
    fn free_before(&self, address: usize) -> Option<Block> {
        self.blocks.before(address).filter(|&block| self.blocks.is_free(block))
    }
    // ANCHOR_END: free

    // ANCHOR: fit
    /// The first block in the free list that is large enough for `layout`.
    fn first_fit(&self, layout: Layout) -> Option<Block> {
        self.free_list.iter(&self.blocks).find(|&hole| {
            debug_assert!(
                self.blocks.is_intact(hole) && self.blocks.is_free(hole),
                "heap: the tags of the free block at {:#x} were overwritten",
                hole.0
            );
            needed(hole, layout) <= self.blocks.size(hole)
        })
    }
    // ANCHOR_END: fit
}

// ANCHOR: place
/// The size in bytes of a block for `layout`, tags included.
fn size_for(layout: Layout) -> usize {
    (layout.size().next_multiple_of(WORD) + TAGS).max(SMALLEST)
}

/// The first place in `hole` for a block with a payload aligned as `layout` asks: at its very
/// beginning, or far enough after it for the gap to be a block.
fn place(hole: Block, layout: Layout) -> Block {
    let aligned = |from: usize| Block::of_payload((from + WORD).next_multiple_of(layout.align()));
    if aligned(hole.0) == hole { hole } else { aligned(hole.0 + SMALLEST) }
}

/// How many bytes `hole` needs to have for `layout` to fit: the gap and the block.
fn needed(hole: Block, layout: Layout) -> usize {
    if layout.align() > LARGEST_ALIGNMENT {
        return usize::MAX;
    }
    place(hole, layout).0 - hole.0 + size_for(layout)
}
// ANCHOR_END: place
