//! Whether CR3 has been loaded, told by a translation that the CPU remembers or has forgotten.
//!
//! To load CR3 makes the CPU forget its translations (Intel SDM volume 3, 4.10.4.1). So a page is used, and
//! then its entry is changed behind the CPU's back: until CR3 is loaded, the page means what it meant before.

use common::VirtAddr;
use paging::{Entry, Flags, Frame, KERNEL, Page, Table, frame_allocator};

/// A page of the last place for a kernel stack, where there is none. Its page table is linked.
const PAGE: Page = Page::containing(VirtAddr::new(0xD000_0000 + 1024 * 0x4000 - 0x1000));

/// A page with a frame that holds 0, and another that holds 1.
pub struct Translation {
    frames: [Frame; 2],
}

impl Translation {
    /// Takes the two frames.
    pub fn new() -> Self {
        let frame_with = |value: u32| {
            let frame = frame_allocator::allocate().expect("memory is not out").into_frame();
            // SAFETY: the frame was free.
            unsafe { frame.in_window().address().as_ptr::<u32>().write(value) };
            frame
        };
        Self { frames: [frame_with(0), frame_with(1)] }
    }

    /// Lets the CPU remember the first frame, while the entry already says the second.
    pub fn remember(&self) {
        let [first, second] = self.frames;
        self.point_to(first);
        // SAFETY: to forget an entry only makes the CPU look it up again.
        unsafe { x86::tlb::flush(PAGE.address().as_u32() as usize) };
        assert!(!self.is_forgotten());
        self.point_to(second);
    }

    /// Has the CPU had to look it up again?
    pub fn is_forgotten(&self) -> bool {
        // SAFETY: the page has been mapped by `remember`, to either of the two frames.
        unsafe { PAGE.address().as_ptr::<u32>().read_volatile() == 1 }
    }

    fn point_to(&self, frame: Frame) {
        let table = KERNEL.lock().entry(PAGE.directory_index()).frame();
        // SAFETY: it is the table of that page, which nothing else uses.
        unsafe { Table::in_frame(table).set(PAGE.table_index(), Entry::new(frame, Flags::WRITABLE)) };
    }
}
