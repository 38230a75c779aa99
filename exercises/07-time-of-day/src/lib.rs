//! Exercise 7.3: the time of day, from the real-time clock.
//!
//! Source: Motorola, MC146818A data sheet, "Time, Calendar, and Alarm Locations", "Update Cycle", "Register A",
//! "Register B".

#![no_std]
#![allow(unused_imports, reason = "as long as the holes are blank")]

use common::lock::interrupts_off;
use x86::io;

/// A moment, to the second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Time {
    /// The year without its century: 0 to 99.
    pub year: u8,
    /// 1 to 12.
    pub month: u8,
    /// The day of the month, 1 to 31.
    pub day: u8,
    /// 0 to 23.
    pub hour: u8,
    /// 0 to 59.
    pub minute: u8,
    /// 0 to 59.
    pub second: u8,
}

/// The registers with year, month, day, hour, minute and second.
pub const REGISTERS: [u8; 6] = [9, 8, 7, 4, 2, 0];

/// The state of the clock.
pub const REGISTER_A: u8 = 0x0A;
/// In register A: the clock advances, or will do so within 244 microseconds.
pub const UPDATE_IN_PROGRESS: u8 = 0x80;

/// The settings of the clock.
pub const REGISTER_B: u8 = 0x0B;
/// In register B: numbers are binary. Otherwise, each has two decimal digits of four bits.
pub const IS_BINARY: u8 = 0x04;
/// In register B: hours are 0 to 23. Otherwise, they are 1 to 12, with [`IS_AFTERNOON`].
pub const HAS_24_HOURS: u8 = 0x02;
/// In the register with the hour, if the clock counts to 12: from noon on.
pub const IS_AFTERNOON: u8 = 0x80;

/// Reads a register of the clock. Between its two port accesses, no handler may select another register.
pub fn read(register: u8) -> u8 {
    const INDEX: u16 = 0x70;
    const DATA: u16 = 0x71;
    // SAFETY: the clock does not access memory, and its registers may be read at any time.
    unsafe {
        io::outb(INDEX, register);
        io::inb(DATA)
    }
}

/// The time of day that the clock has at a moment between the call and the return.
pub fn now() -> Time {
    panic!("exercise 7.3: write `now`")
}
