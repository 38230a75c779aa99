//! Fork: one task calls, two tasks return.
//!
//! A software interrupt enters it. So all registers of the task lie in one [`TrapFrame`] on its
//! private stack *before* the kernel copies that stack, and the copy contains them too:
//!
//! ```text
//!       the parent's stack                        the child's copy of it
//!
//!       | what the task has there |               | what the task has there |
//!       | TrapFrame of `int`      |  --- copy --> | TrapFrame, EAX = 0      |
//!       | what this handler       |               | Context:                | EIP = interrupt_return
//!       |              has there  |               |  EBP EBX ESI EDI        | <- where the child starts
//! ```
//!
//! When the scheduler first picks the child, it "returns" from a switch to `interrupt_return`: see
//! [`Context::returning`]. From there it returns to the caller of [`fork`], with all registers restored and 0 in EAX.

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
    /// There is no free frame left. All frames that fork had allocated have been freed.
    OutOfMemory,
    /// All threads are in use.
    TooManyTasks,
    /// The caller is a kernel thread, which has no private stack to copy.
    NotATask,
}

// ANCHOR: fork
/// Makes a copy of the running task. Returns the child's number in the parent, and `None` in the child.
///
/// # Errors
/// [`ForkError`]; in this case there is no child, and nothing has changed.
///
/// # Safety
/// The stack is copied, and the kernel's heap is linked. So there are two copies of what the stack holds, and one of
/// what these lead to in the heap.
/// 1. Owners (a `Box`, a `Vec`, the guard of a lock) and every `&mut`: only one of the tasks uses its copy, to read,
///    change or drop it. After that task has exited, the other may use its own, if the first has left its copy as it
///    was at the fork: neither changed (the target in the heap may change), nor moved, nor dropped. (An
///    `InterruptsOff` owns nothing in the heap: both tasks drop theirs.)
/// 2. Shared references into the heap: both tasks may read through them if their target is `Sync`.
/// 3. References to the stack: neither task stores one where the other finds it. At that address the other task has its
///    own stack, with other contents.
/// 4. The call does not come from the condition of a wait, or from a hook before a switch: the scheduler
///    has started something there for the parent, which the child would finish.
pub unsafe fn fork() -> Result<Option<Pid>, ForkError> {
    const OUT_OF_MEMORY: i32 = Errno::OutOfMemory as i32;
    const TRY_AGAIN: i32 = Errno::TryAgain as i32;
    let answer: i32;
    // SAFETY: the handler changes only EAX. In memory it changes only what is the child's, and the child finds
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
/// Copies the running task, whose registers are in `frame`, and makes the copy ready to run.
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
/// Copies the running task's space. This takes a while, so interrupts are on meanwhile if they were on in
/// the caller of fork.
///
/// Interrupts push their frames below `frame`, where the child's stack ends, so it never reads them.
fn copy_interruptibly(frame: &TrapFrame) -> Result<AddressSpace, Errno> {
    let were_on = EFlags::from_bits_truncate(frame.eflags).contains(EFlags::FLAGS_IF);
    let copied = if were_on {
        // SAFETY: 1. The caller is the handler, and interrupts were on. 2. The copy relies on neither being absent.
        unsafe { with_interrupts_in(switch::copy_of_own) }
    } else {
        switch::copy_of_own()
    };
    copied.ok_or(Errno::NoSuchProcess)?.map_err(|_| Errno::OutOfMemory)
}
// ANCHOR_END: interruptible

// ANCHOR: stack
/// Writes 0 into the child's EAX, and the context with which the child starts. Returns the context's address.
fn prepare_stack(child: &mut AddressSpace, frame: &TrapFrame) -> VirtAddr {
    let frame = VirtAddr::from(&raw const *frame);
    // The child has a copy of every guard that its parent holds.
    let start = Context::returning(OffCount::interrupted());
    let context = frame.wrapping_sub(size_of::<Context>() as u32);
    // SAFETY: the handler uses the stack below that address, so it is mapped. The copy is not in use
    // yet. Words have no padding.
    unsafe {
        child.write(frame.wrapping_add(offset_of!(TrapFrame, eax) as u32), &0u32);
        child.write(context, &start);
    }
    context
}
// ANCHOR_END: stack
