//! Whose turn it is: round robin, with timeslices of a number of ticks.
//!
//! The run queue holds who is ready. Whoever leaves the CPU says why, goes to the end of the queue if it
//! could go on, and the head of the queue comes next; the idle thread if there is none.
//!
//! The tick's work is to count down. Only when a countdown reaches zero is there anything to decide.

use crate::reason::{Counts, Reason};
use crate::ring::Ring;
use crate::sleepers::Sleepers;
use crate::thread_id::{MOST_THREADS, ThreadId};
use common::Lock;
use common::lock::{InterruptsOff, interrupts_off};
use core::sync::atomic::{AtomicU32, Ordering::Relaxed};

/// Goes from one thread to another as [`switch`](crate::switch::switch) does; the threads are `from` and
/// `to`, should it matter.
///
/// # Safety
/// As for `switch`.
pub type Switch = unsafe fn(from: ThreadId, to: ThreadId, save: *mut u32, load: u32);

/// What a thread is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
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

#[derive(Clone, Copy)]
struct Record {
    state: State,
    /// While it does not run: where its registers are.
    stack_pointer: u32,
    counts: Counts,
    /// Who waits for its end.
    waiter: Option<ThreadId>,
}

struct Scheduler {
    threads: [Record; MOST_THREADS],
    ready: Ring<ThreadId, MOST_THREADS>,
    sleepers: Sleepers,
    idle: ThreadId,
    timeslice: u32,
    switch: Switch,
}

/// The way from one thread to another, once it is decided.
struct Departure {
    from: ThreadId,
    to: ThreadId,
    save: *mut u32,
    load: u32,
    switch: Switch,
}

static SCHEDULER: Lock<Scheduler> = Lock::new(Scheduler {
    threads: [Record { state: State::Gone, stack_pointer: 0, counts: Counts::ZERO, waiter: None }; MOST_THREADS],
    ready: Ring::new(),
    sleepers: Sleepers::new(),
    idle: ThreadId::FIRST,
    timeslice: 0,
    switch: crate::switch::between_stacks,
});

/// The place of the thread that runs. Only `depart` changes it; everybody may look, without the lock.
static CURRENT: AtomicU32 = AtomicU32::new(0);

/// Ticks until the running thread's timeslice is over. If nobody else is ready then, the count goes on
/// below zero, that is, from the highest number down.
static TICKS_LEFT: AtomicU32 = AtomicU32::new(0);

/// Ticks until the next sleeper wakes. If nobody sleeps, it reaches zero by chance, once in 2^32 ticks.
static TICKS_ASLEEP: AtomicU32 = AtomicU32::new(0);

/// Makes what runs now the first thread, starts the idle thread, and lets the timer end timeslices of
/// `timeslice_ticks`. Switches from thread to thread by `switch`.
///
/// # Panics
/// If a timeslice has no ticks, or memory is out.
pub fn init(timeslice_ticks: u32, switch: Switch) {
    assert!(timeslice_ticks > 0, "a timeslice must last a tick at least");
    let _off = interrupts_off();
    crate::kernel_stack::init();
    {
        let mut scheduler = SCHEDULER.lock();
        scheduler.timeslice = timeslice_ticks;
        scheduler.switch = switch;
        scheduler.threads[ThreadId::FIRST.place()].state = State::Running;
    }
    let idle = crate::spawn(idle, 0).expect("memory is not out yet").never_join();
    let mut scheduler = SCHEDULER.lock();
    let first = scheduler.ready.pop();
    assert_eq!(first, Some(idle), "nobody else is ready yet");
    scheduler.idle = idle;
    drop(scheduler);
    TICKS_LEFT.store(timeslice_ticks, Relaxed);
    timer::on_tick(tick);
}

/// The thread that runs.
#[inline]
pub fn current() -> ThreadId {
    ThreadId::new(CURRENT.load(Relaxed) as usize)
}

/// Lets the others run first. Returns at once if nobody else is ready.
pub fn yield_now() {
    let _off = interrupts_off();
    let anybody = !SCHEDULER.lock().ready.is_empty();
    if anybody {
        leave(Reason::Yield, State::Ready);
    }
}

/// Lets the others run until so many ticks have come.
pub fn sleep(ticks: u32) {
    let _off = interrupts_off();
    if ticks == 0 {
        return yield_now();
    }
    let now = timer::ticks();
    let mut scheduler = SCHEDULER.lock();
    scheduler.sleepers.add(now + u64::from(ticks), current());
    scheduler.count_down_to_next_sleeper(now);
    drop(scheduler);
    leave(Reason::Sleep, State::Sleeping);
}

/// Lets the others run until somebody wakes this thread. `_off` shows that whoever is to wake it cannot
/// do so before it waits: interrupts are off from the moment it told them.
pub fn wait(reason: Reason, _off: &InterruptsOff) {
    leave(reason, State::Waiting);
}

/// Makes `thread` ready if it waits. A thread that sleeps goes on sleeping.
pub fn wake(thread: ThreadId) {
    SCHEDULER.lock().wake(thread);
}

/// Waits until `thread` has ended, takes it out of the table, and tells how its timeslices ended.
pub fn wait_for_end(thread: ThreadId) -> Counts {
    let off = interrupts_off();
    let mut scheduler = SCHEDULER.lock();
    if scheduler.threads[thread.place()].state != State::Finished {
        scheduler.threads[thread.place()].waiter = Some(current());
        drop(scheduler);
        wait(Reason::Wait, &off);
        scheduler = SCHEDULER.lock();
    }
    let record = &mut scheduler.threads[thread.place()];
    assert_eq!(record.state, State::Finished, "only the end of a thread wakes who waits for it");
    record.state = State::Gone;
    record.counts
}

