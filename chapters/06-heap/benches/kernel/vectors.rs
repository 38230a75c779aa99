//! The cost of a vector's memory from the kernel's own heap, including the lock and the work of `Vec` itself.

use crate::CROWDS;
use alloc::vec::Vec;
use boot::log;
use common::lock::interrupts_off;
use core::hint::black_box;
use harness::measuring::{Figure, instructions};

fn block<const N: usize>() -> Vec<u8> {
    Vec::with_capacity(N)
}

/// Allocates and frees one more block among so many, and logs how many instructions each of the two takes.
fn measure<const N: usize>(allocate: &'static str, free: &'static str, among: usize) {
    let _off = interrupts_off();
    let mut one = None;
    let cost = instructions(|| one = black_box(Some(block::<N>())));
    log!("{}", Figure::new(allocate, cost).at(among as u32));
    log!("{}", Figure::new(free, instructions(|| one = black_box(None))).at(among as u32));
}

/// Measures when all of the heap before the last block is in use.
pub fn vectors_among_vectors() {
    let mut blocks = Vec::with_capacity(CROWDS[CROWDS.len() - 1]);
    for crowd in CROWDS {
        while blocks.len() < crowd {
            blocks.push(block::<64>());
        }
        // Once without measuring, so that the heap does not grow while it is measured.
        drop(block::<64>());
        measure::<64>("vector among blocks", "drop among blocks", crowd);
    }
}

/// Measures when there is a hole between any two blocks in use.
pub fn vectors_among_holes() {
    let mut blocks = Vec::with_capacity(2 * CROWDS[CROWDS.len() - 1]);
    for crowd in CROWDS {
        while blocks.len() < 2 * crowd {
            blocks.push(Some(block::<64>()));
        }
        drop(block::<128>());
        blocks.iter_mut().step_by(2).for_each(|block| *block = None);
        measure::<64>("vector out of a hole", "drop into a hole", crowd);
        measure::<128>("vector behind holes", "drop behind holes", crowd);
        blocks.clear();
    }
}
