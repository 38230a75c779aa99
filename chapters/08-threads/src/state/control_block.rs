//! The thread control block: what the kernel knows about each thread.
//!
//! Everything about a thread is here or in another [`PerThread`] table. Slots that were used and are free again
//! are in a queue; the slots from `HIGH_WATER` on have never been used.

#![cfg(target_os = "none")]

use super::context;
use super::kernel_stack::KernelStack;
use super::thread_id::{MOST_THREADS, PerThread, ThreadId};
use crate::choice::queue::ThreadQueue;
use common::lock::{InterruptCell, InterruptsOff};
use core::ptr;

// ANCHOR: state
/// What a thread is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// No thread has this slot.
    Free,
    /// It is being made.
    Reserved,
    /// It could run: it is running or in the run queue. (The idle thread is never in the queue.)
    Ready,
    /// It waits to be woken, or for its deadline to pass.
    Waiting,
    /// It has ended and has not been reaped: a zombie.
    Finished,
}

/// What the kernel knows about a thread.
pub struct ThreadControlBlock {
    /// What it is doing.
    pub state: InterruptCell<State>,
    /// While it waits: the queue that it is in.
    pub waits_in: InterruptCell<Option<&'static ThreadQueue>>,
    /// While it waits with a deadline: the tick.
    pub deadline: InterruptCell<Option<u64>>,
    /// The stack on which it runs in the kernel. The first thread has the boot stack instead.
    pub stack: InterruptCell<Option<KernelStack>>,
}
// ANCHOR_END: state

/// The control block of each thread.
pub static THREADS: PerThread<ThreadControlBlock> = PerThread::new(
    [const {
        ThreadControlBlock {
            state: InterruptCell::new(State::Free),
            waits_in: InterruptCell::new(None),
            deadline: InterruptCell::new(None),
            stack: InterruptCell::new(None),
        }
    }; MOST_THREADS],
);

/// The free slots that have been used before, and how many slots have ever been used.
static FREE: ThreadQueue = ThreadQueue::new();
static HIGH_WATER: InterruptCell<usize> = InterruptCell::new(0);

/// Makes the code that is running the first thread.
///
/// # Panics
/// If there is a first thread already.
pub fn make_first(off: &InterruptsOff) {
    assert!(HIGH_WATER.replace(1, off) == 0, "the scheduler has already been started");
    THREADS[ThreadId::FIRST].state.set(State::Ready, off);
    context::begin_with(ptr::dangling_mut(), ThreadId::FIRST, off);
}

// ANCHOR: slots
/// Takes a free slot; none if every slot is in use.
///
/// # Panics
/// If there is no first thread yet.
pub fn allocate_slot(off: &InterruptsOff) -> Option<ThreadId> {
    let never_used = || {
        let slot = HIGH_WATER.get(off);
        assert!(slot > 0, "call `threads::init` before starting a thread");
        (slot < MOST_THREADS).then(|| {
            HIGH_WATER.set(slot + 1, off);
            ThreadId::new(slot)
        })
    };
    let thread = FREE.pop(off).or_else(never_used)?;
    THREADS[thread].state.set(State::Reserved, off);
    Some(thread)
}

/// Frees a slot, and the thread's stack with it.
pub fn free_slot(thread: ThreadId, off: &InterruptsOff) {
    drop(THREADS[thread].stack.replace(None, off));
    THREADS[thread].state.set(State::Free, off);
    FREE.push_back(thread, off);
}
// ANCHOR_END: slots
