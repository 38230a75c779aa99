//! Exercise 4.2: a handler that repairs divisions.
//!
//! A division that the CPU cannot do raises the exception "divide error", vector 0 (Intel SDM volume 3A, 6.15
//! "Exception and Interrupt Reference"). It is a fault: EIP in the frame is that of the division itself, and a handler
//! that returns makes the CPU try again.

#![no_std]

use core::arch::asm;
use interrupts::TrapFrame;

/// The vector of the exception.
pub const DIVIDE_ERROR: u8 = 0;
/// The divisor that takes the place of zero.
pub const INSTEAD_OF_ZERO: u32 = 2;
/// The size of the instruction `div ecx`.
pub const DIV_ECX_BYTES: u32 = 2;

/// Divides EDX:EAX by ECX, in one instruction. Returns the quotient, the remainder, and what is in ECX afterwards.
pub fn divide(dividend: u64, divisor: u32) -> (u32, u32, u32) {
    let (quotient, remainder, ecx);
    // SAFETY: the handler of divide errors changes only these registers and EIP.
    unsafe {
        asm!(
            "div ecx",
            inout("ecx") divisor => ecx,
            inout("eax") dividend as u32 => quotient,
            inout("edx") (dividend >> 32) as u32 => remainder,
        )
    };
    (quotient, remainder, ecx)
}

/// Handles a divide error of [`divide`].
///
/// A divisor of zero becomes [`INSTEAD_OF_ZERO`], and the CPU tries again. Otherwise the quotient does not fit into EAX:
/// the instruction is skipped, with the largest number in EAX and 0 in EDX.
pub extern "C" fn repair(frame: &mut TrapFrame) {
    panic!("exercise 4.2: write `repair`")
}
