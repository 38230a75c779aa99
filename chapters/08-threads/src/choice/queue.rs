//! A queue of threads, first come, first served.
//!
//! ```text
//!   first --> thread 4 --> thread 7 --> thread 2 <-- last
//!             NEXT[4] = 7  NEXT[7] = 2  NEXT[2] = none
//! ```
//! A thread has one link, so it can be in one queue at a time: the run queue, the free slots, or a wait queue.

#![cfg(target_os = "none")]

use crate::state::thread_id::{MOST_THREADS, PerThread, ThreadId};
use common::lock::{InterruptCell, InterruptsOff};

/// The thread that comes after each one in its queue.
static NEXT: PerThread<InterruptCell<Option<ThreadId>>> =
    PerThread::new([const { InterruptCell::new(None) }; MOST_THREADS]);

// ANCHOR: queue
/// A queue of threads.
pub struct ThreadQueue {
    first: InterruptCell<Option<ThreadId>>,
    last: InterruptCell<Option<ThreadId>>,
}

impl ThreadQueue {
    /// An empty queue.
    pub const fn new() -> Self {
        Self { first: InterruptCell::new(None), last: InterruptCell::new(None) }
    }

    /// Is no thread in the queue?
    #[inline(always)]
    pub fn is_empty(&self, off: &InterruptsOff) -> bool {
        self.first.get(off).is_none()
    }

    /// Puts `thread`, which is in no queue, at the end.
    #[inline(always)]
    pub fn push_back(&self, thread: ThreadId, off: &InterruptsOff) {
        NEXT[thread].set(None, off);
        match self.last.replace(Some(thread), off) {
            Some(last) if !self.is_empty(off) => NEXT[last].set(Some(thread), off),
            _ => self.first.set(Some(thread), off),
        }
    }

    /// Removes and returns the first thread.
    #[inline(always)]
    pub fn pop(&self, off: &InterruptsOff) -> Option<ThreadId> {
        let thread = self.first.get(off)?;
        self.first.set(NEXT[thread].get(off), off);
        Some(thread)
    }

    /// Puts `thread`, which is in no queue, at the end and removes the first thread. If the queue is empty, returns
    /// none and changes nothing.
    #[inline(always)]
    pub fn rotate(&self, thread: ThreadId, off: &InterruptsOff) -> Option<ThreadId> {
        let (first, last) = (self.first.get(off)?, self.last.get(off)?);
        NEXT[thread].set(None, off);
        NEXT[last].set(Some(thread), off);
        self.last.set(Some(thread), off);
        self.first.set(NEXT[first].get(off), off);
        Some(first)
    }
    // ANCHOR_END: queue

    /// Puts `thread`, which is in no queue, before the first one that `is_later`.
    pub fn insert(&self, thread: ThreadId, is_later: impl Fn(ThreadId) -> bool, off: &InterruptsOff) {
        let mut before = None;
        let mut at = self.first.get(off);
        while let Some(earlier) = at.filter(|at| !is_later(*at)) {
            before = at;
            at = NEXT[earlier].get(off);
        }
        if at.is_none() {
            return self.push_back(thread, off);
        }
        NEXT[thread].set(at, off);
        match before {
            Some(before) => NEXT[before].set(Some(thread), off),
            None => self.first.set(Some(thread), off),
        }
    }

    /// Removes `thread` if it is in this queue. Looks at each thread before it.
    pub fn remove(&self, thread: ThreadId, off: &InterruptsOff) {
        let mut before = None;
        let mut at = self.first.get(off);
        while at != Some(thread) {
            let Some(other) = at else { return };
            before = at;
            at = NEXT[other].get(off);
        }
        let next = NEXT[thread].get(off);
        match before {
            Some(before) => NEXT[before].set(next, off),
            None => self.first.set(next, off),
        }
        if next.is_none() {
            self.last.set(before, off);
        }
    }
}
