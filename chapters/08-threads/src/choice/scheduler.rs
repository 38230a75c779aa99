//! Which thread runs next, and how the CPU gets to it.
//!
//! The run queue holds the threads that are ready. They take turns (round robin): a thread that leaves the CPU and
//! could continue goes to the end, and the first thread runs next. If the queue is empty, the idle thread runs.

#![cfg(target_os = "none")]

use super::hook;
use super::queue::ThreadQueue;
use super::reason::Reason;
use crate::state::context::{self, Switch, switch};
use crate::state::control_block::{State, THREADS};
use crate::state::thread_id::ThreadId;
use crate::time::sleepers::Sleepers;
use crate::time::timeslice;
use boot::stop;
use common::Lock;
use common::lock::{InterruptCell, InterruptsOff, OffCount, interrupts_off};
use core::ptr;

// ANCHOR: statics
/// The threads that are ready.
static RUN_QUEUE: ThreadQueue = ThreadQueue::new();

/// The running thread.
static CURRENT: InterruptCell<ThreadId> = InterruptCell::new(ThreadId::FIRST);

/// The thread that runs when no other can. Until there is one, no thread leaves the CPU.
static IDLE: InterruptCell<ThreadId> = InterruptCell::new(ThreadId::FIRST);

/// The threads that wait with a deadline.
static SLEEPERS: Lock<Sleepers> = Lock::new(Sleepers::new());

/// The routine that does the context switch.
static SWITCH: InterruptCell<Switch> = InterruptCell::new(switch);
// ANCHOR_END: statics

/// The running thread.
pub fn current() -> ThreadId {
    CURRENT.get(&interrupts_off())
}

/// Makes `routine` do the context switch from now on.
///
/// # Panics
/// If `routine` is [`switch`], and another routine is in use.
///
/// # Safety
/// The routine does all that [`switch`] does, and all that the routine does that was in use before.
pub unsafe fn switch_by(routine: Switch) {
    let off = interrupts_off();
    let is_chapter_8s = |routine| ptr::fn_addr_eq(routine, switch as Switch);
    let comes_back = is_chapter_8s(routine) && !is_chapter_8s(SWITCH.get(&off));
    assert!(!comes_back, "another switch is in use, and it may do more than `switch`");
    SWITCH.set(routine, &off);
}

/// Makes `idle`, which has just been spawned, the idle thread, and lets the timer end timeslices.
pub(crate) fn init(idle: ThreadId, timeslice_ticks: u32, off: &InterruptsOff) {
    RUN_QUEUE.remove(idle, off);
    IDLE.set(idle, off);
    timeslice::init(timeslice_ticks, off);
    timer::on_tick(tick);
    stop::on_stop(stay);
}

/// Lets no thread leave the CPU from now on: the kernel is being stopped, and code that prints why may try to wait.
fn stay() {
    unsafe extern "fastcall" fn refuse(_: ThreadId, _: ThreadId) {
        panic!("a kernel that stops lets no other thread run");
    }
    // SAFETY: the routine does not return, so no thread resumes on a CPU that is not as the thread left it.
    unsafe { switch_by(refuse) };
}

// ANCHOR: yield
/// Lets the other threads run first. Returns at once if none is ready.
pub fn yield_now() {
    give_way(Reason::Yield, &interrupts_off());
}

/// Ends the turn of the running thread, which could continue, if another thread is ready.
#[inline(always)]
fn give_way(reason: Reason, off: &InterruptsOff) {
    let me = CURRENT.get(off);
    let next = if me == IDLE.get(off) { RUN_QUEUE.pop(off) } else { RUN_QUEUE.rotate(me, off) };
    if let Some(next) = next {
        switch_to(next, reason, off);
    }
}
// ANCHOR_END: yield

// ANCHOR: schedule
/// Gives the CPU to the first thread of the run queue, or to the idle thread if the queue is empty.
fn schedule(reason: Reason, off: &InterruptsOff) {
    switch_to(RUN_QUEUE.pop(off).unwrap_or(IDLE.get(off)), reason, off);
}

/// Gives the CPU to `next`. Returns when the thread that called it gets the CPU back.
#[inline(always)]
fn switch_to(next: ThreadId, reason: Reason, off: &InterruptsOff) {
    let me = CURRENT.get(off);
    hook::call_all(me, next, reason, off);
    CURRENT.set(next, off);
    timeslice::begin(off);
    let state = THREADS[next].state.get(off);
    debug_assert!(state == State::Ready, "thread {next} is {state:?} and not Ready");
    let guards = OffCount::current();
    // SAFETY: 1. Interrupts are off. 2. A thread in the run queue is not running, so its context was saved by the
    // switch, or made for its start. 3. `next` is not this thread, which goes into the queue only behind another.
    unsafe {
        SWITCH.get(off)(me, next);
        guards.restore();
    }
}

