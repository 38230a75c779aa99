//! Chapter 8: many threads share one CPU, each as if it were alone.
//!
//! A thread is a stack, and the registers that were on the CPU when it last ran, saved on that stack as a
//! [`Context`]. The context switch saves one thread's context and loads another's. The scheduler decides when, and
//! which thread is next: the first one of the run queue. It switches when the running thread has used up its
//! timeslice, or has to wait. A thread that waits is in a [`WaitQueue`], for a deadline ([`sleep`]), for input
//! ([`input::read_byte`]) or for the end of another thread ([`Thread::join`]), and costs nothing.
//!
//! ```text
//!                 timeslice over, yield_now
//!               +---------------------------+
//!               v                           |
//!   spawn --> ready ---- picked ----> running --- exit ---> finished --- join --> free
//!               ^                           |
//!               +-- woken, -- waiting <-----+
//!                   deadline        wait_until
//! ```
//!
//! The order of reading: [`state`] is what a thread is, [`choice`] is which one runs next, [`time`] is how long it
//! runs and how it waits, and [`thread`] is the whole life of a thread.

#![cfg_attr(target_os = "none", no_std)]
#![cfg_attr(not(target_os = "none"), allow(dead_code))] // the host only tests what is pure logic

extern crate alloc;

/// What a thread is: its number, its saved registers, its stack, and what the kernel knows about it.
mod state {
    pub mod thread_id;
    pub mod context;
    pub mod kernel_stack;
    pub mod control_block;
}

/// Which thread runs next: the queue, the choice, and the count of how turns ended.
mod choice {
    pub mod queue;
    pub mod reason;
    pub mod hook;
    pub mod scheduler;
    pub mod turns;
}

/// How long a thread runs, and how it waits: timeslices, deadlines, wait queues, input.
mod time {
    pub mod timeslice;
    pub mod sleepers;
    pub mod wait_queue;
    pub mod keyboard_controller;
    pub mod input;
}

mod thread;

pub use choice::reason::{Counts, Reason};
pub use state::thread_id::{MOST_THREADS, PerThread, ThreadId};

/// Where the addresses of the first slot's stack begin; those of the others follow.
pub const STACKS_START: common::VirtAddr = common::VirtAddr::new(0xD000_0000);

/// From one stack to the next: three pages, and the guard page below them.
pub const STACK_BYTES: u32 = 4 * paging::PAGE_BYTES;

#[cfg(target_os = "none")]
pub use {
    choice::hook::{BeforeSwitch, Hook, before_switch},
    choice::scheduler::{current, switch_by, yield_now},
    choice::turns::count_turns,
    state::context::{Context, Switch, switch},
    state::kernel_stack::KernelStack,
    thread::{ReservedThread, SpawnError, Thread, exit, init, spawn},
    time::{
        input,
        wait_queue::{WaitQueue, sleep},
    },
};

#[cfg(doctest)]
#[doc = include_str!("../tests/refused.md")]
mod refused {}
