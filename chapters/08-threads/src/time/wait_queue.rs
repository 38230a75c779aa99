//! One way to wait: a queue of threads that wait for a condition.
//!
//! A loop that asks again and again costs a whole timeslice for every look. A thread in a wait queue costs
//! nothing: it is in no run queue until another thread, or the handler of an interrupt, has changed something
//! and wakes it. Only the waiting thread looks at its condition, before it waits and each time it is woken, so
//! a condition may use what lies on that thread's stack.

#![cfg(target_os = "none")]

use crate::choice::queue::ThreadQueue;
use crate::choice::reason::Reason;
use crate::choice::scheduler;
use crate::state::thread_id::{MOST_THREADS, PerThread, ThreadId};
use common::lock::{InterruptCell, InterruptsOff, interrupts_off};

// ANCHOR: queue
/// Threads that wait, first come, first served.
pub struct WaitQueue {
    waiting: ThreadQueue,
    /// How many threads have been woken and have not looked yet.
    woken: InterruptCell<u32>,
    /// Has a thread begun to wait without a look, because one that came earlier had not looked yet?
    unseen: InterruptCell<bool>,
}
// ANCHOR_END: queue

/// When each thread began to wait. The numbers wrap, so only their differences count.
static ARRIVED: PerThread<InterruptCell<u32>> = PerThread::new([const { InterruptCell::new(0) }; MOST_THREADS]);
static ARRIVALS: InterruptCell<u32> = InterruptCell::new(0);

impl WaitQueue {
    /// A queue in which no thread waits.
    pub const fn new() -> Self {
        Self { waiting: ThreadQueue::new(), woken: InterruptCell::new(0), unseen: InterruptCell::new(false) }
    }

    // ANCHOR: wait
    /// Waits until `condition` returns something, and returns that; none if the tick `deadline` comes first.
    ///
    /// The condition is asked with interrupts off, so what it looks at cannot change between the look and the
    /// wait. Whatever changes that must then wake the queue.
    pub fn wait_until<T>(
        &'static self,
        reason: Reason,
        deadline: Option<u64>,
        mut condition: impl FnMut() -> Option<T>,
    ) -> Option<T> {
        let off = interrupts_off();
        let me = scheduler::current();
        // What a thread that has just been woken is going to take, a newcomer must not take before it.
        let may_look = self.woken.get(&off) == 0;
        if may_look && let Some(found) = condition() {
            return Some(found);
        }
        if !may_look {
            self.unseen.set(true, &off);
        }
        let arrival = ARRIVALS.get(&off).wrapping_add(1);
        ARRIVALS.set(arrival, &off);
        ARRIVED[me].set(arrival, &off);
        loop {
            if deadline.is_some_and(|deadline| deadline <= timer::ticks()) {
                return None;
            }
            self.enqueue(me, &off);
            if scheduler::block(&self.waiting, reason, deadline, &off) {
                return None;
            }
            let found = condition();
            self.has_looked(&off);
            if found.is_some() {
                return found;
            }
        }
    }
    // ANCHOR_END: wait

    // ANCHOR: wake
    /// Wakes the thread that has waited longest, if any waits.
    pub fn wake_one(&self) {
        let off = interrupts_off();
        if let Some(thread) = self.waiting.pop(&off) {
            self.woken.set(self.woken.get(&off) + 1, &off);
            scheduler::wake(thread, &off);
        }
    }

    /// Wakes all threads that wait.
    pub fn wake_all(&self) {
        let off = interrupts_off();
        while !self.waiting.is_empty(&off) {
            self.wake_one();
        }
    }
    // ANCHOR_END: wake

    /// A thread that looked in vain keeps its place: it waits before all that came later.
    fn enqueue(&self, me: ThreadId, off: &InterruptsOff) {
        let arrival = ARRIVED[me].get(off);
        let is_later = |other: ThreadId| (ARRIVED[other].get(off).wrapping_sub(arrival) as i32) > 0;
        self.waiting.insert(me, is_later, off);
    }

    /// Counts one woken thread less. After the last one, those that began to wait without a look have it.
    fn has_looked(&self, off: &InterruptsOff) {
        let woken = self.woken.get(off) - 1;
        self.woken.set(woken, off);
        if woken == 0 && self.unseen.replace(false, off) {
            self.wake_all();
        }
    }
}

// ANCHOR: sleep
/// What each thread waits in that waits for a deadline alone. No thread ever wakes these queues.
static ASLEEP: PerThread<WaitQueue> = PerThread::new([const { WaitQueue::new() }; MOST_THREADS]);

/// Lets the other threads run until so many ticks have come.
pub fn sleep(ticks: u32) {
    if ticks == 0 {
        return scheduler::yield_now();
    }
    let deadline = timer::ticks() + u64::from(ticks);
    ASLEEP[scheduler::current()].wait_until(Reason::Sleep, Some(deadline), || None::<()>);
}
// ANCHOR_END: sleep
