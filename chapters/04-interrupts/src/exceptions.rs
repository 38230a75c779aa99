//! An exception without a handler of its own: its name, its error code in words, the registers, and the end.
//!
//! To print something and return would be worse than useless: a fault goes back to the instruction
//! that caused it, and would come again and again.

#![cfg(target_os = "none")]

use crate::error_code::ErrorCode;
use crate::trap_frame::TrapFrame;
use boot::stop::{self, Trace};
use common::VirtAddr;
use core::fmt;

/// The vector of `int3`, which handlers may return from.
pub const BREAKPOINT: u8 = 3;

/// What the manual calls vectors 0 to 31 (Intel SDM volume 3, table 6-1; AMD64 volume 2, table 8-1).
const NAMES: [&str; 32] = [
    "divide error",
    "debug",
    "non-maskable interrupt",
    "breakpoint",
    "overflow",
    "bound range exceeded",
    "invalid opcode",
    "device not available",
    "double fault",
    "coprocessor segment overrun",
    "invalid TSS",
    "segment not present",
    "stack-segment fault",
    "general protection fault",
    "page fault",
    "reserved",
    "x87 floating-point error",
    "alignment check",
    "machine check",
    "SIMD floating-point error",
    "virtualization exception",
    "control protection exception",
    "reserved",
    "reserved",
    "reserved",
    "reserved",
    "reserved",
    "reserved",
    "hypervisor injection exception",
    "VMM communication exception",
    "security exception",
    "reserved",
];

// ANCHOR: unhandled
/// The handler of every vector for which none is registered.
pub(crate) extern "C" fn unhandled(frame: &mut TrapFrame) {
    match NAMES.get(frame.vector as usize) {
        Some(name) => report(frame, format_args!("{name} (vector {}){}", frame.vector, ErrorCode::of(frame))),
        None => report(frame, format_args!("interrupt {:#04x} has no handler", frame.vector)),
    }
}

/// Ends the kernel because of an exception: says `words`, the registers, and where it was.
pub fn report(frame: &TrapFrame, words: fmt::Arguments) -> ! {
    let (eip, esp, ebp) = (VirtAddr::new(frame.eip), frame.esp(), VirtAddr::new(frame.ebp));
    let trace = if frame.is_from_ring_3() {
        // A program may have anything in EBP: there is no chain of callers to follow.
        Trace { eip: None, esp, ebp: VirtAddr::new(0) }
    } else {
        Trace { eip: Some(eip), esp, ebp }
    };
    stop::report("EXCEPTION", format_args!("{words}\n{frame}"), &trace)
}
// ANCHOR_END: unhandled
