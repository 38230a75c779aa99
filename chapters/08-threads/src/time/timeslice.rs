//! What a tick does: count down. Only when a count reaches zero is there anything to decide.

#![cfg(target_os = "none")]

use core::sync::atomic::{AtomicU32, Ordering::Relaxed};

/// The length of a timeslice in ticks.
static LENGTH: AtomicU32 = AtomicU32::new(0);

/// Ticks until the running thread's timeslice is over. If no other thread is ready then, the count goes on
/// below zero, that is, from the highest number down.
static LEFT: AtomicU32 = AtomicU32::new(0);

/// Ticks until the next sleeper wakes. If none sleeps, it reaches zero by chance, once in 2^32 ticks.
static UNTIL_NEXT_SLEEPER: AtomicU32 = AtomicU32::new(0);

/// Sets the length of timeslices, and begins one. A timeslice begins between two ticks, and so its first tick
/// comes early.
///
/// # Panics
/// If a timeslice has no ticks.
pub fn init(length_ticks: u32) {
    assert!(length_ticks > 0, "a timeslice must last a tick at least");
    LENGTH.store(length_ticks, Relaxed);
    begin();
}

// ANCHOR: begin
/// A new timeslice begins.
#[inline(always)]
pub fn begin() {
    LEFT.store(LENGTH.load(Relaxed), Relaxed);
}

/// A thread is ready. If the timeslice went on only because none was, the next tick ends it.
#[inline(always)]
pub fn end_if_over() {
    if is_over() {
        LEFT.store(1, Relaxed);
    }
}

/// Is the timeslice over? Below zero, more ticks are left than it ever had.
#[inline(always)]
pub fn is_over() -> bool {
    LEFT.load(Relaxed).wrapping_sub(1) >= LENGTH.load(Relaxed)
}
// ANCHOR_END: begin

/// The next sleeper wakes at the tick `next`, if there is one; it is tick `now`.
pub fn wake_before(next: Option<u64>, now: u64) {
    if let Some(next) = next {
        UNTIL_NEXT_SLEEPER.store(next.saturating_sub(now).clamp(1, u32::MAX.into()) as u32, Relaxed);
    }
}

// ANCHOR: tick
/// Counts one tick. Is there anything to decide?
#[inline(always)]
pub fn count_down() -> bool {
    decrement(&LEFT);
    decrement(&UNTIL_NEXT_SLEEPER);
    LEFT.load(Relaxed) == 0 || is_sleeper_due()
}

/// Has the next sleeper's tick come?
#[inline(always)]
pub fn is_sleeper_due() -> bool {
    UNTIL_NEXT_SLEEPER.load(Relaxed) == 0
}

/// Interrupts are off, so a load and a store are as good as one step.
#[inline(always)]
fn decrement(ticks: &AtomicU32) {
    ticks.store(ticks.load(Relaxed).wrapping_sub(1), Relaxed);
}
// ANCHOR_END: tick
