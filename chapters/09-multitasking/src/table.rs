//! The tasks: who is whose child, who has ended, and who waits for that.

use crate::address_space::AddressSpace;
use alloc::vec::Vec;
use common::Lock;
use core::mem;
use core::sync::atomic::{AtomicU32, Ordering::Relaxed};
use threads::ThreadId;
use threads::thread_id::MOST_THREADS;

/// The task that takes over orphans.
pub const FIRST_PID: u32 = 1;

// ANCHOR: task
/// A task. Everything that makes one is found at the place of its thread:
///
/// ```text
///   chapter 8's table          here, in the kernel's heap     for those who cannot take a lock
///   | saved stack pointer |    | pid, space           |       | PIDS: pid                |
///   | state, timeslices   |    | parent, children     |       | DIRECTORIES: what CR3    |
///                              | status, waits        |       |   becomes in the switch  |
/// ```
/// The children that have ended form a list, each knowing the one that ended before it:
///
/// ```text
///   parent.ended --> child.ended_before --> child.ended_before --> None
/// ```
pub struct Task {
    /// The number by which others know it. It is never used again.
    pub pid: u32,
    /// Where it runs.
    pub space: AddressSpace,
    /// What it left when it ended. Until its parent has taken notice, it is a zombie.
    pub status: Option<i32>,
    /// How many children it has; with those that have ended, until it has taken notice.
    pub children: u32,
    /// It waits for a child to end.
    pub waits: bool,
    /// The task that forked it, or task 1 if that one has ended; none for task 1 itself.
    parent: Option<ThreadId>,
    /// The child that ended last.
    ended: Option<ThreadId>,
    /// The child of the same parent that ended before this one.
    ended_before: Option<ThreadId>,
}
// ANCHOR_END: task

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
    TASKS.lock().tasks = Vec::with_capacity(MOST_THREADS);
}

/// The number of the task at each place, 0 if there is none: for those who cannot take the lock.
static PIDS: [AtomicU32; MOST_THREADS] = [const { AtomicU32::new(0) }; MOST_THREADS];

/// The number of the task that `thread` is; 0 if it is none.
pub fn pid_of(thread: ThreadId) -> u32 {
    PIDS[thread.place()].load(Relaxed)
}

impl Tasks {
    /// Makes `thread` a task, the child of `parent` if it has one, and returns its number.
    pub fn add(&mut self, thread: ThreadId, parent: Option<ThreadId>, space: AddressSpace) -> u32 {
        self.last_pid += 1;
        let pid = self.last_pid;
        PIDS[thread.place()].store(pid, Relaxed);
        while self.tasks.len() <= thread.place() {
            self.tasks.push(None);
        }
        let (status, children, waits, ended, ended_before) = (None, 0, false, None, None);
        self.tasks[thread.place()] = Some(Task { pid, space, status, children, waits, parent, ended, ended_before });
        if let Some(parent) = parent {
            self.get_mut(parent).children += 1;
        }
        pid
    }

    /// The task that `thread` is, if it is one.
    pub fn of(&self, thread: ThreadId) -> Option<&Task> {
        self.tasks.get(thread.place())?.as_ref()
    }

    /// The task that `thread` is, if it is one, to be changed.
    pub fn of_mut(&mut self, thread: ThreadId) -> Option<&mut Task> {
        self.tasks.get_mut(thread.place())?.as_mut()
    }

    /// The thread of task `pid`, if there is such a task. Looks at all there are.
    pub fn thread_of(&self, pid: u32) -> Option<ThreadId> {
        self.tasks.iter().position(|task| task.as_ref().is_some_and(|task| task.pid == pid)).map(ThreadId::new)
    }

    // ANCHOR: end
    /// Ends the task `thread`, and makes its children those of task 1. Returns who has been waiting for any
    /// of that, and no longer does.
    pub fn end(&mut self, thread: ThreadId, status: i32) -> [Option<ThreadId>; 2] {
        let task = self.get_mut(thread);
        task.status = Some(status);
        let has_children = task.children > 0;
        [self.hand_to_parent(thread), has_children.then(|| self.orphan_children_of(thread)).flatten()]
    }
    // ANCHOR_END: end

    /// Takes a child of `parent` that has ended away from it, if there is one.
    pub fn take_ended_child_of(&mut self, parent: ThreadId) -> Option<ThreadId> {
        let child = self.of(parent)?.ended?;
        let before = self.get_mut(child).ended_before;
        let parent = self.get_mut(parent);
        parent.ended = before;
        parent.children -= 1;
        Some(child)
    }

    /// Takes a task out of the table.
    pub fn remove(&mut self, thread: ThreadId) -> Option<Task> {
        PIDS[thread.place()].store(0, Relaxed);
        self.tasks[thread.place()].take()
    }

    /// Puts `thread`, which has ended, into the list of its parent. Returns the parent if it was waiting.
    fn hand_to_parent(&mut self, thread: ThreadId) -> Option<ThreadId> {
        let parent = self.get_mut(thread).parent?;
        let task = self.get_mut(parent);
        let before = task.ended.replace(thread);
        let was_waiting = mem::take(&mut task.waits);
        self.get_mut(thread).ended_before = before;
        was_waiting.then_some(parent)
    }

    /// Gives the children of `parent` to task 1. Returns that one if it was waiting, and one has ended.
    fn orphan_children_of(&mut self, parent: ThreadId) -> Option<ThreadId> {
        let first = self.thread_of(FIRST_PID).expect("task 1 ends last");
        let mut woken = None;
        for place in 0..self.tasks.len() {
            let Some(child) = self.tasks[place].as_mut().filter(|task| task.parent == Some(parent)) else { continue };
            child.parent = Some(first);
            let has_ended = child.status.is_some();
            self.get_mut(first).children += 1;
            if has_ended {
                woken = woken.or(self.hand_to_parent(ThreadId::new(place)));
            }
        }
        woken
    }

    fn get_mut(&mut self, thread: ThreadId) -> &mut Task {
        self.of_mut(thread).expect("only tasks are parents, have children, and end as tasks")
    }
}
