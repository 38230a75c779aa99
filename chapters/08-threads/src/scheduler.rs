//! Whose turn it is: how threads leave the CPU, and come back.

use crate::reason::{Counts, Reason};
use crate::switch::{Switch, switch};
use crate::table::{Departure, SCHEDULER, State};
use crate::thread_id::ThreadId;
use crate::timeslice;
use common::lock::{InterruptsOff, interrupts_off};

pub use crate::table::current;

// ANCHOR: init
/// Makes what runs now the first thread, starts the idle thread, and lets the timer end timeslices of
/// `timeslice_ticks`.
///
/// # Panics
/// If a timeslice has no ticks, or memory is out, or it is called twice.
pub fn init(timeslice_ticks: u32) {
    let _off = interrupts_off();
    crate::kernel_stack::init();
    switch_by(switch);
    let me = reserve().expect("all places are free");
    assert!(me == current(), "the scheduler has been started already");
    SCHEDULER.lock().threads[me.place()].state = State::Running;
    let idle = crate::spawn(idle, 0).expect("memory is not out yet").never_join();
    let mut scheduler = SCHEDULER.lock();
    let first = scheduler.ready.pop();
    assert!(first == Some(idle), "nobody else is ready yet");
    scheduler.idle = idle;
    drop(scheduler);
    timeslice::init(timeslice_ticks);
}
// ANCHOR_END: init

/// Goes from thread to thread by `switch` from now on.
pub fn switch_by(switch: Switch) {
    SCHEDULER.lock().switch = Some(switch);
}

/// Lets the others run first. Returns at once if nobody else is ready.
pub fn yield_now() {
    leave(Reason::Yield, State::Ready, &interrupts_off());
}

// ANCHOR: wait
/// Lets the others run until so many ticks have come.
pub fn sleep(ticks: u32) {
    if ticks == 0 {
        return yield_now();
    }
    let off = interrupts_off();
    let now = timer::ticks();
    let mut scheduler = SCHEDULER.lock_while(&off);
    scheduler.sleepers.add(now + u64::from(ticks), current());
    scheduler.count_down_to_next_sleeper(now);
    drop(scheduler);
    leave(Reason::Sleep, State::Sleeping, &off);
}

/// Lets the others run until somebody wakes this thread. `off` shows that whoever is to wake it cannot
/// do so before it waits: interrupts are off from the moment it told them.
pub fn wait(reason: Reason, off: &InterruptsOff) {
    leave(reason, State::Waiting, off);
}

/// Makes `thread` ready if it waits. A thread that sleeps goes on sleeping.
///
/// A wait does not know what it is for, and ends with the first call. So whoever calls this must know that
/// the thread waits for just that: it has noted so with interrupts off, and they have been off since it was
/// found there.
pub fn wake(thread: ThreadId) {
    SCHEDULER.lock().wake(thread);
}
// ANCHOR_END: wait

// ANCHOR: end
/// Waits until `thread` has ended, takes it out of the table, and tells how its timeslices ended.
pub fn wait_for_end(thread: ThreadId) -> Counts {
    let off = interrupts_off();
    let mut scheduler = SCHEDULER.lock_while(&off);
    if scheduler.threads[thread.place()].state != State::Finished {
        scheduler.threads[thread.place()].waiter = Some(current());
        drop(scheduler);
        wait(Reason::Wait, &off);
        scheduler = SCHEDULER.lock_while(&off);
    }
    let record = scheduler.threads[thread.place()];
    assert!(record.state == State::Finished, "only the end of a thread wakes who waits for it");
    scheduler.vacate(thread);
    record.counts
}

/// Ends the running thread. Its place in the table is kept until [`wait_for_end`].
pub fn finish() -> ! {
    let off = interrupts_off();
    let mut scheduler = SCHEDULER.lock_while(&off);
    if let Some(waiter) = scheduler.threads[current().place()].waiter.take() {
        scheduler.wake(waiter);
    }
    drop(scheduler);
    leave(Reason::Exit, State::Finished, &off);
    panic!("a thread that has ended runs again");
}
// ANCHOR_END: end

/// A place for a new thread; none if the table is full.
pub fn reserve() -> Option<ThreadId> {
    SCHEDULER.lock().take_place()
}

/// Gives up a place from [`reserve`].
pub fn cancel(thread: ThreadId) {
    SCHEDULER.lock().vacate(thread);
}

/// Lets a thread from [`reserve`] run, with its registers at `stack_pointer`.
///
/// # Safety
/// What lies there is as [`switch`] wants it, and stays until the thread has ended.
pub unsafe fn admit(thread: ThreadId, stack_pointer: u32) {
    let mut scheduler = SCHEDULER.lock();
    scheduler.threads[thread.place()].stack_pointer = stack_pointer;
    scheduler.make_ready(thread);
}

// ANCHOR: leave
/// Goes on with the next thread, and returns when it is this one's turn again; at once if it could go on
/// and nobody else is ready.
fn leave(reason: Reason, state: State, off: &InterruptsOff) {
    let departure = SCHEDULER.lock_while(off).depart(reason, state);
    let Some(Departure { from, to, save, load, switch }) = departure else { return };
    // SAFETY: interrupts are off; `load` was saved by a switch before this one, or is a new thread's, and as
    // that thread runs from now on, it is not used again before it has been saved again. It is another
    // thread: the idle one leaves only if somebody is ready, and nobody else is followed by itself.
    unsafe { switch(save, load, from, to) };
}
// ANCHOR_END: leave

// ANCHOR: decide
/// Wakes the sleepers whose time has come if it is a `sleeper`'s tick, and ends the running thread's
/// timeslice if it is `over`.
#[inline(never)] // most ticks have nothing to decide, and should not pay for it
pub(crate) fn decide(sleeper: bool, over: bool) {
    let off = interrupts_off();
    if sleeper {
        SCHEDULER.lock_while(&off).wake_sleepers(timer::ticks());
    }
    if over {
        leave(Reason::Timer, State::Ready, &off);
    }
}
// ANCHOR_END: decide

// ANCHOR: idle
/// The thread that runs when nobody else can: it halts the CPU until the next interrupt.
fn idle(_: usize) {
    loop {
        let off = interrupts_off();
        if SCHEDULER.lock_while(&off).ready.is_empty() {
            // SAFETY: every vector has a handler. `sti` lets interrupts in only after the instruction that
            // follows it (SDM volume 2, STI): none comes between the look at the queue and the halt. And as
            // it is not said to be `nomem`, the compiler expects what handlers do to memory meanwhile.
            unsafe { core::arch::asm!("sti", "hlt", options(nostack)) };
        } else {
            yield_now();
        }
    }
}
// ANCHOR_END: idle
