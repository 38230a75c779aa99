//! The controller between the keyboard and the CPU (IBM PC AT Technical Reference, "Keyboard Controller"; with a mouse,
//! IBM PS/2 Hardware Interface Technical Reference, "Keyboard and Auxiliary Device Controller").
//!
//! It has one register for received bytes, from the keyboard and from the mouse. If firmware has left the mouse on, a
//! byte from it would stay there unread, and no key would arrive anymore. So the kernel sets the controller up again.
//! QEMU leaves the mouse off: this shows on some real machines only.

#![cfg(target_os = "none")]

use x86::io::{inb, outb};

const DATA: u16 = 0x60;
/// Reading it returns the status; writing it sends a command.
const STATUS: u16 = 0x64;
/// Where there is no controller, every bit reads as set.
const NO_CONTROLLER: u8 = 0xFF;

// Bits of the status.
const RECEIVED: u8 = 1 << 0;
const IS_BUSY: u8 = 1 << 1;
const FROM_MOUSE: u8 = 1 << 5;

// Commands.
const READ_SETTINGS: u8 = 0x20;
const WRITE_SETTINGS: u8 = 0x60;
const KEYBOARD_OFF: u8 = 0xAD;

// Commands to the keyboard itself, and its answer to each byte (the same manual, "Keyboard").
const SET_SCAN_CODES: u8 = 0xF0;
const SCAN: u8 = 0xF4;
const ACKNOWLEDGED: u8 = 0xFA;

// Bits of the settings.
const KEYBOARD_INTERRUPTS: u8 = 1 << 0;
const MOUSE_INTERRUPTS: u8 = 1 << 1;
const KEYBOARD_IS_OFF: u8 = 1 << 4;
const MOUSE_IS_OFF: u8 = 1 << 5;
/// The controller translates scan codes into those of set 1.
const IS_TRANSLATED: u8 = 1 << 6;

/// How often to poll for something that takes a few milliseconds at most.
const PATIENCE: u32 = 100_000;

// ANCHOR: init
/// Lets the keyboard send scan codes and interrupt, and keeps the mouse silent. Calls `take` with each byte that the
/// keyboard has sent already.
pub fn init(mut take: impl FnMut(u8)) {
    // SAFETY: reading the status changes nothing.
    if unsafe { inb(STATUS) } == NO_CONTROLLER {
        return;
    }
    command(KEYBOARD_OFF); // no byte that arrives after this comes from the keyboard
    while let Some(byte) = receive() {
        take(byte);
    }
    command(READ_SETTINGS);
    let Some(settings) = (0..PATIENCE).find_map(|_| receive()) else { return };
    let on = KEYBOARD_INTERRUPTS | IS_TRANSLATED | MOUSE_IS_OFF;
    let off = MOUSE_INTERRUPTS | KEYBOARD_IS_OFF;
    command(WRITE_SETTINGS);
    write(DATA, settings & !off | on);
    // The controller translates set 2, and a keyboard that does not scan sends no key at all.
    for byte in [SET_SCAN_CODES, 2, SCAN] {
        if !tell_keyboard(byte, &mut take) {
            return;
        }
    }
}
// ANCHOR_END: init

/// Sends a byte to the keyboard; returns whether it was acknowledged. Calls `take` with each byte that arrives first.
fn tell_keyboard(byte: u8, mut take: impl FnMut(u8)) -> bool {
    write(DATA, byte);
    for received in (0..PATIENCE).filter_map(|_| receive()) {
        if received == ACKNOWLEDGED {
            return true;
        }
        take(received);
    }
    false
}

/// The next byte of the keyboard, if one has been received. Bytes of the mouse are dropped.
pub fn receive() -> Option<u8> {
    loop {
        // SAFETY: reading the status changes nothing.
        let status = unsafe { inb(STATUS) };
        if status == NO_CONTROLLER || status & RECEIVED == 0 {
            return None;
        }
        // SAFETY: reading takes the byte out of the controller, and no more.
        let byte = unsafe { inb(DATA) };
        if status & FROM_MOUSE == 0 {
            return Some(byte);
        }
    }
}

fn command(command: u8) {
    write(STATUS, command);
}

/// Writes as soon as the controller has taken the byte before.
fn write(port: u16, value: u8) {
    // SAFETY: the controller reaches no memory, and none of its commands that are sent here resets the machine.
    unsafe {
        (0..PATIENCE).take_while(|_| inb(STATUS) & IS_BUSY != 0).for_each(drop);
        outb(port, value);
    }
}
