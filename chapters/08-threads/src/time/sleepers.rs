//! The threads that wait with a deadline, and until which tick.
//!
//! The list is sorted, and the next thread to wake is the last: the timer looks at it often and finds it at once.
//! A thread that goes to sleep pays for finding its place.

use crate::state::thread_id::{MOST_THREADS, ThreadId};

/// Threads that wait with a deadline. Each can be in the list once.
pub struct Sleepers {
    /// The first `length` entries are valid. All are zero at first, so they take no room in the kernel's file.
    list: [(u64, Option<ThreadId>); MOST_THREADS],
    length: usize,
}

impl Sleepers {
    /// No thread sleeps.
    pub const fn new() -> Self {
        Self { list: [(0, None); MOST_THREADS], length: 0 }
    }

    // ANCHOR: sleepers
    /// Adds `thread`, which is to wake at the tick `wake_at`, after those that wake at the same tick.
    pub fn add(&mut self, wake_at: u64, thread: ThreadId) {
        let place = self.list[..self.length].partition_point(|(tick, _)| *tick > wake_at);
        self.list.copy_within(place..self.length, place + 1);
        self.list[place] = (wake_at, Some(thread));
        self.length += 1;
    }

    /// The tick at which the next one wakes.
    pub fn next(&self) -> Option<u64> {
        self.list[..self.length].last().map(|(tick, _)| *tick)
    }

    /// Removes `thread`, which was added to wake at the tick `wake_at`.
    ///
    /// # Panics
    /// If it is not in the list.
    pub fn remove(&mut self, wake_at: u64, thread: ThreadId) {
        let same_tick = self.list[..self.length].partition_point(|(tick, _)| *tick > wake_at);
        let behind = self.list[same_tick..self.length].iter().position(|(_, sleeper)| *sleeper == Some(thread));
        let place = same_tick + behind.expect("the thread sleeps until this tick");
        self.list.copy_within(place + 1..self.length, place);
        self.length -= 1;
    }

    /// Removes a thread whose tick has come, if there is one.
    pub fn take(&mut self, now: u64) -> Option<ThreadId> {
        let (_, thread) = self.list[..self.length].last().filter(|(tick, _)| *tick <= now)?;
        self.length -= 1;
        *thread
    }
    // ANCHOR_END: sleepers
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    #[should_panic(expected = "the thread sleeps until this tick")]
    fn a_thread_that_sleeps_longer_is_not_found() {
        let mut sleepers = Sleepers::new();
        sleepers.add(1, ThreadId::new(0));
        sleepers.add(2, ThreadId::new(1));
        sleepers.remove(1, ThreadId::new(1));
    }

    proptest! {
        #[test]
        fn all_wake_in_time_and_in_order(
            sleeping in prop::collection::vec((0u64..100, prop::bool::weighted(0.1)), 0..MOST_THREADS),
        ) {
            let mut sleepers = Sleepers::new();
            for (slot, (tick, _)) in sleeping.iter().enumerate() {
                sleepers.add(*tick, ThreadId::new(slot));
            }
            for (slot, (tick, _)) in sleeping.iter().enumerate().filter(|(_, (_, is_woken))| *is_woken) {
                sleepers.remove(*tick, ThreadId::new(slot));
            }
            let tick_of = |slot: usize| sleeping[slot].0;
            let ticks: Vec<u64> = sleeping.iter().filter(|(_, is_woken)| !is_woken).map(|(tick, _)| *tick).collect();
            let mut awake = Vec::new();
            for now in 0..100 {
                while let Some(thread) = sleepers.take(now) {
                    prop_assert_eq!(tick_of(thread.slot()), now);
                    awake.push(thread);
                }
                prop_assert_eq!(sleepers.next(), ticks.iter().copied().filter(|tick| *tick > now).min());
            }
            prop_assert_eq!(awake.len(), ticks.len());
            let order = |thread: &ThreadId| (tick_of(thread.slot()), thread.slot());
            prop_assert!(awake.is_sorted_by_key(order), "the thread that fell asleep first wakes first: {:?}", awake);
        }
    }
}
