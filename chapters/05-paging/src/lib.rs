//! Chapter 5: memory in pages, each with a place and rights of its own.
//!
//! Without paging, a wild pointer reaches every byte of memory, and a stack that overflows overwrites variables. So
//! physical memory is handed out in [`frames`] of 4 KiB, and a page directory with its page [`tables`] says for each
//! page of virtual memory which frame it means, if any, and which accesses are allowed. If the tables forbid an access,
//! or a stack runs into its guard page, that is one of the [`faults`], and the kernel reports it. `kernel_space` builds
//! the kernel's own map and turns paging on:
//!
//! ```text
//!   0x0000_0000  page 0: never mapped, so that a null pointer causes a fault
//!   0x0000_1000  the identity map: physical memory, at its own address
//!                memory of the BIOS and the screen           read, write
//!   0x0010_0000  .rodata and .text                           read
//!                .data, .bss                                 read, write
//!                the guard page under the boot stack         nothing
//!                the boot stack, and all memory behind it    read, write
//!   0x0800_0000  128 MiB: the end of the identity map; nothing is mapped from here on
//! ```

#![cfg_attr(target_os = "none", no_std)]
#![cfg_attr(not(target_os = "none"), allow(dead_code))] // the host tests only pure logic

/// Physical memory: which frames are free, and how many owners the others have.
mod frames {
    pub mod page;
    pub mod memory_map;
    pub mod frame_table;
    pub mod frame_allocator;
    pub mod owned_frame;
}

/// Virtual memory: which frame a page means, and which accesses are allowed.
mod tables {
    pub mod entry;
    pub mod owned_entry;
    pub mod flush;
    pub mod table;
    pub mod directory;
    pub mod several_pages;
    pub mod walk;
}

/// What happens when the tables forbid an access.
mod faults {
    pub mod regions;
    pub mod page_fault;
    pub mod tss;
    pub mod double_fault;
}

mod kernel_space;

pub use frames::frame_table::{self, TooManyOwners};
pub use frames::page::{Frame, PAGE_BYTES, Page, WINDOW_END};
pub use tables::entry::{Entry, Flags};

#[cfg(target_os = "none")]
pub use {
    faults::{double_fault, page_fault, regions, tss},
    frames::{frame_allocator, owned_frame::OwnedFrame},
    kernel_space::{KERNEL, init},
    tables::{directory, directory::Directory, table::Table, walk},
};

#[cfg(test)]
mod tests;

#[cfg(doctest)]
#[doc = include_str!("../tests/refused.md")]
mod refused {}
