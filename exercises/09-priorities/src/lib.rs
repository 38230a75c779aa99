//! Exercise 9.5: a scheduler with priorities, in which no thread starves.
//!
//! This is the policy alone. It is told what happens, and it says which thread runs; it switches no threads.
//!
//! ```text
//!   level 7 |            . . . running, for one timeslice
//!         6 |           /                               |
//!         5 |         /   rises by one level            |
//!         4 |       /     for every 8 ticks of waiting  |
//!         3 | ready . . . . . . . . . . . . . . . . . . ready again, at its own priority
//!           +---------------------------------------------------------------> ticks
//! ```

#![no_std]
#![allow(dead_code, unused_variables, reason = "as long as the holes are blank")]

use threads::ThreadId;

/// The scheduler knows the threads in the slots below this.
pub const MOST: usize = 64;

/// The highest priority, and the highest level. The lowest of both is 0.
pub const TOP: u32 = 7;

/// The length of a timeslice, in ticks.
pub const SLICE_TICKS: u32 = 4;

/// A ready thread rises by one level each time it has waited for so many ticks.
pub const PATIENCE_TICKS: u32 = 8;

/// A thread that is ready.
#[derive(Clone, Copy)]
struct Ready {
    /// Its own priority.
    priority: u32,
    /// The tick in which it became ready.
    since: u32,
    /// How many times a thread has become ready before: one that became ready earlier has a lower number.
    arrival: u32,
}

/// The thread that runs.
#[derive(Clone, Copy)]
struct Running {
    thread: ThreadId,
    /// Its own priority.
    priority: u32,
    /// The level that it had when it got the CPU.
    level: u32,
    /// How many ticks are left of its timeslice.
    ticks_left: u32,
}

/// Which threads are ready, and which one runs.
pub struct Scheduler {
    /// The ready threads, by their slots.
    ready: [Option<Ready>; MOST],
    /// The running thread. There is none if no thread is ready.
    running: Option<Running>,
    /// How many ticks there have been.
    now: u32,
    /// How many times a thread has become ready.
    arrivals: u32,
}

impl Scheduler {
    /// A scheduler without threads.
    pub const fn new() -> Self {
        Self { ready: [None; MOST], running: None, now: 0, arrivals: 0 }
    }

    /// The thread that runs now.
    pub fn running(&self) -> Option<ThreadId> {
        self.running.map(|running| running.thread)
    }

    /// The level of `thread`. If it is ready: its priority, and one more for every [`PATIENCE_TICKS`] for which it has
    /// waited, but at most [`TOP`]. If it runs: the level that it had when it got the CPU. Otherwise none.
    pub fn level(&self, thread: ThreadId) -> Option<u32> {
        panic!("exercise 9.5: write `Scheduler::level`")
    }

    /// The ready thread with the highest level. If there are several: the one that became ready first.
    fn best(&self) -> Option<ThreadId> {
        panic!("exercise 9.5: write `Scheduler::best`")
    }

    /// Event: `thread`, which neither runs nor is ready, is ready from now on. It gets the CPU at once if no thread
    /// runs, or if its priority is higher than the level of the running thread. Then that thread is ready.
    pub fn wake(&mut self, thread: ThreadId, priority: u32) {
        panic!("exercise 9.5: write `Scheduler::wake`")
    }

    /// Event: a tick of the timer. Waiting threads have waited for one tick more, and the timeslice of the running one
    /// has one tick less.
    ///
    /// If the timeslice is over, the running thread is ready, at its own priority, and the best thread gets the CPU.
    /// Before that, a thread gets the CPU only if its level is higher than that of the running thread.
    pub fn tick(&mut self) {
        panic!("exercise 9.5: write `Scheduler::tick`")
    }

    /// Event: the running thread, if there is one, sleeps, and is not ready until it wakes. The best thread gets the
    /// CPU.
    pub fn sleep(&mut self) {
        panic!("exercise 9.5: write `Scheduler::sleep`")
    }

    /// Gives the CPU to the best thread, which begins a timeslice. If a thread is running, it is made ready first, at
    /// its own priority; so it may be the best itself.
    fn run_best(&mut self) {
        panic!("exercise 9.5: write `Scheduler::run_best`")
    }
}
