//! The log: the first serial port, COM1, a 16550 UART.
//!
//! A log must not be able to hang the kernel. So the wait for the transmitter has a limit. When the other end of
//! the line stops reading, bytes are lost until it reads again. If there is no UART at all, every read returns
//! all ones, which look like "ready", and the bytes go nowhere.

#![cfg(target_os = "none")]

use common::Lock;
use core::fmt::{self, Write};
use core::sync::atomic::{AtomicBool, Ordering::Relaxed};
use x86::io;

/// The first port of COM1 on every PC.
pub const COM1: u16 = 0x3F8;

// Registers, as offsets from the base port (16550 data sheet, table 2).
const DATA: u16 = 0;
const INTERRUPT_ENABLE: u16 = 1;
const DIVISOR_LOW: u16 = 0;
const DIVISOR_HIGH: u16 = 1;
const FIFO_CONTROL: u16 = 2;
const LINE_CONTROL: u16 = 3;
const MODEM_CONTROL: u16 = 4;
const LINE_STATUS: u16 = 5;

const DIVISOR_ACCESS: u8 = 0x80;
const EIGHT_BITS_NO_PARITY_ONE_STOP: u8 = 0x03;
const FIFO_ON_AND_CLEARED: u8 = 0x07;
const READY_AND_REQUEST_TO_SEND: u8 = 0x03;
const TRANSMITTER_EMPTY: u8 = 0x20;

/// At 115200 baud, one byte takes 87 microseconds. Reading a port takes about one.
const READS_BEFORE_GIVING_UP: u32 = 10_000;

// ANCHOR: port
/// A serial port that text can be written to.
pub struct Serial {
    base: u16,
    /// Whether the last byte was dropped because the transmitter did not become empty in time.
    is_stuck: bool,
}

impl Serial {
    /// The serial port whose registers begin at the port `base`.
    ///
    /// # Safety
    /// The eight ports from `base` on belong to a UART, or to no device.
    pub const unsafe fn new(base: u16) -> Self {
        Self { base, is_stuck: false }
    }

    /// Sets 115200 baud, eight bits, no parity, one stop bit; no interrupts.
    pub fn init(&mut self) {
        self.write_register(LINE_CONTROL, DIVISOR_ACCESS);
        self.write_register(DIVISOR_LOW, 1);
        self.write_register(DIVISOR_HIGH, 0);
        self.write_register(LINE_CONTROL, EIGHT_BITS_NO_PARITY_ONE_STOP);
        self.write_register(INTERRUPT_ENABLE, 0); // not earlier: until here, this port was half of the divisor
        self.write_register(FIFO_CONTROL, FIFO_ON_AND_CLEARED);
        self.write_register(MODEM_CONTROL, READY_AND_REQUEST_TO_SEND);
    }

    /// Sends one byte, or drops it if the transmitter does not become empty.
    ///
    /// Only the first dropped byte waits. The bytes after it check just once whether the transmitter works again.
    fn send(&mut self, byte: u8) {
        let reads = if self.is_stuck { 1 } else { READS_BEFORE_GIVING_UP };
        let is_ready = |_| self.read_register(LINE_STATUS) & TRANSMITTER_EMPTY != 0;
        self.is_stuck = !(0..reads).any(is_ready);
        if !self.is_stuck {
            self.write_register(DATA, byte);
        }
    }

    fn read_register(&self, register: u16) -> u8 {
        // SAFETY: these are a UART's ports, as `new` demands. Reading them changes no memory.
        unsafe { io::inb(self.base + register) }
    }

    fn write_register(&mut self, register: u16, value: u8) {
        // SAFETY: these are a UART's ports, as `new` demands. A UART does not access memory; it only sends bytes.
        unsafe { io::outb(self.base + register, value) }
    }
}

impl Write for Serial {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        text.bytes().for_each(|byte| self.send(byte));
        Ok(())
    }
}
// ANCHOR_END: port

// ANCHOR: log
// SAFETY: on a PC these ports belong to COM1, or to no device.
const PORT: Serial = unsafe { Serial::new(COM1) };

static LOG: Lock<Serial> = Lock::new(PORT);

/// Sets up COM1 for the log. A second call changes nothing, because the port may have other uses by then.
pub fn init() {
    static DONE: AtomicBool = AtomicBool::new(false);
    let mut log = LOG.lock();
    if !DONE.swap(true, Relaxed) {
        log.init();
    }
}

/// Writes to the log.
///
/// # Panics
/// If formatting a value of `words` fails.
pub fn write(words: fmt::Arguments) {
    LOG.lock().write_fmt(words).expect("a value could not be formatted: the log accepts everything");
}

/// Writes the last words of a kernel to COM1, at any moment, even while other code holds the log's lock.
pub fn last_words(words: fmt::Arguments) {
    // If this fails, there is no other output left to report it.
    let _ = { PORT }.write_fmt(words);
}

/// Writes a line to the log, formatted as by [`format_args!`].
#[macro_export]
macro_rules! log {
    ($($words:tt)*) => {
        $crate::serial::write(format_args!("{}\n", format_args!($($words)*)))
    };
}
// ANCHOR_END: log
