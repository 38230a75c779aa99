//! Chapter 3: flat segments, which make segmentation disappear.
//!
//! In protected mode every address is relative to a segment, and the global descriptor table (GDT) describes every
//! segment. A kernel cannot turn that off. So this kernel has one segment of all 4 GiB for code and one for data. Then
//! every offset is the address itself, and protection is left to paging (chapter 5).
//!
//! This step comes early, because the boot loader's table lies in memory that the kernel may overwrite. The Multiboot2
//! specification (3.3 "I386 machine state") forbids the kernel to load a segment register before it has a table of
//! its own.

#![cfg_attr(target_os = "none", no_std)]

pub mod descriptor;
pub mod entry;
pub mod gdt;

#[cfg(target_os = "none")]
pub use {entry::GdtEntry, gdt::init};
