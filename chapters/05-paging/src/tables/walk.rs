//! What a directory says of a page: the walk that the CPU does in hardware, done in Rust.

#![cfg(target_os = "none")]

use crate::frames::page::{Frame, PAGE_BYTES, Page};
use crate::tables::directory::{Directory, PAGES_PER_TABLE};
use crate::tables::entry::{Entry, Flags};
use common::{PhysAddr, VirtAddr};

/// A run of pages that lie in as many frames, one after the other: one page, or a large one.
#[derive(Clone, Copy, Debug)]
pub struct Mapping {
    /// The first page.
    pub page: Page,
    /// The first frame.
    pub frame: Frame,
    /// How many of each: 1, or 1024 for a large page.
    pub pages: u32,
    /// What may be done with them, and what has been.
    pub flags: Flags,
}

impl Directory {
    // ANCHOR: translate
    /// The physical address that `address` means; none if its page is not mapped.
    pub fn translate(&self, address: VirtAddr) -> Option<PhysAddr> {
        let page = Page::containing(address);
        let entry = self.entries()[page.directory_index()];
        let (entry, bytes) = if entry.flags().contains(Flags::LARGE) {
            (entry, PAGE_BYTES * PAGES_PER_TABLE)
        } else {
            (self.table(page.directory_index())?[page.table_index()], PAGE_BYTES)
        };
        let offset = address.as_u32() % bytes;
        entry.is_present().then(|| PhysAddr::new(entry.frame().address().as_u32() + offset))
    }
    // ANCHOR_END: translate

    /// What may be done with `page`: what both levels grant. None if it is not mapped.
    pub fn rights(&self, page: Page) -> Option<Flags> {
        let of_directory = self.entries()[page.directory_index()].flags();
        let of_table = match self.table(page.directory_index()) {
            Some(table) => table[page.table_index()].flags(),
            None => of_directory,
        };
        let rights = of_directory & of_table & (Flags::PRESENT | Flags::WRITABLE | Flags::USER);
        rights.contains(Flags::PRESENT).then_some(rights)
    }

    /// Everything that is mapped, from the lowest page to the highest.
    pub fn mappings(&self) -> impl Iterator<Item = Mapping> {
        self.entries().iter().enumerate().filter(|(_, entry)| entry.is_present()).flat_map(|(index, entry)| {
            let large = entry.flags().contains(Flags::LARGE).then(|| mapping(index, 0, *entry, PAGES_PER_TABLE));
            let small = self.table(index).into_iter().flat_map(move |table| {
                let present = table.iter().enumerate().filter(|(_, entry)| entry.is_present());
                present.map(move |(number, entry)| mapping(index, number, *entry, 1))
            });
            large.into_iter().chain(small)
        })
    }
}

fn mapping(directory: usize, table: usize, entry: Entry, pages: u32) -> Mapping {
    Mapping { page: Page::from_indices(directory, table), frame: entry.frame(), pages, flags: entry.flags() }
}
