//! Which thread runs next, and how the CPU gets to it.
//!
//! The run queue holds the threads that are ready. A thread that leaves the CPU goes to the end of the queue
//! if it could go on, and the first thread of the queue runs next; the idle thread if there is none.

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

/// The thread that runs.
static CURRENT: InterruptCell<ThreadId> = InterruptCell::new(ThreadId::FIRST);

/// The thread that runs when no other can. Until there is one, no thread leaves the CPU.
static IDLE: InterruptCell<ThreadId> = InterruptCell::new(ThreadId::FIRST);

/// The threads that wait with a deadline.
static SLEEPERS: Lock<Sleepers> = Lock::new(Sleepers::new());

/// How the CPU goes from one thread to another.
static SWITCH: InterruptCell<Switch> = InterruptCell::new(switch);
// ANCHOR_END: statics

/// The thread that runs.
pub fn current() -> ThreadId {
    CURRENT.get(&interrupts_off())
}

/// Goes from thread to thread by `routine` from now on.
///
/// # Panics
/// If that is [`switch`], and another one is in use.
///
/// # Safety
/// The routine does what [`switch`] does, and what the one does that was in use before.
pub unsafe fn switch_by(routine: Switch) {
    let off = interrupts_off();
    let is_chapter_8s = |routine| ptr::fn_addr_eq(routine, switch as Switch);
    let comes_back = is_chapter_8s(routine) && !is_chapter_8s(SWITCH.get(&off));
    assert!(!comes_back, "the switch that is in use may do more than `switch`");
    SWITCH.set(routine, &off);
}

/// Lets `idle`, which has just been started, run when no other thread can, and the timer end timeslices.
pub(crate) fn init(idle: ThreadId, timeslice_ticks: u32, off: &InterruptsOff) {
    RUN_QUEUE.remove(idle, off);
    IDLE.set(idle, off);
    timeslice::init(timeslice_ticks, off);
    timer::on_tick(tick);
    stop::on_stop(stay);
}

/// From now on no thread leaves the CPU: the kernel is being stopped, and what its words call may want to wait.
fn stay() {
    unsafe extern "fastcall" fn refuse(_: ThreadId, _: ThreadId) {
        panic!("a kernel that is being stopped lets no other thread run");
    }
    // SAFETY: the routine does not return, so no thread finds the CPU in another state than it has left it in.
    unsafe { switch_by(refuse) };
}

// ANCHOR: yield
/// Lets the other threads run first. Returns at once if none is ready.
pub fn yield_now() {
    give_way(Reason::Yield, &interrupts_off());
}

/// Ends the turn of the running thread, which could go on, if another thread is ready.
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

/// Gives the CPU to `next`. Returns when the thread that leaves it gets it back.
#[inline(always)]
fn switch_to(next: ThreadId, reason: Reason, off: &InterruptsOff) {
    let me = CURRENT.get(off);
    hook::call_all(me, next, reason, off);
    CURRENT.set(next, off);
    timeslice::begin(off);
    let state = THREADS[next].state.get(off);
    debug_assert!(state == State::Ready, "thread {next} is {state:?} and not Ready");
    let guards = OffCount::current();
    // SAFETY: 1. Interrupts are off. 2. A thread in the run queue does not run, so its context was saved by the
    // switch, or made for its start. 3. It is not this thread: that is in the run queue only if it is not alone.
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
/// Lets the other threads run until this one is woken, or until the tick `deadline`; tells whether that was why.
/// The thread stands in `queue`.
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
    // Waking takes the deadline away; only a deadline that has passed is still there.
    me.deadline.replace(None, off).is_some()
}

/// Lets `thread` run again, which has just been taken out of the queue in which it waited.
pub(crate) fn wake(thread: ThreadId, off: &InterruptsOff) {
    THREADS[thread].waits_in.set(None, off);
    if let Some(deadline) = THREADS[thread].deadline.replace(None, off) {
        SLEEPERS.lock().remove(deadline, thread);
    }
    make_ready(thread, off);
}

/// Wakes the threads whose deadline has passed.
#[inline(never)] // few ticks that end a timeslice do
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
    panic!("a thread that has ended runs again");
}

/// The running thread, which is going to wait or to end.
///
/// # Panics
/// If that is the idle thread: the handler that interrupts it must do neither. Or in the condition of a wait.
fn may_leave(off: &InterruptsOff) -> ThreadId {
    let me = CURRENT.get(off);
    assert!(me != IDLE.get(off), "no other thread could run: it is the idle one, or comes before `threads::init`");
    if context::is_without(me, off) {
        refuse_condition();
    }
    me
}

#[cold]
pub(crate) fn refuse_condition() -> ! {
    panic!("the condition of a wait neither waits, yields nor ends its thread");
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
    let is_over = timeslice::is_over(off); // before a sleeper that wakes shortens it
    if timeslice::is_sleeper_due(off) {
        wake_sleepers(off);
    }
    if is_over {
        give_way(Reason::Timer, off);
    }
}
// ANCHOR_END: tick

// ANCHOR: idle
/// What the idle thread does: it halts the CPU until the next interrupt, and lets any other thread run first.
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
