//! Chapter 4: being interrupted, and going on as if nothing had happened.
//!
//! The CPU finds in the interrupt descriptor table ([`idt`]) where to go for each of 256 vectors.
//! There, a stub ([`stubs`]) saves every register in one [`TrapFrame`] on the stack and calls the
//! [`Handler`](idt::Handler) that was registered for the vector. When the handler returns, so does the
//! stub, and the interrupted code sees all its registers as they were. An exception without a handler
//! ends the kernel with its name ([`exceptions`]).

#![cfg_attr(target_os = "none", no_std)]
#![cfg_attr(not(target_os = "none"), allow(dead_code))] // the host only tests what is pure logic

pub mod gate;
pub mod idt;
mod stubs;
mod trap_frame;
mod error_code;
pub mod exceptions;

pub use trap_frame::{TrapFrame, UserStack, UserTrapFrame};
#[cfg(target_os = "none")]
pub use {
    idt::{init, register},
    stubs::interrupt_return,
};

#[cfg(doctest)]
#[doc = include_str!("../tests/refused.md")]
mod refused {}
