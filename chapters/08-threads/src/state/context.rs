//! The saved context of a thread, and the switch from one context to another.

#![cfg(target_os = "none")]

use super::thread_id::{MOST_THREADS, PerThread, ThreadId};
use common::lock::{InterruptCell, InterruptsOff, OffCount};
use core::arch::global_asm;
use core::mem::offset_of;
use core::ptr;

// ANCHOR: context
/// What a thread that is not running has on top of its stack, lowest address first.
///
/// A compiled function expects the functions it calls to preserve these registers and the stack, and nothing else
/// (System V ABI for i386, "Registers and the Stack Frame"). So for a thread that has called the switch, this
/// is all that has to be saved.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct Context {
    /// Callee-saved: preserved across calls.
    pub edi: u32,
    /// Callee-saved.
    pub esi: u32,
    /// Callee-saved.
    pub ebx: u32,
    /// Callee-saved, and the caller's frame pointer; 0 ends the chain of callers.
    pub ebp: u32,
    /// Where the thread continues: the return address of its call of the switch.
    pub eip: u32,
}

const _: () = assert!(size_of::<Context>() == 5 * 4);
// The order in which switch.s pushes them.
const _: () =
    assert!(offset_of!(Context, edi) == 0 && offset_of!(Context, ebp) == 12 && offset_of!(Context, eip) == 16);
// ANCHOR_END: context

// ANCHOR: new
impl Context {
    /// The context of a new thread, which will call `start(entry, argument)` with interrupts off.
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

impl Context {
    /// The context of a thread that will return from an interrupt. The `TrapFrame` lies just above it, and the
    /// interrupted code has these reasons to keep interrupts off.
    pub fn returning(reasons: OffCount) -> Self {
        Self { ebx: reasons.as_u32(), eip: interrupts::interrupt_return().as_u32(), ..Self::default() }
    }
}

/// The first function of a thread.
#[expect(improper_ctypes_definitions, reason = "caller and callee are compiled by the same rustc")]
pub type Start = extern "C" fn(entry: fn(usize), argument: usize) -> !;
// ANCHOR_END: new

// ANCHOR: switch
/// Where each thread that is not running has its context, on its stack. `switch.s` finds the table by this name.
#[unsafe(export_name = "thread_contexts")]
static CONTEXTS: Contexts = Contexts(PerThread::new([const { InterruptCell::new(ptr::null_mut()) }; MOST_THREADS]));

struct Contexts(PerThread<InterruptCell<*mut Context>>);

// SAFETY: only the switch follows these pointers, with interrupts off.
unsafe impl Sync for Contexts {}

/// Makes `context` the one with which `thread` begins. The first thread is running already; it gets a pointer that is
/// never followed.
pub fn begin_with(context: *mut Context, thread: ThreadId, off: &InterruptsOff) {
    CONTEXTS.0[thread].set(context, off);
}

/// Does `work` while no context is stored for the running thread `me`. Only a switch stores one; if one is there
/// afterwards, `work` has switched, and the result is none.
#[inline(always)]
pub fn without<T>(me: ThreadId, off: &InterruptsOff, work: impl FnOnce() -> T) -> Option<T> {
    let before = CONTEXTS.0[me].replace(ptr::null_mut(), off);
    let result = work();
    CONTEXTS.0[me].replace(before, off).is_null().then_some(result)
}

/// Is the running thread `me` inside [`without`]?
pub fn is_without(me: ThreadId, off: &InterruptsOff) -> bool {
    CONTEXTS.0[me].get(off).is_null()
}

global_asm!(include_str!("switch.s"));

/// A routine for the context switch, which saves a [`Context`] and loads another. [`switch`] is one; a later
/// chapter has another.
///
/// # Safety
/// As for [`switch`].
pub type Switch = unsafe extern "fastcall" fn(from: ThreadId, to: ThreadId);

unsafe extern "fastcall" {
    /// The context switch: saves the context of the thread `from`, which is running, and continues with the thread
    /// `to`. Returns when another thread switches back.
    ///
    /// # Safety
    /// 1. Interrupts are off.
    /// 2. `to` is another thread. It has a context: saved by a switch, or made for a thread that has not run yet.
    pub fn switch(from: ThreadId, to: ThreadId);
}
// ANCHOR_END: switch
