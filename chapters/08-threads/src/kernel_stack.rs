//! The stack of a kernel thread: three pages, and a guard page below them. A formatted `println!` that is
//! interrupted takes about one kilobyte of them, and a panic two.
//!
//! ```text
//!   0xD000_0000 + place * 16 KiB:   | guard page | page | page | page |
//!                                                              top ---^
//! ```

use crate::thread_id::{MOST_THREADS, ThreadId};
use common::VirtAddr;
use paging::KERNEL;
use paging::regions::{self, Region};
use paging::{Flags, PAGE_BYTES};

const START: VirtAddr = VirtAddr::new(0xD000_0000);
/// With the guard page.
const BYTES: u32 = 4 * PAGE_BYTES;

/// A kernel stack, given back when dropped: not by the thread that runs on it.
pub struct KernelStack {
    bottom: VirtAddr,
    top: VirtAddr,
}

/// Makes the page tables of all kernel stacks, and names the region.
///
/// # Panics
/// If memory is out.
pub fn init() {
    let all = START..START.wrapping_add(MOST_THREADS as u32 * BYTES);
    KERNEL.lock().make_tables(all.clone()).expect("memory is not out yet");
    regions::add(Region::stacks(all, BYTES, |address, f| {
        write!(f, "the kernel stack of thread {}", (address.as_u32() - START.as_u32()) / BYTES)
    }));
}

impl KernelStack {
    // ANCHOR: stack
    /// The stack of `thread`, which must have none yet; none if memory is out.
    pub fn new(thread: ThreadId) -> Option<Self> {
        let guard = START.wrapping_add(thread.place() as u32 * BYTES);
        let bottom = guard.wrapping_add(PAGE_BYTES);
        let top = guard.wrapping_add(BYTES);
        // SAFETY: these pages are for nothing else, and a thread has one stack at a time.
        let mapped = unsafe { KERNEL.lock().map_free_frames(bottom..top, Flags::WRITABLE) };
        mapped.ok().map(|()| Self { bottom, top })
    }
    // ANCHOR_END: stack

    /// The address behind the stack's highest word.
    pub fn top(&self) -> VirtAddr {
        self.top
    }
}

// ANCHOR: drop
impl Drop for KernelStack {
    fn drop(&mut self) {
        // SAFETY: the stack's owner gives it up, so nobody runs on it or refers to it.
        unsafe { KERNEL.lock().unmap_and_free(self.bottom..self.top) };
    }
}
// ANCHOR_END: drop
