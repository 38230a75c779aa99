//! The page tables of a machine, walked as its CPU walks them: which pages are mapped, where, and with which rights.
//!
//! Source: Intel SDM volume 3, 4.3 (32-bit paging) and 4.6 (rights). It needs only the memory and a few registers,
//! whatever their origin.

use crate::error::Error;
use crate::memory::Memory;

/// The size of a page and of a frame.
pub const PAGE_BYTES: u32 = 4096;
/// The number of entries of a directory, and of a table.
pub(crate) const ENTRIES: u32 = 1024;
/// The range that one entry of a directory covers: 4 MiB.
pub(crate) const LARGE_BYTES: u32 = PAGE_BYTES * ENTRIES;

/// In CR4: pages of 4 MiB.
pub(crate) const PSE: u32 = 1 << 4;

pub(crate) const PRESENT: u32 = 1 << 0;
pub(crate) const WRITABLE: u32 = 1 << 1;
pub(crate) const USER: u32 = 1 << 2;
pub(crate) const LARGE: u32 = 1 << 7;
/// The part of an entry that holds the frame's address; in one for 4 MiB, the lower bits do not belong to it.
pub(crate) const FRAME: u32 = !(PAGE_BYTES - 1);
pub(crate) const LARGE_FRAME: u32 = !(LARGE_BYTES - 1);

/// The rights of a page. Reading is always allowed, and on this CPU so is executing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rights {
    /// It is writable.
    pub write: bool,
    /// Ring 3 has access too.
    pub user: bool,
}

/// Consecutive pages with the same rights, mapped to consecutive frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Run {
    /// The virtual address of the first page.
    pub page: u32,
    /// The physical address of the first frame.
    pub frame: u32,
    /// Their total size in bytes, at most 4 GiB.
    pub bytes: u64,
    /// The rights of all of them.
    pub rights: Rights,
}

/// One address space.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Space {
    /// The physical address of the page directory.
    pub directory: u32,
    /// The entries of the directory that have a page table, and the table's physical address.
    pub tables: Vec<(u32, u32)>,
    /// Everything that is mapped, from the lowest page up, in as few runs as possible.
    pub runs: Vec<Run>,
}

impl Space {
    /// Walks the tables from the registers CR3 and CR4. Of CR4 it uses only bit PSE, which allows pages of 4 MiB.
    ///
    /// # Errors
    /// [`Error::TableOutside`].
    pub fn walk(memory: Memory, cr3: u32, cr4: u32) -> Result<Self, Error> {
        let mut space = Self { directory: cr3 & FRAME, tables: Vec::new(), runs: Vec::new() };
        for index in 0..ENTRIES {
            let entry = entry(memory, space.directory, index)?;
            if entry & PRESENT == 0 {
                continue;
            }
            let page = index * LARGE_BYTES;
            if cr4 & PSE != 0 && entry & LARGE != 0 {
                space.push(Run { page, frame: entry & LARGE_FRAME, bytes: LARGE_BYTES.into(), rights: rights(entry) });
            } else {
                space.tables.push((index, entry & FRAME));
                space.push_table(memory, page, entry)?;
            }
        }
        Ok(space)
    }

    /// The physical address that a virtual one translates to; `None` if its page is not mapped.
    pub fn translate(&self, address: u32) -> Option<u32> {
        let after = self.runs.partition_point(|run| run.page <= address);
        let run = self.runs[..after].last().filter(|run| run.contains(address))?;
        Some(run.frame + (address - run.page))
    }

    fn push_table(&mut self, memory: Memory, first_page: u32, table: u32) -> Result<(), Error> {
        for index in 0..ENTRIES {
            let entry = entry(memory, table & FRAME, index)?;
            if entry & PRESENT != 0 {
                let page = first_page + index * PAGE_BYTES;
                // A right is granted only if both grant it (SDM volume 3, 4.6.1).
                let rights = rights(entry & table);
                self.push(Run { page, frame: entry & FRAME, bytes: PAGE_BYTES.into(), rights });
            }
        }
        Ok(())
    }

    /// Adds pages above all that are there.
    fn push(&mut self, next: Run) {
        match self.runs.last_mut() {
            Some(last) if last.continues_in(&next) => last.bytes += next.bytes,
            _ => self.runs.push(next),
        }
    }
}

impl Run {
    /// The address after the last page; 4 GiB after the highest one.
    pub fn end(&self) -> u64 {
        u64::from(self.page) + self.bytes
    }

    /// Whether a virtual address is in these pages.
    pub fn contains(&self, address: u32) -> bool {
        self.page <= address && u64::from(address) < self.end()
    }

    fn continues_in(&self, next: &Self) -> bool {
        let frames_end = u64::from(self.frame) + self.bytes;
        self.end() == u64::from(next.page) && frames_end == u64::from(next.frame) && self.rights == next.rights
    }

    /// The part of the run in this range of virtual addresses; `None` if there is none.
    pub fn part_in(&self, start: u32, end: u64) -> Option<Self> {
        let page = self.page.max(start);
        let bytes = self.end().min(end).checked_sub(page.into()).filter(|bytes| *bytes > 0)?;
        Some(Self { page, frame: self.frame + (page - self.page), bytes, ..*self })
    }
}

fn rights(entry: u32) -> Rights {
    Rights { write: entry & WRITABLE != 0, user: entry & USER != 0 }
}

pub(crate) fn entry(memory: Memory, table: u32, index: u32) -> Result<u32, Error> {
    memory.word(table + index * 4).ok_or(Error::TableOutside(table))
}

#[cfg(test)]
mod tests;
