//! Chapter 6: the kernel heap, memory of any size, given out and taken back.
//!
//! [`memory`] reads and writes single words, with all their unsafe code; `blocks` cuts the memory
//! up and notes each block's size at both of its ends; `free_list` strings the free blocks together;
//! [`heap`] allocates, frees and grows. [`free_error`] says why a pointer cannot be freed, and
//! [`check`] looks at the whole: how full it is, and whether it is sound. None of this knows about
//! paging. [`global`] does: there the heap becomes Rust's global allocator, and grows by mapping frames.

#![cfg_attr(target_os = "none", no_std)]

pub mod memory;
mod blocks;
mod free_list;
pub mod heap;
pub mod free_error;
pub mod check;
pub mod global;

#[cfg(target_os = "none")]
pub use global::{init, usage};

#[cfg(test)]
mod tests;
