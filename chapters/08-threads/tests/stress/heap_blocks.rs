//! The heap, used hard by several threads that every tick interrupts.

use crate::{ENDED, ENOUGH, random, spawn, wait_for};
use alloc::alloc::{alloc, dealloc, realloc};
use common::Lock;
use core::alloc::Layout;
use core::sync::atomic::{AtomicU32, Ordering::Relaxed};
use harness::stress::stir;
use rand::rngs::Xoshiro128PlusPlus;
use rand::{Rng, RngExt};
use threads::Thread;

const THREADS: usize = 6;

/// A block of the heap, and the value that its bytes were set to.
struct Block {
    start: *mut u8,
    layout: Layout,
    seed: u8,
}

// SAFETY: only the thread that has the `Block` knows where it starts.
unsafe impl Send for Block {}

/// A shelf through which blocks pass from thread to thread.
static SHELF: Lock<[Option<Block>; 16]> = Lock::new([const { None }; 16]);
static DONE: [AtomicU32; THREADS] = [const { AtomicU32::new(0) }; THREADS];

/// Threads that allocate, grow, shrink, pass on and free blocks of every kind.
pub fn the_heap_keeps_what_threads_keep_in_it() {
    let before = heap::usage();
    let threads: [Thread; THREADS] = core::array::from_fn(|number| spawn(hammer, number));
    wait_for(threads, &DONE);
    for place in 0..16 {
        let block = SHELF.lock()[place].take();
        block.into_iter().for_each(Block::free);
    }
    let after = heap::usage();
    assert_eq!(after.used_bytes, before.used_bytes, "{after:?}");
    assert_eq!(after.used_blocks, before.used_blocks, "{after:?}");
    stir(after.total_bytes as u32);
}

fn hammer(me: usize) {
    let mut random = random(me);
    let mut own = [const { None }; 8];
    while !ENOUGH.load(Relaxed) {
        let place = random.random_range(0..own.len());
        own[place] = match own[place].take() {
            None => Block::new(&mut random),
            Some(block) => match random.random_range(0..4) {
                0 => block.resized(size(&mut random)),
                1 => SHELF.lock()[random.random_range(0..16)].replace(block),
                _ => {
                    block.free();
                    None
                }
            },
        };
        DONE[me].fetch_add(1, Relaxed);
    }
    own.into_iter().flatten().for_each(Block::free);
    ENDED.fetch_add(1, Relaxed);
}

/// Mostly small, sometimes some pages.
fn size(random: &mut Xoshiro128PlusPlus) -> usize {
    let most = [16, 64, 256, 1024, 6000][random.random_range(0..5)];
    random.random_range(1..=most)
}

impl Block {
    fn new(random: &mut Xoshiro128PlusPlus) -> Option<Self> {
        let align = 1 << [0, 2, 3, 4, 12][random.random_range(0..5)];
        let layout = Layout::from_size_align(size(random), align).expect("a power of two");
        // SAFETY: not of size 0.
        let start = unsafe { alloc(layout) };
        assert!(!start.is_null() && start.addr().is_multiple_of(align), "{start:p} was given to {layout:?}");
        let block = Self { start, layout, seed: random.next_u32() as u8 };
        block.fill();
        Some(block)
    }

    fn fill(&self) {
        // SAFETY: within the block, which belongs to this thread alone.
        unsafe { self.start.write_bytes(self.seed, self.layout.size()) };
    }

    /// Checks that the first `bytes` bytes are as they were set.
    fn assert_is_filled(&self, bytes: usize) {
        // SAFETY: within the block; `fill` has set all of it.
        let bytes = unsafe { core::slice::from_raw_parts(self.start, bytes) };
        if let Some(offset) = bytes.iter().position(|byte| *byte != self.seed) {
            let (size, start, byte, expected) = (self.layout.size(), self.start, bytes[offset], self.seed);
            panic!(
                "of the block of {size} bytes at {start:p}, byte {offset} is {byte:#x} and was set to {expected:#x}"
            );
        }
    }

    fn resized(mut self, size: usize) -> Option<Self> {
        self.assert_is_filled(self.layout.size());
        let kept = size.min(self.layout.size());
        // SAFETY: it was allocated with this layout, and the size is not 0.
        self.start = unsafe { realloc(self.start, self.layout, size) };
        assert!(!self.start.is_null(), "no room for {size} bytes");
        self.layout = Layout::from_size_align(size, self.layout.align()).expect("as before");
        self.assert_is_filled(kept);
        self.fill();
        Some(self)
    }

    fn free(self) {
        self.assert_is_filled(self.layout.size());
        // SAFETY: it was allocated with this layout, and is no longer used.
        unsafe { dealloc(self.start, self.layout) };
    }
}
