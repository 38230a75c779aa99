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
//!       | this handler's          |               | interrupt_return        |
//!       |            own business |               | EBP EBX ESI EDI         | <- the child's stack pointer
//! ```
//!
//! When its turn comes, the child "returns" from a switch to `interrupt_return`, and from there to where
//! its parent called [`fork`], with everything as it was and 0 in EAX.

use crate::address_space::{AddressSpace, OutOfMemory};
use crate::switch;
use crate::table::TASKS;
use common::VirtAddr;
use core::arch::asm;
use core::mem::offset_of;
use interrupts::TrapFrame;
use threads::scheduler;
use x86::bits32::eflags::EFlags;
use x86::irq;

/// The vector of the interrupt that forks.
const FORK: u8 = 0x80;

/// Why there is no child.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i32)]
pub enum ForkError {
    /// Memory is out. All that had been taken by then has been given back.
    OutOfMemory = -1,
    /// All threads are taken.
    TooManyTasks = -2,
    /// It is a thread of the kernel that called, without a private stack to be copied.
    NotATask = -3,
}

// ANCHOR: fork
/// Makes a copy of the running task. Returns the number of the child to the parent, and 0 to the child.
///
/// # Errors
/// [`ForkError`]; there is no child then, and nothing has changed.
///
/// # Safety
/// The stack is copied, and the kernel's heap is linked. So every `Box`, `Vec`, lock guard or other owner
/// on the stack is there twice afterwards, while what it owns is there once. Only one of the two tasks may
/// drop such an owner, or change anything through it.
pub unsafe fn fork() -> Result<u32, ForkError> {
    const OUT_OF_MEMORY: i32 = ForkError::OutOfMemory as i32;
    const TOO_MANY_TASKS: i32 = ForkError::TooManyTasks as i32;
    const NOT_A_TASK: i32 = ForkError::NotATask as i32;
    let answer: i32;
    // SAFETY: the handler changes EAX alone. What it does to memory concerns only the child's, which sees
    // its own stack at the same addresses, with the same contents.
    unsafe { asm!("int {vector}", vector = const FORK, out("eax") answer) };
    match answer {
        OUT_OF_MEMORY => Err(ForkError::OutOfMemory),
        TOO_MANY_TASKS => Err(ForkError::TooManyTasks),
        NOT_A_TASK => Err(ForkError::NotATask),
        pid => Ok(pid as u32),
    }
}
// ANCHOR_END: fork

/// Lets [`fork`] be called.
pub fn init() {
    // SAFETY: the handler changes EAX alone, which `fork` expects.
    unsafe { interrupts::register(FORK, handle) };
}

// ANCHOR: child
extern "C" fn handle(frame: &mut TrapFrame) {
    frame.eax = match make_child(frame) {
        Ok(pid) => pid,
        Err(error) => error as i32 as u32,
    };
}

/// Copies the running task, which has left its registers in `frame`, and lets the copy run.
fn make_child(frame: &TrapFrame) -> Result<u32, ForkError> {
    let parent = scheduler::current();
    let directory = TASKS.lock().of(parent).ok_or(ForkError::NotATask)?.space.directory().frame();
    let thread = scheduler::reserve().ok_or(ForkError::TooManyTasks)?;
    let mut child = copy_as_interruptible(directory, frame).map_err(|OutOfMemory| {
        scheduler::cancel(thread);
        ForkError::OutOfMemory
    })?;
    let stack_pointer = prepare_stack(&mut child, frame);
    switch::run_in(thread, child.directory().frame());
    let pid = TASKS.lock().add(thread, Some(parent), child);
    // SAFETY: what `prepare_stack` has put there is as `switch` wants it, in the thread's own space.
    unsafe { scheduler::admit(thread, stack_pointer) };
    Ok(pid)
}
// ANCHOR_END: child

// ANCHOR: interruptible
/// Copies the running task's space, which takes a while: with interrupts on, if they were on where fork
/// was called.
///
/// What interrupts put on the stack meanwhile lies below the frame, and means nothing to the child.
fn copy_as_interruptible(directory: paging::Frame, frame: &TrapFrame) -> Result<AddressSpace, OutOfMemory> {
    let were_on = EFlags::from_bits_truncate(frame.eflags).contains(EFlags::FLAGS_IF);
    if were_on {
        // SAFETY: they were on in the code that called, so every vector that can come has a handler.
        unsafe { irq::enable() };
    }
    // SAFETY: only the task itself could change its space, or end; but it is here.
    let copied = unsafe { AddressSpace::copy_of(directory) };
    // SAFETY: as the handler of an interrupt began.
    unsafe { irq::disable() };
    copied
}
// ANCHOR_END: interruptible

// ANCHOR: stack
/// Lets the child find 0 in EAX, and what `switch` needs to go there. Returns its stack pointer.
fn prepare_stack(child: &mut AddressSpace, frame: &TrapFrame) -> u32 {
    unsafe extern "C" {
        /// Goes on where the frame at ESP says: the end of chapter 4's stubs.
        safe static interrupt_return: u8;
    }
    let frame = VirtAddr::from(&raw const *frame);
    let saved = [0, 0, 0, 0, VirtAddr::from(&raw const interrupt_return).as_u32()];
    let stack_pointer = frame.wrapping_add(0u32.wrapping_sub(size_of_val(&saved) as u32));
    // SAFETY: this handler has been using the stack down to below that, so it is mapped; and the copy is
    // nobody's yet.
    unsafe {
        child.write(frame.wrapping_add(offset_of!(TrapFrame, eax) as u32), 0);
        for (offset, word) in (0..).step_by(4).zip(saved) {
            child.write(stack_pointer.wrapping_add(offset), word);
        }
    }
    stack_pointer.as_u32()
}
// ANCHOR_END: stack
