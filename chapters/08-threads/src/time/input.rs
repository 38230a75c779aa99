//! Input from the keyboard and the serial port, and waiting for it.
//!
//! Both devices interrupt when a byte has arrived. The handler puts the byte into a buffer and wakes the reader
//! that has waited longest.

#![cfg(target_os = "none")]

use super::keyboard_controller;
use super::wait_queue::WaitQueue;
use crate::choice::reason::Reason;
use alloc::collections::VecDeque;
use boot::serial::COM1;
use common::Lock;
use common::lock::interrupts_off;
use interrupts::TrapFrame;
use pc_keyboard::layouts::Us104Key;
use pc_keyboard::{DecodedKey, HandleControl, PS2Keyboard, ScancodeSet1};
use timer::irq::Irq;
use timer::pic;
use x86::io::{inb, outb};

// Registers of the UART (16550 data sheet, table 2), as ports.
const SERIAL_DATA: u16 = COM1;
const SERIAL_INTERRUPTS: u16 = COM1 + 1;
const SERIAL_MODEM: u16 = COM1 + 4;
const SERIAL_STATUS: u16 = COM1 + 5;
const INTERRUPT_WHEN_RECEIVED: u8 = 0x01;
/// "Ready", "request to send", and OUT2, which on a PC connects the UART to its interrupt line.
const MODEM_WITH_INTERRUPTS: u8 = 0x0B;
const SERIAL_RECEIVED: u8 = 0x01;
/// Where there is no UART, every bit of the status reads as set.
const NO_UART: u8 = 0xFF;

/// The bytes that were typed and have not been read. When there are `MOST_TYPED`, further bytes are lost.
static TYPED: Lock<VecDeque<u8>> = Lock::new(VecDeque::new());
const MOST_TYPED: usize = 256;
/// The threads that wait for a byte.
static READERS: WaitQueue = WaitQueue::new();
static KEYBOARD: Lock<PS2Keyboard<Us104Key, ScancodeSet1>> =
    Lock::new(PS2Keyboard::new(ScancodeSet1::new(), Us104Key, HandleControl::MapLettersToUnicode));

/// Lets both devices interrupt.
pub fn init() {
    let _off = interrupts_off();
    TYPED.lock().reserve(MOST_TYPED); // the handlers must not allocate
    // SAFETY: both handlers leave the frame alone, and tell the controllers that the interrupt is over.
    unsafe {
        interrupts::register(Irq::Serial1.vector(), serial_interrupt);
        interrupts::register(Irq::Keyboard.vector(), keyboard_interrupt);
    }
    // SAFETY: the UART reaches no memory, and its interrupt has a handler.
    unsafe {
        outb(SERIAL_MODEM, MODEM_WITH_INTERRUPTS);
        outb(SERIAL_INTERRUPTS, INTERRUPT_WHEN_RECEIVED);
    }
    // Earlier bytes are taken out: an interrupt line that is already high would never rise again.
    receive_serial();
    keyboard_controller::init(scan_code);
    pic::unmask(Irq::Serial1);
    pic::unmask(Irq::Keyboard);
}

// ANCHOR: read
/// Waits for a typed byte. If several threads wait, the one that came first gets it.
///
/// # Panics
/// If [`init`] has not been called: no byte would ever arrive.
pub fn read_byte() -> u8 {
    loop {
        if let Some(byte) = read(None) {
            return byte;
        }
    }
}

/// As [`read_byte`], but waits until the tick `deadline` at most.
///
/// # Panics
/// As [`read_byte`].
pub fn read_byte_before(deadline: u64) -> Option<u8> {
    read(Some(deadline))
}

fn read(deadline: Option<u64>) -> Option<u8> {
    assert!(TYPED.lock().capacity() > 0, "call `input::init` before the first read: no byte would ever come");
    READERS.wait_until(Reason::Input, deadline, || TYPED.lock().pop_front())
}
// ANCHOR_END: read

extern "C" fn serial_interrupt(_: &mut TrapFrame) {
    receive_serial();
    pic::end_of_interrupt(Irq::Serial1);
}

extern "C" fn keyboard_interrupt(_: &mut TrapFrame) {
    while let Some(byte) = keyboard_controller::receive() {
        scan_code(byte);
    }
    pic::end_of_interrupt(Irq::Keyboard);
}

/// Takes every byte that the UART has received.
fn receive_serial() {
    // SAFETY: reading the status changes nothing that is used here.
    let has_received = || match unsafe { inb(SERIAL_STATUS) } {
        NO_UART => false,
        status => status & SERIAL_RECEIVED != 0,
    };
    while has_received() {
        // SAFETY: reading takes the byte out of the UART, and changes nothing else.
        typed(unsafe { inb(SERIAL_DATA) });
    }
}

/// Turns a scan code from the keyboard into a letter, if it stands for one.
fn scan_code(byte: u8) {
    let mut keyboard = KEYBOARD.lock();
    let event = keyboard.add_byte(byte).ok().flatten();
    let key = event.and_then(|event| keyboard.process_keyevent(event));
    drop(keyboard);
    if let Some(DecodedKey::Unicode(letter)) = key
        && let Ok(byte) = u8::try_from(letter)
    {
        typed(byte);
    }
}

// ANCHOR: typed
fn typed(byte: u8) {
    let mut typed = TYPED.lock();
    if typed.len() < MOST_TYPED {
        typed.push_back(byte);
    }
    drop(typed);
    READERS.wake_one();
}
// ANCHOR_END: typed
