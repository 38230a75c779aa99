//! Chapter 6: the kernel heap, which allocates and frees memory of any size.
//!
//! [`memory`] reads and writes single words and has all their unsafe code. `blocks` stores each block's size at both of
//! its ends. `bit_map` and `free_lists` sort the free blocks by size. [`heap`] allocates, frees and grows.
//! [`free_error`] says why a pointer cannot be freed. [`check`] counts the memory in use and checks that the heap is
//! consistent. None of these modules knows about paging. [`global`] does: it makes the heap Rust's global allocator,
//! which grows by mapping frames.
//!
//! The kernels are optimized for size, and then the compiler inlines almost nothing by itself. So the small functions
//! that every request calls are marked `inline(always)`.

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

/// The address at which the kernel's heap begins.
pub const START: VirtAddr = VirtAddr::new(0xC000_0000);

/// The address that the heap never grows beyond.
pub const END: VirtAddr = VirtAddr::new(0xD000_0000);

#[cfg(test)]
mod tests;
