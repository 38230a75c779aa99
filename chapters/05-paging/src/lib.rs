//! Chapter 5: memory in pages, each with its own place and its own protection.
//!
//! Physical memory is handed out in frames of 4 KiB ([`memory_map`], [`frames`], [`frame_allocator`]). A page
//! directory with its page tables ([`directory`]) says for every page of virtual memory which frame it is,
//! if any, and what may be done with it. `kernel_space` builds the kernel's own map and turns paging on:
//!
//! ```text
//!   0x0000_0000  page 0: never mapped, so that a null pointer is noticed
//!   0x0000_1000  the identity window: physical memory, seen at its own address
//!                the BIOS's and the screen's memory          read, write
//!   0x0010_0000  .rodata and .text                           read
//!                .data, .bss                                 read, write
//!                the guard page under the boot stack         nothing
//!                the boot stack, and all memory behind it    read, write
//!   0x0800_0000  128 MiB: the window's end; nothing is mapped from here on
//! ```
//!
//! An access that the map forbids is a page fault, and is explained ([`page_fault`]); a stack that runs
//! into its guard page is a double fault, and is explained too ([`double_fault`]).

#![cfg_attr(target_os = "none", no_std)]

pub mod entry;
pub mod frames;
pub mod memory_map;
pub mod page;

#[cfg(target_os = "none")]
pub mod directory;
#[cfg(target_os = "none")]
pub mod double_fault;
#[cfg(target_os = "none")]
pub mod frame_allocator;
#[cfg(target_os = "none")]
mod kernel_space;
#[cfg(target_os = "none")]
mod owned_frame;
#[cfg(target_os = "none")]
pub mod page_fault;
#[cfg(target_os = "none")]
pub mod regions;
#[cfg(target_os = "none")]
pub mod tss;

pub use entry::{Entry, Flags};
pub use frames::TooManyOwners;
pub use page::{Frame, PAGE_BYTES, Page};

#[cfg(target_os = "none")]
pub use directory::Directory;
#[cfg(target_os = "none")]
pub use kernel_space::{KERNEL, init};
#[cfg(target_os = "none")]
pub use owned_frame::OwnedFrame;

#[cfg(test)]
mod tests;
