//! Why a picture of memory cannot be made.

use thiserror::Error;

/// What is wrong with the memory.
#[derive(Debug, Error, PartialEq)]
pub enum Error {
    /// A page directory or a page table has a physical address without memory behind it.
    #[error("There is no memory at {0:#010x} for a page table.")]
    TableOutside(u32),
    /// The page at this address is not mapped.
    #[error("{0} is not mapped")]
    NotMapped(String),
    /// The page at this address is mapped to a physical address without memory behind it.
    #[error("{0} is not in memory")]
    NotInMemory(String),
}
