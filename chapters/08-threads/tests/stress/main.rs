//! What the kernel of chapter 8 must survive for long: `make stress`.
//!
//! The timer ticks as fast as it can, and every tick ends a timeslice. What the threads do is random, but depends
//! on the seed alone: on a machine whose clock counts instructions, the same seed repeats the same run, up to
//! the last tick.

#![no_std]
#![no_main]

extern crate alloc;

mod hand_overs;
mod heap_blocks;
mod switches;

use boot::serial;
use core::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering::Relaxed};
use hand_overs::no_thread_is_left_waiting;
use harness::stress::{self, seed, stir, tell};
use harness::{Test, test};
use heap_blocks::the_heap_keeps_what_threads_keep_in_it;
use rand::SeedableRng;
use rand::rngs::Xoshiro128PlusPlus;
use switches::no_thread_notices_switches;
use threads::{Thread, input, sleep};
use timer::rate::FASTEST_HZ;

harness::boot!(TESTS, up to heap, then {
    timer::init(FASTEST_HZ).expect("the fastest rate is a rate");
    timer::start();
    threads::init(1);
    threads::count_turns();
    input::init();
});

const TESTS: &[Test] = &[
    test!(no_thread_notices_switches).rounds(1_000_000),
    test!(the_heap_keeps_what_threads_keep_in_it).rounds(1_000_000),
    test!(no_thread_is_left_waiting).rounds(1_000_000),
];

/// The random numbers for one user: the same in every run with the same seed.
fn random(user: usize) -> Xoshiro128PlusPlus {
    Xoshiro128PlusPlus::seed_from_u64(u64::from(seed()) << 32 | user as u64)
}

fn spawn(entry: fn(usize), argument: usize) -> Thread {
    threads::spawn(entry, argument).expect("there is room and memory for a thread")
}

/// Tells the threads of a test to end, and counts those that have ended.
static ENOUGH: AtomicBool = AtomicBool::new(false);
static ENDED: AtomicUsize = AtomicUsize::new(0);

/// Waits until `threads` have done all rounds together, each counting in one place of `done`, and have ended
/// after they were told to.
///
/// # Panics
/// If a count stands still for long, or a thread does not end.
fn wait_for<const N: usize, const M: usize>(threads: [Thread; N], done: &[AtomicU32; M]) {
    /// Enough for each thread to have had many turns.
    const TICKS: u32 = 10_000;
    let count = || done.each_ref().map(|done| done.load(Relaxed));
    let mut before = count();
    while before.iter().sum::<u32>() < stress::rounds() {
        sleep(TICKS);
        let now = count();
        for (number, (before, now)) in before.into_iter().zip(now).enumerate() {
            assert_ne!(before, now, "in {TICKS} ticks, number {number} has done nothing: does it wait forever?");
            stir(now);
        }
        before = now;
        tell(now.iter().sum(), serial::write);
    }
    ENOUGH.store(true, Relaxed);
    sleep(TICKS);
    assert_eq!(ENDED.load(Relaxed), N, "not all have ended in {TICKS} ticks: does one wait forever?");
    let _ = threads.map(Thread::join);
}
