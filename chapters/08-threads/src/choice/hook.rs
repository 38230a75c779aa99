//! A chain of functions that the scheduler calls before every switch.

#![cfg(target_os = "none")]

use super::reason::Reason;
use crate::state::thread_id::ThreadId;
use common::lock::{InterruptCell, InterruptsOff, interrupts_off};

// ANCHOR: hook
/// A function that the scheduler calls before every switch, with the thread that leaves the CPU, the one that gets
/// it, and the reason.
pub type BeforeSwitch = fn(from: ThreadId, to: ThreadId, reason: Reason);

/// A link of the chain: a static in the code that wants to be called.
pub struct Hook {
    function: BeforeSwitch,
    next: InterruptCell<Option<&'static Hook>>,
}

static FIRST: InterruptCell<Option<&'static Hook>> = InterruptCell::new(None);

impl Hook {
    /// A link that is not in the chain yet.
    pub const fn new(function: BeforeSwitch) -> Self {
        Self { function, next: InterruptCell::new(None) }
    }
}

/// Calls the function of `hook` before every switch from now on, after those that came earlier.
///
/// # Panics
/// If the hook is in the chain already.
///
/// # Safety
/// 1. The function does not switch, wait or fork (chapter 9): the scheduler is in the middle of a switch.
/// 2. It keeps interrupts off.
pub unsafe fn before_switch(hook: &'static Hook) {
    let off = interrupts_off();
    let mut end = &FIRST;
    while let Some(earlier) = end.get(&off) {
        assert!(!core::ptr::eq(earlier, hook), "the hook is already in use");
        end = &earlier.next;
    }
    end.set(Some(hook), &off);
}

/// Calls all hooks of the chain.
#[inline(always)]
pub fn call_all(from: ThreadId, to: ThreadId, reason: Reason, off: &InterruptsOff) {
    let mut next = FIRST.get(off);
    while let Some(hook) = next {
        (hook.function)(from, to, reason);
        next = hook.next.get(off);
    }
}
// ANCHOR_END: hook
