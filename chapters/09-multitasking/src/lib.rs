//! Chapter 9: tasks, each with an address space of its own, made by forking.
//!
//! A task is a thread of chapter 8 and an address space ([`address_space`]). [`fork`](fork::fork) makes a second
//! task out of the running one: both go on from the same place, and only the value that `fork` returns
//! tells them apart. One [`rule`] decides what becomes of each part of the address space:
//!
//! ```text
//!       task 1                     physical memory                    task 2
//!   +----------------+                                           +----------------+
//!   | kernel stacks  | ------------> [ frames ] <--------------- | kernel stacks  |  linked
//!   | kernel heap    | ------------> [ frames ] <--------------- | kernel heap    |  linked
//!   +----------------+ 0xC000_0000                               +----------------+
//!   | private stack  | -----> [ frames ]       [ frames ] <----- | private stack  |  copied
//!   | private memory | -----> [ frames ]       [ frames ] <----- | private memory |  copied
//!   +----------------+ 0x0800_0000                               +----------------+
//!   | kernel code    | ------------> [ frames ] <--------------- | kernel code    |  linked
//!   +----------------+                                           +----------------+
//! ```
//!
//! The kernel lies at the same place in all of them, so it can go from one to the other in the midst of
//! its own code ([`switch`]), and what it changes in its heap for one task is there for all.

#![cfg_attr(target_os = "none", no_std)]

#[cfg(target_os = "none")]
extern crate alloc;

pub mod family;
pub mod rule;

#[cfg(target_os = "none")]
pub mod address_space;
#[cfg(target_os = "none")]
pub mod comparison;
#[cfg(target_os = "none")]
pub mod fork;
#[cfg(target_os = "none")]
pub mod switch;
#[cfg(target_os = "none")]
mod table;
#[cfg(target_os = "none")]
pub mod task;

#[cfg(target_os = "none")]
pub use fork::fork;
#[cfg(target_os = "none")]
pub use task::{exit, getpid, init, wait};
