//! Why there is no picture of a memory.

use std::ops::Range;
use thiserror::Error;

/// What was found, and should not be.
#[derive(Debug, Error, PartialEq)]
pub enum Error {
    /// A page directory or a page table lies at a physical address where there is no memory.
    #[error("There is no memory at {0:#010x} for a page table.")]
    TableOutside(u32),
    /// Something is mapped where nothing may be.
    #[error("Something is mapped at {range:#x?}, in {name}.")]
    Mapped {
        /// What the part of memory is called.
        name: String,
        /// Its virtual addresses.
        range: Range<u64>,
    },
    /// No page is mapped where this variable should be.
    #[error("{0} is not mapped")]
    NotMapped(String),
    /// The page of this variable lies where there is no memory.
    #[error("{0} is not in memory")]
    NotInMemory(String),
}
