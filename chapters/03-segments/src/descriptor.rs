//! A segment descriptor: eight bytes that describe one segment.
//!
//! Base and limit are in pieces, because the 80386 had to fit its larger values around those of the 80286. Only this
//! file knows where the pieces are.
//!
//! ```text
//!   63      56 55   52 51   48 47           40 39      32 31            16 15             0
//!  +----------+-------+-------+---------------+----------+----------------+---------------+
//!  |   base   | flags | limit |    access     |   base   |      base      |     limit     |
//!  |  31..24  | G D L | 19..16| P DPL S type  |  23..16  |     15..0      |     15..0     |
//!  +----------+-------+-------+---------------+----------+----------------+---------------+
//! ```
//! Source: Intel SDM volume 3A, 3.4.5 "Segment Descriptors".

#![forbid(unsafe_code)]

use bitflags::bitflags;
use core::fmt;

// ANCHOR: access
bitflags! {
    /// Who may use a segment, and how.
    ///
    /// Source: Intel SDM volume 3A, 3.4.5 "Segment Descriptors", 3.4.5.1 "Code- and Data-Segment Descriptor Types".
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct Access: u8 {
        /// The CPU has loaded the segment. The CPU sets this bit in the table itself, unless it is set already.
        const ACCESSED = 1 << 0;
        /// A data segment may be written; a code segment may be read.
        const READ_WRITE = 1 << 1;
        /// The segment is for code; otherwise it is for data.
        const EXECUTABLE = 1 << 3;
        /// A code or data segment; otherwise a system segment, such as a task state segment.
        const CODE_OR_DATA = 1 << 4;
        /// Ring 3, the least privileged, may use the segment.
        const RING_3 = 3 << 5;
        /// The segment is present: loading it raises no exception.
        const PRESENT = 1 << 7;
    }
}

bitflags! {
    /// In which units the CPU reads the limit, and how large operands are.
    ///
    /// Source: Intel SDM volume 3A, 3.4.5 "Segment Descriptors".
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct Flags: u8 {
        /// Instructions and the stack use 32 bits (D/B).
        const BITS_32 = 1 << 2;
        /// The limit counts pages of 4 KiB instead of bytes (G, granularity).
        const LIMIT_IN_PAGES = 1 << 3;
    }
}
// ANCHOR_END: access

/// One entry of the GDT.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(transparent)]
pub struct Descriptor(pub(crate) u64);

const _: () = assert!(size_of::<Descriptor>() == 8);

impl Descriptor {
    // ANCHOR: flat
    /// The null descriptor, entry 0 of every GDT. The CPU never reads it: a selector of 0 means "no segment".
    pub const NULL: Self = Self(0);

    /// All 4 GiB, for code.
    ///
    /// The limit is page 0xFFFFF, with all its bytes. `ACCESSED` is set in advance, so that the CPU need not write to
    /// the table.
    pub const FLAT_CODE: Self = Self::new(0, 0xF_FFFF, Self::FLAT.union(Access::EXECUTABLE), Self::FLAT_FLAGS);

    /// All 4 GiB, for data and the stack.
    pub const FLAT_DATA: Self = Self::new(0, 0xF_FFFF, Self::FLAT, Self::FLAT_FLAGS);

    const FLAT: Access = Access::PRESENT.union(Access::CODE_OR_DATA).union(Access::READ_WRITE).union(Access::ACCESSED);
    const FLAT_FLAGS: Flags = Flags::LIMIT_IN_PAGES.union(Flags::BITS_32);
    // ANCHOR_END: flat

    // ANCHOR: new
    /// The segment that begins at `base`. `limit` is its last offset, in the unit that `flags` gives: bytes or pages.
    ///
    /// # Panics
    /// If the limit has more than 20 bits.
    pub const fn new(base: u32, limit: u32, access: Access, flags: Flags) -> Self {
        assert!(limit <= 0xF_FFFF, "a segment's limit has 20 bits");
        let (base, limit) = (base as u64, limit as u64);
        Self(
            (limit & 0xFFFF)
                | (base & 0xFF_FFFF) << 16
                | (access.bits() as u64) << 40
                | (limit >> 16) << 48
                | (flags.bits() as u64) << 52
                | (base >> 24) << 56,
        )
    }
    // ANCHOR_END: new

