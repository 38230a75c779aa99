//! The interrupt descriptor table, and who handles which vector.

#![cfg(target_os = "none")]

use crate::exceptions;
use crate::gate::{Gate, Kind};
use crate::stubs;
use crate::trap_frame::TrapFrame;
use common::Lock;
use core::mem::transmute;
use core::sync::atomic::{AtomicPtr, Ordering::Relaxed};
use segments::gdt::{self, CODE};
use x86::Ring;
use x86::dtables::{DescriptorTablePointer, lidt};

// ANCHOR: handlers
/// A function that is called for an interrupt, with interrupts off.
pub type Handler = extern "C" fn(&mut TrapFrame);

/// One [`Handler`] per vector, as pointers that the stubs call.
///
/// Atomic, so that one can be replaced while interrupts go on: an interrupt finds the old handler or
/// the new one.
pub(crate) static HANDLERS: [AtomicPtr<()>; 256] =
    [const { AtomicPtr::new(exceptions::unhandled as Handler as *mut ()) }; 256];
// ANCHOR_END: handlers

// ANCHOR: init
static TABLE: Lock<[Gate; 256]> = Lock::new([Gate::ABSENT; 256]);

/// Leads every vector that has no gate yet to its stub, and loads the table. Interrupts stay as they are.
///
/// Ring 3 may use none of these gates: with `int 8` or `int 32` it could claim what only the CPU or a device
/// can know.
///
/// # Panics
/// Before `segments::init`: the gates name a segment of that table.
pub fn init() {
    gdt::loaded();
    let mut table = TABLE.lock();
    for (gate, vector) in table.iter_mut().zip(0..=255).filter(|(gate, _)| **gate == Gate::ABSENT) {
        *gate = Gate::new(Kind::Interrupt, CODE.bits(), stubs::address(vector), Ring::Ring0);
    }
    // SAFETY: the table is a static, so it stays; and each of its gates leads to the stub of its vector, or is
    // one that a caller of `set_gate` answers for.
    unsafe { lidt(&DescriptorTablePointer::new(&*table)) };
}
// ANCHOR_END: init

// ANCHOR: gate
/// Leads `vector` through `gate` from now on.
///
/// # Safety
/// The gate leads to code, or to a task, that is made for what the CPU does on the way there; and if ring 3 may
/// use it, for whatever ring 3 has in its registers.
pub unsafe fn set_gate(vector: u8, gate: Gate) {
    TABLE.lock()[usize::from(vector)] = gate;
}

/// The gate of `vector`.
pub fn gate(vector: u8) -> Gate {
    TABLE.lock()[usize::from(vector)]
}
// ANCHOR_END: gate

// ANCHOR: register
/// Makes `handler` the one that is called for `vector` from now on, and returns the one that was: to be put
/// back, not to be called.
///
/// # Safety
/// 1. Whenever the handler returns, the interrupted code can go on with what is in the frame. A register that
///    the handler has changed is one that this code expects to change.
/// 2. The handler does not exchange its frame with another one.
/// 3. If a device interrupts by this vector, the handler ends the interrupt as the device and its controller
///    require. If an exception comes by it, the handler removes the cause, or does not return.
pub unsafe fn register(vector: u8, handler: Handler) -> Handler {
    let previous = HANDLERS[usize::from(vector)].swap(handler as *mut (), Relaxed);
    // SAFETY: nothing but a `Handler` is ever stored there.
    unsafe { transmute::<*mut (), Handler>(previous) }
}
// ANCHOR_END: register
