//! The address space of a task: made, copied, and given back.

use crate::rule::{COPIED, LINKED, PRIVATE};
use common::VirtAddr;
use core::arch::asm;
use core::ops::Range;
use paging::directory::{Directory, MapError, table_in};
use paging::{Entry, Flags, Frame, KERNEL, OwnedFrame, frame_allocator};

/// An address space: the kernel's part linked, the private part its own. It is given back when dropped,
/// to the last frame; the CPU must not be using it then.
pub struct AddressSpace {
    directory: Directory,
}

/// Memory is out. What had been taken by then has been given back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutOfMemory;

impl AddressSpace {
    // ANCHOR: new
    /// An address space with the kernel linked and nothing private.
    ///
    /// # Errors
    /// If there is no frame for the directory.
    pub fn new() -> Result<Self, OutOfMemory> {
        // SAFETY: it stays in this address space, and gets the kernel's entries below.
        let mut directory = unsafe { Directory::new() }.ok_or(OutOfMemory)?;
        let kernel = KERNEL.lock();
        // SAFETY: the kernel's tables are never given back, and its entries of the directory never change
        // any more: whatever the kernel maps later, it maps in these tables.
        let entries = unsafe { directory.entries_mut() };
        for linked in LINKED {
            entries[linked.clone()].copy_from_slice(&kernel.entries()[linked]);
        }
        Ok(Self { directory })
    }
    // ANCHOR_END: new

    // ANCHOR: copy
    /// An address space with the kernel linked and a copy of all that is private in the one of `directory`.
    ///
    /// # Errors
    /// If memory is out, wherever that happens.
    ///
    /// # Safety
    /// `directory` is that of a [`AddressSpace`] that stays as it is until this returns.
    pub unsafe fn copy_of(directory: Frame) -> Result<Self, OutOfMemory> {
        let mut copy = Self::new()?;
        for (index, entry) in present(directory, COPIED) {
            let table = frame_allocator::allocate_cleared().ok_or(OutOfMemory)?.into_frame();
            // SAFETY: the table is empty so far, and a copied entry has a table of its own.
            unsafe { copy.directory.entries_mut()[index] = Entry::new(table, entry.flags()) };
            copy_pages(entry.frame(), table)?;
        }
        // Should memory run out above, dropping `copy` gives back what it has got.
        Ok(copy)
    }
    // ANCHOR_END: copy

    /// Maps free frames at `addresses`, which must be private.
    ///
    /// # Errors
    /// [`MapError`]; no page has been mapped then.
    ///
    /// # Panics
    /// If the addresses are not all in the private part.
    pub fn map(&mut self, addresses: Range<VirtAddr>, flags: Flags) -> Result<(), MapError> {
        let private = PRIVATE.start <= addresses.start && addresses.end <= PRIVATE.end;
        assert!(private, "{addresses:?} is not private");
        // SAFETY: nothing of Rust's lies in the private part but a stack, and what is mapped stays as it is.
        unsafe { self.directory.map_free_frames(addresses, flags) }
    }

    /// Writes a word of this address space, from whichever one the CPU is using.
    ///
    /// # Safety
    /// `address` is a multiple of 4, mapped, and nobody relies on what is there.
    pub unsafe fn write(&mut self, address: VirtAddr, word: u32) {
        let there = self.directory.translate(address).expect("the address is mapped");
        // SAFETY: the caller's; the identity window shows the word at its physical address.
        unsafe { VirtAddr::new(there.as_u32()).as_ptr::<u32>().write(word) };
    }

    /// The page directory.
    pub fn directory(&self) -> &Directory {
        &self.directory
    }
}

// ANCHOR: drop
impl Drop for AddressSpace {
    fn drop(&mut self) {
        for (_, entry) in present(self.directory.frame(), COPIED) {
            // SAFETY: nothing uses the entries after this, and no other directory refers to this table.
            present(entry.frame(), 0..1024).for_each(|(_, page)| drop(unsafe { OwnedFrame::from_entry(page) }));
            // SAFETY: as above.
            drop(unsafe { OwnedFrame::from_frame(entry.frame()) });
        }
    }
}
// ANCHOR_END: drop

/// The entries that are present, of the directory or table in `frame`, from those in `range`.
fn present(frame: Frame, range: Range<usize>) -> Present {
    Present { table: table_in(frame).cast(), left: range.len(), end: range.end }
}

/// Goes over the entries of a table that are present.
///
/// Few of so many are, so the CPU's own loop skips the absent ones, which are 0 in all bits. The CPU may be
/// using the table meanwhile, and sets "accessed" and "dirty" in it at any time; so of an entry that was found
/// one single read counts.
struct Present {
    table: *const Entry,
    left: usize,
    end: usize,
}

impl Iterator for Present {
    type Item = (usize, Entry);

    #[inline(always)] // once for every page that is copied
    fn next(&mut self) -> Option<Self::Item> {
        let found: u32;
        // SAFETY: callers of `present` name a table, whose 1024 entries lie in the identity window. They are
        // only read.
        unsafe {
            asm!(
                "xor eax, eax", // an absent entry; and "equal", should there be none to look at
                "repe scasd",
                "setne al",
                out("eax") found,
                inout("edi") self.table.add(self.end - self.left) => _,
                inout("ecx") self.left,
                options(nostack, readonly),
            );
        }
        let index = self.end - self.left - 1;
        // SAFETY: as above.
        (found != 0).then(|| (index, unsafe { self.table.add(index).read_volatile() }))
    }
}

// ANCHOR: pages
/// Copies every page of the table in `from` into a frame of its own, with the same rights, noted in the
/// empty table in `to`.
fn copy_pages(from: Frame, to: Frame) -> Result<(), OutOfMemory> {
    for (index, page) in present(from, 0..1024) {
        let copy = frame_allocator::allocate().ok_or(OutOfMemory)?;
        copy_frame(page.frame(), copy.frame());
        // SAFETY: `to` holds the table of an address space that nobody uses yet.
        unsafe { (*table_in(to))[index] = copy.into_entry(page.flags()) };
    }
    Ok(())
}
// ANCHOR_END: pages

// ANCHOR: frame
/// Copies 4 KiB through the identity window. An interrupt may come between any two words.
fn copy_frame(from: Frame, to: Frame) {
    let (from, to) = (from.in_window().address(), to.in_window().address());
    // SAFETY: both frames are seen in the window; `to` was free, so nobody else refers to it. The compiler
    // keeps ESI to itself, so it is put back.
    unsafe {
        asm!(
            "xchg esi, {from}",
            "rep movsd",
            "xchg esi, {from}",
            from = inout(reg) from.as_u32() => _,
            inout("edi") to.as_u32() => _,
            inout("ecx") 1024 => _,
            options(nostack, preserves_flags),
        );
    }
}
// ANCHOR_END: frame
