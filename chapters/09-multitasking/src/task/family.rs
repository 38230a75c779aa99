//! The family of processes: which process is the child of which, which have exited, and with what status.
//!
//! A process that exits leaves a number, its status, to its parent, and the parent may ask for it much
//! later. So an exited process stays here as a **zombie** until its parent *reaps* it. If a parent
//! exits before its children, they become **orphans**, and the first process adopts them. So every
//! process except the first always has a parent, and every zombie can be reaped.
//!
//! This is only bookkeeping: it neither switches threads nor touches memory, and it also runs on the
//! host. The caller wakes threads, and frees what a reaped process had.
//!
//! Processes are linked by the slots of their threads. Here process 1 has three children. Processes 4 and 2
//! have exited, in this order:
//!
//! ```text
//!       process 1             process 4             process 2             process 3
//!   | parent    none |    | parent       1 |    | parent       1 |    | parent       1 |
//!   | children     3 |    | children     0 |    | children     0 |    | children     0 |
//!   | status    none |    | status       7 |    | status       0 |    | status    none |
//!   | zombies: first ---->| next_zombie ------->| next_zombie  - |    | next_zombie  - |
//!   |           last -------------------------->|                |    |                |
//! ```
//!
//! A fork, an exit and reaping any child take the same time with any number of processes. Only
//! adopting orphans and finding a process by its number look at one slot after the other.

#![forbid(unsafe_code)]

use core::fmt;
use core::num::NonZeroU32;
use threads::MOST_THREADS;
use threads::ThreadId;

/// The number by which others know a process. No other process ever gets the same number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pid(NonZeroU32);

impl Pid {
    /// The number of the first process, which adopts orphans.
    pub const FIRST: Self = Self(NonZeroU32::MIN);

    /// The process number `number`; `None` for 0, which is not a process.
    pub const fn new(number: u32) -> Option<Self> {
        match NonZeroU32::new(number) {
            Some(number) => Some(Self(number)),
            None => None,
        }
    }

    /// The number itself, at least 1.
    pub const fn as_u32(self) -> u32 {
        self.0.get()
    }
}

impl fmt::Display for Pid {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// A process that has exited and that its parent has just reaped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Zombie {
    /// The process's number.
    pub pid: Pid,
    /// Its thread. The thread's slot is not free yet: the caller finds there what belongs to the process.
    pub thread: ThreadId,
    /// The status that it passed to [`Family::exit`].
    pub status: i32,
}

/// The process has no such child, neither running nor exited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoSuchChild;

/// All processes, each at the slot of its thread.
///
/// A new family is all zeros, so a static one takes no room in the kernel's file. Adding a process needs no
/// memory of the heap.
pub struct Family {
    members: [Member; MOST_THREADS],
    /// How many processes there have been. This is also the number of the newest one.
    last_pid: u32,
    /// The first process; `None` as long as there is none.
    first: Option<ThreadId>,
}

// ANCHOR: member
/// What the family knows about one process.
#[derive(Clone, Copy)]
struct Member {
    /// Its number; `None` if no process is at this slot.
    pid: Option<Pid>,
    /// The process that forked it, or the one that adopted it. The first process has none.
    parent: Option<ThreadId>,
    /// How many children it has, zombies included.
    children: u32,
    /// Its children that have exited.
    zombies: Queue,
    /// If this is a zombie: the next one in its parent's queue.
    next_zombie: Option<ThreadId>,
    /// Its exit status. A process with an exit status is a zombie.
    status: Option<i32>,
}

/// The zombies of one parent, the first to be reaped at the head. Each has a link to the next one.
#[derive(Clone, Copy)]
struct Queue {
    first: Option<ThreadId>,
    last: Option<ThreadId>,
}
// ANCHOR_END: member

impl Queue {
    const EMPTY: Self = Self { first: None, last: None };
}

impl Member {
    /// The contents of a slot without a process.
    const NONE: Self =
        Self { pid: None, parent: None, children: 0, zombies: Queue::EMPTY, next_zombie: None, status: None };

    const fn is_running(&self) -> bool {
        self.pid.is_some() && self.status.is_none()
    }
}

impl Family {
    /// A family without processes.
    pub const fn new() -> Self {
        Self { members: [Member::NONE; MOST_THREADS], last_pid: 0, first: None }
    }

    /// Makes `thread` a process with a new number, a child of `parent`. The first process has no
    /// parent.
    ///
    /// # Panics
    /// If `thread` is already a process; if `parent` is not a process or has exited; if a process other than the
    /// first has no parent; and after 2^31 - 1 processes, because the next number would look like an error to the
    /// process that forked.
    pub fn add(&mut self, thread: ThreadId, parent: Option<ThreadId>) -> Pid {
        assert!(self.pid_of(thread).is_none(), "thread {thread} is already a process");
        assert!(self.last_pid < i32::MAX as u32, "all process numbers have been used");
        let pid = Pid(NonZeroU32::MIN.saturating_add(self.last_pid));
        match parent {
            None => {
                assert!(pid == Pid::FIRST, "only the first process has no parent, but this is process {pid}");
                self.first = Some(thread);
            }
            Some(parent) => {
                assert!(self.member(parent).is_running(), "a parent is a process that has not exited");
                self.member_mut(parent).children += 1;
            }
        }
        self.last_pid = pid.as_u32();
        *self.member_mut(thread) = Member { pid: Some(pid), parent, ..Member::NONE };
        pid
    }

    /// The number of the process that `thread` is, or was until it exited; `None` after it has been reaped, and
    /// for a kernel thread.
    pub fn pid_of(&self, thread: ThreadId) -> Option<Pid> {
        self.member(thread).pid
    }

