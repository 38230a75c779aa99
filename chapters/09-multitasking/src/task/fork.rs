//! Fork: one task goes in, two come out.
//!
//! It is entered by a software interrupt. So all registers of the task lie in one [`TrapFrame`] on its
//! private stack *before* that stack is copied, and the copy has them too:
//!
//! ```text
//!       the parent's stack                        the child's copy of it
//!
//!       | what the task has there |               | what the task has there |
//!       | TrapFrame of `int`      |  --- copy --> | TrapFrame, EAX = 0      |
//!       | this handler's          |               | Context:                | EIP = interrupt_return
//!       |            own business |               |  EBP EBX ESI EDI        | <- where the child goes on
//! ```
//!
//! When its turn comes, the child "returns" from a switch to `interrupt_return`: see [`Context::returning`]. And that
//! goes on where the parent called [`fork`], with everything as it was and 0 in EAX.

#![cfg(target_os = "none")]

use super::family::Pid;
use super::system_call::{Errno, FORK, SYSTEM_CALL};
use super::table::TASKS;
use crate::space::address_space::AddressSpace;
use crate::space::rule::PRIVATE;
use crate::space::switch;
use common::VirtAddr;
use common::lock::{OffCount, with_interrupts_in};
use core::arch::asm;
use core::mem::offset_of;
use interrupts::TrapFrame;
use threads::{Context, ReservedThread};
use x86::bits32::eflags::EFlags;

/// Why there is no child.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ForkError {
    /// Memory is out. All that had been taken by then has been given back.
    OutOfMemory,
    /// All threads are taken.
    TooManyTasks,
    /// It is a thread of the kernel that called, without a private stack to be copied.
    NotATask,
}

// ANCHOR: fork
/// Makes a copy of the running task. Returns the number of the child to the parent, and none to the child.
///
/// # Errors
/// [`ForkError`]; there is no child then, and nothing has changed.
///
/// # Safety
/// The stack is copied, and the kernel's heap is linked. So what the stack holds is there twice afterwards, and what
/// that leads to in the heap is there once.
/// 1. Owners (a `Box`, a `Vec`, the guard of a lock) and every `&mut`: one of the tasks alone uses its copy, to read,
///    change or drop it. The other one may use its own once that task has exited. (An `InterruptsOff` owns nothing in
///    the heap: both drop theirs.)
/// 2. Shared references into the heap: both tasks may read through them, if what is there is `Sync`.
/// 3. References to the stack: neither task leaves one where the other finds it. At that address the other one has its
///    own stack, with something else.
/// 4. The call does not come from the condition of a wait, or from what is called before every switch: the scheduler
///    has begun something there for the parent, which the child would end.
pub unsafe fn fork() -> Result<Option<Pid>, ForkError> {
    const OUT_OF_MEMORY: i32 = Errno::OutOfMemory as i32;
    const TRY_AGAIN: i32 = Errno::TryAgain as i32;
    let answer: i32;
    // SAFETY: the handler changes EAX alone. What it does to memory concerns only the child's, which sees
    // its own stack at the same addresses, with the same contents.
    unsafe { asm!("int {call}", call = const SYSTEM_CALL, inout("eax") FORK => answer) };
    match answer {
        OUT_OF_MEMORY => Err(ForkError::OutOfMemory),
        TRY_AGAIN => Err(ForkError::TooManyTasks),
        0.. => Ok(Pid::new(answer as u32)),
        _ => Err(ForkError::NotATask),
    }
}
// ANCHOR_END: fork

// ANCHOR: child
/// Copies the running task, which has left its registers in `frame`, and lets the copy run.
pub(super) fn fork_at(frame: &TrapFrame) -> Result<Pid, Errno> {
    if !PRIVATE.contains(&VirtAddr::from(&raw const *frame)) {
        return Err(Errno::NoSuchProcess); // the frame would not be copied
    }
    let parent = threads::current();
    let thread = ReservedThread::new().map_err(|_| Errno::TryAgain)?;
    let mut space = copy_interruptibly(frame)?;
    let context = prepare_stack(&mut space, frame);
    // SAFETY: 1. and 2. The context lies on the child's own copy of the stack. 3. It was made by
    // `Context::returning`.
    Ok(unsafe { TASKS.lock().start(space, thread, Some(parent), context.as_ptr()) })
}
// ANCHOR_END: child

// ANCHOR: interruptible
/// Copies the running task's space, which takes a while: with interrupts on, if they were on where fork
/// was called.
///
/// What interrupts put on the stack meanwhile lies below the frame, and means nothing to the child.
fn copy_interruptibly(frame: &TrapFrame) -> Result<AddressSpace, Errno> {
    let were_on = EFlags::from_bits_truncate(frame.eflags).contains(EFlags::FLAGS_IF);
    let copied = if were_on {
        // SAFETY: 1. The caller is the handler, and interrupts were on. 2. The copy needs neither to stay away.
        unsafe { with_interrupts_in(switch::copy_of_own) }
    } else {
        switch::copy_of_own()
    };
    copied.ok_or(Errno::NoSuchProcess)?.map_err(|_| Errno::OutOfMemory)
}
// ANCHOR_END: interruptible

// ANCHOR: stack
/// Lets the child find 0 in EAX, and leaves the context with which it begins. Returns where that is.
fn prepare_stack(child: &mut AddressSpace, frame: &TrapFrame) -> VirtAddr {
    let frame = VirtAddr::from(&raw const *frame);
    // The child finds a copy of every guard that its parent holds.
    let start = Context::returning(OffCount::interrupted());
    let context = frame.wrapping_sub(size_of::<Context>() as u32);
    // SAFETY: the handler has been using the stack down to below that, so it is mapped. The copy is not in use
    // yet. Words have no padding.
    unsafe {
        child.write(frame.wrapping_add(offset_of!(TrapFrame, eax) as u32), &0u32);
        child.write(context, &start);
    }
    context
}
// ANCHOR_END: stack
