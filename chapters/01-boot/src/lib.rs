//! Chapter 1: from the boot loader into Rust, with a log on the serial port.
//!
//! The boot loader leaves the CPU in 32-bit protected mode, with paging off, interrupts off, and an undefined
//! stack pointer (Multiboot2 specification 3.3). [`mod@entry`] sets up a stack and enters Rust,
//! [`information`] reads what the loader reports, [`serial`] writes the log, and [`mod@stop`] ends every
//! kernel of this book, well or badly.

#![cfg_attr(target_os = "none", no_std)]

pub mod entry;
pub mod information;
pub mod serial;
pub mod stop;

#[cfg(doctest)]
#[doc = include_str!("../tests/refused.md")]
mod refused {}
