//! What no chapter teaches and at least two use.
//!
//! The types of addresses, the lock, the sections of the kernel's image, and the way out of QEMU. Nothing
//! here is a step of the tutorial.

#![cfg_attr(target_os = "none", no_std)]

pub mod address;
pub mod image;
pub mod lock;
pub mod qemu;

pub use address::{PhysAddr, VirtAddr};
#[cfg(target_os = "none")]
pub use lock::Lock;
