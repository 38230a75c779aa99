//! Rust's global allocator: the heap behind a lock, which grows by mapping frames at its end.
//!
//! ```text
//!   0xC000_0000                  end                     limit          0xD000_0000
//!        |  mapped: the heap      | not mapped yet         | never mapped    |
//!        +------------------------+------------------------+-----------------+
//!        |<----- page tables exist from the start -------->|
//! ```
//!
//! A heap that needed memory from itself to grow would call itself in the middle of a change. So the frames come from
//! chapter 5's allocator, and `init` makes all page tables beforehand, enough for all free memory. Chapter 9 relies on
//! the fact that the heap's page tables never change after that: all address spaces share them.

#![cfg(target_os = "none")]

use crate::check::Usage;
use crate::heap::Heap;
use crate::memory::Memory;
use crate::{END, START};
use common::{Lock, VirtAddr};
use core::alloc::{GlobalAlloc, Layout};
use core::ptr::{self, NonNull};
use paging::directory::{MapError, PAGES_PER_TABLE};
use paging::regions::{self, Region};
use paging::{Flags, PAGE_BYTES};
use paging::{KERNEL, frame_allocator};

// ANCHOR: static
#[global_allocator]
static HEAP: KernelHeap = KernelHeap(Lock::new(Growing { heap: Heap::new(START.as_u32() as usize), limit: START }));

/// The heap, and the address up to which it may grow.
struct Growing {
    heap: Heap,
    limit: VirtAddr,
}

struct KernelHeap(Lock<Growing>);
// ANCHOR_END: static

// ANCHOR: init
/// Makes the heap's page tables and registers its address range. The heap gets its memory with the first requests.
///
/// # Panics
/// If there is not enough memory for the page tables, or if it is called twice.
pub fn init() {
    assert!(HEAP.0.lock().limit == START, "`heap::init` has already run");
    let tables = frame_allocator::free_count().div_ceil(PAGES_PER_TABLE);
    let limit = START.wrapping_add(tables * PAGES_PER_TABLE * PAGE_BYTES).min(END);
    KERNEL.lock().make_tables(START..limit).expect("the heap needs memory for its page tables");
    HEAP.0.lock().limit = limit;
    regions::add(Region::new(START..END, |_, f| f.write_str("the kernel heap")));
}
// ANCHOR_END: init

/// How much of the heap is in use, in bytes and in blocks. Walks over all blocks.
pub fn usage() -> Usage {
    HEAP.0.lock().heap.usage()
}

// ANCHOR: allocator
// SAFETY: 1. The memory that the heap returns is mapped, fits the layout, and has no other owner until it is freed.
// 2. The lock keeps all other code, interrupt handlers included, away from a heap that is being changed.
unsafe impl GlobalAlloc for KernelHeap {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let mut growing = self.0.lock();
        loop {
            if let Some(pointer) = growing.heap.allocate(layout) {
                return pointer.as_ptr();
            }
            if growing.grow_for(layout).is_err() {
                return ptr::null_mut();
            }
        }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, _: Layout) {
        let Some(there) = NonNull::new(pointer) else { panic!("cannot free a null pointer") };
        let freed = self.0.lock().heap.free(there);
        if let Err(error) = freed {
            panic!("cannot free {pointer:p}: {error}");
        }
    }
}
// ANCHOR_END: allocator

/// There are no free frames to grow with, or the address range is used up.
struct CannotGrow;

impl Growing {
    // ANCHOR: grow
    /// Grows by as many pages as `layout` needs, or not at all.
    #[cold]
    fn grow_for(&mut self, layout: Layout) -> Result<(), CannotGrow> {
        let end = VirtAddr::new(self.heap.memory().end() as u32);
        let room = (self.limit.as_u32() - end.as_u32()) as usize;
        let bytes = self.heap.shortfall(layout);
        if bytes > room {
            return Err(CannotGrow);
        }
        let bytes = (bytes as u32).next_multiple_of(PAGE_BYTES);
        // SAFETY: nothing else uses the addresses between the heap's end and its limit.
        let mapped = unsafe { KERNEL.lock().map_free_frames(end..end.wrapping_add(bytes), Flags::WRITABLE) };
        mapped.map_err(|_: MapError| CannotGrow)?;
        // SAFETY: 1. These pages have just been mapped, and are never unmapped. 2. Their frames were free, so no other
        // code uses them.
        self.heap.grow(unsafe { Memory::new(end.as_u32() as usize, bytes as usize) });
        Ok(())
    }
    // ANCHOR_END: grow
}
