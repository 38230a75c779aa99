//! Text in cells: where each character goes, and when text wraps and scrolls.
//!
//! Printable characters fill a row from left to right. A full row wraps only when one more character
//! comes, so a line of exactly 80 characters takes one row and not two. After the last row, everything
//! moves up by one row. Four control characters move the position instead of being shown:
//!
//! - `\n` goes to the start of the next row, and `\r` to the start of the current row.
//! - A tab is one or more spaces, up to the next multiple of eight columns.
//! - A backspace erases the character before it. It goes back across a wrap, as a person who types more
//!   than one row expects, but never across a `\n`.

#![forbid(unsafe_code)]

use crate::cell::{Cell, Colors};
use core::fmt;

/// The number of cells in a row.
pub const WIDTH: usize = 80;
/// The number of rows on the screen.
pub const HEIGHT: usize = 25;

const TAB: usize = 8;

// ANCHOR: hardware
/// What text needs from the hardware: cells to show it in, and a cursor that marks a place.
///
/// Rows count from the top, columns from the left, both from 0. The cursor's place is the number of
/// cells before it, row by row.
pub trait Hardware {
    /// The cell at `row` and `column`.
    fn cell(&self, row: usize, column: usize) -> Cell;
    /// Changes the cell at `row` and `column`.
    fn set_cell(&mut self, row: usize, column: usize, cell: Cell);
    /// The number of cells before the cursor.
    fn cursor(&self) -> usize;
    /// Puts the cursor after so many cells. After the last cell, it is invisible.
    fn set_cursor(&mut self, cells: usize);
}
// ANCHOR_END: hardware

// ANCHOR: screen
/// A screen that text can be written to.
pub struct Screen<H> {
    hardware: H,
    colors: Colors,
    /// Less than [`HEIGHT`]. All rows below it are blank.
    row: usize,
    /// At most [`WIDTH`]. At [`WIDTH`] the row is full, and the next character wraps.
    column: usize,
    /// Whether the text of a row continues in the row below.
    wrapped: [bool; HEIGHT],
}
// ANCHOR_END: screen

impl<H> Screen<H> {
    /// A screen that starts writing in the top left corner.
    pub const fn new(hardware: H) -> Self {
        Self { hardware, colors: Colors::NORMAL, row: 0, column: 0, wrapped: [false; HEIGHT] }
    }

    /// Sets the colors of all text that is written after this call.
    pub fn set_colors(&mut self, colors: Colors) {
        self.colors = colors;
    }
}

impl<H: Hardware> Screen<H> {
    // ANCHOR: resume
    /// A screen that continues where the hardware's cursor is.
    pub fn resume(hardware: H) -> Self {
        let cells = hardware.cursor().min(WIDTH * HEIGHT);
        let row = (cells / WIDTH).min(HEIGHT - 1);
        Self { row, column: cells - row * WIDTH, ..Self::new(hardware) }
    }
    // ANCHOR_END: resume

    /// Blanks every cell and goes to the top left corner.
    pub fn clear(&mut self) {
        (0..HEIGHT).for_each(|row| self.clear_row(row));
        (self.row, self.column) = (0, 0);
        self.show_cursor();
    }

    // ANCHOR: show
    fn write_char(&mut self, character: char) {
        match character {
            '\n' => self.next_row(),
            '\r' => self.column = 0,
            '\t' => self.tabulate(),
            '\u{8}' => self.erase(),
            _ => self.show(character),
        }
    }

    fn show(&mut self, character: char) {
        if self.column == WIDTH {
            self.wrapped[self.row] = true;
            self.next_row();
        }
        self.hardware.set_cell(self.row, self.column, Cell::new(character, self.colors));
        self.column += 1;
    }

    fn tabulate(&mut self) {
        self.show(' ');
        while !self.column.is_multiple_of(TAB) {
            self.show(' ');
        }
    }
    // ANCHOR_END: show

    // ANCHOR: erase
    fn erase(&mut self) {
        if self.column > 0 {
            self.column -= 1;
        } else if self.row > 0 && self.wrapped[self.row - 1] {
            self.row -= 1;
            self.column = WIDTH - 1;
            self.wrapped[self.row] = false;
        } else {
            return;
        }
        self.hardware.set_cell(self.row, self.column, Cell::BLANK);
    }
    // ANCHOR_END: erase

    // ANCHOR: scroll
    fn next_row(&mut self) {
        self.column = 0;
        if self.row + 1 < HEIGHT {
            self.row += 1;
        } else {
            self.scroll();
        }
    }

    fn scroll(&mut self) {
        for row in 1..HEIGHT {
            self.wrapped[row - 1] = self.wrapped[row];
            for column in 0..WIDTH {
                self.hardware.set_cell(row - 1, column, self.hardware.cell(row, column));
            }
        }
        self.clear_row(HEIGHT - 1);
    }

    #[inline(always)]
    fn clear_row(&mut self, row: usize) {
        self.wrapped[row] = false;
        (0..WIDTH).for_each(|column| self.hardware.set_cell(row, column, Cell::BLANK));
    }
    // ANCHOR_END: scroll

    fn show_cursor(&mut self) {
        self.hardware.set_cursor(self.row * WIDTH + self.column);
    }
}

// ANCHOR: write
impl<H: Hardware> fmt::Write for Screen<H> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        text.chars().for_each(|character| self.write_char(character));
        self.show_cursor();
        Ok(())
    }
}
// ANCHOR_END: write

#[cfg(test)]
mod tests;
