//! A bit for each free list: set while the list holds a block.
//!
//! To find the next bit that is set, without a look at each one between: the bits are kept in words, and one
//! further word has a bit for each of them, set while the word is not zero. The CPU finds the lowest set bit of
//! a word in one instruction.

#![forbid(unsafe_code)]

/// How many bits there are: eight for each power of two that a size can reach.
pub const BITS: usize = 8 * usize::BITS as usize;
const COLUMNS: usize = u32::BITS as usize;
const ROWS: usize = BITS / COLUMNS;

/// The bits, all of them clear at first.
#[derive(Debug)]
pub struct BitMap {
    rows: [u32; ROWS],
    /// A bit for each row, set unless the row is zero.
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

    /// The first bit after `bit` that is set.
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
