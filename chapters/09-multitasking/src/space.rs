//! The address space of a task: made, copied, and given back.

use crate::rule::{COPIED, LINKED, PRIVATE};
use common::VirtAddr;
use core::arch::asm;
use core::ops::Range;
use paging::directory::{Directory, MapError, Table, table_in};
use paging::{Entry, Flags, Frame, KERNEL, memory};

/// An address space: the kernel's part linked, the private part its own. It is given back when dropped,
/// to the last frame; the CPU must not be using it then.
pub struct Space {
    directory: Directory,
}

/// Memory is out. What had been taken by then has been given back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutOfMemory;

impl Space {
    /// An address space with the kernel linked and nothing private.
    ///
    /// # Errors
    /// If there is no frame for the directory.
    pub fn new() -> Result<Self, OutOfMemory> {
        let mut directory = Directory::new().ok_or(OutOfMemory)?;
        let kernel = KERNEL.lock();
        // SAFETY: the kernel's tables are never given back, and its entries of the directory never change
        // any more: whatever the kernel maps later, it maps in these tables.
        let entries = unsafe { directory.entries_mut() };
        for linked in LINKED {
            entries[linked.clone()].copy_from_slice(&kernel.entries()[linked]);
        }
        Ok(Self { directory })
    }

    /// An address space with the kernel linked and a copy of all that is private in this one.
    ///
    /// # Errors
    /// If memory is out, wherever that happens.
    pub fn copy(&self) -> Result<Self, OutOfMemory> {
        let mut copy = Self::new()?;
        for (index, table) in self.private_tables() {
            let frame = memory::allocate_cleared().ok_or(OutOfMemory)?;
            // SAFETY: the table is empty so far, and a copied entry has a table of its own.
            unsafe { copy.directory.entries_mut()[index] = Entry::new(frame, self.directory.entries()[index].flags()) };
            // SAFETY: the frame was free, so nobody else refers to it.
            copy_pages(table, unsafe { &mut *table_in(frame) })?;
        }
        // Should memory run out above, dropping `copy` gives back what it has got.
        Ok(copy)
    }

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

    /// The private page tables, each with its index in the directory.
    fn private_tables(&self) -> impl Iterator<Item = (usize, &Table)> {
        let entries = COPIED.zip(&self.directory.entries()[COPIED]);
        // SAFETY: the entry says that the frame holds a table; `&self` keeps writers away.
        entries
            .filter(|(_, entry)| entry.is_present())
            .map(|(index, entry)| (index, unsafe { &*table_in(entry.frame()) }))
    }
}

impl Drop for Space {
    fn drop(&mut self) {
        for (index, table) in self.private_tables() {
            table.iter().filter(|entry| entry.is_present()).for_each(|entry| memory::free(entry.frame()));
            memory::free(self.directory.entries()[index].frame());
        }
        memory::free(self.directory.frame());
    }
}

/// Copies every page of the table `from` into a frame of its own, with the same rights, noted in `to`.
fn copy_pages(from: &Table, to: &mut Table) -> Result<(), OutOfMemory> {
    for (from, to) in from.iter().zip(to).filter(|(from, _)| from.is_present()) {
        let frame = memory::allocate().ok_or(OutOfMemory)?;
        copy_frame(from.frame(), frame);
        *to = Entry::new(frame, from.flags());
    }
    Ok(())
}

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