    /// The first address of the segment.
    pub const fn base(self) -> u32 {
        (self.0 >> 16 & 0xFF_FFFF | self.0 >> 56 << 24) as u32
    }

    // ANCHOR: limit
    /// The last offset in the segment, in bytes.
    pub(crate) const fn limit(self) -> u32 {
        let limit = (self.0 & 0xFFFF | self.0 >> 32 & 0xF_0000) as u32;
        if self.flags().contains(Flags::LIMIT_IN_PAGES) { limit << 12 | 0xFFF } else { limit }
    }
    // ANCHOR_END: limit

    /// The segment's access rights.
    pub const fn access(self) -> Access {
        Access::from_bits_retain((self.0 >> 40) as u8)
    }

    const fn flags(self) -> Flags {
        Flags::from_bits_retain((self.0 >> 52) as u8 & 0xF)
    }
}

impl fmt::Display for Descriptor {
    /// Base, limit, ring and kind, as text.
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let access = self.access();
        if *self == Self::NULL {
            return f.write_str("no segment");
        }
        let ring = (access & Access::RING_3).bits() >> 5;
        write!(f, "base {:#010x}, limit {:#010x}, ring {ring}, ", self.base(), self.limit())?;
        f.write_str(match (access.contains(Access::EXECUTABLE), access.contains(Access::READ_WRITE)) {
            _ if !access.contains(Access::CODE_OR_DATA) => "a system segment",
            (true, true) => "readable code",
            (true, false) => "code",
            (false, true) => "writable data",
            (false, false) => "data",
        })?;
        f.write_str(if access.contains(Access::PRESENT) { "" } else { ", not present" })
    }
}

impl fmt::Debug for Descriptor {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "Descriptor({:#018x}: {self})", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_flat_segments_have_the_bytes_of_the_manual() {
        assert_eq!(Descriptor::FLAT_CODE.0, 0x00CF_9B00_0000_FFFF);
        assert_eq!(Descriptor::FLAT_DATA.0, 0x00CF_9300_0000_FFFF);
        assert_eq!(Descriptor::FLAT_CODE.limit(), 0xFFFF_FFFF);
    }

    #[test]
    #[should_panic(expected = "a segment's limit has 20 bits")]
    fn a_limit_of_21_bits_is_refused() {
        Descriptor::new(0, 1 << 20, Access::empty(), Flags::empty());
    }

    #[test]
    fn every_bit_of_base_and_limit_comes_back() {
        for bit in 0..32 {
            let (base, limit) = (1 << bit, 1 << (bit % 20));
            let descriptor = Descriptor::new(base, limit, Access::empty(), Flags::empty());
            assert_eq!((descriptor.base(), descriptor.limit()), (base, limit));
            assert_eq!(descriptor.access(), Access::empty());
        }
    }

    #[test]
    fn a_limit_in_pages_includes_its_last_page() {
        assert_eq!(Descriptor::new(0, 0, Access::empty(), Flags::LIMIT_IN_PAGES).limit(), 0xFFF);
    }

    #[test]
    #[should_panic(expected = "20 bits")]
    fn a_limit_that_does_not_fit_is_refused() {
        Descriptor::new(0, 0x10_0000, Access::empty(), Flags::empty());
    }

    #[test]
    fn words_tell_what_the_bits_say() {
        let words = "base 0x00000000, limit 0xffffffff, ring 0, readable code";
        assert_eq!(Descriptor::FLAT_CODE.to_string(), words);
        assert_eq!(format!("{:?}", Descriptor::FLAT_CODE), format!("Descriptor(0x00cf9b000000ffff: {words})"));
        let words = "base 0x00000000, limit 0xffffffff, ring 0, writable data";
        assert_eq!(Descriptor::FLAT_DATA.to_string(), words);
        let told = |access| Descriptor::new(0, 1, Access::PRESENT | Access::CODE_OR_DATA | access, Flags::empty());
        assert_eq!(told(Access::EXECUTABLE).to_string(), "base 0x00000000, limit 0x00000001, ring 0, code");
        assert_eq!(told(Access::RING_3).to_string(), "base 0x00000000, limit 0x00000001, ring 3, data");
        assert_eq!(Descriptor::NULL.to_string(), "no segment");
        let user = Descriptor::new(0x1234_5678, 0x67, Access::RING_3, Flags::empty());
        assert_eq!(user.to_string(), "base 0x12345678, limit 0x00000067, ring 3, a system segment, not present");
    }
}
