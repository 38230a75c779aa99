//! Exercise 2.3: a screen that scrolls by moving the picture.
//!
//! The VGA has memory for more than 200 rows, and shows 25 of them. A register has the number of the first cell.
//!
//! ```text
//!       0  +---------------------+
//!          | rows of the past    |
//!     top  +---------------------+  <- the picture begins
//!          | 25 rows             |
//!          +---------------------+
//!          | not used yet        |
//!   16384  +---------------------+
//! ```

#![no_std]

use core::fmt;
use screen::{HEIGHT, WIDTH};
use x86::io;

/// The number of cells in the VGA's 32 KiB.
pub const CELLS: usize = 16_384;
/// A space, light gray on black.
pub const BLANK: u16 = 0x0720;

/// The VGA as this exercise needs it. The judge has one that counts.
pub trait Memory {
    /// Reads a cell.
    fn read(&mut self, cell: usize) -> u16;
    /// Writes a cell.
    fn write(&mut self, cell: usize, value: u16);
    /// Lets the picture begin with this cell.
    fn show_from(&mut self, cell: usize);
    /// Puts the cursor into this cell, counted from the beginning of the memory.
    fn set_cursor(&mut self, cell: usize);
}

/// The VGA of the PC.
pub struct Vga;

/// Registers of the CRT controller, each with half of a number.
const START: [u8; 2] = [0x0C, 0x0D];
const CURSOR: [u8; 2] = [0x0E, 0x0F];

impl Vga {
    /// Writes a register of the CRT controller: one of those above.
    fn write_controller(&mut self, register: u8, value: u8) {
        // SAFETY: these ports change how the screen shows its memory, and access no memory.
        unsafe {
            io::outb(0x3D4, register);
            io::outb(0x3D5, value);
        }
    }

    /// The address of a cell.
    fn address(cell: usize) -> *mut u16 {
        assert!(cell < CELLS, "the VGA has no cell {cell}");
        (0xB8000 + 2 * cell) as *mut u16
    }
}

impl Memory for Vga {
    fn read(&mut self, cell: usize) -> u16 {
        // SAFETY: the memory belongs to the screen, and there are no references to it.
        unsafe { Self::address(cell).read_volatile() }
    }

    fn write(&mut self, cell: usize, value: u16) {
        // SAFETY: as above.
        unsafe { Self::address(cell).write_volatile(value) }
    }

    fn show_from(&mut self, cell: usize) {
        self.write_controller(START[0], (cell >> 8) as u8);
        self.write_controller(START[1], cell as u8);
    }

    fn set_cursor(&mut self, cell: usize) {
        self.write_controller(CURSOR[0], (cell >> 8) as u8);
        self.write_controller(CURSOR[1], cell as u8);
    }
}

/// A screen whose picture moves through the memory.
pub struct Roll<M> {
    memory: M,
    /// The cell at the top left of the 25 rows that are written to.
    top: usize,
    /// The cell at the top left of the picture. It differs from `top` while the picture shows the past.
    shown: usize,
    /// Counted from `top`.
    row: usize,
    /// At most [`WIDTH`], where the row is full and the next character wraps.
    column: usize,
}

impl<M: Memory> Roll<M> {
    /// Blanks the first 25 rows of the memory and shows them.
    pub fn new(mut memory: M) -> Self {
        (0..WIDTH * HEIGHT).for_each(|cell| memory.write(cell, BLANK));
        let mut this = Self { memory, top: 0, shown: 0, row: 0, column: 0 };
        this.show(0);
        this.show_cursor();
        this
    }

    /// The VGA.
    pub fn memory(&mut self) -> &mut M {
        &mut self.memory
    }

    /// Lets the picture begin with this cell.
    fn show(&mut self, cell: usize) {
        self.shown = cell;
        self.memory.show_from(cell);
    }

    fn put(&mut self, character: char) {
        if character == '\n' || self.column == WIDTH {
            self.next_row();
        }
        if character != '\n' {
            let cell = self.place(self.row, self.column);
            self.memory.write(cell, BLANK & 0xFF00 | u16::from(u8::try_from(character).unwrap_or(0xFE)));
            self.column += 1;
        }
    }

    fn next_row(&mut self) {
        self.column = 0;
        if self.row + 1 < HEIGHT {
            self.row += 1;
        } else {
            self.scroll();
        }
    }

    /// The cell at a row and a column, both counted from the top left of the 25 rows that are written to.
    fn place(&self, row: usize, column: usize) -> usize {
        self.top + row * WIDTH + column
    }

    /// Puts the cursor where the next character goes. In a full row that is the cell after the row.
    fn show_cursor(&mut self) {
        let cell = self.place(self.row, self.column);
        self.memory.set_cursor(cell);
    }

    /// Makes the row below the lowest one the lowest one, blank, and shows it.
    fn scroll(&mut self) {
        if self.top + (HEIGHT + 1) * WIDTH <= CELLS {
            self.top += WIDTH;
        } else {
            for cell in 0..(HEIGHT - 1) * WIDTH {
                let value = self.memory.read(self.top + WIDTH + cell);
                self.memory.write(cell, value);
            }
            self.top = 0;
        }
        for column in 0..WIDTH {
            let cell = self.place(HEIGHT - 1, column);
            self.memory.write(cell, BLANK);
        }
        self.show(self.top);
    }

    /// Shows the picture as it was this many rows ago, or as many as are in memory. Returns how many it went back.
    ///
    /// Text that is written later shows the present again.
    pub fn look_back(&mut self, rows: usize) -> usize {
        let rows = rows.min(self.top / WIDTH);
        self.show(self.top - rows * WIDTH);
        rows
    }
}

impl<M: Memory> fmt::Write for Roll<M> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        if self.shown != self.top {
            self.show(self.top);
        }
        text.chars().for_each(|character| self.put(character));
        self.show_cursor();
        Ok(())
    }
}
