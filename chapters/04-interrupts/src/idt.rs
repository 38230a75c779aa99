//! The interrupt descriptor table (IDT), and the handler of each vector.

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
/// An interrupt handler. The stubs call it with interrupts off.
pub type Handler = extern "C" fn(&mut TrapFrame);

/// One [`Handler`] per vector, as pointers that the stubs call.
///
/// They are atomic, so that one can be replaced while interrupts are on: an interrupt finds either the old handler or
/// the new one.
pub(crate) static HANDLERS: [AtomicPtr<()>; 256] =
    [const { AtomicPtr::new(exceptions::unhandled as Handler as *mut ()) }; 256];
// ANCHOR_END: handlers

// ANCHOR: init
static TABLE: Lock<[Gate; 256]> = Lock::new([Gate::ABSENT; 256]);

/// Gives every vector without a gate one that leads to its stub, and loads the table. Does not turn interrupts on.
///
/// Ring 3 may use none of these gates: with `int 8` or `int 32` a program could fake an exception or a hardware
/// interrupt.
///
/// # Panics
/// Before `segments::init`: the gates name a segment of that table.
pub fn init() {
    gdt::loaded();
    let mut table = TABLE.lock();
    for (gate, vector) in table.iter_mut().zip(0..=255).filter(|(gate, _)| **gate == Gate::ABSENT) {
        *gate = Gate::new(Kind::Interrupt, CODE.bits(), stubs::address(vector), Ring::Ring0);
    }
    // SAFETY:
    // 1. The table is a static, so it is never freed.
    // 2. Each gate leads to the stub of its vector, or a caller of `set_gate` answers for it.
    unsafe { lidt(&DescriptorTablePointer::new(&*table)) };
}
// ANCHOR_END: init

// ANCHOR: gate
/// Sets the gate of `vector`.
///
/// # Safety
/// 1. The gate leads to code, or to a task, that expects what the CPU does on the way there.
/// 2. If ring 3 may use the gate, that code copes with any values in the registers.
pub unsafe fn set_gate(vector: u8, gate: Gate) {
    TABLE.lock()[usize::from(vector)] = gate;
}

/// The gate of `vector`.
pub fn gate(vector: u8) -> Gate {
    TABLE.lock()[usize::from(vector)]
}
// ANCHOR_END: gate

// ANCHOR: register
/// Makes `handler` the handler of `vector`, and returns the previous one. The caller may register that one again, but
/// not call it.
///
/// # Safety
/// 1. Whenever the handler returns, the interrupted code can continue with the registers in the frame. That code
///    expects every change that the handler has made to them.
/// 2. The handler does not exchange its frame with another one.
/// 3. If a device uses this vector, the handler ends the interrupt as the device and its controller require (EOI). If
///    an exception uses it, the handler removes the cause, or does not return.
pub unsafe fn register(vector: u8, handler: Handler) -> Handler {
    let previous = HANDLERS[usize::from(vector)].swap(handler as *mut (), Relaxed);
    // SAFETY: only values of type `Handler` are stored there.
    unsafe { transmute::<*mut (), Handler>(previous) }
}
// ANCHOR_END: register
