//! The context switch, and the stack of a thread that has not run yet.

use crate::thread_id::ThreadId;
use core::arch::global_asm;

global_asm!(include_str!("switch.s"));

/// A way from one thread to another. [`switch`] is one, and whoever has another leaves the same on the stack.
///
/// # Safety
/// As for [`switch`].
pub type Switch = unsafe extern "C" fn(save: *mut u32, load: u32, from: ThreadId, to: ThreadId);

unsafe extern "C" {
    /// Saves the running thread on its stack and its stack pointer at `save`, and goes on with the
    /// thread whose stack pointer is `load`. It returns when somebody switches back.
    ///
    /// Which threads these are does not matter here, where all live in one address space.
    ///
    /// # Safety
    /// Interrupts are off. `load` was saved by `switch`, or is that of a [`new_stack`]; it is used once.
    pub fn switch(save: *mut u32, load: u32, from: ThreadId, to: ThreadId);
}

// ANCHOR: new
/// What has to lie on a new stack, lowest address first.
pub type NewStack = [u32; 8];

/// The top of a new stack, for [`switch`] to begin `start(entry, argument)` there, with interrupts off.
#[expect(improper_ctypes_definitions, reason = "whoever starts and who is started are compiled together")]
pub fn new_stack(start: extern "C" fn(fn(usize), usize) -> !, entry: fn(usize), argument: usize) -> NewStack {
    let (edi, esi, ebx) = (0, 0, 0);
    let ebp = 0; // ends a trace of callers
    let return_address = start as *const () as u32; // of `switch`
    let no_caller = 0; // where `start` would return to
    [edi, esi, ebx, ebp, return_address, no_caller, entry as *const () as u32, argument as u32]
}
// ANCHOR_END: new
