//! A bit for each free list, set while the list holds a block.
//!
//! The search for a larger block must not look at one list after the other. So the bits are kept in words, and one
//! further word, the summary, has a bit for each of them, set while that word is not zero. The CPU finds the lowest
//! set bit of a word in one instruction.

#![forbid(unsafe_code)]

/// The number of bits: eight for each power of two that a size can reach.
pub const BITS: usize = 8 * usize::BITS as usize;
const COLUMNS: usize = u32::BITS as usize;
const ROWS: usize = BITS / COLUMNS;

/// The bits. A new map has none set.
#[derive(Debug)]
pub struct BitMap {
    rows: [u32; ROWS],
    /// A bit for each row, set while the row is not zero.
    summary: u32,
}

impl BitMap {
    pub const fn new() -> Self {
        Self { rows: [0; ROWS], summary: 0 }
    }

    // ANCHOR: bits
    #[inline(always)]
    pub fn set(&mut self, bit: usize) {
        let (row, column) = (bit / COLUMNS, bit % COLUMNS);
        self.rows[row] |= 1 << column;
        self.summary |= 1 << row;
    }

    #[inline(always)]
    pub fn clear(&mut self, bit: usize) {
        let (row, column) = (bit / COLUMNS, bit % COLUMNS);
        self.rows[row] &= !(1 << column);
        if self.rows[row] == 0 {
            self.summary &= !(1 << row);
        }
    }

    /// The number of the first set bit after `bit`.
    #[inline(always)]
    pub fn next_after(&self, bit: usize) -> Option<usize> {
        let (row, column) = (bit / COLUMNS, bit % COLUMNS);
        let columns = self.rows[row] & (!1 << column);
        if columns != 0 {
            return Some(row * COLUMNS + columns.trailing_zeros() as usize);
        }
        let rows = self.summary & (!1 << row);
        if rows == 0 {
            return None;
        }
        let row = rows.trailing_zeros() as usize;
        Some(row * COLUMNS + self.rows[row].trailing_zeros() as usize)
    }
    // ANCHOR_END: bits

    pub fn is_set(&self, bit: usize) -> bool {
        self.rows[bit / COLUMNS] & 1 << (bit % COLUMNS) != 0
    }
}
