//! The tasks: who is whose child, who has ended, and who waits for that.

use crate::space::Space;
use alloc::vec::Vec;
use common::Lock;
use core::sync::atomic::{AtomicU32, Ordering::Relaxed};
use threads::ThreadId;
use threads::thread_id::MOST_THREADS;

/// The task that takes over orphans.
pub const FIRST_PID: u32 = 1;

/// A task. Everything that makes one is found at the place of its thread:
///
/// ```text
///   chapter 8's table          here, in the kernel's heap     for those who cannot take a lock
///   | saved stack pointer |    | pid, parent          |       | PIDS: pid                |
///   | state, timeslices   |    | space                |       | DIRECTORIES: what CR3    |
///                              | status, waits        |       |   becomes in the switch  |
/// ```
pub struct Task {
    /// The number by which others know it. It is never used again.
    pub pid: u32,
    /// The task that forked it, or task 1 if that one has ended.
    pub parent: u32,
    /// Where it runs.
    pub space: Space,
    /// What it left when it ended. Until its parent has taken notice, it is a zombie.
    pub status: Option<i32>,
    /// It waits for a child to end.
    pub waits: bool,
}

/// All tasks, each at the place of its thread.
///
/// They lie in the kernel's heap, which is linked: whichever task runs, the kernel sees the same tasks.
pub struct Tasks {
    tasks: Vec<Option<Task>>,
    last_pid: u32,
}

/// The tasks there are.
pub static TASKS: Lock<Tasks> = Lock::new(Tasks { tasks: Vec::new(), last_pid: 0 });

/// Makes room for as many tasks as there can be threads, so that to fork needs no memory of the heap.
///
/// # Panics
/// If memory is out.
pub fn init() {
    TASKS.lock().tasks = (0..MOST_THREADS).map(|_| None).collect();
}

/// The number of the task at each place, 0 if there is none: for those who cannot take the lock.
static PIDS: [AtomicU32; MOST_THREADS] = [const { AtomicU32::new(0) }; MOST_THREADS];

/// The number of the task that `thread` is; 0 if it is none.
pub fn pid_of(thread: ThreadId) -> u32 {
    PIDS[thread.place()].load(Relaxed)
}

impl Tasks {
    /// Makes `thread` a task, and returns its number.
    pub fn add(&mut self, thread: ThreadId, parent: u32, space: Space) -> u32 {
        self.last_pid += 1;
        let pid = self.last_pid;
        PIDS[thread.place()].store(pid, Relaxed);
        self.tasks[thread.place()] = Some(Task { pid, parent, space, status: None, waits: false });
        pid
    }

    /// The task that `thread` is, if it is one.
    pub fn of(&self, thread: ThreadId) -> Option<&Task> {
        self.tasks[thread.place()].as_ref()
    }

    /// The task that `thread` is, if it is one, to be changed.
    pub fn of_mut(&mut self, thread: ThreadId) -> Option<&mut Task> {
        self.tasks[thread.place()].as_mut()
    }

    /// The thread of task `pid`, if there is such a task.
    pub fn thread_of(&self, pid: u32) -> Option<ThreadId> {
        self.find(|task| task.pid == pid)
    }

    /// Is there a child of task `pid`, ended or not?
    pub fn has_children(&self, pid: u32) -> bool {
        self.find(|task| task.parent == pid).is_some()
    }

    /// The thread of a child of `pid` that has ended, if there is one.
    pub fn ended_child_of(&self, pid: u32) -> Option<ThreadId> {
        self.find(|task| task.parent == pid && task.status.is_some())
    }

    /// Takes a task out of the table.
    pub fn remove(&mut self, thread: ThreadId) -> Option<Task> {
        PIDS[thread.place()].store(0, Relaxed);
        self.tasks[thread.place()].take()
    }

    /// Gives the children of `pid` to task 1.
    pub fn orphan_children_of(&mut self, pid: u32) {
        self.tasks.iter_mut().flatten().filter(|task| task.parent == pid).for_each(|task| task.parent = FIRST_PID);
    }

    /// The thread of task `pid` if it waits and now has a child that has ended. It no longer waits then.
    pub fn stop_waiting(&mut self, pid: u32) -> Option<ThreadId> {
        let thread = self.thread_of(pid)?;
        self.ended_child_of(pid)?;
        let task = self.of_mut(thread)?;
        core::mem::take(&mut task.waits).then_some(thread)
    }

    fn find(&self, wanted: impl Fn(&Task) -> bool) -> Option<ThreadId> {
        self.tasks.iter().position(|task| task.as_ref().is_some_and(&wanted)).map(ThreadId::new)
    }
}