    /// The thread of process `pid`; `None` after it has been reaped. Looks at one slot after the other.
    pub fn thread_of(&self, pid: Pid) -> Option<ThreadId> {
        self.members.iter().position(|member| member.pid == Some(pid)).map(ThreadId::new)
    }

    // ANCHOR: exit
    /// Turns the process of `thread` into a zombie of its parent, and makes its children, zombies included,
    /// children of the first process. Returns the processes that have more to reap than before: the parent,
    /// and the first process if it has adopted a zombie.
    ///
    /// The first process has no parent. It exits last, after it has reaped all others, and
    /// [`reap_first`](Self::reap_first) takes it out.
    ///
    /// # Panics
    /// If `thread` is not a process or has exited already; if it is the first process and has children.
    #[must_use = "these processes may be waiting for a child to exit"]
    pub fn exit(&mut self, thread: ThreadId, status: i32) -> [Option<ThreadId>; 2] {
        let Member { pid, parent, children, .. } = *self.member(thread);
        assert!(self.member(thread).is_running(), "thread {thread} is not a process, or has already exited");
        assert!(
            pid != Some(Pid::FIRST) || children == 0,
            "the first process exits last: it adopts the children of all others"
        );
        // Its zombies go to the first process. If that is its own parent too, they must come before it: they exited
        // earlier.
        let adopter = self.orphan_children_of(thread);
        self.member_mut(thread).status = Some(status);
        if let Some(parent) = parent {
            self.append(parent, Queue { first: Some(thread), last: Some(thread) });
        }
        [parent, adopter.filter(|adopter| parent != Some(*adopter))]
    }
    // ANCHOR_END: exit

    // ANCHOR: reap
    /// Takes a zombie of `parent` out of the family: process `child`, or with `None` the one that has been
    /// its zombie for the longest time. `Ok(None)` means that there is such a child, but that it has not
    /// exited yet.
    ///
    /// # Errors
    /// If `parent` has no such child, neither running nor exited: waiting for one would never end.
    pub fn reap(&mut self, parent: ThreadId, child: Option<Pid>) -> Result<Option<Zombie>, NoSuchChild> {
        if let Some(thread) = self.take_zombie(parent, child) {
            self.member_mut(parent).children -= 1;
            return Ok(self.remove(thread));
        }
        let is_there = match child {
            None => self.member(parent).children > 0,
            Some(pid) => self.thread_of(pid).is_some_and(|thread| self.member(thread).parent == Some(parent)),
        };
        if is_there { Ok(None) } else { Err(NoSuchChild) }
    }
    // ANCHOR_END: reap

    /// Takes the first process out of the family after it has exited. The kernel does this, because the
    /// first process has no parent. From then on the family is empty and stays empty.
    pub fn reap_first(&mut self) -> Option<Zombie> {
        self.remove(self.first?)
    }

    // ANCHOR: orphans
    /// Makes the children of `parent` children of the first process. Returns the first process if a zombie is
    /// among them.
    fn orphan_children_of(&mut self, parent: ThreadId) -> Option<ThreadId> {
        let first = self.first?;
        for child in (0..MOST_THREADS).map(ThreadId::new) {
            if self.member(parent).children == 0 {
                break;
            }
            if self.member(child).parent == Some(parent) {
                self.member_mut(child).parent = Some(first);
                self.member_mut(parent).children -= 1;
                self.member_mut(first).children += 1;
            }
        }
        let zombies = core::mem::replace(&mut self.member_mut(parent).zombies, Queue::EMPTY);
        self.append(first, zombies);
        zombies.first.and(Some(first))
    }
    // ANCHOR_END: orphans

    /// Appends `zombies`, in their order, to those of `parent`.
    fn append(&mut self, parent: ThreadId, zombies: Queue) {
        if zombies.first.is_none() {
            return;
        }
        match self.member(parent).zombies.last {
            None => self.member_mut(parent).zombies.first = zombies.first,
            Some(last) => self.member_mut(last).next_zombie = zombies.first,
        }
        self.member_mut(parent).zombies.last = zombies.last;
    }

    /// Takes process `wanted` out of the zombies of `parent`, or with `None` the one at the head.
    fn take_zombie(&mut self, parent: ThreadId, wanted: Option<Pid>) -> Option<ThreadId> {
        let mut before = None;
        let mut zombie = self.member(parent).zombies.first?;
        while wanted.is_some() && self.member(zombie).pid != wanted {
            before = Some(zombie);
            zombie = self.member(zombie).next_zombie?;
        }
        let next = self.member(zombie).next_zombie;
        match before {
            None => self.member_mut(parent).zombies.first = next,
            Some(before) => self.member_mut(before).next_zombie = next,
        }
        if next.is_none() {
            self.member_mut(parent).zombies.last = before;
        }
        Some(zombie)
    }

    /// Takes out a process that has exited and that is in no queue; `None` if it has not exited.
    fn remove(&mut self, thread: ThreadId) -> Option<Zombie> {
        let Member { pid, status, .. } = *self.member(thread);
        let zombie = Zombie { pid: pid?, thread, status: status? };
        *self.member_mut(thread) = Member::NONE;
        Some(zombie)
    }

    fn member(&self, thread: ThreadId) -> &Member {
        &self.members[thread.slot()]
    }

    fn member_mut(&mut self, thread: ThreadId) -> &mut Member {
        &mut self.members[thread.slot()]
    }
}

#[cfg(test)]
mod tests;
