//! The heap: allocate, free, grow.
//!
//! ```text
//!   start                                                     top                  end
//!     | in use | free | in use | in use |    free     | in use |       unused       |
//!
//!                                       |    hole     |
//!                                       | in use |rest|
//! ```
//!
//! A request is served from a free block, also called a *hole*, and the rest of the hole becomes a hole again. If no
//! hole is large enough, the block is cut off at the top, which moves up.
//!
//! Two rules keep the heap consistent. No block is smaller than [`SMALLEST`], so a smaller rest stays with the block in
//! use. And no two holes are neighbors, and no hole ends at the top, because `free` merges them.

#![forbid(unsafe_code)]

use crate::{
    blocks::TAGS,
    free_error::FreeError,
    free_lists::FreeLists,
    memory::{Block, Memory, SMALLEST, WORD},
};
use core::{alloc::Layout, ptr::NonNull};

/// The largest alignment that the heap supports, in bytes: a page.
pub const LARGEST_ALIGNMENT: usize = 4096;

/// A heap: one range of memory that grows at its end and never shrinks.
#[derive(Debug)]
pub struct Heap {
    pub(crate) memory: Memory,
    pub(crate) free_lists: FreeLists,
}

impl Heap {
    /// A heap without memory. The memory that it gets later has to begin at the address `start`.
    ///
    /// # Panics
    /// If `start` is not a multiple of a word, or less than [`SMALLEST`].
    pub const fn new(start: usize) -> Self {
        Self { memory: Memory::empty(start), free_lists: FreeLists::new() }
    }

    /// The memory that the heap manages now.
    pub fn memory(&self) -> &Memory {
        &self.memory
    }

    // ANCHOR: grow
    /// Gives the heap `more` memory. This allocates nothing, so it works for a full heap too.
    ///
    /// # Panics
    /// If `more` does not begin where the heap ends.
    pub fn grow(&mut self, more: Memory) {
        self.memory.append(more);
    }
    // ANCHOR_END: grow

    // ANCHOR: allocate
    /// Allocates memory for `layout`, uninitialized; `None` if no free memory is large enough. A `layout`
    /// of 0 bytes gets its own address like any other.
    #[inline(always)]
    pub fn allocate(&mut self, layout: Layout) -> Option<NonNull<u8>> {
        let block = match layout.align() {
            0..=WORD => self.allocate_block(size_for(layout))?,
            _ => self.allocate_aligned(layout)?,
        };
        block.tag_used();
        Some(block.payload())
    }

    /// Allocates a block of `size` bytes or a little more, in no list and not marked as in use yet.
    #[inline(always)]
    fn allocate_block(&mut self, size: usize) -> Option<Block> {
        if let Some(hole) = self.free_lists.take(&self.memory, size) {
            return Some(self.cut(hole, size));
        }
        if let Some(block) = self.memory.raise_top(size) {
            return Some(block);
        }
        let hole = self.free_lists.search(&self.memory, size..=size, |hole| size <= hole.size())?;
        Some(self.cut(hole, size))
    }

    /// Cuts off the first `size` bytes of `hole`, which is in no list. If the rest is large enough, it becomes a hole.
    #[inline(always)]
    fn cut(&mut self, hole: Block, size: usize) -> Block {
        let Some((block, rest)) = hole.split(size) else { return hole };
        self.add_hole(rest);
        block
    }
    // ANCHOR_END: allocate

    // ANCHOR: aligned
    /// Allocates a block whose payload is aligned to more than a word: the same steps, with a gap before the block.
    #[inline(never)]
    fn allocate_aligned(&mut self, layout: Layout) -> Option<Block> {
        if layout.align() > LARGEST_ALIGNMENT {
            return None;
        }
        let size = size_for(layout);
        let needed = |from: usize| gap(from, layout.align()) + size;
        let most = largest_gap(layout.align()) + size;
        let hole = if let Some(hole) = self.free_lists.take(&self.memory, most) {
            hole
        } else if let Some(block) = self.memory.raise_top(needed(self.memory.top())) {
            block
        } else {
            self.free_lists.search(&self.memory, size..=most, |hole| needed(hole.address()) <= hole.size())?
        };
        let Some((gap, block)) = hole.split(gap(hole.address(), layout.align())) else {
            return Some(self.cut(hole, size));
        };
        self.add_hole(gap);
        Some(self.cut(block, size))
    }
    // ANCHOR_END: aligned

    // ANCHOR: shortfall
    /// The number of bytes by which the heap has to grow so that `layout` fits above the top; 0 if it
    /// fits there now. An alignment above [`LARGEST_ALIGNMENT`] never fits: `usize::MAX`.
    pub fn shortfall(&self, layout: Layout) -> usize {
        if layout.align() > LARGEST_ALIGNMENT {
            return usize::MAX;
        }
        let (top, end) = (self.memory.top(), self.memory.end());
        (gap(top, layout.align()) + size_for(layout)).saturating_sub(end - top)
    }
    // ANCHOR_END: shortfall

    // ANCHOR: free
    /// Frees the memory at `pointer`, which [`allocate`](Self::allocate) has returned.
    ///
    /// # Errors
    /// A [`FreeError`] that says why the pointer cannot be freed. The heap is unchanged.
    #[inline(always)]
    pub fn free(&mut self, pointer: NonNull<u8>) -> Result<(), FreeError> {
        let mut block = self.block_in_use(pointer.addr().get())?;
        // The block's header may soon lie in the middle of a larger block. If it still said "in use" there, a second
        // `free` of the same address would accept it.
        block.clear_used();
        if let Some(before) = self.memory.free_before(block) {
            self.free_lists.remove(&self.memory, before);
            block = before.join(block);
        }
        let Some(place) = self.memory.place_after(block) else {
            self.memory.lower_top(block);
            return Ok(());
        };
        if let Some(after) = self.memory.free_at(place) {
            self.free_lists.remove(&self.memory, after);
            block = block.join(after);
        }
        self.add_hole(block);
        Ok(())
    }

    /// Makes `block`, which has no free neighbors, a hole.
    #[inline(always)]
    fn add_hole(&mut self, block: Block) {
        block.tag_free();
        self.free_lists.insert(block);
    }
    // ANCHOR_END: free
}

// ANCHOR: place
/// The size of a block for `layout`, in bytes, tags included.
#[inline(always)]
fn size_for(layout: Layout) -> usize {
    // Round up to whole words.
    let size = (layout.size() + TAGS + WORD - 1) & !(WORD - 1);
    size.max(SMALLEST)
}

/// The number of bytes to leave free at `address`, so that the payload of the block behind them is aligned. Either 0 or
/// enough for a hole.
fn gap(address: usize, align: usize) -> usize {
    let gap_from = |from: usize| (from + WORD).next_multiple_of(align) - WORD - address;
    match gap_from(address) {
        0 => 0,
        _ => gap_from(address + SMALLEST),
    }
}

/// The largest gap that an alignment above a word can require, in bytes.
fn largest_gap(align: usize) -> usize {
    SMALLEST + align - WORD
}
// ANCHOR_END: place
