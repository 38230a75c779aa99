//! The VGA in text mode: its memory at 0xB8000, its cursor, its attributes.
//!
//! Source: IBM, Personal System/2 Hardware Interface Technical Reference, "Video Subsystem".

#![cfg(target_os = "none")]

use crate::cell::Cell;
use crate::text::{HEIGHT, Hardware, WIDTH};
use x86::io;

type Cells = [[Cell; WIDTH]; HEIGHT];

const CELLS: *mut Cells = 0xB8000 as *mut Cells;

/// The CRT controller: a register is chosen through the first port, and appears at the second.
const CONTROLLER_INDEX: u16 = 0x3D4;
const CONTROLLER_DATA: u16 = 0x3D5;

const CURSOR_START: u8 = 0x0A;
const CURSOR_END: u8 = 0x0B;
/// Which cell of the memory is the top left one.
const START_HIGH: u8 = 0x0C;
const START_LOW: u8 = 0x0D;
const CURSOR_HIGH: u8 = 0x0E;
const CURSOR_LOW: u8 = 0x0F;

/// The attribute controller has one port to write to, which takes indexes and values in turn. A read
/// of the status port makes it expect an index.
const ATTRIBUTE_WRITE: u16 = 0x3C0;
const ATTRIBUTE_READ: u16 = 0x3C1;
const STATUS: u16 = 0x3DA;

const ATTRIBUTE_MODE: u8 = 0x10;
const BLINK: u8 = 0x08;
/// Goes with the index: without it, the screen stays dark.
const DISPLAY_ON: u8 = 0x20;

/// The screen of the PC. It is in the hardware and not in here, so there may be several: one for last words, too.
pub struct Vga;

// ANCHOR: init
impl Vga {
    /// Shows the memory from its beginning and the cursor, which the loader may have changed, and makes all sixteen
    /// backgrounds usable.
    ///
    /// The caller holds the screen's lock, so that no other code chooses registers meanwhile.
    pub fn init(&mut self) {
        self.write_controller(START_HIGH, 0);
        self.write_controller(START_LOW, 0);
        // A line below the letter, in the last two of the sixteen rows of dots that a cell has.
        self.write_controller(CURSOR_START, 14);
        self.write_controller(CURSOR_END, 15);
        // The highest bit of a cell means "blink" until it is told to be part of the background.
        // SAFETY: these ports choose how the screen shows its memory, and reach no other.
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
        // SAFETY: this file only names registers of the cursor, and of the cell that is shown first.
        unsafe {
            io::outb(CONTROLLER_INDEX, register);
            io::outb(CONTROLLER_DATA, value);
        }
    }
}
// ANCHOR_END: init

// The accesses are volatile: the screen reads what the program never reads again.
// ANCHOR: cells
impl Hardware for Vga {
    fn cell(&self, row: usize, column: usize) -> Cell {
        // SAFETY: the memory at CELLS is the screen's, and the indexes are checked. It holds numbers
        // of 16 bits, each of which is a cell.
        unsafe { (&raw const (*CELLS)[row][column]).read_volatile() }
    }

    #[inline(always)]
    fn set_cell(&mut self, row: usize, column: usize, cell: Cell) {
        // SAFETY: as above; nothing but the screen is kept there, and there are no references to it.
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
