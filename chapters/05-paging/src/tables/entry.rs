//! An entry of a page directory or page table: a frame, and what may be done with it.
//!
//! ```text
//!   31                                  12 11   9 8   7   6   5  4 3  2   1   0
//!  +--------------------------------------+------+---+---+---+---+----+---+---+---+
//!  |          frame's address             | ours | G | PS| D | A | .. | U | W | P |
//!  +--------------------------------------+------+---+---+---+---+----+---+---+---+
//! ```
//! Source: Intel SDM volume 3A, 4.3 "32-Bit Paging", tables 4-4 to 4-6. Without P, the CPU ignores all other bits. This
//! kernel writes an absent entry as 0 in all bits. But P alone decides whether an entry is present: frame 0 is a frame
//! like any other, so a comparison of the frame with 0 would be wrong.

#![forbid(unsafe_code)]

use crate::frames::page::Frame;
use bitflags::bitflags;
use common::PhysAddr;

// ANCHOR: flags
bitflags! {
    /// What may be done with a page, and what has been done.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct Flags: u32 {
        /// The page is present.
        const PRESENT = 1 << 0;
        /// The page may be written. With CR0.WP this binds the kernel too.
        const WRITABLE = 1 << 1;
        /// Ring 3 may use the page.
        const USER = 1 << 2;
        /// The page has been read or written. The CPU sets it.
        const ACCESSED = 1 << 5;
        /// The page has been written. The CPU sets it.
        const DIRTY = 1 << 6;
        /// In a directory: a page of 4 MiB in one piece, without a page table (PS).
        const LARGE = 1 << 7;
        /// In a page table: the entry owns a share of its frame. The identity map owns no frames. The CPU ignores
        /// this bit and the next two.
        const OWNED = 1 << 9;
        /// For the code that maps the page to use as it likes.
        const AVAILABLE_10 = 1 << 10;
        /// For the code that maps the page to use as it likes.
        const AVAILABLE_11 = 1 << 11;
    }
}
// ANCHOR_END: flags

impl Flags {
    /// The flags that the code that maps a page may choose. The others belong to the kernel and the CPU. In a page
    /// table, the bit of [`LARGE`](Self::LARGE) means something else (PAT: Intel SDM volume 3A, table 4-6).
    pub(crate) const GRANTED: Self =
        Self::WRITABLE.union(Self::USER).union(Self::AVAILABLE_10).union(Self::AVAILABLE_11);
}

/// An entry of a page directory or page table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(transparent)]
pub struct Entry(u32);

const _: () = assert!(size_of::<Entry>() == 4);

// ANCHOR: entry
impl Entry {
    /// An absent entry.
    pub(crate) const ABSENT: Self = Self(0);

    /// A present entry for `frame`, with `flags`.
    pub const fn new(frame: Frame, flags: Flags) -> Self {
        // Bits that are not flags are dropped: they would change the frame.
        let flags = flags.intersection(Flags::all()).union(Flags::PRESENT);
        Self(frame.address().as_u32() | flags.bits())
    }

    /// The same entry, with the rights and notes of `rights`. The frame, its owner and the CPU's bits stay.
    pub(crate) const fn with_rights(self, rights: Flags) -> Self {
        let kept = self.flags().difference(Flags::GRANTED);
        Self::new(self.frame(), rights.intersection(Flags::GRANTED).union(kept))
    }

    /// Whether the entry is present.
    pub const fn is_present(self) -> bool {
        self.0 & Flags::PRESENT.bits() != 0
    }

    /// The frame of the entry.
    pub const fn frame(self) -> Frame {
        Frame::containing(PhysAddr::new(self.0))
    }

    /// What may be done with the page, and what has been done.
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
        let frame = Frame::from_number(1);
        assert_eq!(Entry::new(frame, Flags::from_bits_retain(u32::MAX)).frame(), frame);
    }

    #[test]
    fn protecting_changes_the_rights_and_keeps_all_else() {
        let (frame, noted) = (Frame::from_number(7), Flags::OWNED | Flags::DIRTY);
        let entry = Entry::new(frame, noted | Flags::WRITABLE | Flags::AVAILABLE_10);
        let rights = Flags::USER | Flags::AVAILABLE_11;
        // All of the caller's bits except rights and notes are ignored, even those that could be part of an address.
        assert_eq!(entry.with_rights(rights | Flags::ACCESSED | Flags::LARGE), Entry::new(frame, noted | rights));
        let address = Flags::from_bits_retain(0xFFFF_F000);
        assert_eq!(entry.with_rights(rights | address), Entry::new(frame, noted | rights));
        assert_eq!(Entry::new(frame, Flags::empty()).with_rights(Flags::OWNED), Entry::new(frame, Flags::empty()));
    }

    #[test]
    fn the_three_available_bits_are_kept() {
        let available = Flags::OWNED | Flags::AVAILABLE_10 | Flags::AVAILABLE_11;
        assert_eq!(Entry::new(Frame::from_number(1), available).0, 0x1E01);
        assert_eq!(Entry(0xFFFF_FFFF).flags(), Flags::all());
    }

    #[test]
    fn frame_0_is_a_frame_like_any_other() {
        assert!(Entry::new(Frame::from_number(0), Flags::empty()).is_present());
        assert!(!Entry::ABSENT.is_present());
    }
}
