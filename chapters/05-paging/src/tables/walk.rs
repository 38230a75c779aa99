//! The page walk in Rust: what a directory says about a page.

#![cfg(target_os = "none")]

use crate::frames::page::{Frame, PAGE_BYTES, Page};
use crate::tables::directory::{Directory, PAGES_PER_TABLE};
use crate::tables::entry::{Entry, Flags};
use crate::tables::table::Table;
use common::{PhysAddr, VirtAddr};
use x86::controlregs::{Cr0, cr0, cr3};

/// A run of pages that means a run of frames, one for each: a page, or a large page.
#[derive(Clone, Copy, Debug)]
pub struct Mapping {
    /// The first page.
    pub page: Page,
    /// The first frame.
    pub frame: Frame,
    /// How many pages and frames: 1, or 1024 for a large page.
    pub pages: u32,
    /// What may be done with the pages, and what has been done.
    pub flags: Flags,
}

impl Directory {
    // ANCHOR: translate
    /// The physical address that `address` means. None if its page is not mapped.
    pub fn translate(&self, address: VirtAddr) -> Option<PhysAddr> {
        let page = Page::containing(address);
        let of_directory = self.entry(page.directory_index());
        let (entry, bytes) = if of_directory.flags().contains(Flags::LARGE) {
            (of_directory, PAGE_BYTES * PAGES_PER_TABLE)
        } else {
            (self.entry_of(page)?, PAGE_BYTES)
        };
        let offset = address.as_u32() % bytes;
        entry.is_present().then(|| PhysAddr::new(entry.frame().address().as_u32() + offset))
    }
    // ANCHOR_END: translate

    /// What may be done with `page`: the rights that both levels grant. None if it is not mapped.
    pub fn rights(&self, page: Page) -> Option<Flags> {
        self.entries().rights(page)
    }

    /// Everything that is mapped, from the lowest page to the highest, as it is when the iterator reaches it.
    pub fn mappings(&self) -> impl Iterator<Item = Mapping> {
        let directory = self.entries();
        directory.present(0..1024).flat_map(move |(index, entry)| {
            let large = entry.flags().contains(Flags::LARGE).then(|| mapping(index, 0, entry, PAGES_PER_TABLE));
            let small = directory.table(index).into_iter().flat_map(|table| table.present(0..1024));
            // An interrupt handler may have unmapped the page since the iterator found it.
            let small = small.filter(|(_, entry)| entry.is_present());
            large.into_iter().chain(small.map(move |(number, entry)| mapping(index, number, entry, 1)))
        })
    }
}

/// What may be done with `page` in the address space that the CPU is using. None if it is not mapped, or paging is off.
pub(crate) fn rights_in_use(page: Page) -> Option<Flags> {
    // SAFETY: reading CR0 and CR3 changes nothing.
    let (is_on, directory) = unsafe { (cr0().contains(Cr0::CR0_ENABLE_PAGING), PhysAddr::new(cr3() as u32)) };
    // SAFETY: the CPU is using the directory, so its owner does not free it now.
    is_on.then(|| unsafe { Table::in_frame(Frame::containing(directory)) })?.rights(page)
}

/// What can be asked of the entries of a directory.
impl Table {
    /// The page table behind entry `index`, if there is one.
    pub(super) fn table(self, index: usize) -> Option<Self> {
        let entry = self.entry(index);
        let is_table = entry.is_present() && !entry.flags().contains(Flags::LARGE);
        // SAFETY: the directory's entry says that the frame holds a table, which stays as long as the directory.
        is_table.then(|| unsafe { Self::in_frame(entry.frame()) })
    }

    fn rights(self, page: Page) -> Option<Flags> {
        let of_directory = self.entry(page.directory_index()).flags();
        let of_table = match self.table(page.directory_index()) {
            Some(table) => table.entry(page.table_index()).flags(),
            None => of_directory,
        };
        let rights = of_directory & of_table & (Flags::PRESENT | Flags::WRITABLE | Flags::USER);
        rights.contains(Flags::PRESENT).then_some(rights)
    }
}

fn mapping(directory: usize, table: usize, entry: Entry, pages: u32) -> Mapping {
    Mapping { page: Page::from_indices(directory, table), frame: entry.frame(), pages, flags: entry.flags() }
}
