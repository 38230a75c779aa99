//! An entry of a page directory or of a page table: a frame and what may be done with it.
//!
//! ```text
//!   31                                  12 11   9 8   7   6   5  4 3  2   1   0
//!  +--------------------------------------+------+---+---+---+---+----+---+---+---+
//!  |          frame's address             | ours | G | PS| D | A | .. | U | W | P |
//!  +--------------------------------------+------+---+---+---+---+----+---+---+---+
//! ```
//! Source: Intel SDM volume 3, tables 4-4 to 4-6. Entries without P have no meaning to the CPU, and 0 in
//! all bits is how this kernel writes "nothing here": whether a page is present is told by P, never by
//! comparing the frame with 0.

#![forbid(unsafe_code)]

use crate::frames::page::Frame;
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
        /// In a page table: the entry owns a share of its frame, and gives it back. The identity map owns no
        /// frames. This bit and the next two mean nothing to the CPU.
        const OWNED = 1 << 9;
        /// For the notes of the code that maps the page.
        const AVAILABLE_10 = 1 << 10;
        /// For the notes of the code that maps the page.
        const AVAILABLE_11 = 1 << 11;
    }
}
// ANCHOR_END: flags

impl Flags {
    /// What the code that maps a page says. The rest is the kernel's and the CPU's; in a page table, the bit of
    /// [`LARGE`](Self::LARGE) has another meaning (PAT: Intel SDM volume 3, table 4-6).
    pub(crate) const GRANTED: Self =
        Self::WRITABLE.union(Self::USER).union(Self::AVAILABLE_10).union(Self::AVAILABLE_11);
}

/// An entry of a page directory or of a page table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(transparent)]
pub struct Entry(u32);

const _: () = assert!(size_of::<Entry>() == 4);

// ANCHOR: entry
impl Entry {
    /// Nothing here.
    pub(crate) const ABSENT: Self = Self(0);

    /// An entry for `frame`, present, with `flags` besides.
    pub const fn new(frame: Frame, flags: Flags) -> Self {
        // Of what is no flag, nothing: it would lead to another frame.
        let flags = flags.intersection(Flags::all()).union(Flags::PRESENT);
        Self(frame.address().as_u32() | flags.bits())
    }

    /// The same frame, still owned if it was, and with what the CPU has noted; what is granted is what `rights` has.
    pub(crate) const fn with_rights(self, rights: Flags) -> Self {
        let kept = self.flags().difference(Flags::GRANTED);
        Self::new(self.frame(), rights.intersection(Flags::GRANTED).union(kept))
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
        let frame = Frame::from_number(1);
        assert_eq!(Entry::new(frame, Flags::from_bits_retain(u32::MAX)).frame(), frame);
    }

    #[test]
    fn protecting_changes_the_rights_and_keeps_all_else() {
        let (frame, noted) = (Frame::from_number(7), Flags::OWNED | Flags::DIRTY);
        let entry = Entry::new(frame, noted | Flags::WRITABLE | Flags::AVAILABLE_10);
        let rights = Flags::USER | Flags::AVAILABLE_11;
        // What the caller says about anything but rights is not believed, nor is it taken for a part of an address.
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
