//! Detects whether CR3 has been loaded, by a translation that the TLB still holds or has lost.
//!
//! Loading CR3 empties the TLB (Intel SDM volume 3A, 4.10.4.1 "Operations that Invalidate TLBs and Paging-Structure
//! Caches"). So the test uses a page and then changes its entry without a flush: the old entry counts until a load.

use common::VirtAddr;
use paging::{Entry, Flags, Frame, KERNEL, Page, Table, frame_allocator};

/// A page in the last slot for a kernel stack, which is empty. Its page table is linked.
const PAGE: Page = Page::containing(VirtAddr::new(0xD000_0000 + 1024 * 0x4000 - 0x1000));

/// A page and two frames for it: one holds 0, the other 1.
pub struct Translation {
    frames: [Frame; 2],
}

impl Translation {
    /// Allocates the two frames.
    pub fn new() -> Self {
        let frame_with = |value: u32| {
            let frame = frame_allocator::allocate().expect("there is enough memory").into_frame();
            // SAFETY: the frame was free.
            unsafe { frame.in_window().address().as_ptr::<u32>().write(value) };
            frame
        };
        Self { frames: [frame_with(0), frame_with(1)] }
    }

    /// Makes the TLB hold the first frame, while the entry already leads to the second.
    pub fn remember(&self) {
        let [first, second] = self.frames;
        self.point_to(first);
        // SAFETY: without a TLB entry the CPU only walks the page tables again.
        unsafe { x86::tlb::flush(PAGE.address().as_u32() as usize) };
        assert!(!self.is_forgotten());
        self.point_to(second);
    }

    /// Whether the CPU has had to walk the page tables again.
    pub fn is_forgotten(&self) -> bool {
        // SAFETY: `remember` has mapped the page, to one of the two frames.
        unsafe { PAGE.address().as_ptr::<u32>().read_volatile() == 1 }
    }

    fn point_to(&self, frame: Frame) {
        let table = KERNEL.lock().entry(PAGE.directory_index()).frame();
        // SAFETY: it is the table of that page, and nothing else uses the page.
        unsafe { Table::in_frame(table).set(PAGE.table_index(), Entry::new(frame, Flags::WRITABLE)) };
    }
}
