//! The one rule: the index in the page directory decides what is linked and what is copied.
//!
//! One entry of a page directory covers 4 MiB. To link these 4 MiB, the kernel copies the entry, and both
//! directories lead to the same page table. To copy them, it makes a new page table and a new frame for every page.

use common::VirtAddr;
use core::ops::Range;
use paging::PAGE_BYTES;

// ANCHOR: rule
/// The private half: the addresses that are the task's own. All others are the kernel's.
pub const PRIVATE: Range<VirtAddr> = VirtAddr::new(0x0800_0000)..VirtAddr::new(0xC000_0000);

const BYTES_PER_ENTRY: u32 = 4 << 20;

/// The entries of a page directory that are copied: those of the private half.
pub const COPIED: Range<usize> =
    (PRIVATE.start.as_u32() / BYTES_PER_ENTRY) as usize..(PRIVATE.end.as_u32() / BYTES_PER_ENTRY) as usize;

/// The entries that are linked: all others.
pub(crate) const LINKED: [Range<usize>; 2] = [0..COPIED.start, COPIED.end..1024];
// ANCHOR_END: rule

/// The stack of every task: three pages at the top of its private half. A formatted `println!` that is
/// interrupted takes about one kilobyte, and a panic two.
pub const STACK: Range<VirtAddr> = VirtAddr::new(PRIVATE.end.as_u32() - 3 * PAGE_BYTES)..PRIVATE.end;

/// The page below the stack, which is never mapped: a stack that overflows causes a page fault here.
pub const GUARD_PAGE: Range<VirtAddr> = VirtAddr::new(STACK.start.as_u32() - PAGE_BYTES)..STACK.start;

const _: () = assert!(
    PRIVATE.start.as_u32().is_multiple_of(BYTES_PER_ENTRY) && PRIVATE.end.as_u32().is_multiple_of(BYTES_PER_ENTRY),
    "an entry is linked or copied as a whole"
);

/// What fork does with a part of the address space.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// Both tasks have the same frames: what one writes, the other reads.
    Linked,
    /// Each task has frames of its own, with the same contents at first.
    Copied,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rule_is_that_of_the_memory_map() {
        let is_linked = |address: u32| LINKED.iter().any(|entries| entries.contains(&((address >> 22) as usize)));
        let is_copied = |address: u32| COPIED.contains(&((address >> 22) as usize));
        for address in [0, 0x0010_0000, 0x07FF_FFFF, 0xC000_0000, 0xD000_0000, 0xFFFF_FFFF] {
            assert!(is_linked(address) && !is_copied(address), "{address:#x}");
        }
        for address in [0x0800_0000, 0x0804_8000, 0xBFFF_FFFF] {
            assert!(is_copied(address) && !is_linked(address), "{address:#x}");
        }
    }
}
