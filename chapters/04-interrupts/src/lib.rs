//! Chapter 4: interrupts, after which the interrupted code continues as if nothing had happened.
//!
//! Interrupted code did not call anything, so it expects all registers to keep their values. Compiled code cannot
//! guarantee that. So the interrupt descriptor table ([`idt`]) leads each of 256 vectors to a stub in assembly
//! ([`stubs`]). The stub saves every register in one [`TrapFrame`] on the stack and calls the
//! [`Handler`](idt::Handler) that is registered for the vector. When the handler returns, the stub restores all
//! registers from the frame. An exception without a handler ends the kernel with a report ([`exceptions`]).

#![cfg_attr(target_os = "none", no_std)]
#![cfg_attr(not(target_os = "none"), allow(dead_code))] // the host tests only pure logic

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
