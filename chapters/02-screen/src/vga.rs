//! The VGA in text mode: its memory at 0xB8000, its cursor, its attributes.
//!
//! Source: IBM, Personal System/2 Hardware Interface Technical Reference, "Video Subsystem".

#![cfg(target_os = "none")]

use crate::cell::Cell;
use crate::text::{HEIGHT, Hardware, WIDTH};
use x86::io;

type Cells = [[Cell; WIDTH]; HEIGHT];

const CELLS: *mut Cells = 0xB8000 as *mut Cells;

/// The CRT controller: the number of a register goes to the first port, and the register appears at the second.
const CONTROLLER_INDEX: u16 = 0x3D4;
const CONTROLLER_DATA: u16 = 0x3D5;

const CURSOR_START: u8 = 0x0A;
const CURSOR_END: u8 = 0x0B;
/// Which cell of the memory is at the top left.
const START_HIGH: u8 = 0x0C;
const START_LOW: u8 = 0x0D;
const CURSOR_HIGH: u8 = 0x0E;
const CURSOR_LOW: u8 = 0x0F;

/// The attribute controller has one port for writing, which takes indexes and values in turn. Reading
/// the status port makes it expect an index.
const ATTRIBUTE_WRITE: u16 = 0x3C0;
const ATTRIBUTE_READ: u16 = 0x3C1;
const STATUS: u16 = 0x3DA;

const ATTRIBUTE_MODE: u8 = 0x10;
const BLINK: u8 = 0x08;
/// A bit of the index. Without it, the screen stays dark.
const DISPLAY_ON: u8 = 0x20;

/// The screen of the PC. Its state is in the hardware, so there may be several values: last words use their own.
pub struct Vga;

// ANCHOR: init
impl Vga {
    /// Shows the memory from its beginning, and the cursor, because the loader may have changed both. Then makes all
    /// sixteen background colors usable.
    ///
    /// The caller holds the screen's lock, so that no other code selects registers in between.
    pub fn init(&mut self) {
        self.write_controller(START_HIGH, 0);
        self.write_controller(START_LOW, 0);
        // A line below the letter, in the last two of the sixteen rows of pixels of a cell.
        self.write_controller(CURSOR_START, 14);
        self.write_controller(CURSOR_END, 15);
        // The highest bit of a cell means "blink" until this makes it part of the background color.
        // SAFETY: these ports change how the screen shows its memory, and access no other memory.
        unsafe {
            io::inb(STATUS);
            io::outb(ATTRIBUTE_WRITE, ATTRIBUTE_MODE | DISPLAY_ON);
            let mode = io::inb(ATTRIBUTE_READ);
            io::outb(ATTRIBUTE_WRITE, mode & !BLINK);
        }
    }

    fn read_controller(&self, register: u8) -> u8 {
        // SAFETY: as in `write_controller`.
        unsafe {
            io::outb(CONTROLLER_INDEX, register);
            io::inb(CONTROLLER_DATA)
        }
    }

    fn write_controller(&mut self, register: u8, value: u8) {
        // SAFETY: this file names only the registers of the cursor, and of the cell at the top left.
        unsafe {
            io::outb(CONTROLLER_INDEX, register);
            io::outb(CONTROLLER_DATA, value);
        }
    }
}
// ANCHOR_END: init

// The accesses are volatile, because the screen reads what the program never reads again.
// ANCHOR: cells
impl Hardware for Vga {
    fn cell(&self, row: usize, column: usize) -> Cell {
        // SAFETY: the memory at CELLS is the screen's, and the indexes are checked. Every 16-bit number
        // in it is a valid `Cell`.
        unsafe { (&raw const (*CELLS)[row][column]).read_volatile() }
    }

    #[inline(always)]
    fn set_cell(&mut self, row: usize, column: usize, cell: Cell) {
        // SAFETY: as above. The memory belongs to the screen alone, and there are no references to it.
        unsafe { (&raw mut (*CELLS)[row][column]).write_volatile(cell) }
    }

    fn cursor(&self) -> usize {
        let cells = [self.read_controller(CURSOR_HIGH), self.read_controller(CURSOR_LOW)];
        usize::from(u16::from_be_bytes(cells))
    }

    fn set_cursor(&mut self, cells: usize) {
        self.write_controller(CURSOR_HIGH, (cells >> 8) as u8);
        self.write_controller(CURSOR_LOW, cells as u8);
    }
}
// ANCHOR_END: cells
