//! Chapter 9: tasks, each with an address space of its own, made by forking.
//!
//! A task is a thread of chapter 8 with an address space ([`AddressSpace`]). [`fork`] makes a second task, a copy of
//! the running one. Both continue at the same instruction, and only the value that `fork` returns tells them
//! apart. One [`rule`] decides which parts of the address space are linked and which are copied:
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
//! The kernel lies at the same place in every address space. So it can switch from one to another in the middle of
//! its own code ([`switch_space`]), and what it changes in its heap for one task is changed for all.
//!
//! Start with [`space`]: what is linked, what is copied, and how the CPU switches from one address
//! space to another. Then read [`task`]: the family of tasks, and how a task forks, exits and waits.

#![cfg_attr(target_os = "none", no_std)]
#![cfg_attr(not(target_os = "none"), allow(dead_code))] // the host tests only what is pure logic

/// Address spaces: what is linked, what is copied, and how the CPU switches from one to another.
mod space {
    pub mod rule;
    pub mod address_space;
    pub mod copy;
    pub mod switch;
    pub mod comparison;
}

/// Tasks: which task is the child of which, and how a task forks, exits and waits.
mod task {
    pub mod family;
    pub mod table;
    pub mod fork;
    pub mod system_call;
    pub mod lifetime;
}

pub use space::rule;
pub use task::family::{Family, NoSuchChild, Pid};

#[cfg(target_os = "none")]
pub use {
    space::address_space::{AddressSpace, OutOfMemory},
    space::comparison,
    space::switch::{self, switch_space},
    task::fork::{ForkError, fork},
    task::lifetime::{Exited, exit, getpid, init, map, run, try_wait, wait, wait_for, with_directories},
    task::system_call,
};

#[cfg(doctest)]
#[doc = include_str!("../tests/refused.md")]
mod refused {}
