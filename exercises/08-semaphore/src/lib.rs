//! Exercise 8.4: a semaphore.
//!
//! It counts units of something: free places in a buffer, bytes that have arrived, threads that may go on. A thread
//! that wants a unit and finds none waits in a queue until another thread, or an interrupt handler, gives one.

#![no_std]
#![allow(dead_code, unused_imports, unused_variables, reason = "as long as the holes are blank")]

use core::sync::atomic::{AtomicU32, Ordering::Relaxed};
use threads::{Reason, WaitQueue};

/// A count of units, and the threads that wait for one.
pub struct Semaphore {
    count: AtomicU32,
    waiting: WaitQueue,
}

impl Semaphore {
    /// A semaphore with this many units.
    pub const fn new(count: u32) -> Self {
        Self { count: AtomicU32::new(count), waiting: WaitQueue::new() }
    }

    /// How many units there are.
    pub fn count(&self) -> u32 {
        self.count.load(Relaxed)
    }

    /// Takes a unit. While there is none, the thread waits ([`Reason::Wait`]).
    pub fn take(&'static self) {
        panic!("exercise 8.4: write `Semaphore::take`")
    }

    /// Takes a unit; returns whether it got one. While there is none, the thread waits, but only until the tick
    /// `deadline`. From that tick on, it looks once more, takes a unit that is there, and does not wait for one.
    pub fn take_before(&'static self, deadline: u64) -> bool {
        panic!("exercise 8.4: write `Semaphore::take_before`")
    }

    /// Adds a unit, and wakes one thread that waits, if any does. Interrupt handlers may call this.
    pub fn give(&self) {
        panic!("exercise 8.4: write `Semaphore::give`")
    }
}
