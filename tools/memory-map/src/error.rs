//! Why a picture of memory cannot be made.

use std::ops::Range;
use thiserror::Error;

/// What is wrong with the memory.
#[derive(Debug, Error, PartialEq)]
pub enum Error {
    /// A page directory or a page table has a physical address without memory behind it.
    #[error("There is no memory at {0:#010x} for a page table.")]
    TableOutside(u32),
    /// A page is mapped where none may be.
    #[error("Something is mapped at {range:#x?}, in {name}.")]
    Mapped {
        /// The name of this part of memory.
        name: String,
        /// Its virtual addresses.
        range: Range<u64>,
    },
    /// The page at this variable's address is not mapped.
    #[error("{0} is not mapped")]
    NotMapped(String),
    /// The page of this variable is mapped to a physical address without memory behind it.
    #[error("{0} is not in memory")]
    NotInMemory(String),
}
