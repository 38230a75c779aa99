//! Chapter 3: the segments, which are made to disappear.
//!
//! In protected mode every address is relative to a segment, and every segment is described by eight
//! bytes in the global descriptor table (GDT). There is no way to turn that off. So this kernel
//! describes one segment of all 4 GiB for instructions and one for everything else: every offset is
//! then the address itself, and protection is left to paging (chapter 5).
//!
//! The loader's own table lies in memory that is not kept for us (Multiboot2 3.3: the kernel must not
//! load a segment register before it has set up a table), which is why this comes so early.

#![cfg_attr(target_os = "none", no_std)]

pub mod descriptor;
pub mod entry;
pub mod gdt;

#[cfg(target_os = "none")]
pub use {entry::GdtEntry, gdt::init};
