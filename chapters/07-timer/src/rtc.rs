//! The real-time clock: an independent clock that can interrupt once per second.
//!
//! Source: Motorola, MC146818A data sheet, "Register A", "Register B", "Register C", "Update Cycle".

#![cfg(target_os = "none")]

use common::lock::interrupts_off;
use x86::io;

/// Software writes the number of a register to the first port, and accesses the register through the second.
const INDEX: u16 = 0x70;
const DATA: u16 = 0x71;

const REGISTER_A: u8 = 0x0A;
const REGISTER_B: u8 = 0x0B;
const REGISTER_C: u8 = 0x0C;
/// In register A: the divider of the crystal's oscillations, which can also stop the clock.
const DIVIDER: u8 = 0x70;
/// In register A: the crystal has 32768 Hz, as in every PC.
const CRYSTAL_32768_HZ: u8 = 0x20;
/// In register B: interrupt when the clock has advanced to a new second.
const UPDATE_ENDED: u8 = 0x10;
/// In register B: stop the clock to set it, or interrupt at other times too.
const HALTED_PERIODIC_ALARM: u8 = 0xE0;

// ANCHOR: clock
/// Makes the clock interrupt on [`Irq::RealTimeClock`](crate::irq::Irq::RealTimeClock) at the beginning of each
/// second, and at no other time. Firmware may have left other settings.
pub fn start() {
    // The interrupt handler selects registers too, so it must not run between the two port accesses.
    let _guard = interrupts_off();
    write(REGISTER_A, read(REGISTER_A) & !DIVIDER | CRYSTAL_32768_HZ);
    write(REGISTER_B, read(REGISTER_B) & !HALTED_PERIODIC_ALARM | UPDATE_ENDED);
    acknowledge();
}

/// Acknowledges an interrupt. The handler has to call this: the clock does not interrupt again before a read of
/// register C.
pub fn acknowledge() {
    read(REGISTER_C);
}
// ANCHOR_END: clock

fn read(register: u8) -> u8 {
    // SAFETY: the clock does not access memory, and these registers may be read at any time.
    unsafe {
        io::outb(INDEX, register);
        io::inb(DATA)
    }
}

fn write(register: u8, value: u8) {
    // SAFETY: as above. Only registers A and B are written here, and they do not hold the time.
    unsafe {
        io::outb(INDEX, register);
        io::outb(DATA, value);
    }
}
