//! One way to wait: a queue of threads that wait for a condition.
//!
//! A thread that polls in a loop uses up a whole timeslice each time. A thread in a wait queue costs nothing: it is
//! not in the run queue until another thread, or an interrupt handler, has changed something and wakes it. Only the
//! waiting thread looks at its condition, before it waits and each time it is woken, so the condition may use local
//! variables of that thread.

#![cfg(target_os = "none")]

use crate::choice::queue::ThreadQueue;
use crate::choice::reason::Reason;
use crate::choice::scheduler;
use crate::state::context;
use crate::state::thread_id::{MOST_THREADS, PerThread, ThreadId};
use common::lock::{InterruptCell, InterruptsOff, interrupts_off};

// ANCHOR: queue
/// Threads that wait, first come, first served.
///
/// ```text
///   waiting:    have looked at their condition in vain
///   newcomers:  have not looked yet: a thread that came earlier has been woken and must look first.
///               Once every woken thread has looked, the first newcomer looks, then the next.
///               They need no wake of their own.
/// ```
pub struct WaitQueue {
    waiting: ThreadQueue,
    newcomers: ThreadQueue,
    /// How many threads have been woken and have not run since.
    woken: InterruptCell<u32>,
}
// ANCHOR_END: queue

/// When each thread began to wait: a higher number is later.
static ARRIVED: PerThread<InterruptCell<u64>> = PerThread::new([const { InterruptCell::new(0) }; MOST_THREADS]);
static ARRIVALS: InterruptCell<u64> = InterruptCell::new(0);

impl WaitQueue {
    /// A queue in which no thread waits.
    pub const fn new() -> Self {
        Self { waiting: ThreadQueue::new(), newcomers: ThreadQueue::new(), woken: InterruptCell::new(0) }
    }

    // ANCHOR: wait
    /// Waits until `condition` returns a value, and returns it; none if the tick `deadline` comes first.
    ///
    /// The condition runs with interrupts off, so what it looks at cannot change between the look and the wait.
    /// Code that changes it must wake the queue afterwards.
    ///
    /// # Panics
    /// If the condition itself waits, lets another thread run, or ends the thread.
    pub fn wait_until<T>(
        &'static self,
        reason: Reason,
        deadline: Option<u64>,
        mut condition: impl FnMut() -> Option<T>,
    ) -> Option<T> {
        let off = interrupts_off();
        let me = scheduler::current();
        // A newcomer must not take what a woken thread is about to take.
        let mut look = |has_looked| {
            (has_looked || self.woken.get(&off) == 0)
                .then(|| context::without(me, &off, &mut condition).unwrap_or_else(|| scheduler::refuse_condition()))
        };
        let mut has_looked = false;
        let mut stands_last = true;
        loop {
            if let Some(found) = look(has_looked) {
                has_looked = true;
                self.let_a_newcomer_look(&off);
                if found.is_some() {
                    return found;
                }
            }
            if deadline.is_some_and(|deadline| deadline <= timer::ticks()) {
                return None;
            }
            let queue = if has_looked { &self.waiting } else { &self.newcomers };
            enqueue(queue, me, stands_last, &off);
            if scheduler::block(queue, reason, deadline, &off) {
                return look(false).flatten();
            }
            stands_last = false;
            self.woken.set(self.woken.get(&off) - 1, &off);
        }
    }
    // ANCHOR_END: wait

    /// As [`wait_until`](Self::wait_until), without a deadline.
    #[inline(always)]
    pub fn wait<T>(&'static self, reason: Reason, mut condition: impl FnMut() -> Option<T>) -> T {
        loop {
            if let Some(found) = self.wait_until(reason, None, &mut condition) {
                return found;
            }
        }
    }

    // ANCHOR: wake
    /// Wakes the thread that has waited longest, if any waits. This is for queues in which all threads wait for the
    /// same condition. Where conditions differ, another thread may be the one that could continue.
    pub fn wake_one(&self) {
        let off = interrupts_off();
        if let Some(thread) = self.waiting.pop(&off) {
            self.wake(thread, &off);
        }
    }

    /// Wakes all threads that wait.
    pub fn wake_all(&self) {
        let off = interrupts_off();
        while let Some(thread) = self.waiting.pop(&off) {
            self.wake(thread, &off);
        }
    }
    // ANCHOR_END: wake

    /// Once no woken thread is left that came earlier, the first newcomer may look, and after it the next one.
    fn let_a_newcomer_look(&self, off: &InterruptsOff) {
        if self.woken.get(off) == 0
            && let Some(newcomer) = self.newcomers.pop(off)
        {
            self.wake(newcomer, off);
        }
    }

    fn wake(&self, thread: ThreadId, off: &InterruptsOff) {
        self.woken.set(self.woken.get(off) + 1, off);
        scheduler::wake(thread, off);
    }
}

/// Puts a thread that has just come at the end of a queue. One that was woken in vain keeps its place: it goes before
/// all that came later.
fn enqueue(queue: &ThreadQueue, me: ThreadId, stands_last: bool, off: &InterruptsOff) {
    if stands_last {
        let arrival = ARRIVALS.get(off) + 1;
        ARRIVALS.set(arrival, off);
        ARRIVED[me].set(arrival, off);
        queue.push_back(me, off);
    } else {
        let arrival = ARRIVED[me].get(off);
        queue.insert(me, |other| ARRIVED[other].get(off) > arrival, off);
    }
}

// ANCHOR: sleep
/// Each thread's own queue, for waits that have a deadline and no condition. No code wakes these queues.
static ASLEEP: PerThread<WaitQueue> = PerThread::new([const { WaitQueue::new() }; MOST_THREADS]);

/// Lets the other threads run until this many ticks have come.
pub fn sleep(ticks: u32) {
    if ticks == 0 {
        return scheduler::yield_now();
    }
    let deadline = timer::ticks() + u64::from(ticks);
    ASLEEP[scheduler::current()].wait_until(Reason::Sleep, Some(deadline), || None::<()>);
}
// ANCHOR_END: sleep
