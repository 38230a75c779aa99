//! Chapter 6: the kernel heap, memory of any size, given out and taken back.
//!
//! [`memory`] reads and writes single words, with all their unsafe code; `blocks` notes each block's size at
//! both of its ends; `bit_map` and `free_lists` keep the free blocks by their sizes; [`heap`] allocates, frees and
//! grows. [`free_error`] says why a pointer cannot be freed, and [`check`] looks at the whole: how full it is, and
//! whether it is sound. None of this knows about paging. [`global`] does: there the heap becomes Rust's global
//! allocator, and grows by mapping frames.
//!
//! The kernels are optimised for size, where the compiler inlines hardly anything by itself. So the small
//! functions on the way of every request ask for it.

#![cfg_attr(target_os = "none", no_std)]

pub mod memory;
mod blocks;
mod bit_map;
mod free_lists;
pub mod heap;
pub mod free_error;
pub mod check;
pub mod global;

#[cfg(target_os = "none")]
pub use global::{init, usage};

use common::VirtAddr;

/// Where the kernel's heap begins.
pub const START: VirtAddr = VirtAddr::new(0xC000_0000);

/// Where it ends at the latest.
pub const END: VirtAddr = VirtAddr::new(0xD000_0000);

#[cfg(test)]
mod tests;
