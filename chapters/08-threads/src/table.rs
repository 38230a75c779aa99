//! The scheduler's table: what each thread is doing, and who comes next.
//!
//! The run queue holds who is ready. Whoever leaves the CPU goes to the end of the queue if it could go
//! on, and the head of the queue comes next; the idle thread if there is none.

use crate::reason::{Counts, Reason};
use crate::ring::Ring;
use crate::sleepers::Sleepers;
use crate::thread_id::{MOST_THREADS, ThreadId};
use crate::timeslice;
use common::Lock;
use core::sync::atomic::{AtomicU32, Ordering::Relaxed};

/// Goes from one thread to another as [`switch`](crate::switch::switch) does; the threads are `from` and
/// `to`, should it matter.
///
/// # Safety
/// As for `switch`.
pub type Switch = unsafe fn(from: ThreadId, to: ThreadId, save: *mut u32, load: u32);

/// What a thread is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// There is no such thread.
    Gone,
    /// It is being made, and has no stack to run on yet.
    New,
    /// It could run, and is in the run queue. (The idle thread never is.)
    Ready,
    /// It runs.
    Running,
    /// It waits to be woken by another thread or by the handler of an interrupt.
    Waiting,
    /// It waits to be woken by the tick that it asked for, and by nothing else.
    Sleeping,
    /// It has ended, and waits for somebody to take notice.
    Finished,
}

/// What the scheduler knows of a thread.
#[derive(Clone, Copy)]
pub struct Record {
    /// What it is doing.
    pub state: State,
    /// While it does not run: where its registers are.
    pub stack_pointer: u32,
    /// How its timeslices ended.
    pub counts: Counts,
    /// Who waits for its end.
    pub waiter: Option<ThreadId>,
}

/// All threads, and who is next.
pub struct Scheduler {
    /// Each thread at its place.
    pub threads: [Record; MOST_THREADS],
    /// The run queue.
    pub ready: Ring<ThreadId, MOST_THREADS>,
    /// Who sleeps.
    pub sleepers: Sleepers,
    /// Who runs when nobody is ready.
    pub idle: ThreadId,
    /// How to go from thread to thread. Set before there are two.
    pub switch: Option<Switch>,
}

/// The way from one thread to another, once it is decided.
pub struct Departure {
    /// Who leaves the CPU.
    pub from: ThreadId,
    /// Who comes next.
    pub to: ThreadId,
    /// Where the stack pointer of `from` is to be saved.
    pub save: *mut u32,
    /// The stack pointer of `to`.
    pub load: u32,
    /// How to go.
    pub switch: Switch,
}

/// The scheduler.
pub static SCHEDULER: Lock<Scheduler> = Lock::new(Scheduler {
    threads: [Record { state: State::Gone, stack_pointer: 0, counts: Counts::ZERO, waiter: None }; MOST_THREADS],
    ready: Ring::new(),
    sleepers: Sleepers::new(),
    idle: ThreadId::FIRST,
    switch: None,
});

/// The place of the thread that runs. Only `depart` changes it; everybody may look, without the lock.
static CURRENT: AtomicU32 = AtomicU32::new(0);

/// The thread that runs.
#[inline]
pub fn current() -> ThreadId {
    ThreadId::new(CURRENT.load(Relaxed) as usize)
}

impl Scheduler {
    /// Puts `thread` at the end of the run queue.
    pub fn make_ready(&mut self, thread: ThreadId) {
        self.threads[thread.place()].state = State::Ready;
        self.enqueue(thread);
        timeslice::end_if_over();
    }

    fn enqueue(&mut self, thread: ThreadId) {
        assert!(self.ready.push(thread), "there is room for every thread, and each is there once");
    }

    /// Makes `thread` ready if it waits.
    pub fn wake(&mut self, thread: ThreadId) {
        if self.threads[thread.place()].state == State::Waiting {
            self.make_ready(thread);
        }
    }

    /// Makes all ready whose tick has come.
    pub fn wake_sleepers(&mut self, now: u64) {
        while let Some(thread) = self.sleepers.wake(now) {
            self.make_ready(thread);
        }
        self.count_down_to_next_sleeper(now);
    }

    /// Lets the timer look when the next sleeper is to wake.
    pub fn count_down_to_next_sleeper(&self, now: u64) {
        if let Some(next) = self.sleepers.next() {
            timeslice::wake_in((next - now) as u32);
        }
    }

    /// Takes the running thread off the CPU and decides who is next.
    pub fn depart(&mut self, reason: Reason, state: State) -> Departure {
        let from = current();
        let record = &mut self.threads[from.place()];
        record.counts.add(reason);
        record.state = state;
        let save = &raw mut record.stack_pointer;
        if state == State::Ready && from != self.idle {
            self.enqueue(from);
        }
        let to = self.ready.pop().unwrap_or(self.idle);
        CURRENT.store(to.place() as u32, Relaxed);
        let next = &mut self.threads[to.place()];
        assert!(next.state == State::Ready, "a switch to thread {to}, which is {:?} and not Ready", next.state);
        next.state = State::Running;
        timeslice::begin();
        let switch = self.switch.expect("it is set before there are two threads");
        Departure { from, to, save, load: self.threads[to.place()].stack_pointer, switch }
    }
}
