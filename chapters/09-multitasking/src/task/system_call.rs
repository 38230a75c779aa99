//! The system call: a software interrupt, with a number in EAX. Numbers and errors are those of Linux for i386.
//!
//! Sources: Linux, `arch/x86/entry/syscalls/syscall_32.tbl`; `include/uapi/asm-generic/errno-base.h` and `errno.h`.

#![cfg(target_os = "none")]

use super::fork::fork_at;
use interrupts::TrapFrame;

/// The vector of the software interrupt.
pub const SYSTEM_CALL: u8 = 0x80;

/// The number of `fork`.
pub const FORK: u32 = 2;

// ANCHOR: errors
/// An error, as the caller finds it in EAX.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i32)]
pub(crate) enum Errno {
    /// `ESRCH`: the caller is not a task.
    NoSuchProcess = -3,
    /// `EAGAIN`: all threads are in use.
    TryAgain = -11,
    /// `ENOMEM`: there is not enough free memory.
    OutOfMemory = -12,
    /// `ENOSYS`: there is no system call with this number.
    NoSuchCall = -38,
}
// ANCHOR_END: errors

/// Registers the handler of system calls.
pub(crate) fn init() {
    // SAFETY: the handler changes only EAX, in which the caller expects the answer.
    unsafe { interrupts::register(SYSTEM_CALL, handle) };
}

// ANCHOR: handle
extern "C" fn handle(frame: &mut TrapFrame) {
    let answer = match frame.eax {
        FORK => fork_at(frame).map(|pid| pid.as_u32()),
        _ => Err(Errno::NoSuchCall),
    };
    frame.eax = answer.unwrap_or_else(|error| error as i32 as u32);
}
// ANCHOR_END: handle
