//! What no chapter teaches and at least two use.
//!
//! The types of addresses, the lock, the sections of the kernel's image, the way out of QEMU, and the
//! frames in which tests, long tests and benches boot. Nothing here is a step of the tutorial.

#![cfg_attr(target_os = "none", no_std)]

pub mod address;
#[cfg(target_os = "none")]
pub mod image;
#[cfg(target_os = "none")]
pub mod lock;
#[cfg(target_os = "none")]
pub mod measuring;
#[cfg(target_os = "none")]
pub mod qemu;
#[cfg(target_os = "none")]
pub mod stress;
#[cfg(target_os = "none")]
pub mod testing;

pub use address::{PhysAddr, VirtAddr};
#[cfg(target_os = "none")]
pub use lock::Lock;
