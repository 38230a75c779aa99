//! The heap compared with four crates: the same operations in the same order, on arenas of the same size.

use crate::CROWDS;
use crate::allocators::{ALL, Allocator};
use alloc::boxed::Box;
use alloc::vec::Vec;
use boot::log;
use common::lock::interrupts_off;
use core::alloc::Layout;
use core::mem::MaybeUninit;
use core::ptr::NonNull;
use harness::measuring::{Figure, instructions};
use rand::rngs::Xoshiro128PlusPlus;
use rand::{RngExt, SeedableRng};

const PAGE_BYTES: usize = 4096;
const ARENA_BYTES: usize = 3 << 20;

/// The alignment of every block, in bytes.
const ALIGNMENT: usize = 4;

/// The number of blocks that the mix of sizes has in use at most, and the number of its allocations and frees.
const MIXED_BLOCKS: usize = 4096;
const MIXED_OPERATIONS: u32 = 40_000;

/// Measures allocating and freeing a block of 64 bytes when all the memory before it is in use.
pub fn among_blocks() {
    for_each_in_crowds(|measured, crowd| {
        for _ in 0..crowd {
            measured.block(64);
        }
        measured.tell_of_one(64, ["allocate among blocks", "free among blocks"], crowd);
    });
}

/// Measures the same when there is a hole between any two blocks: with a block that fits the holes, and with one that
/// fits none.
pub fn among_holes() {
    for_each_in_crowds(|measured, crowd| {
        let mut blocks: Vec<Block> = (0..2 * crowd).map(|_| measured.block(64)).collect();
        // Backwards, which is the fast direction for an allocator that sorts its list by address.
        for block in blocks.drain(..).step_by(2).rev() {
            measured.free(block);
        }
        measured.tell_of_one(64, ["allocate out of a hole", "free into a hole"], crowd);
        measured.tell_of_one(128, ["allocate behind holes", "free behind holes"], crowd);
    });
}

/// Measures allocating and freeing blocks of all sizes in random order, on average and in the worst case.
pub fn mix_of_sizes() {
    for_each(|measured| {
        let mut random = Xoshiro128PlusPlus::seed_from_u64(6);
        let mut blocks: Vec<Option<Block>> = (0..MIXED_BLOCKS).map(|_| None).collect();
        let (mut total, mut worst) = (0, 0);
        for _ in 0..MIXED_OPERATIONS {
            let block = &mut blocks[random.random_range(0..MIXED_BLOCKS)];
            let cost = match block.take() {
                Some(block) => measured.free(block),
                None => {
                    let (found, cost) = measured.allocate(any_size(&mut random));
                    *block = Some(found.expect("the arena is large enough"));
                    cost
                }
            };
            total += cost;
            worst = worst.max(cost);
        }
        measured.tell(Figure::new("mix of sizes", total).of_rounds(MIXED_OPERATIONS));
        measured.tell(Figure::new("mix of sizes, at worst", worst));
    });
}

/// Allocates until there is no memory left, and measures how much of it the requests account for.
pub fn bytes() {
    for_each(|measured| {
        let mut blocks = 0;
        while measured.allocate(64).0.is_some() {
            blocks += 1;
        }
        // Rounded down to whole bytes, because the rest at the end is too small for a block.
        measured.tell(Figure::new("bytes beside a block", ARENA_BYTES as u32 / blocks - 64));
    });
    // For every two blocks that are allocated, one is freed.
    for_each(|measured| {
        let mut random = Xoshiro128PlusPlus::seed_from_u64(6);
        let mut blocks = Vec::new();
        while let Some(block) = measured.allocate(any_size(&mut random)).0 {
            blocks.push(block);
            if random.random() {
                let block = blocks.swap_remove(random.random_range(0..blocks.len()));
                measured.free(block);
            }
        }
        let asked: usize = blocks.iter().map(|block| block.layout.size()).sum();
        // Per 100 requested bytes.
        measured.tell(Figure::new("bytes for 100", ARENA_BYTES as u32).of_rounds(asked as u32 / 100));
    });
}

/// A random size from 8 to 4096 bytes. Small sizes are more frequent.
fn any_size(random: &mut Xoshiro128PlusPlus) -> usize {
    let most = 16 << random.random_range(0..9);
    random.random_range(most / 2..=most)
}

/// Measures all allocators, one after the other, each in the same arena.
fn for_each(measure: impl Fn(&mut Measured)) {
    /// The unit of an arena, which begins at a page boundary.
    #[repr(align(4096))]
    struct Page {
        _bytes: [u8; PAGE_BYTES],
    }

    let _off = interrupts_off();
    let mut arena = Vec::<MaybeUninit<Page>>::with_capacity(ARENA_BYTES / PAGE_BYTES);
    let start = NonNull::from(arena.spare_capacity_mut()).cast();
    for (name, make) in ALL {
        // SAFETY: nothing else uses this memory while the vector exists, and each allocator is dropped before the next
        // one is made.
        let allocator = unsafe { make(NonNull::slice_from_raw_parts(start, ARENA_BYTES)) };
        measure(&mut Measured { name, allocator });
    }
}

/// Measures all allocators with each number of [`CROWDS`], for the points of a curve.
fn for_each_in_crowds(measure: impl Fn(&mut Measured, usize)) {
    CROWDS.iter().for_each(|crowd| for_each(|measured| measure(measured, *crowd)));
}

/// An allocator, with its name.
struct Measured {
    name: &'static str,
    allocator: Box<dyn Allocator>,
}

/// A block, and the layout that was requested.
struct Block {
    pointer: NonNull<u8>,
    layout: Layout,
}

impl Measured {
    /// Allocates a block, if there is memory, and returns the number of instructions that this takes.
    fn allocate(&mut self, bytes: usize) -> (Option<Block>, u32) {
        let layout = Layout::from_size_align(bytes, ALIGNMENT).expect("a size that can be");
        let mut found = None;
        let cost = instructions(|| found = self.allocator.allocate(layout));
        (found.map(|pointer| Block { pointer, layout }), cost)
    }

    /// Allocates a block when there is enough memory.
    fn block(&mut self, bytes: usize) -> Block {
        self.allocate(bytes).0.expect("the arena is large enough")
    }

    /// Frees a block, and returns the number of instructions that this takes.
    fn free(&mut self, block: Block) -> u32 {
        // SAFETY: there is one allocator at a time, so the block comes from this one. It is no longer used.
        instructions(|| unsafe { self.allocator.free(block.pointer, block.layout) })
    }

    /// Logs how many instructions it takes to allocate one more block, and to free it, among so many.
    fn tell_of_one(&mut self, bytes: usize, [allocate, free]: [&'static str; 2], among: usize) {
        // Once without measuring, because the first time may be different.
        let block = self.block(bytes);
        self.free(block);
        let (block, cost) = self.allocate(bytes);
        self.tell(Figure::new(allocate, cost).at(among as u32));
        let cost = self.free(block.expect("the arena is large enough"));
        self.tell(Figure::new(free, cost).at(among as u32));
    }

    /// Logs a figure under this allocator's name.
    fn tell(&self, figure: Figure) {
        log!("{}", figure.of(self.name));
    }
}
