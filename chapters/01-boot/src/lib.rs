//! Chapter 1: from the boot loader into Rust, with a log to speak through.
//!
//! The loader leaves the CPU in 32-bit protected mode, paging off, interrupts off, and an undefined
//! stack pointer (Multiboot2 specification 3.3). [`mod@entry`] gives it a stack and enters Rust,
//! [`information`] reads what the loader tells, [`serial`] carries the log, and [`mod@stop`] is how every
//! kernel of this book ends, well or badly.

#![cfg_attr(target_os = "none", no_std)]

pub mod entry;
pub mod information;
pub mod serial;
pub mod stop;

#[cfg(doctest)]
#[doc = include_str!("../tests/refused.md")]
mod refused {}
