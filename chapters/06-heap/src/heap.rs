//! The heap: allocate, free, grow.
//!
//! ```text
//!   start                                                     top                  end
//!     | in use | free | in use | in use |    free     | in use |  not needed yet    |
//!
//!                                       |    hole     |
//!                                       | in use |rest|
//! ```
//!
//! A request is served from a free block, a *hole*, and what it leaves of the hole is a hole again. If no
//! hole is large enough, the request is served at the top, which moves up.
//!
//! Two rules keep the heap sound. No block is smaller than the smallest: a rest too small for one stays with
//! the block in use. And no hole has a hole for a neighbour, or ends at the top: `free` merges them.

#![forbid(unsafe_code)]

use crate::{
    blocks::TAGS,
    free_error::FreeError,
    free_lists::FreeLists,
    memory::{Block, Memory, SMALLEST, WORD},
};
use core::{alloc::Layout, ptr::NonNull};

/// The largest alignment that the heap serves, in bytes: a page.
pub const LARGEST_ALIGNMENT: usize = 4096;

/// A heap: one piece of memory that grows at its end and never shrinks.
#[derive(Debug)]
pub struct Heap {
    pub(crate) memory: Memory,
    pub(crate) free_lists: FreeLists,
}

impl Heap {
    /// A heap without memory; its memory is going to begin at the address `start`.
    ///
    /// # Panics
    /// If `start` is not a multiple of a word, or is one of the first few words.
    pub const fn new(start: usize) -> Self {
        Self { memory: Memory::empty(start), free_lists: FreeLists::new() }
    }

    /// The memory that the heap manages at present.
    pub fn memory(&self) -> &Memory {
        &self.memory
    }

    // ANCHOR: grow
    /// Gives the heap `more` memory. This takes no memory from the heap, not even a full one.
    ///
    /// # Panics
    /// If `more` does not begin where the heap ends.
    pub fn grow(&mut self, more: Memory) {
        self.memory.append(more);
    }
    // ANCHOR_END: grow

    // ANCHOR: allocate
    /// Memory as `layout` asks for it, no byte of it set; `None` if there is no free memory that it
    /// fits in. A `layout` of 0 bytes gets an address of its own like any other.
    #[inline(always)]
    pub fn allocate(&mut self, layout: Layout) -> Option<NonNull<u8>> {
        let block = match layout.align() {
            0..=WORD => self.allocate_block(size_for(layout))?,
            _ => self.allocate_aligned(layout)?,
        };
        block.tag_used();
        Some(block.payload())
    }

    /// A block of `size` bytes, or a little more.
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

    /// The first `size` bytes of `hole`, which is in no list; the rest becomes a hole, if it is large enough.
    #[inline(always)]
    fn cut(&mut self, hole: Block, size: usize) -> Block {
        let Some((block, rest)) = hole.split(size) else { return hole };
        self.add_hole(rest);
        block
    }
    // ANCHOR_END: allocate

    // ANCHOR: aligned
    /// A block whose payload is aligned to more than a word: the same steps, with a gap before the block.
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
    /// How many bytes the heap has to grow by for `layout` to fit at its end for sure; 0 if it fits
    /// there as it is. An alignment beyond [`LARGEST_ALIGNMENT`] asks for more than there can be.
    pub fn shortfall(&self, layout: Layout) -> usize {
        if layout.align() > LARGEST_ALIGNMENT {
            return usize::MAX;
        }
        let (top, end) = (self.memory.top(), self.memory.end());
        (gap(top, layout.align()) + size_for(layout)).saturating_sub(end - top)
    }
    // ANCHOR_END: shortfall

    // ANCHOR: free
    /// Takes back the memory at `pointer`, which [`allocate`](Self::allocate) has returned.
    ///
    /// # Errors
    /// A [`FreeError`] that says why this cannot be freed; nothing has been changed then.
    #[inline(always)]
    pub fn free(&mut self, pointer: NonNull<u8>) -> Result<(), FreeError> {
        let mut block = self.block_in_use(pointer.addr().get())?;
        // The block's header may soon lie in the midst of a larger block. It says 'free' by then, so that
        // freeing the same address again does not find it saying 'in use'.
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

    /// Makes `block`, which has no free neighbour, a hole.
    #[inline(always)]
    fn add_hole(&mut self, block: Block) {
        block.tag_free();
        self.free_lists.insert(block);
    }
    // ANCHOR_END: free
}

// ANCHOR: place
/// The size in bytes of a block for `layout`, tags included.
#[inline(always)]
fn size_for(layout: Layout) -> usize {
    // Rounded up to whole words.
    let size = (layout.size() + TAGS + WORD - 1) & !(WORD - 1);
    size.max(SMALLEST)
}

/// How many bytes to leave free at `address`, for the payload of a block behind them to be aligned: none, or
/// enough for a hole.
fn gap(address: usize, align: usize) -> usize {
    let gap_from = |from: usize| (from + WORD).next_multiple_of(align) - WORD - address;
    match gap_from(address) {
        0 => 0,
        _ => gap_from(address + SMALLEST),
    }
}

/// The largest gap that an alignment beyond a word can ask for, in bytes.
fn largest_gap(align: usize) -> usize {
    SMALLEST + align - WORD
}
// ANCHOR_END: place
