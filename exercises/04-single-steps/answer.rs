//! Exercise 4.4: single steps, with which a debugger follows a program.
//!
//! While the flag TF is set in EFLAGS, the CPU raises the exception "debug", vector 1, after each instruction (Intel
//! SDM volume 3B, 18.3.1.4 "Single-Step Exception Condition"). It clears TF before it calls the handler, so the handler
//! itself is not stepped.

#![no_std]

use core::sync::atomic::{AtomicU32, Ordering::Relaxed};
use interrupts::TrapFrame;

/// The vector of the exception after each instruction.
pub const DEBUG: u8 = 1;
/// The flag TF in EFLAGS.
pub const TRAP_FLAG: u32 = 1 << 8;
/// How many steps can be noted.
pub const MOST_STEPS: usize = 64;

/// How many steps the next breakpoint takes.
pub static WANTED: AtomicU32 = AtomicU32::new(0);
/// How many steps were taken since the last breakpoint.
pub static TAKEN: AtomicU32 = AtomicU32::new(0);
/// For each step since the last breakpoint, the address of the instruction that comes next.
pub static NEXT: [AtomicU32; MOST_STEPS] = [const { AtomicU32::new(0) }; MOST_STEPS];

/// Handles a breakpoint: begins a series of [`WANTED`] steps, which may be none.
pub extern "C" fn breakpoint(frame: &mut TrapFrame) {
    TAKEN.store(0, Relaxed);
    if WANTED.load(Relaxed) > 0 {
        frame.eflags |= TRAP_FLAG;
    }
}

/// Handles one step: notes where the next instruction is, and ends the series if this was the last step.
pub extern "C" fn step(frame: &mut TrapFrame) {
    let number = TAKEN.fetch_add(1, Relaxed);
    if let Some(next) = NEXT.get(number as usize) {
        next.store(frame.eip, Relaxed);
    }
    if number + 1 >= WANTED.load(Relaxed) {
        frame.eflags &= !TRAP_FLAG;
    }
}
