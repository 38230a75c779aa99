//! An entry of a page directory or of a page table: a frame and what may be done with it.
//!
//! ```text
//!   31                                  12 11   9 8   7   6   5  4 3  2   1   0
//!  +--------------------------------------+------+---+---+---+---+----+---+---+---+
//!  |          frame's address             | free | G | PS| D | A | .. | U | W | P |
//!  +--------------------------------------+------+---+---+---+---+----+---+---+---+
//! ```
//! Source: Intel SDM volume 3, tables 4-4 to 4-6. Entries without P have no meaning to the CPU, and 0 in
//! all bits is how this kernel writes "nothing here": whether a page is present is told by P, never by
//! comparing the frame with 0.

#![forbid(unsafe_code)]

use crate::page::Frame;
use bitflags::bitflags;
use common::PhysAddr;

// ANCHOR: flags
bitflags! {
    /// What may be done with a page, and what has been.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct Flags: u32 {
        /// The page is there.
        const PRESENT = 1 << 0;
        /// May be written. With CR0.WP this binds the kernel too.
        const WRITABLE = 1 << 1;
        /// May be used by ring 3.
        const USER = 1 << 2;
        /// Has been read or written: set by the CPU.
        const ACCESSED = 1 << 5;
        /// Has been written: set by the CPU.
        const DIRTY = 1 << 6;
        /// In a directory: 4 MiB in one piece, without a page table (PS).
        const LARGE = 1 << 7;
    }
}
// ANCHOR_END: flags

/// An entry of a page directory or of a page table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(transparent)]
pub struct Entry(u32);

const _: () = assert!(size_of::<Entry>() == 4);

// ANCHOR: entry
impl Entry {
    /// Nothing here.
    pub const ABSENT: Self = Self(0);

    /// An entry for `frame`, present, with `flags` besides.
    pub const fn new(frame: Frame, flags: Flags) -> Self {
        Self(frame.address().as_u32() | flags.bits() | Flags::PRESENT.bits())
    }

    /// Is there anything here?
    pub const fn is_present(self) -> bool {
        self.0 & Flags::PRESENT.bits() != 0
    }

    /// The frame of the entry.
    pub const fn frame(self) -> Frame {
        Frame::containing(PhysAddr::new(self.0))
    }

    /// What may be done with the page, and what has been.
    pub const fn flags(self) -> Flags {
        Flags::from_bits_truncate(self.0)
    }
}
// ANCHOR_END: entry

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frame_and_flags_do_not_touch_each_other() {
        let entry = Entry::new(Frame::from_number(0xF_FFFF), Flags::WRITABLE);
        assert_eq!(entry.0, 0xFFFF_F003);
        assert_eq!(entry.frame(), Frame::from_number(0xF_FFFF));
        assert_eq!(entry.flags(), Flags::PRESENT | Flags::WRITABLE);
    }

    #[test]
    fn frame_0_is_a_frame_like_any_other() {
        assert!(Entry::new(Frame::from_number(0), Flags::empty()).is_present());
        assert!(!Entry::ABSENT.is_present());
    }
}
