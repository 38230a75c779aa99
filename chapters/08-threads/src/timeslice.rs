//! What a tick does: count down. Only when a count reaches zero is there anything to decide.

use crate::scheduler;
use core::sync::atomic::{AtomicU32, Ordering::Relaxed};

/// The length of a timeslice in ticks.
static LENGTH: AtomicU32 = AtomicU32::new(0);

/// Ticks until the running thread's timeslice is over. If nobody else is ready then, the count goes on
/// below zero, that is, from the highest number down.
static LEFT: AtomicU32 = AtomicU32::new(0);

/// Ticks until the next sleeper wakes. If nobody sleeps, it reaches zero by chance, once in 2^32 ticks.
static ASLEEP: AtomicU32 = AtomicU32::new(0);

/// Lets the timer end timeslices of so many ticks. A timeslice begins between two ticks, and so the first
/// one comes early.
///
/// # Panics
/// If a timeslice has no ticks.
pub fn init(length_ticks: u32) {
    assert!(length_ticks > 0, "a timeslice must last a tick at least");
    LENGTH.store(length_ticks, Relaxed);
    begin();
    timer::on_tick(tick);
}

// ANCHOR: begin
/// A new timeslice begins.
#[inline]
pub fn begin() {
    LEFT.store(LENGTH.load(Relaxed), Relaxed);
}

/// Somebody is ready. If the timeslice went on only because nobody was, the next tick ends it.
#[inline]
pub fn end_if_over() {
    if is_over(LEFT.load(Relaxed)) {
        LEFT.store(1, Relaxed);
    }
}
// ANCHOR_END: begin

/// The next sleeper wakes in so many ticks.
pub fn wake_in(ticks: u32) {
    ASLEEP.store(ticks, Relaxed);
}

// ANCHOR: tick
/// Called on every tick, in the handler of the timer's interrupt.
fn tick() {
    let left = count_down(&LEFT);
    let asleep = count_down(&ASLEEP);
    if left == 0 || asleep == 0 {
        scheduler::decide(asleep == 0, is_over(left));
    }
}

/// Interrupts are off, so a load and a store are as good as one step.
fn count_down(ticks: &AtomicU32) -> u32 {
    let left = ticks.load(Relaxed).wrapping_sub(1);
    ticks.store(left, Relaxed);
    left
}

/// Is a timeslice over that has so many ticks left? Below zero, these are more than it ever had.
fn is_over(left: u32) -> bool {
    !(1..=LENGTH.load(Relaxed)).contains(&left)
}
// ANCHOR_END: tick
