//! The saved context of a thread, and the switch from one context to another.

#![cfg(target_os = "none")]

use core::arch::global_asm;
use core::mem::offset_of;

// ANCHOR: context
/// What a thread that does not run has on top of its stack, lowest address first.
///
/// A compiled function expects the functions it calls to keep these registers and the stack, and nothing else
/// (System V ABI for i386, "Registers and the Stack Frame"). So for a thread that has called the switch, this
/// is all there is to save.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct Context {
    /// Kept across calls.
    pub edi: u32,
    /// Kept across calls.
    pub esi: u32,
    /// Kept across calls.
    pub ebx: u32,
    /// The caller's frame pointer; 0 ends the chain of callers.
    pub ebp: u32,
    /// Where the thread goes on: the return address of its call of the switch.
    pub eip: u32,
}

const _: () = assert!(size_of::<Context>() == 5 * 4);
// The order in which switch.s pushes them.
const _: () =
    assert!(offset_of!(Context, edi) == 0 && offset_of!(Context, ebp) == 12 && offset_of!(Context, eip) == 16);
// ANCHOR_END: context

// ANCHOR: new
impl Context {
    /// The context of a thread that is going to call `start(entry, argument)`, with interrupts off.
    pub fn new(start: Start, entry: fn(usize), argument: usize) -> Self {
        unsafe extern "C" {
            /// In switch.s.
            safe static thread_start: u8;
        }
        Self {
            edi: start as *const () as u32,
            esi: argument as u32,
            ebx: entry as *const () as u32,
            ebp: 0,
            eip: (&raw const thread_start).addr() as u32,
        }
    }
}

/// The first function of a thread.
#[expect(improper_ctypes_definitions, reason = "caller and callee are compiled by the same rustc")]
pub type Start = extern "C" fn(entry: fn(usize), argument: usize) -> !;
// ANCHOR_END: new

// ANCHOR: switch
global_asm!(include_str!("switch.s"));

/// A routine that goes from one thread to another, and leaves a [`Context`]. [`switch`] is one; a later chapter
/// has another.
///
/// # Safety
/// As for [`switch`].
pub type Switch = unsafe extern "fastcall" fn(save: *mut *mut Context, load: *mut Context);

unsafe extern "fastcall" {
    /// Saves the running thread's context on its stack and the context's address at `save`, then goes on with
    /// the thread whose context is at `load`. Returns when some thread switches back.
    ///
    /// # Safety
    /// 1. Interrupts are off.
    /// 2. `load` was saved by a switch, or lies on the stack of a thread that has not run yet; it is used once.
    pub fn switch(save: *mut *mut Context, load: *mut Context);
}
// ANCHOR_END: switch
