//! Code that at least two chapters use and none teaches.
//!
//! The address types, the lock, the sections of the kernel's image, and the exit from QEMU. None of them
//! is a step of the tutorial.

#![cfg_attr(target_os = "none", no_std)]

pub mod address;
pub mod image;
pub mod lock;
pub mod qemu;

pub use address::{PhysAddr, VirtAddr};
#[cfg(target_os = "none")]
pub use lock::Lock;
