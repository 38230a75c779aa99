//! Who sleeps, and until which tick.
//!
//! Sorted, the next one to wake last: that one is looked at often and found at once, and to fall asleep
//! takes the time of finding one's place.

#![forbid(unsafe_code)]

use crate::thread_id::{MOST_THREADS, ThreadId};

/// The sleeping threads. Each can be among them once.
pub struct Sleepers {
    list: [(u64, ThreadId); MOST_THREADS],
    length: usize,
}

impl Sleepers {
    /// Nobody sleeps.
    pub const fn new() -> Self {
        Self { list: [(0, ThreadId::FIRST); MOST_THREADS], length: 0 }
    }

    // ANCHOR: sleepers
    /// Adds `thread`, which is to wake at the tick `wake_at`; behind those that wake at the same one.
    pub fn add(&mut self, wake_at: u64, thread: ThreadId) {
        let place = self.list[..self.length].partition_point(|(tick, _)| *tick > wake_at);
        self.list.copy_within(place..self.length, place + 1);
        self.list[place] = (wake_at, thread);
        self.length += 1;
    }

    /// The tick at which the next one wakes.
    pub fn next(&self) -> Option<u64> {
        self.list[..self.length].last().map(|(tick, _)| *tick)
    }

    /// Takes out one whose tick has come, if there is one.
    pub fn wake(&mut self, now: u64) -> Option<ThreadId> {
        let (_, thread) = self.list[..self.length].last().filter(|(tick, _)| *tick <= now)?;
        self.length -= 1;
        Some(*thread)
    }
    // ANCHOR_END: sleepers
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn everybody_wakes_in_time_and_in_order(ticks in prop::collection::vec(0u64..100, 0..MOST_THREADS)) {
            let mut sleepers = Sleepers::new();
            for (place, tick) in ticks.iter().enumerate() {
                sleepers.add(*tick, ThreadId::new(place));
            }
            let mut awake = Vec::new();
            for now in 0..100 {
                while let Some(thread) = sleepers.wake(now) {
                    prop_assert_eq!(ticks[thread.place()], now);
                    awake.push(thread);
                }
                prop_assert_eq!(sleepers.next(), ticks.iter().copied().filter(|tick| *tick > now).min());
            }
            prop_assert_eq!(awake.len(), ticks.len());
            let order = |thread: &ThreadId| (ticks[thread.place()], thread.place());
            prop_assert!(awake.is_sorted_by_key(order), "who fell asleep first wakes first: {:?}", awake);
        }
    }
}
