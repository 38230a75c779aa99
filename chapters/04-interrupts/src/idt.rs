//! The interrupt descriptor table, and who handles which vector.

use crate::exceptions;
use crate::gate::{Gate, Kind};
use crate::stubs;
use crate::trap_frame::TrapFrame;
use common::Lock;
use core::ptr;
use core::sync::atomic::{AtomicPtr, Ordering::Relaxed};
use segments::gdt::CODE;
use x86::dtables::{DescriptorTablePointer, lidt};

// ANCHOR: handlers
/// A function that is called for an interrupt, with interrupts off.
pub type Handler = extern "C" fn(&mut TrapFrame);

/// One [`Handler`] per vector, as pointers that the stubs call.
///
/// Atomic, so that one can be replaced while interrupts go on: an interrupt finds the old handler or
/// the new one. [`init`] puts one at every vector before the table is loaded.
pub(crate) static HANDLERS: [AtomicPtr<()>; 256] = [const { AtomicPtr::new(ptr::null_mut()) }; 256];
// ANCHOR_END: handlers

// ANCHOR: init
static TABLE: Lock<[Gate; 256]> = Lock::new([Gate::ABSENT; 256]);

/// Leads all 256 vectors to their stubs and loads the table. Interrupts stay as they are.
pub fn init() {
    let mut table = TABLE.lock();
    for (gate, vector) in table.iter_mut().zip(0..=255) {
        register(vector, exceptions::unhandled);
        *gate = Gate::new(Kind::Interrupt, CODE.bits(), stubs::address(vector));
    }
    // SAFETY: the table is a static, so it stays; and every one of its gates leads to the stub of its vector.
    unsafe { lidt(&DescriptorTablePointer::new(&*table)) };
}
// ANCHOR_END: init

/// Leads `vector` through `gate` from now on.
///
/// # Safety
/// The gate leads to code, or to a task, that is made for what the CPU does on the way there.
pub unsafe fn set_gate(vector: u8, gate: Gate) {
    TABLE.lock()[usize::from(vector)] = gate;
}

/// The gate of `vector`.
pub fn gate(vector: u8) -> Gate {
    TABLE.lock()[usize::from(vector)]
}

/// Makes `handler` the one that is called for `vector` from now on.
pub fn register(vector: u8, handler: Handler) {
    HANDLERS[usize::from(vector)].store(handler as *mut (), Relaxed);
}
