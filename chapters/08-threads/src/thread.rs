//! Threads as their users see them: spawn, exit, join.

use crate::kernel_stack::KernelStack;
use crate::reason::Counts;
use crate::scheduler;
use crate::switch::{NewStack, new_stack};
use crate::thread_id::ThreadId;
use common::lock::interrupts_off;
use core::mem::ManuallyDrop;

/// A thread that was spawned, for [`join`](Self::join). It keeps its stack until then.
#[must_use = "a thread that is not joined keeps its stack"]
pub struct Thread {
    id: ThreadId,
    /// Not to be freed while the thread may run on it, so only `join` drops it.
    stack: ManuallyDrop<KernelStack>,
}

/// Why there is no new thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SpawnError {
    /// There are as many as there can be: [`MOST_THREADS`](crate::thread_id::MOST_THREADS).
    TooManyThreads,
    /// No memory is left for a stack.
    OutOfMemory,
}

// ANCHOR: spawn
/// Starts a thread that calls `entry(argument)` and ends when that returns.
///
/// # Errors
/// [`SpawnError`]; nothing has been taken then.
pub fn spawn(entry: fn(usize), argument: usize) -> Result<Thread, SpawnError> {
    let id = scheduler::reserve().ok_or(SpawnError::TooManyThreads)?;
    let Some(stack) = KernelStack::new(id) else {
        scheduler::cancel(id);
        return Err(SpawnError::OutOfMemory);
    };
    let stack_pointer = stack.top().as_u32() - size_of::<NewStack>() as u32;
    // SAFETY: the stack is new, its top is mapped and nobody else's, and it stays until the thread is joined.
    unsafe {
        (stack_pointer as *mut NewStack).write(new_stack(begin, entry, argument));
        scheduler::admit(id, stack_pointer);
    }
    Ok(Thread { id, stack: ManuallyDrop::new(stack) })
}
// ANCHOR_END: spawn

impl Thread {
    /// Which thread it is.
    pub fn id(&self) -> ThreadId {
        self.id
    }

    // ANCHOR: join
    /// Waits for the end of the thread, gives its stack back, and tells how its timeslices ended.
    pub fn join(self) -> Counts {
        // The thread's place is free before its stack is, so nobody may take the place in between.
        let _off = interrupts_off();
        let counts = scheduler::wait_for_end(self.id);
        drop(ManuallyDrop::into_inner(self.stack));
        counts
    }
    // ANCHOR_END: join

    /// For a thread that never ends.
    pub(crate) fn never_join(self) -> ThreadId {
        self.id
    }
}

/// Ends the running thread.
pub fn exit() -> ! {
    scheduler::finish()
}

// ANCHOR: begin
/// Where every thread begins, with interrupts off as after every switch.
#[expect(improper_ctypes_definitions, reason = "whoever starts and who is started are compiled together")]
extern "C" fn begin(entry: fn(usize), argument: usize) -> ! {
    // SAFETY: threads run with interrupts on; every vector has a handler.
    unsafe { x86::irq::enable() };
    entry(argument);
    exit()
}
// ANCHOR_END: begin
