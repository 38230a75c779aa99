//! The way out of QEMU: the `isa-debug-exit` device.
//!
//! A 32-bit write of `n` to its port ends QEMU with status `2n + 1`. On a machine without the device,
//! the write does nothing.

#![cfg(target_os = "none")]

use x86::io;

const EXIT_PORT: u16 = 0xF4;

/// How the kernel's run went, for the host to see.
#[derive(Clone, Copy)]
#[repr(u32)]
pub enum Outcome {
    /// QEMU ends with status 33.
    Good = 0x10,
    /// QEMU ends with status 35.
    Bad = 0x11,
}

/// Leaves QEMU, if this is QEMU and it has the device. Otherwise halts for good.
pub fn exit(outcome: Outcome) -> ! {
    // SAFETY: only the exit device uses this port.
    unsafe { io::outl(EXIT_PORT, outcome as u32) };
    halt()
}

/// Stops the CPU for good: with interrupts off, and halted instead of spinning.
pub fn halt() -> ! {
    loop {
        // SAFETY: this code never continues, so it cannot miss an interrupt.
        unsafe {
            x86::irq::disable();
            x86::halt();
        }
    }
}
