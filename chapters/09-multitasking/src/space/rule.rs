//! The one rule: the index in the page directory decides what is linked and what is copied.
//!
//! An entry of a directory is in charge of 4 MiB. To link is to copy the entry: both directories then
//! refer to the same page table. To copy is to make a new table, and a new frame for every page in it.

use common::VirtAddr;
use core::ops::Range;
use paging::PAGE_BYTES;

// ANCHOR: rule
/// The task's own half of the address space; all the rest is the kernel's.
pub const PRIVATE: Range<VirtAddr> = VirtAddr::new(0x0800_0000)..VirtAddr::new(0xC000_0000);

const BYTES_PER_ENTRY: u32 = 4 << 20;

/// The entries of a page directory that are copied: those of the task's own half.
pub const COPIED: Range<usize> =
    (PRIVATE.start.as_u32() / BYTES_PER_ENTRY) as usize..(PRIVATE.end.as_u32() / BYTES_PER_ENTRY) as usize;

/// The entries that are linked: all others.
pub(crate) const LINKED: [Range<usize>; 2] = [0..COPIED.start, COPIED.end..1024];
// ANCHOR_END: rule

/// Where every task has its stack, at the top of its own half: three pages. A formatted `println!` that is
/// interrupted takes about one kilobyte, and a panic two.
pub const STACK: Range<VirtAddr> = VirtAddr::new(PRIVATE.end.as_u32() - 3 * PAGE_BYTES)..PRIVATE.end;

/// The page below it, which is never mapped: a stack that is too small for its task runs into it.
pub const GUARD_PAGE: Range<VirtAddr> = VirtAddr::new(STACK.start.as_u32() - PAGE_BYTES)..STACK.start;

const _: () = assert!(
    PRIVATE.start.as_u32().is_multiple_of(BYTES_PER_ENTRY) && PRIVATE.end.as_u32().is_multiple_of(BYTES_PER_ENTRY),
    "an entry is linked or copied as a whole"
);

/// What becomes of a part of the address space when a task forks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// Both tasks have the same frames: what one writes, the other sees.
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
