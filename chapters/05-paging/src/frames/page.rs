//! Pages and frames: 4 KiB of virtual memory, and 4 KiB of physical memory.
//!
//! A page is a place; a frame is the memory that lies there. They are two types, so that the compiler rejects a mix-up.

#![forbid(unsafe_code)]

use common::{PhysAddr, VirtAddr};
use core::fmt;
use core::ops::Range;

/// The size of a page and of a frame.
pub const PAGE_BYTES: u32 = 4096;

/// The end of the identity map: physical memory below it is mapped at its own address.
pub const WINDOW_END: u32 = 128 << 20;

// ANCHOR: types
/// 4 KiB of virtual memory.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Page(u32);

/// 4 KiB of physical memory.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Frame(u32);
// ANCHOR_END: types

impl Page {
    /// The page in which `address` lies.
    pub const fn containing(address: VirtAddr) -> Self {
        Self(address.as_u32() / PAGE_BYTES)
    }

    /// The first address of the page.
    pub const fn address(self) -> VirtAddr {
        VirtAddr::new(self.0 * PAGE_BYTES)
    }

    /// The pages that `addresses` touches, the last one included.
    pub fn range(addresses: Range<VirtAddr>) -> impl Iterator<Item = Self> {
        let start = addresses.start.as_u32() / PAGE_BYTES;
        let end = if addresses.is_empty() { start } else { addresses.end.as_u32().div_ceil(PAGE_BYTES) };
        (start..end).map(Self)
    }

    // ANCHOR: indices
    /// Which entry of the page directory leads to the page: the upper 10 of 20 bits.
    pub const fn directory_index(self) -> usize {
        (self.0 >> 10) as usize
    }

    /// Which entry of that page table maps the page: the lower 10 of 20 bits.
    pub const fn table_index(self) -> usize {
        (self.0 & 0x3FF) as usize
    }
    // ANCHOR_END: indices

    /// The page with these two indices.
    ///
    /// # Panics
    /// If one of them is 1024 or more.
    pub const fn from_indices(directory: usize, table: usize) -> Self {
        assert!(directory < 1024 && table < 1024, "an index is below 1024");
        Self((directory << 10 | table) as u32)
    }
}

impl Frame {
    /// The frame in which `address` lies.
    pub const fn containing(address: PhysAddr) -> Self {
        Self(address.as_u32() / PAGE_BYTES)
    }

    /// The frame with this number. The first frame of memory has number 0.
    ///
    /// # Panics
    /// If the number is 2^20 or more: a physical address has 32 bits.
    #[inline(always)]
    pub const fn from_number(number: u32) -> Self {
        assert!(number < 1 << 20, "there are 2^20 frames");
        Self(number)
    }

    /// The frame's number: how many frames lie before it.
    pub const fn number(self) -> u32 {
        self.0
    }

    /// The first address of the frame.
    pub const fn address(self) -> PhysAddr {
        PhysAddr::new(self.0 * PAGE_BYTES)
    }

    /// The page at which the identity map (the "window") has this frame.
    ///
    /// # Panics
    /// If the frame lies beyond the identity map.
    #[inline(always)]
    pub const fn in_window(self) -> Page {
        assert!(self.0 < WINDOW_END / PAGE_BYTES, "the frame is outside the identity map");
        Page(self.0)
    }
}

impl fmt::Debug for Page {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "Page({})", self.address())
    }
}

impl fmt::Debug for Frame {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "Frame({})", self.address())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn indices_take_an_address_apart_and_put_it_together() {
        let page = Page::containing(VirtAddr::new(0xC040_3FFF));
        assert_eq!((page.directory_index(), page.table_index()), (0x301, 3));
        assert_eq!(Page::from_indices(0x301, 3).address(), VirtAddr::new(0xC040_3000));
    }

    #[test]
    #[should_panic(expected = "an index is below 1024")]
    fn an_index_has_10_bits() {
        Page::from_indices(0, 1024);
    }

    #[test]
    #[should_panic(expected = "there are 2^20 frames")]
    fn the_number_of_a_frame_has_20_bits() {
        Frame::from_number(1 << 20);
    }

    #[test]
    #[should_panic(expected = "the frame is outside the identity map")]
    fn the_window_shows_no_frame_behind_it() {
        let last = Frame::from_number(WINDOW_END / PAGE_BYTES - 1);
        assert_eq!(last.in_window().address().as_u32(), last.address().as_u32());
        Frame::from_number(WINDOW_END / PAGE_BYTES).in_window();
    }

    #[test]
    fn pages_and_frames_are_told_apart_in_words() {
        let (page, frame) = (Page::from_indices(1, 2), Frame::from_number(3));
        assert_eq!(format!("{page:?} {frame:?}"), "Page(0x00402000) Frame(0x00003000)");
    }

    #[test]
    fn a_range_has_every_page_that_it_touches() {
        let count = |from, to| Page::range(VirtAddr::new(from)..VirtAddr::new(to)).count();
        assert_eq!(count(0x1000, 0x1000), 0);
        assert_eq!(count(0x1000, 0x2000), 1);
        assert_eq!(count(0x1FFF, 0x2001), 2);
        assert_eq!(count(0x1001, 0x1001), 0, "no address, no page");
        assert_eq!(count(0x1FFF, 0x1001), 0);
    }
}
