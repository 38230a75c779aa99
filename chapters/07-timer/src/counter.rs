//! A 64-bit count that an interrupt handler advances, on a 32-bit CPU.
//!
//! At 1000 Hz, 32 bits overflow after fifty days, so the count has two words. (`cmpxchg8b` could change both
//! at once, but only one handler counts, and adding to one word at a time costs less.) The CPU reads the two words
//! one after the other, and a tick may arrive in between:
//!
//! ```text
//!     high  low                          high  low
//!      0    FFFF_FFFF                     0    FFFF_FFFF
//!     read high: 0                                    read low: FFFF_FFFF
//!      1    0000_0000     a tick          1    0000_0000     a tick
//!               read low: 0000_0000      read high: 1
//!     = 0_0000_0000: backwards           = 1_FFFF_FFFF: far into the future
//! ```
//! So a reader reads the high word before and after the low one. If the high word has not changed, no carry came in
//! between, and the two words belong together.

#![forbid(unsafe_code)]

use core::sync::atomic::{
    AtomicU32,
    Ordering::{Acquire, Relaxed},
};

/// A count that starts at zero.
pub struct Counter {
    high: AtomicU32,
    low: AtomicU32,
}

impl Counter {
    /// A count of zero.
    pub const fn new() -> Self {
        Self { high: AtomicU32::new(0), low: AtomicU32::new(0) }
    }

    // ANCHOR: advance
    /// Adds one. Only a single interrupt handler may call this, because nothing may come between its steps.
    #[inline]
    pub fn advance(&self) {
        let low = self.low.load(Relaxed).wrapping_add(1);
        self.low.store(low, Relaxed);
        if low == 0 {
            self.high.store(self.high.load(Relaxed).wrapping_add(1), Relaxed);
        }
    }

    /// The count at a moment between the call and the return.
    pub fn read(&self) -> u64 {
        // `Acquire` prevents the compiler from reordering the loads.
        consistent(|| self.high.load(Acquire), || self.low.load(Acquire))
    }
    // ANCHOR_END: advance
}

// ANCHOR: consistent
fn consistent(high: impl Fn() -> u32, low: impl Fn() -> u32) -> u64 {
    loop {
        let (before, low, after) = (high(), low(), high());
        if before == after {
            return u64::from(before) << 32 | u64::from(low);
        }
    }
}
// ANCHOR_END: consistent

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::cell::RefCell;

    fn counter_at(count: u64) -> Counter {
        Counter { high: AtomicU32::new((count >> 32) as u32), low: AtomicU32::new(count as u32) }
    }

    #[test]
    fn a_new_counter_counts_from_zero() {
        let counter = Counter::new();
        assert_eq!(counter.read(), 0);
        counter.advance();
        assert_eq!(counter.read(), 1);
    }

    proptest! {
        #[test]
        fn the_count_goes_on_beyond_32_bits(before in 0..100u64, ticks in 0..200u64, high in 1..1u64 << 32) {
            let start = (high << 32) - before;
            let counter = counter_at(start);
            (0..ticks).for_each(|_| counter.advance());
            prop_assert_eq!(counter.read(), start.wrapping_add(ticks));
        }

        #[test]
        fn ticks_may_come_between_any_two_loads(before in 0..20u64, ticks in prop::collection::vec(0..10u64, 8)) {
            let counter = counter_at((1 << 32) - before);
            let started = counter.read();
            let ticks = RefCell::new(ticks.into_iter());
            let interrupted = |word: &AtomicU32| {
                (0..ticks.borrow_mut().next().unwrap_or(0)).for_each(|_| counter.advance());
                word.load(Relaxed)
            };
            let seen = consistent(|| interrupted(&counter.high), || interrupted(&counter.low));
            prop_assert!((started..=counter.read()).contains(&seen), "{seen:#x}");
        }
    }
}
