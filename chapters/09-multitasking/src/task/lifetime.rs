//! What a task can do: start as the first one, `getpid`, `exit`, `wait`.

#![cfg(target_os = "none")]

use super::family::{NoSuchChild, Pid, Zombie};
use super::system_call;
use super::table::{TASKS, pid_of, release};
use crate::space::address_space::{AddressSpace, OutOfMemory};
use crate::space::rule::{GUARD_PAGE, PRIVATE, STACK};
use crate::space::switch;
use common::VirtAddr;
use common::lock::{interrupts_off, let_interrupts_in};
use core::ops::Range;
use paging::Flags;
use paging::directory::{Directory, MapError};
use paging::regions::{self, Region};
use threads::{Context, MOST_THREADS, PerThread, Reason, ReservedThread, WaitQueue};

/// A child that has exited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exited {
    /// The child's number.
    pub pid: Pid,
    /// The status that it passed to [`exit`].
    pub status: i32,
}

/// The tasks that wait for a child, each in a queue of its own; and the kernel, which waits for task 1.
static PARENTS: PerThread<WaitQueue> = PerThread::new([const { WaitQueue::new() }; MOST_THREADS]);
static KERNEL_WAITS: WaitQueue = WaitQueue::new();

// ANCHOR: init
/// Prepares the kernel for address spaces of threads, and for fork.
///
/// # Panics
/// If it is called twice.
pub fn init() {
    let _off = interrupts_off(); // no other thread runs before it is complete
    assert!(!switch::is_ready(), "`multitasking::init` has already run");
    switch::init();
    system_call::init();
}
// ANCHOR_END: init

// ANCHOR: run
/// Runs `first` as task 1, in an address space of its own, and waits until it has exited. Returns its status.
///
/// # Errors
/// If there is not enough free memory.
///
/// # Panics
/// If [`init`] has not been called, if all threads are in use, or if there has been a task 1 before.
pub fn run(first: fn(usize)) -> Result<i32, OutOfMemory> {
    let mut space = AddressSpace::new()?;
    // The space is new, so no page is mapped there yet.
    space.map(STACK, Flags::WRITABLE).map_err(|_| OutOfMemory)?;
    let context = STACK.end.wrapping_sub(size_of::<Context>() as u32);
    // SAFETY: the stack is mapped and not in use yet. Words have no padding.
    unsafe { space.write(context, &Context::new(begin, first, 0)) };
    let thread = ReservedThread::new().expect("task 1 needs a thread, and all are taken");
    let off = interrupts_off(); // until the regions have names
    // SAFETY: 1. and 2. The context lies on the task's own stack, in the space that the task uses until its end.
    // 3. It was made by `Context::new`.
    unsafe { TASKS.lock().start(space, thread, None, context.as_ptr()) };
    name_private_regions();
    drop(off);
    let exited = KERNEL_WAITS.wait(Reason::Wait, || TASKS.lock().family.reap_first());
    Ok(finish_reaping(exited).status)
}

fn name_private_regions() {
    regions::add(Region::new(PRIVATE.start..GUARD_PAGE.start, |_, f| f.write_str("private memory")));
    let bytes = STACK.end.as_u32() - GUARD_PAGE.start.as_u32();
    regions::add(Region::stacks(GUARD_PAGE.start..STACK.end, bytes, |_, f| {
        match getpid().filter(|_| !f.alternate()) {
            Some(pid) => write!(f, "the private stack of task {pid}"),
            None => f.write_str("the private stack"),
        }
    }));
}

/// The first function of task 1. Interrupts are off, as after every switch.
#[expect(improper_ctypes_definitions, reason = "caller and callee are compiled by the same rustc")]
extern "C" fn begin(first: fn(usize), argument: usize) -> ! {
    // SAFETY: tasks run with interrupts on; every vector has a handler.
    unsafe { let_interrupts_in() };
    first(argument);
    // SAFETY: `first` has returned, so nothing is left on the stack.
    unsafe { exit(0) }
}
// ANCHOR_END: run

/// The number of the running task; `None` for a kernel thread. Any code may call this at any time.
pub fn getpid() -> Option<Pid> {
    pid_of(threads::current())
}

// ANCHOR: exit
/// Ends the running task, and leaves `status` to its parent. Its children become children of task 1.
///
/// Task 1 exits after all others: it waits for them first.
///
/// # Panics
/// If no task is running.
///
/// # Safety
/// No code relies on a value that this task still has on its stack: none of them is dropped. (The parent has its own
/// copy of all values that were there at the [`fork`](super::fork::fork), and may drop these.)
pub unsafe fn exit(status: i32) -> ! {
    let pid = getpid().expect("only a task can exit; a kernel thread ends with `threads::exit`");
    if pid == Pid::FIRST {
        while wait().is_ok() {}
    }
    // No interrupt may come from here to the last switch: once the parent has reaped this task, its stack is
    // free.
    let _off = interrupts_off();
    let parents = TASKS.lock().exit(threads::current(), status);
    parents.into_iter().flatten().for_each(|parent| PARENTS[parent].wake_all());
    if pid == Pid::FIRST {
        KERNEL_WAITS.wake_all();
    }
    // SAFETY: 1. The caller's. 2. The family has the status.
    unsafe { threads::exit() }
}
// ANCHOR_END: exit

// ANCHOR: wait
/// Waits until a child has exited, and frees all that it had. Of several, it takes the one that exited first.
///
/// # Errors
/// If the task has no children.
pub fn wait() -> Result<Exited, NoSuchChild> {
    wait_for(None)
}

/// Like [`wait`], but waits only for `child` if it is `Some`.
///
/// # Errors
/// If the task has no such child.
pub fn wait_for(child: Option<Pid>) -> Result<Exited, NoSuchChild> {
    let me = threads::current();
    let reap = || TASKS.lock().family.reap(me, child).transpose();
    PARENTS[me].wait(Reason::Wait, reap).map(finish_reaping)
}

/// Like [`wait_for`], but does not wait: `Ok(None)` if there is such a child and it has not exited yet.
///
/// # Errors
/// If the task has no such child.
pub fn try_wait(child: Option<Pid>) -> Result<Option<Exited>, NoSuchChild> {
    let reaped = TASKS.lock().family.reap(threads::current(), child)?;
    Ok(reaped.map(finish_reaping))
}

fn finish_reaping(zombie: Zombie) -> Exited {
    release(&zombie);
    Exited { pid: zombie.pid, status: zombie.status }
}
// ANCHOR_END: wait

/// Maps free frames at private `addresses` of the running task. The frames keep their old contents.
///
/// # Errors
/// [`MapError`]; in this case no page has been mapped.
///
/// # Panics
/// As [`AddressSpace::map`]; if no task is running; or if a handler calls this while the running task forks.
pub fn map(addresses: Range<VirtAddr>, flags: Flags) -> Result<(), MapError> {
    // SAFETY: the space only gets more pages.
    let mapped = unsafe { switch::with_space(threads::current(), |space| space.map(addresses, flags)) };
    mapped.expect("only a task has private memory")
}

/// Calls `show` with two tasks' page directories, with interrupts off; `None` if one of the tasks does not exist.
pub fn with_directories<T>(pids: [Pid; 2], show: impl FnOnce([&Directory; 2]) -> T) -> Option<T> {
    let _off = interrupts_off();
    let [first, second] = pids.map(|pid| TASKS.lock().family.thread_of(pid));
    switch::with_directories([first?, second?], show)
}