// ANCHOR_END: schedule

// ANCHOR: ready
/// Puts `thread` at the end of the run queue.
pub(crate) fn make_ready(thread: ThreadId, off: &InterruptsOff) {
    THREADS[thread].state.set(State::Ready, off);
    RUN_QUEUE.push_back(thread, off);
    timeslice::end_if_over(off);
}
// ANCHOR_END: ready

// ANCHOR: block
/// Lets the other threads run until this one is woken, or until the tick `deadline`; returns whether the deadline
/// ended the wait. The thread is in `queue` already.
pub(crate) fn block(queue: &'static ThreadQueue, reason: Reason, deadline: Option<u64>, off: &InterruptsOff) -> bool {
    let id = may_leave(off);
    let me = &THREADS[id];
    me.waits_in.set(Some(queue), off);
    me.deadline.set(deadline, off);
    me.state.set(State::Waiting, off);
    if let Some(deadline) = deadline {
        let mut sleepers = SLEEPERS.lock();
        sleepers.add(deadline, id);
        timeslice::wake_before(sleepers.next(), timer::ticks(), off);
    }
    schedule(reason, off);
    // `wake` removes the deadline, so one that is still there has passed.
    me.deadline.replace(None, off).is_some()
}

/// Makes a thread ready that has just been taken out of the queue in which it waited.
pub(crate) fn wake(thread: ThreadId, off: &InterruptsOff) {
    THREADS[thread].waits_in.set(None, off);
    if let Some(deadline) = THREADS[thread].deadline.replace(None, off) {
        SLEEPERS.lock().remove(deadline, thread);
    }
    make_ready(thread, off);
}

/// Wakes the threads whose deadline has passed.
#[inline(never)] // few of the ticks that end a timeslice need it
fn wake_sleepers(off: &InterruptsOff) {
    let now = timer::ticks();
    let mut sleepers = SLEEPERS.lock();
    while let Some(thread) = sleepers.take(now) {
        if let Some(queue) = THREADS[thread].waits_in.replace(None, off) {
            queue.remove(thread, off);
        }
        make_ready(thread, off);
    }
    timeslice::wake_before(sleepers.next(), now, off);
}
// ANCHOR_END: block

// ANCHOR: finish
/// Ends the running thread. Its slot is kept until it is reaped.
pub(crate) fn finish(off: &InterruptsOff) -> ! {
    THREADS[may_leave(off)].state.set(State::Finished, off);
    schedule(Reason::Exit, off);
    panic!("a thread that has ended is running again");
}

/// The running thread, which is going to wait or to end.
///
/// # Panics
/// If it is the idle thread (a handler that interrupts it must do neither), or in the condition of a wait.
fn may_leave(off: &InterruptsOff) -> ThreadId {
    let me = CURRENT.get(off);
    assert!(me != IDLE.get(off), "no other thread could run: this is the idle thread, or `threads::init` has not run");
    if context::is_without(me, off) {
        refuse_condition();
    }
    me
}

#[cold]
pub(crate) fn refuse_condition() -> ! {
    panic!("the condition of a wait must not wait, yield or end its thread");
}
// ANCHOR_END: finish

// ANCHOR: tick
/// Called on every tick: wakes sleepers if one is due, and ends the running thread's timeslice if it is over.
fn tick() {
    // SAFETY: only the timer calls this, in the handler of its interrupt.
    let off = unsafe { InterruptsOff::in_handler() };
    if !timeslice::count_down(off) {
        return; // as most ticks do
    }
    let is_over = timeslice::is_over(off); // asked first: a sleeper that wakes sets the count to 1
    if timeslice::is_sleeper_due(off) {
        wake_sleepers(off);
    }
    if is_over {
        give_way(Reason::Timer, off);
    }
}
// ANCHOR_END: tick

// ANCHOR: idle
/// What the idle thread does: halts the CPU until the next interrupt, and gives way to any thread that is ready.
pub(crate) fn idle(_: usize) {
    loop {
        let off = interrupts_off();
        if RUN_QUEUE.is_empty(&off) {
            off.halt_until_interrupt();
        } else {
            give_way(Reason::Yield, &off);
        }
    }
}
// ANCHOR_END: idle
