//! The cost of a block of the heap: through `Vec`, and compared with crates that kernels use.

#![no_std]
#![no_main]

extern crate alloc;

mod allocators;
mod beside;
mod vectors;

use harness::{Test, test};

harness::boot!(BENCHES, up to heap);

const BENCHES: &[Test] = &[
    test!(vectors::vectors_among_vectors),
    test!(vectors::vectors_among_holes),
    test!(beside::among_blocks),
    test!(beside::among_holes),
    test!(beside::mix_of_sizes),
    test!(beside::bytes),
];

/// The numbers of other blocks in the arena.
const CROWDS: [usize; 5] = [1, 10, 100, 1000, 10000];
