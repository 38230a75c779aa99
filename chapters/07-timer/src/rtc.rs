//! The real-time clock: a second clock, on a crystal of its own, that can interrupt once per second.
//!
//! Source: Motorola, MC146818A data sheet, "Register A", "Register B", "Register C", "Update Cycle".

#![cfg(target_os = "none")]

use common::lock::interrupts_off;
use x86::io;

/// A register is chosen through the first port, and appears at the second.
const INDEX: u16 = 0x70;
const DATA: u16 = 0x71;

const REGISTER_A: u8 = 0x0A;
const REGISTER_B: u8 = 0x0B;
const REGISTER_C: u8 = 0x0C;
/// In register A: by what the crystal's oscillations are divided, or that they are not counted.
const DIVIDER: u8 = 0x70;
/// In register A: the crystal is one of 32768 Hz, as in every PC.
const CRYSTAL_32768_HZ: u8 = 0x20;
/// In register B: interrupts when a new second has been written to the clock.
const UPDATE_ENDED: u8 = 0x10;
/// In register B: the clock stands still, and may be set; or it interrupts at other times too.
const HALTED_PERIODIC_ALARM: u8 = 0xE0;

// ANCHOR: clock
/// Makes the clock interrupt at the beginning of every second, over
/// [`Irq::RealTimeClock`](crate::irq::Irq::RealTimeClock), and at no other time, whatever the firmware has left.
pub fn start() {
    // The handler chooses registers too.
    let _guard = interrupts_off();
    write(REGISTER_A, read(REGISTER_A) & !DIVIDER | CRYSTAL_32768_HZ);
    write(REGISTER_B, read(REGISTER_B) & !HALTED_PERIODIC_ALARM | UPDATE_ENDED);
    acknowledge();
}

/// To be called by the handler: the clock interrupts again only after register C has been read.
pub fn acknowledge() {
    read(REGISTER_C);
}
// ANCHOR_END: clock

fn read(register: u8) -> u8 {
    // SAFETY: the clock reaches no memory, and these registers are made to be read at any time.
    unsafe {
        io::outb(INDEX, register);
        io::inb(DATA)
    }
}

fn write(register: u8, value: u8) {
    // SAFETY: as above; only registers A and B are written here, which hold no time.
    unsafe {
        io::outb(INDEX, register);
        io::outb(DATA, value);
    }
}
