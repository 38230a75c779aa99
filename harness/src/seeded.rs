//! Tests with random inputs, whose results the host judges.
//!
//! An exercise's test gets its inputs from [`Random`], whose seed is on the command line (`seed=17`). It does not compare
//! results itself. It hands each to [`show`], and the host compares them with those that a right solution shows for the
//! same seed. So a kernel that only claims to pass has nothing to show.
//!
//! Values go into a table in memory, which the host reads when the test is over. What the host has to see at a certain
//! moment, it sees in [`look`]: there it pauses the machine.

#![cfg(target_os = "none")]

use crate::stress;
use core::hint::black_box;
use core::ops::Range;
use core::ptr;
use core::sync::atomic::{AtomicU32, Ordering::Relaxed};
use rand::rngs::Xoshiro128PlusPlus;
use rand::{RngExt, SeedableRng};

/// How many values a test can show.
pub const MOST_SHOWN: usize = 4096;

/// How many values were shown, and then three words for each: the address and length of its label, and the value.
#[unsafe(export_name = "harness_shown")]
static SHOWN: [AtomicU32; 1 + 3 * MOST_SHOWN] = [const { AtomicU32::new(0) }; 1 + 3 * MOST_SHOWN];

/// Random numbers that depend only on the seed.
pub struct Random(Xoshiro128PlusPlus);

impl Random {
    /// The numbers that belong to the seed on the command line.
    pub fn new() -> Self {
        Self(Xoshiro128PlusPlus::seed_from_u64(stress::seed().into()))
    }

    /// Any number.
    pub fn word(&mut self) -> u32 {
        self.0.random()
    }

    /// A number in this range.
    ///
    /// # Panics
    /// If the range is empty.
    pub fn within(&mut self, range: Range<u32>) -> u32 {
        self.0.random_range(range)
    }

    /// Puts these in a random order.
    pub fn shuffle<T>(&mut self, all: &mut [T]) {
        for last in (1..all.len()).rev() {
            all.swap(last, self.within(0..last as u32 + 1) as usize);
        }
    }
}

/// Shows a value to the host. `label` says what the value is, for a person: "frames that are free after both freed it".
///
/// # Panics
/// If the test has already shown as many values as the table can hold.
pub fn show(label: &'static str, value: u32) {
    let count = SHOWN[0].load(Relaxed);
    let row = 1 + 3 * count as usize;
    assert!(row < SHOWN.len(), "a test can show {MOST_SHOWN} values");
    for (cell, word) in SHOWN[row..].iter().zip([label.as_ptr().addr() as u32, label.len() as u32, value]) {
        cell.store(word, Relaxed);
    }
    SHOWN[0].store(count + 1, Relaxed);
}

/// What the host looks at while the machine is paused.
pub enum Sight<'a> {
    /// Memory, from this address on: so many bytes.
    Bytes(*const u8, usize),
    /// The address spaces with these page directories, given by their physical addresses.
    Spaces(&'a [u32]),
    /// The CPU's registers, among them those that no program can read.
    Registers,
}

/// Lets the host look. `label` says what at, for a person.
pub fn look(label: &'static str, sight: Sight) {
    let (kind, start, count) = match sight {
        Sight::Bytes(start, bytes) => (1, start, bytes),
        Sight::Spaces(directories) => (2, directories.as_ptr().cast(), directories.len()),
        Sight::Registers => (3, ptr::null(), 0),
    };
    pause(kind, start, count, label.as_ptr(), label.len());
}

/// The host has a breakpoint here, and finds the arguments on the stack.
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn pause(kind: u32, start: *const u8, count: usize, label: *const u8, label_bytes: usize) {
    black_box((kind, start, count, label, label_bytes));
}