/// Ends the running thread. Its place in the table is kept until [`wait_for_end`].
pub fn finish() -> ! {
    let _off = interrupts_off();
    let mut scheduler = SCHEDULER.lock();
    if let Some(waiter) = scheduler.threads[current().place()].waiter.take() {
        scheduler.wake(waiter);
    }
    drop(scheduler);
    leave(Reason::Exit, State::Finished);
    unreachable!("a thread that has ended runs again");
}

/// A place for a new thread; none if the table is full.
pub fn reserve() -> Option<ThreadId> {
    let mut scheduler = SCHEDULER.lock();
    let place = scheduler.threads.iter().position(|record| record.state == State::Gone)?;
    scheduler.threads[place] = Record { state: State::New, stack_pointer: 0, counts: Counts::ZERO, waiter: None };
    Some(ThreadId::new(place))
}

/// Gives up a place from [`reserve`].
pub fn cancel(thread: ThreadId) {
    SCHEDULER.lock().threads[thread.place()].state = State::Gone;
}

/// Lets a thread from [`reserve`] run, with its registers at `stack_pointer`.
///
/// # Safety
/// What lies there is as [`switch`](crate::switch::switch) wants it, and stays until the thread has ended.
pub unsafe fn admit(thread: ThreadId, stack_pointer: u32) {
    let mut scheduler = SCHEDULER.lock();
    scheduler.threads[thread.place()].stack_pointer = stack_pointer;
    scheduler.make_ready(thread);
}

impl Scheduler {
    fn make_ready(&mut self, thread: ThreadId) {
        self.threads[thread.place()].state = State::Ready;
        assert!(self.ready.push(thread), "there is room for every thread, and each is there once");
        // Nobody else was ready when the timeslice ended, so it went on: until the next tick.
        if self.is_over(TICKS_LEFT.load(Relaxed)) {
            TICKS_LEFT.store(1, Relaxed);
        }
    }

    /// Is a timeslice over that has so many ticks left? Below zero, these are more than it ever had.
    fn is_over(&self, ticks_left: u32) -> bool {
        !(1..=self.timeslice).contains(&ticks_left)
    }

    fn wake(&mut self, thread: ThreadId) {
        if self.threads[thread.place()].state == State::Waiting {
            self.make_ready(thread);
        }
    }

    fn wake_sleepers(&mut self, now: u64) {
        while let Some(thread) = self.sleepers.wake(now) {
            self.make_ready(thread);
        }
        self.count_down_to_next_sleeper(now);
    }

    fn count_down_to_next_sleeper(&self, now: u64) {
        if let Some(next) = self.sleepers.next() {
            TICKS_ASLEEP.store((next - now) as u32, Relaxed);
        }
    }

    /// Takes the running thread off the CPU and decides who is next.
    fn depart(&mut self, reason: Reason, state: State) -> Departure {
        let from = current();
        let record = &mut self.threads[from.place()];
        record.counts.add(reason);
        record.state = state;
        let save = &raw mut record.stack_pointer;
        if state == State::Ready && from != self.idle {
            assert!(self.ready.push(from), "there is room for every thread, and each is there once");
        }
        let to = self.ready.pop().unwrap_or(self.idle);
        CURRENT.store(to.place() as u32, Relaxed);
        self.threads[to.place()].state = State::Running;
        TICKS_LEFT.store(self.timeslice, Relaxed);
        Departure { from, to, save, load: self.threads[to.place()].stack_pointer, switch: self.switch }
    }
}

/// Goes on with the next thread. Returns when it is this one's turn again; with interrupts off, as they
/// must be when it is called.
fn leave(reason: Reason, state: State) {
    let Departure { from, to, save, load, switch } = SCHEDULER.lock().depart(reason, state);
    if from != to {
        // SAFETY: interrupts are off; `load` was saved by a switch before this one, or is a new thread's,
        // and as that thread runs from now on, it is not used again before it has been saved again.
        unsafe { switch(from, to, save, load) };
    }
}

/// Called on every tick, in the handler of the timer's interrupt.
fn tick() {
    let left = count_down(&TICKS_LEFT);
    let asleep = count_down(&TICKS_ASLEEP);
    if left == 0 || asleep == 0 {
        decide(left);
    }
}

/// Interrupts are off, so a load and a store are as good as one step.
fn count_down(ticks: &AtomicU32) -> u32 {
    let left = ticks.load(Relaxed).wrapping_sub(1);
    ticks.store(left, Relaxed);
    left
}

/// Wakes the sleepers whose time has come, and ends the running thread's timeslice if that is over.
fn decide(ticks_left: u32) {
    let mut scheduler = SCHEDULER.lock();
    scheduler.wake_sleepers(timer::ticks());
    // The idle thread looks for itself who is ready, after every interrupt.
    let leaves = scheduler.is_over(ticks_left) && current() != scheduler.idle && !scheduler.ready.is_empty();
    drop(scheduler);
    if leaves {
        leave(Reason::Timer, State::Ready);
    }
}

/// The thread that runs when nobody else can: it halts the CPU until the next interrupt.
fn idle(_: usize) {
    loop {
        let _off = interrupts_off();
        if SCHEDULER.lock().ready.is_empty() {
            // SAFETY: every vector has a handler. `sti` lets interrupts in only after the instruction that
            // follows it (SDM volume 2, STI): none comes between the look at the queue and the halt. And as
            // it is not said to be `nomem`, the compiler expects what handlers do to memory meanwhile.
            unsafe { core::arch::asm!("sti", "hlt", options(nostack)) };
        } else {
            yield_now();
        }
    }
}
