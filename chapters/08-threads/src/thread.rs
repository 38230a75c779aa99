//! The life of a thread: reserved, started, ended, joined; and the first thread.

#![cfg(target_os = "none")]

use crate::choice::reason::{Counts, Reason};
use crate::choice::scheduler;
use crate::choice::turns;
use crate::state::context::{self, Context};
use crate::state::control_block::{State, THREADS, allocate_slot, free_slot, make_first};
use crate::state::kernel_stack::{self, KernelStack};
use crate::state::thread_id::{MOST_THREADS, PerThread, ThreadId};
use crate::time::wait_queue::WaitQueue;
use common::VirtAddr;
use common::lock::{interrupts_off, let_interrupts_in};
use core::mem;
use interrupts::gate::Gate;
use interrupts::idt;
use timer::irq::Irq;

// ANCHOR: init
/// Makes the code that is running the first thread, starts the idle thread, and lets the timer end timeslices of
/// `timeslice_ticks`.
///
/// # Panics
/// If a timeslice has no ticks, or memory is exhausted, or the vectors have no handlers, or the timer has no rate, or
/// on a second call.
pub fn init(timeslice_ticks: u32) {
    assert!(
        idt::gate(Irq::Timer.vector()) != Gate::ABSENT,
        "the vectors have no handlers: call `interrupts::init` first"
    );
    assert!(timer::rate().is_some(), "the timer has no rate: call `timer::init` first");
    let off = interrupts_off();
    make_first(&off);
    kernel_stack::init();
    let idle = spawn(scheduler::idle, 0).expect("the idle thread needs memory for its stack");
    scheduler::init(idle.id, timeslice_ticks, &off);
}
// ANCHOR_END: init

/// Why no thread was spawned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SpawnError {
    /// There are [`MOST_THREADS`] already.
    TooManyThreads,
    /// No memory is left for a stack.
    OutOfMemory,
}

// ANCHOR: reserved
/// A thread that is being made. Dropping it cancels it, and frees its slot and its stack.
pub struct ReservedThread {
    id: ThreadId,
}

impl ReservedThread {
    /// Reserves a slot.
    ///
    /// # Errors
    /// `TooManyThreads`.
    ///
    /// # Panics
    /// If it is called before [`init`].
    pub fn new() -> Result<Self, SpawnError> {
        allocate_slot(&interrupts_off()).map(|id| Self { id }).ok_or(SpawnError::TooManyThreads)
    }

    /// Which thread it will be.
    pub fn id(&self) -> ThreadId {
        self.id
    }

    /// Gives the thread its kernel stack, and returns the address just above the stack's highest word.
    ///
    /// # Errors
    /// `OutOfMemory`.
    ///
    /// # Panics
    /// If the thread already has a stack.
    pub fn allocate_stack(&mut self) -> Result<VirtAddr, SpawnError> {
        let off = interrupts_off();
        let before = THREADS[self.id].stack.replace(None, &off);
        assert!(before.is_none(), "the thread already has a stack");
        let stack = KernelStack::new(self.id).ok_or(SpawnError::OutOfMemory)?;
        let top = stack.top();
        THREADS[self.id].stack.set(Some(stack), &off);
        Ok(top)
    }

    /// Makes the thread ready: it will begin with `context`.
    ///
    /// # Safety
    /// 1. `context` lies on a stack that belongs to this thread alone. Above it is what the code of the thread expects.
    /// 2. The stack stays until the thread has ended.
    /// 3. The context comes from [`Context::new`] or [`Context::returning`].
    pub unsafe fn start(self, context: *mut Context) -> Thread {
        let off = interrupts_off();
        let id = self.id;
        mem::forget(self);
        context::begin_with(context, id, &off);
        scheduler::make_ready(id, &off);
        Thread { id }
    }
}

impl Drop for ReservedThread {
    fn drop(&mut self) {
        free_slot(self.id, &interrupts_off());
    }
}
// ANCHOR_END: reserved

// ANCHOR: spawn
/// Starts a thread that calls `entry(argument)` and ends when `entry` returns.
///
/// # Errors
/// [`SpawnError`]; nothing stays allocated then.
///
/// # Panics
/// If it is called before [`init`].
pub fn spawn(entry: fn(usize), argument: usize) -> Result<Thread, SpawnError> {
    let mut thread = ReservedThread::new()?;
    let context = thread.allocate_stack()?.as_ptr::<Context>().wrapping_sub(1);
    // SAFETY: the stack is new, and stays until the thread is joined; `begin` needs nothing above its context.
    unsafe {
        context.write(Context::new(begin, entry, argument));
        Ok(thread.start(context))
    }
}

/// Where every thread begins, with interrupts off as after every switch.
#[expect(improper_ctypes_definitions, reason = "caller and callee are compiled by the same rustc")]
extern "C" fn begin(entry: fn(usize), argument: usize) -> ! {
    // SAFETY: threads run with interrupts on. Every vector has a handler, and the timer has been set up: `init` has
    // checked both.
    unsafe { let_interrupts_in() };
    entry(argument);
    // SAFETY: `entry` has returned, so nothing is left on the stack.
    unsafe { exit() }
}
// ANCHOR_END: spawn

// ANCHOR: join
/// The threads that wait for the end of each thread.
static JOINERS: PerThread<WaitQueue> = PerThread::new([const { WaitQueue::new() }; MOST_THREADS]);

/// A thread that was started. It keeps its slot and its stack until it is [joined](Self::join).
#[must_use = "a thread that is not joined keeps its slot and its stack"]
pub struct Thread {
    id: ThreadId,
}

impl Thread {
    /// Which thread it is.
    pub fn id(&self) -> ThreadId {
        self.id
    }

    /// Waits for the end of the thread, reaps it, and returns how its timeslices ended, if they are counted:
    /// see [`count_turns`](crate::count_turns).
    ///
    /// # Panics
    /// If it is the running thread itself.
    pub fn join(self) -> Counts {
        assert!(self.id != scheduler::current(), "a thread cannot wait for its own end");
        let off = interrupts_off();
        let has_ended = || (THREADS[self.id].state.get(&interrupts_off()) == State::Finished).then_some(());
        JOINERS[self.id].wait(Reason::Wait, has_ended);
        let counts = turns::take(self.id);
        free_slot(self.id, &off);
        counts
    }
}

/// Ends the running thread.
///
/// # Safety
/// 1. No code relies on the values that this thread has on its stack. They are not dropped.
/// 2. The thread leaves nothing undone that other threads wait for: they learn of its end by [`Thread::join`] alone.
pub unsafe fn exit() -> ! {
    let off = interrupts_off();
    JOINERS[scheduler::current()].wake_all();
    scheduler::finish(&off)
}
// ANCHOR_END: join
