//! What a tick does: count down. Only when a count reaches zero is there anything to decide.

#![cfg(target_os = "none")]

use common::lock::{InterruptCell, InterruptsOff};

/// The length of a timeslice in ticks.
static LENGTH: InterruptCell<u32> = InterruptCell::new(0);

/// Ticks until the running thread's timeslice is over. If no other thread is ready then, the count continues
/// below zero, that is, from the highest number down.
static LEFT: InterruptCell<u32> = InterruptCell::new(0);

/// Ticks until the next sleeper wakes. If none sleeps, it reaches zero by chance, once in 2^32 ticks.
static UNTIL_NEXT_SLEEPER: InterruptCell<u32> = InterruptCell::new(0);

/// Sets the length of timeslices, and begins one. A timeslice begins between two ticks, and so its first tick
/// comes early.
///
/// # Panics
/// If a timeslice has no ticks.
pub fn init(length_ticks: u32, off: &InterruptsOff) {
    assert!(length_ticks > 0, "a timeslice must last at least one tick");
    LENGTH.set(length_ticks, off);
    begin(off);
}

// ANCHOR: begin
/// A new timeslice begins.
#[inline(always)]
pub fn begin(off: &InterruptsOff) {
    LEFT.set(LENGTH.get(off), off);
}

/// A thread has become ready. If the timeslice is over and continues only because none was, the next tick ends it.
#[inline(always)]
pub fn end_if_over(off: &InterruptsOff) {
    if is_over(off) {
        LEFT.set(1, off);
    }
}

/// Is the timeslice over? A count below zero reads as more ticks than a timeslice has.
#[inline(always)]
pub fn is_over(off: &InterruptsOff) -> bool {
    LEFT.get(off).wrapping_sub(1) >= LENGTH.get(off)
}
// ANCHOR_END: begin

/// The next sleeper wakes at the tick `next`, if there is one; it is tick `now`.
pub fn wake_before(next: Option<u64>, now: u64, off: &InterruptsOff) {
    if let Some(next) = next {
        UNTIL_NEXT_SLEEPER.set(next.saturating_sub(now).clamp(1, u32::MAX.into()) as u32, off);
    }
}

// ANCHOR: tick
/// Counts one tick. Is there anything to decide?
#[inline(always)]
pub fn count_down(off: &InterruptsOff) -> bool {
    decrement(&LEFT, off);
    decrement(&UNTIL_NEXT_SLEEPER, off);
    LEFT.get(off) == 0 || is_sleeper_due(off)
}

#[inline(always)]
fn decrement(ticks: &InterruptCell<u32>, off: &InterruptsOff) {
    ticks.set(ticks.get(off).wrapping_sub(1), off);
}

/// Has the next sleeper's tick come?
#[inline(always)]
pub fn is_sleeper_due(off: &InterruptsOff) -> bool {
    UNTIL_NEXT_SLEEPER.get(off) == 0
}
// ANCHOR_END: tick
