//! Chapter 8: several threads, one CPU, and each as if it were alone.
//!
//! A thread is a stack and the registers that were on the CPU when it last ran, which lie on that stack.
//! [`switch`] goes from one thread's stack to another's; the [`scheduler`] says when, and to whom: the
//! thread at the head of the run queue, once the running one has used up its timeslice, or has nothing
//! to do until something happens. Then it sleeps ([`sleep`]), waits for input ([`input::read_byte`]), or
//! waits for a thread to end ([`Thread::join`]), is not in the run queue, and costs nothing.
//!
//! ```text
//!                 timeslice over, yield_now
//!               +---------------------------+
//!               v                           |
//!   spawn --> ready --- its turn ----> running --- exit ---> finished --- join --> gone
//!               ^                           |
//!               +-- wake --- waiting <------+
//!                             sleep, input, join
//! ```

#![cfg_attr(target_os = "none", no_std)]

pub mod reason;
pub mod ring;
pub mod sleepers;
pub mod thread_id;

#[cfg(target_os = "none")]
pub mod input;
#[cfg(target_os = "none")]
mod kernel_stack;
#[cfg(target_os = "none")]
pub mod scheduler;
#[cfg(target_os = "none")]
pub mod switch;
#[cfg(target_os = "none")]
mod table;
#[cfg(target_os = "none")]
mod thread;
#[cfg(target_os = "none")]
mod timeslice;

pub use reason::{Counts, Reason};
pub use thread_id::ThreadId;

#[cfg(target_os = "none")]
pub use scheduler::{init, sleep, yield_now};
#[cfg(target_os = "none")]
pub use thread::{SpawnError, Thread, exit, spawn};
