//! All tasks: their family, and the handles of their threads.
//!
//! The kernel finds everything about a task by the slot of its thread: the address space in
//! [`switch`], the place in the family and the thread's handle here.

#![cfg(target_os = "none")]

use super::family::{Family, Pid, Zombie};
use crate::space::address_space::AddressSpace;
use crate::space::switch;
use common::Lock;
use core::sync::atomic::{AtomicU32, Ordering::Relaxed};
use threads::{Context, MOST_THREADS, PerThread, ReservedThread, Thread, ThreadId};

// ANCHOR: tasks
/// All tasks. They lie in the kernel's part of memory, which is linked: the kernel finds the same tasks in
/// every address space.
pub struct Tasks {
    /// Which task is the child of which, and the statuses of those that have exited.
    pub family: Family,
    /// The thread of each task.
    handles: PerThread<Option<Thread>>,
}

/// All tasks.
pub static TASKS: Lock<Tasks> =
    Lock::new(Tasks { family: Family::new(), handles: PerThread::new([const { None }; MOST_THREADS]) });

/// The number of each thread's task, 0 if the thread is not a task or has exited: for code that cannot take the
/// lock, such as a crash report.
static PIDS: PerThread<AtomicU32> = PerThread::new([const { AtomicU32::new(0) }; MOST_THREADS]);
// ANCHOR_END: tasks

/// The number of the task that `thread` is; `None` if it is a kernel thread, or the task has exited.
pub fn pid_of(thread: ThreadId) -> Option<Pid> {
    Pid::new(PIDS[thread].load(Relaxed))
}

impl Tasks {
    // ANCHOR: start
    /// Makes `thread` a task, a child of `parent` if there is one, and starts it in `space`.
    ///
    /// # Safety
    /// As for [`switch::start_in`].
    pub unsafe fn start(
        &mut self,
        space: AddressSpace,
        thread: ReservedThread,
        parent: Option<ThreadId>,
        context: *mut Context,
    ) -> Pid {
        let id = thread.id();
        let pid = self.family.add(id, parent);
        PIDS[id].store(pid.as_u32(), Relaxed);
        // SAFETY: the caller's.
        self.handles[id] = Some(unsafe { switch::start_in(space, thread, context) });
        pid
    }
    // ANCHOR_END: start

    /// Turns the task of `thread` into a zombie, as [`Family::exit`] does.
    #[must_use = "these tasks may be waiting for a child to exit"]
    pub fn exit(&mut self, thread: ThreadId, status: i32) -> [Option<ThreadId>; 2] {
        PIDS[thread].store(0, Relaxed);
        self.family.exit(thread, status)
    }
}

// ANCHOR: release
/// Frees all that a task had: its address space and its thread.
pub fn release(zombie: &Zombie) {
    let Zombie { thread, .. } = *zombie;
    // SAFETY: a zombie has exited, and interrupts were off until it was off the CPU.
    drop(unsafe { switch::take_from(thread) });
    let handle = TASKS.lock().handles[thread].take();
    // This comes last, because another thread can get the slot afterwards.
    if let Some(handle) = handle {
        handle.join();
    }
}
// ANCHOR_END: release
