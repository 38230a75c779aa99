//! The scheduler's table: what each thread is doing, and who comes next.
//!
//! The run queue holds who is ready. Whoever leaves the CPU goes to the end of the queue if it could go
//! on, and the head of the queue comes next; the idle thread if there is none.

use crate::reason::{Counts, Reason};
use crate::ring::Ring;
use crate::sleepers::Sleepers;
use crate::switch::Switch;
use crate::thread_id::{MOST_THREADS, ThreadId};
use crate::timeslice;
use common::Lock;
use core::sync::atomic::{AtomicUsize, Ordering::Relaxed};

// ANCHOR: state
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
// ANCHOR_END: state

impl Record {
    /// That of no thread.
    pub const NOBODY: Self = Self { state: State::Gone, stack_pointer: 0, counts: Counts::ZERO, waiter: None };
}

/// All threads, and who is next.
pub struct Scheduler {
    /// Each thread at its place.
    pub threads: [Record; MOST_THREADS],
    /// The run queue.
    pub ready: Ring<ThreadId, MOST_THREADS>,
    /// The places of threads that are gone, and how many places have ever been taken: the first ones.
    vacant: Ring<ThreadId, MOST_THREADS>,
    touched: usize,
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

/// The scheduler. Zero in all bits, so that it takes no room in the kernel's file.
pub static SCHEDULER: Lock<Scheduler> = Lock::new(Scheduler {
    threads: [Record::NOBODY; MOST_THREADS],
    ready: Ring::new(ThreadId::FIRST),
    vacant: Ring::new(ThreadId::FIRST),
    touched: 0,
    sleepers: Sleepers::new(),
    idle: ThreadId::FIRST,
    switch: None,
});

/// The place of the thread that runs. Only `depart` changes it; everybody may look, without the lock.
static CURRENT: AtomicUsize = AtomicUsize::new(ThreadId::FIRST.place());

/// The thread that runs.
#[inline(always)]
pub fn current() -> ThreadId {
    ThreadId::new(CURRENT.load(Relaxed))
}

impl Scheduler {
    /// A place for a new thread; none if the table is full.
    pub fn take_place(&mut self) -> Option<ThreadId> {
        let thread = self.vacant.pop().or_else(|| self.touch_next())?;
        self.threads[thread.place()] = Record { state: State::New, ..Record::NOBODY };
        Some(thread)
    }

    fn touch_next(&mut self) -> Option<ThreadId> {
        let place = self.touched;
        (place < MOST_THREADS).then(|| {
            self.touched += 1;
            ThreadId::new(place)
        })
    }

    /// Gives the place of `thread` to whoever wants it.
    pub fn vacate(&mut self, thread: ThreadId) {
        self.threads[thread.place()].state = State::Gone;
        assert!(self.vacant.push(thread), "a place is vacant once");
    }

    // ANCHOR: wake
    /// Puts `thread` at the end of the run queue.
    pub fn make_ready(&mut self, thread: ThreadId) {
        self.threads[thread.place()].state = State::Ready;
        self.enqueue(thread);
        timeslice::end_if_over();
    }

    #[inline(always)]
    fn enqueue(&mut self, thread: ThreadId) {
        assert!(self.ready.push(thread), "there is room for every thread, and each is there once");
    }

    /// Makes `thread` ready if it waits.
    pub fn wake(&mut self, thread: ThreadId) {
        if self.threads[thread.place()].state == State::Waiting {
            self.make_ready(thread);
        }
    }
    // ANCHOR_END: wake

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

    // ANCHOR: depart
    /// Takes the running thread off the CPU and decides who is next; does nothing if it could go on and
    /// nobody else is ready.
    #[inline]
    pub fn depart(&mut self, reason: Reason, state: State) -> Option<Departure> {
        if state == State::Ready && self.ready.is_empty() {
            return None;
        }
        let from = current();
        let record = &mut self.threads[from.place()];
        record.counts.add(reason);
        record.state = state;
        let save = &raw mut record.stack_pointer;
        if state == State::Ready && from != self.idle {
            self.enqueue(from);
        }
        let to = self.ready.pop().unwrap_or(self.idle);
        CURRENT.store(to.place(), Relaxed);
        let next = &mut self.threads[to.place()];
        assert!(next.state == State::Ready, "a switch to thread {to}, which is {:?} and not Ready", next.state);
        next.state = State::Running;
        timeslice::begin();
        let switch = self.switch.expect("it is set before there are two threads");
        Some(Departure { from, to, save, load: self.threads[to.place()].stack_pointer, switch })
    }
    // ANCHOR_END: depart
}
