//! How each thread's turns ended, counted before every switch.

#![cfg(target_os = "none")]

use super::hook::{Hook, before_switch};
use super::reason::{Counts, Reason};
use crate::state::thread_id::{MOST_THREADS, PerThread, ThreadId};
use core::sync::atomic::{AtomicU32, Ordering::Relaxed};

// ANCHOR: count
/// How many turns of each thread ended for each reason.
static COUNTS: PerThread<[AtomicU32; Reason::ALL.len()]> =
    PerThread::new([const { [const { AtomicU32::new(0) }; Reason::ALL.len()] }; MOST_THREADS]);

static COUNT: Hook = Hook::new(count);

/// Counts from now on how turns end, for [`Thread::join`](crate::Thread::join).
///
/// # Panics
/// If they are counted already.
pub fn count_turns() {
    // SAFETY: `count` only counts.
    unsafe { before_switch(&COUNT) };
}

fn count(from: ThreadId, _: ThreadId, reason: Reason) {
    // Interrupts are off, so nothing comes between the load and the store.
    let count = &COUNTS[from][reason as usize];
    count.store(count.load(Relaxed).saturating_add(1), Relaxed);
}
// ANCHOR_END: count

/// The counts of `thread`, which are set to zero for the next thread in its slot.
pub fn take(thread: ThreadId) -> Counts {
    Counts::new(COUNTS[thread].each_ref().map(|count| count.swap(0, Relaxed)))
}
