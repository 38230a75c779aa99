//! An exception without a handler of its own ends the kernel with a report.
//!
//! The report has the exception's name, its error code in words, and the registers. Returning after it would not help:
//! a fault returns to the instruction that caused it, and would occur again and again.

#![cfg(target_os = "none")]

use crate::error_code::ErrorCode;
use crate::trap_frame::TrapFrame;
use boot::stop::{self, Trace};
use common::VirtAddr;
use core::fmt;

/// The vector of `int3`. It is a trap, so its handler may return.
pub const BREAKPOINT: u8 = 3;

/// The names of vectors 0 to 31 in the manuals.
///
/// Source: Intel SDM volume 3A, table 6-1 "Protected-Mode Exceptions and Interrupts"; AMD64 manual volume 2, table 8-1.
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
/// The handler of every vector without a registered one.
pub(crate) extern "C" fn unhandled(frame: &mut TrapFrame) {
    match NAMES.get(frame.vector as usize) {
        Some(name) => report(frame, format_args!("{name} (vector {}){}", frame.vector, ErrorCode::of(frame))),
        None => report(frame, format_args!("interrupt {:#04x} has no handler", frame.vector)),
    }
}

/// Ends the kernel because of an exception. The report has `words`, the registers, and the place of the exception.
pub fn report(frame: &TrapFrame, words: fmt::Arguments) -> ! {
    let (eip, esp, ebp) = (VirtAddr::new(frame.eip), frame.esp(), VirtAddr::new(frame.ebp));
    let trace = if frame.is_from_ring_3() {
        // A program may have any value in EBP, so there may be no chain of callers to follow.
        Trace { eip: None, esp, ebp: VirtAddr::new(0) }
    } else {
        Trace { eip: Some(eip), esp, ebp }
    };
    stop::report("EXCEPTION", format_args!("{words}\n{frame}"), &trace)
}
// ANCHOR_END: unhandled
