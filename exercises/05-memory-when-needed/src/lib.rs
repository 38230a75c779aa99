//! Exercise 5.4: a region of memory whose pages get their frames when they are first used.
//!
//! ```text
//!   0x5000_0000                                      0x5040_0000
//!        | absent | zeros, and what was written | absent | ... |
//!          ^ an access here causes a page fault: the handler maps a frame, and the CPU tries again
//! ```

#![no_std]

use common::VirtAddr;
use core::ops::Range;
use core::sync::atomic::{AtomicU32, Ordering::Relaxed};
use interrupts::{TrapFrame, exceptions};
use paging::page_fault::{PAGE_FAULT, PageFault};
use paging::{Flags, KERNEL, Page, frame_allocator};

/// The region: the 4 MiB of one page table.
pub const REGION: Range<VirtAddr> = VirtAddr::new(0x5000_0000)..VirtAddr::new(0x5040_0000);

/// How many pages have appeared.
static FAULTS: AtomicU32 = AtomicU32::new(0);

/// From now on, pages of the region appear when they are used.
///
/// # Panics
/// If there is no frame for the region's page table.
pub fn init() {
    KERNEL.lock().make_tables(REGION).expect("a frame for the page table");
    // SAFETY: the handler changes no register, and returns only after it has mapped the page.
    unsafe { interrupts::register(PAGE_FAULT, appear) };
}

/// How many pages have appeared so far.
pub fn fault_count() -> u32 {
    FAULTS.load(Relaxed)
}

/// The page fault handler. If a page of the region is absent and a frame is free, it maps the page and counts the
/// fault. It reports all other faults.
extern "C" fn appear(frame: &mut TrapFrame) {
    panic!("exercise 5.4: write `appear`")
}

/// Unmaps all pages of the region that have appeared, frees their frames, and returns how many there were.
///
/// # Safety
/// No reference leads into the region.
pub unsafe fn give_back() -> u32 {
    panic!("exercise 5.4: write `give_back`")
}
