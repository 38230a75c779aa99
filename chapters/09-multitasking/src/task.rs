//! Tasks as they see themselves: the first one, `getpid`, `exit`, `wait`.

use crate::address_space::{AddressSpace, OutOfMemory};
use crate::rule::PRIVATE;
use crate::switch;
use crate::table::{self, FIRST_PID, TASKS};
use common::VirtAddr;
use common::lock::{InterruptsOff, interrupts_off};
use core::ops::Range;
use paging::directory::{Directory, MapError};
use paging::regions::{self, Region};
use paging::{Flags, PAGE_BYTES};
use threads::switch::{NewStack, new_stack};
use threads::{Reason, ThreadId, scheduler};

/// Where every task has its stack, at the top of its own half: three pages. A formatted `println!` that is
/// interrupted takes about one kilobyte, and a panic two.
const STACK: Range<VirtAddr> = VirtAddr::new(PRIVATE.end.as_u32() - 3 * PAGE_BYTES)..PRIVATE.end;

/// The stack with its guard page, as a region of stacks.
const STACK_REGION: Range<VirtAddr> = VirtAddr::new(STACK.start.as_u32() - PAGE_BYTES)..STACK.end;

/// A child that has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ended {
    /// Its number.
    pub pid: u32,
    /// What it gave to [`exit`].
    pub status: i32,
}

/// The task has no children to wait for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoChildren;

/// Lets `fork` be called, and names the private part of address spaces.
pub fn init() {
    table::init();
    switch::init();
    crate::fork::init();
    let memory = PRIVATE.start..STACK_REGION.start;
    regions::add(Region::new(memory, |_, f| f.write_str("private memory")));
    let bytes = STACK_REGION.end.as_u32() - STACK_REGION.start.as_u32();
    regions::add(Region::stacks(STACK_REGION, bytes, |_, f| match f.alternate() {
        true => f.write_str("the private stack"),
        false => write!(f, "the private stack of task {}", getpid()),
    }));
}

// ANCHOR: run
/// Runs `first` as task 1, in an address space of its own, and waits for its end.
///
/// # Errors
/// If memory is out.
///
/// # Panics
/// If all threads are taken, or there has been a task 1.
pub fn run(first: fn(usize)) -> Result<i32, OutOfMemory> {
    let mut space = AddressSpace::new()?;
    space.map(STACK, Flags::WRITABLE).map_err(|_: MapError| OutOfMemory)?;
    let stack_pointer = STACK.end.as_u32() - size_of::<NewStack>() as u32;
    for (offset, word) in (0..).step_by(4).zip(new_stack(begin, first, 0)) {
        // SAFETY: the stack is mapped, and nobody uses it yet.
        unsafe { space.write(VirtAddr::new(stack_pointer + offset), word) };
    }
    let thread = scheduler::reserve().expect("there is room for a thread");
    switch::run_in(thread, space.directory().frame());
    let pid = TASKS.lock().add(thread, None, space);
    assert!(pid == FIRST_PID, "there has been a task 1");
    // SAFETY: a new stack lies there, in the address space that the thread runs in, until it has ended.
    unsafe { scheduler::admit(thread, stack_pointer) };
    Ok(bury(thread, interrupts_off()).status)
}
// ANCHOR_END: run

/// The number of the running task; 0 if it is a thread of the kernel. It may be asked at any moment.
pub fn getpid() -> u32 {
    table::pid_of(scheduler::current())
}

// ANCHOR: exit
/// Ends the running task, and leaves `status` to its parent. Its children become those of task 1.
///
/// Task 1 ends after all others: it waits for them first.
///
/// # Panics
/// If no task is running.
pub fn exit(status: i32) -> ! {
    if getpid() == FIRST_PID {
        while wait().is_ok() {}
    }
    // From here to the switch in `finish` nothing may come between: the task's stack goes with it, once
    // its parent knows that it has ended.
    let off = interrupts_off();
    let waiting = TASKS.lock_while(&off).end(scheduler::current(), status);
    waiting.into_iter().flatten().for_each(scheduler::wake);
    scheduler::finish()
}
// ANCHOR_END: exit

// ANCHOR: wait
/// Waits until a child has ended, and gives back all that it had.
///
/// # Errors
/// If the task has no children.
pub fn wait() -> Result<Ended, NoChildren> {
    let off = interrupts_off();
    let me = scheduler::current();
    loop {
        let mut tasks = TASKS.lock_while(&off);
        if let Some(child) = tasks.take_ended_child_of(me) {
            drop(tasks);
            return Ok(bury(child, off));
        }
        let task = tasks.of_mut(me).filter(|task| task.children > 0).ok_or(NoChildren)?;
        task.waits = true;
        drop(tasks);
        scheduler::wait(Reason::Wait, &off);
    }
}
// ANCHOR_END: wait

/// Maps free frames at private `addresses` of the running task, with whatever is in them.
///
/// # Errors
/// [`MapError`]; no page has been mapped then.
///
/// # Panics
/// If no task is running, or the addresses are not private.
pub fn map(addresses: Range<VirtAddr>, flags: Flags) -> Result<(), MapError> {
    let mut tasks = TASKS.lock();
    let task = tasks.of_mut(scheduler::current()).expect("only a task has private memory");
    task.space.map(addresses, flags)
}

/// Shows the page directories of two tasks; none if there are no such tasks. Interrupts are off meanwhile.
pub fn with_directories<T>(pids: [u32; 2], show: impl FnOnce([&Directory; 2]) -> T) -> Option<T> {
    let tasks = TASKS.lock();
    let [first, second] = pids.map(|pid| Some(tasks.of(tasks.thread_of(pid)?)?.space.directory()));
    Some(show([first?, second?]))
}

// ANCHOR: bury
/// Waits for the end of the task `thread`, and gives back its address space and its place.
///
/// The place is free once the wait is over. Interrupts are `off` until nothing of the task is left there,
/// so that nobody is given the place too early.
fn bury(thread: ThreadId, off: InterruptsOff) -> Ended {
    scheduler::wait_for_end(thread);
    let task = TASKS.lock_while(&off).remove(thread).expect("a task is removed once, by its parent");
    switch::run_in_kernel(thread);
    drop(off);
    let status = task.status.expect("a task's thread ends in `exit`");
    Ended { pid: task.pid, status }
}
// ANCHOR_END: bury

// ANCHOR: begin
/// Where task 1 begins, with interrupts off as after every switch.
#[expect(improper_ctypes_definitions, reason = "whoever starts and who is started are compiled together")]
extern "C" fn begin(first: fn(usize), argument: usize) -> ! {
    // SAFETY: tasks run with interrupts on; every vector has a handler.
    unsafe { x86::irq::enable() };
    first(argument);
    exit(0)
}
// ANCHOR_END: begin
