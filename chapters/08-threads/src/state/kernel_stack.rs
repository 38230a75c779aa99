//! The stack of a kernel thread: three pages, and a guard page below them.
//!
//! A `println!` with formatting that is interrupted takes about one kilobyte of them, and a panic two.
//!
//! ```text
//!   0xD000_0000 + slot * 16 KiB:    | guard page | page | page | page |
//!                                                              top ---^
//! ```

#![cfg(target_os = "none")]

use super::thread_id::{MOST_THREADS, ThreadId};
use crate::{STACK_BYTES as BYTES, STACKS_START as START};
use common::VirtAddr;
use core::ops::Range;
use paging::KERNEL;
use paging::regions::{self, Region};
use paging::{Flags, PAGE_BYTES};

/// A kernel stack. Dropping it frees its memory, so the thread that runs on it must not do that.
pub struct KernelStack {
    top: VirtAddr,
}

/// Makes the page tables of all kernel stacks, and names the region.
///
/// # Panics
/// If memory is exhausted.
pub fn init() {
    let all = START..START.wrapping_add(MOST_THREADS as u32 * BYTES);
    KERNEL.lock().make_tables(all.clone()).expect("kernel stacks need memory for their page tables");
    regions::add(Region::stacks(all, BYTES, |address, f| {
        write!(f, "the kernel stack of thread {}", (address.as_u32() - START.as_u32()) / BYTES)
    }));
}

impl KernelStack {
    // ANCHOR: stack
    /// A stack for `thread`, which has none yet; none if memory is exhausted.
    pub(crate) fn new(thread: ThreadId) -> Option<Self> {
        let top = Self::top_of(thread);
        // SAFETY: nothing else uses these pages.
        unsafe { KERNEL.lock().map_free_frames(pages_below(top), Flags::WRITABLE) }.ok()?;
        Some(Self { top })
    }

    /// The address just above the stack of `thread`, where its first word will be pushed.
    pub fn top_of(thread: ThreadId) -> VirtAddr {
        START.wrapping_add((thread.slot() as u32 + 1) * BYTES)
    }
    // ANCHOR_END: stack

    /// The address just above the stack's highest word.
    pub fn top(&self) -> VirtAddr {
        self.top
    }
}

/// The pages of the stack whose top is at `top`, without the guard page.
fn pages_below(top: VirtAddr) -> Range<VirtAddr> {
    VirtAddr::new(top.as_u32() - BYTES + PAGE_BYTES)..top
}

// ANCHOR: drop
impl Drop for KernelStack {
    fn drop(&mut self) {
        // SAFETY: the stack's owner gives it up, so no thread runs on it or refers to it.
        unsafe { KERNEL.lock().unmap_and_free(pages_below(self.top)) };
    }
}
// ANCHOR_END: drop
