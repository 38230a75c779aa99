//! Exercise 9.1: which task is the parent of the running one?
//!
//! The family of chapter 9 knows each task's parent, but no public function tells it. So this crate has a table of its
//! own. It is a static variable, so it lies in the kernel's part of memory: all tasks use the same table.

#![no_std]
#![allow(dead_code, unused_imports, unused_variables, reason = "as long as the holes are blank")]

use common::Lock;
use common::lock::interrupts_off;
use multitasking::{ForkError, Pid, getpid};

/// The table has room for so many tasks that have a parent and have not exited.
pub const MOST: usize = 128;

/// Which task is whose parent.
static PARENTS: Lock<Parents> = Lock::new(Parents([None; MOST]));

/// The child and the parent, for every task that has a parent and has not exited.
struct Parents([Option<(Pid, Pid)>; MOST]);

impl Parents {
    /// Adds `child` to the table.
    ///
    /// # Panics
    /// If the table is full.
    fn add(&mut self, child: Pid, parent: Pid) {
        let free = self.0.iter_mut().find(|row| row.is_none()).expect("the table of parents has no free row");
        *free = Some((child, parent));
    }

    /// The parent of `child`; none if `child` is not in the table.
    fn parent_of(&self, child: Pid) -> Option<Pid> {
        self.0.iter().flatten().find(|(one, _)| *one == child).map(|(_, parent)| *parent)
    }

    /// Takes `child` out of the table, if it is there.
    fn remove(&mut self, child: Pid) {
        self.0.iter_mut().filter(|row| row.is_some_and(|(one, _)| one == child)).for_each(|row| *row = None);
    }

    /// Makes the children of `old` children of `new`.
    fn move_children(&mut self, old: Pid, new: Pid) {
        self.0.iter_mut().flatten().filter(|(_, parent)| *parent == old).for_each(|(_, parent)| *parent = new);
    }
}

/// Like [`multitasking::fork`], and the child finds its parent with [`getppid`].
///
/// # Errors
/// As [`multitasking::fork`].
///
/// # Panics
/// If there are more than [`MOST`] children.
///
/// # Safety
/// As for [`multitasking::fork`].
pub unsafe fn fork() -> Result<Option<Pid>, ForkError> {
    panic!("exercise 9.1: write `fork`")
}

/// Like [`multitasking::exit`]; the task's children find task 1 as their parent from now on.
///
/// # Panics
/// As [`multitasking::exit`].
///
/// # Safety
/// As for [`multitasking::exit`].
pub unsafe fn exit(status: i32) -> ! {
    panic!("exercise 9.1: write `exit`")
}

/// The number of the running task's parent: 1 if the parent has exited; none for task 1 and for threads of the kernel.
pub fn getppid() -> Option<Pid> {
    panic!("exercise 9.1: write `getppid`")
}
