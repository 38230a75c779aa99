//! Chapter 5: memory in pages, each with its own place and its own protection.
//!
//! Physical memory is handed out in [`frames`] of 4 KiB. A page directory with its page [`tables`] says for every page
//! of virtual memory which frame it means, if any, and what may be done with it. An access that the tables forbid, or
//! a stack that runs into its guard page, is one of the [`faults`], and is told in words. `kernel_space` builds the
//! kernel's own map and turns paging on:
//!
//! ```text
//!   0x0000_0000  page 0: never mapped, so that a null pointer is noticed
//!   0x0000_1000  the identity map: physical memory, seen at its own address
//!                the BIOS's and the screen's memory          read, write
//!   0x0010_0000  .rodata and .text                           read
//!                .data, .bss                                 read, write
//!                the guard page under the boot stack         nothing
//!                the boot stack, and all memory behind it    read, write
//!   0x0800_0000  128 MiB: the end of the identity map; nothing is mapped from here on
//! ```

#![cfg_attr(target_os = "none", no_std)]
#![cfg_attr(not(target_os = "none"), allow(dead_code))] // the host only tests what is pure logic

/// Physical memory: which frames are free, and how many owners the others have.
mod frames {
    pub mod page;
    pub mod memory_map;
    pub mod frame_table;
    pub mod frame_allocator;
    pub mod owned_frame;
}

/// Virtual memory: which frame a page means, and what may be done with it.
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
