//! Random texts, and what the host sees of the screen.

use harness::seeded::{Random, Sight, look, show};
use screen::{HEIGHT, WIDTH, print};
use x86::io;

/// The memory of the screen.
pub const CELLS: *const u8 = 0xB8000 as *const u8;

/// Lets the host see all cells.
pub fn look_at_screen() {
    look("the cells of the screen (two bytes each, so 160 bytes a row)", Sight::Bytes(CELLS, 2 * WIDTH * HEIGHT));
}

/// Shows where the cursor is.
pub fn show_cursor() {
    // SAFETY: these ports access no memory.
    let [high, low] = [0x0E, 0x0F].map(|register| unsafe {
        io::outb(0x3D4, register);
        u32::from(io::inb(0x3D5))
    });
    show("the number of cells before the cursor", high << 8 | low);
}

/// A text that is made piece by piece and then printed at once.
pub struct Text {
    bytes: [u8; 8192],
    length: usize,
}

impl Text {
    /// No text yet.
    pub fn new() -> Self {
        Self { bytes: [0; _], length: 0 }
    }

    /// Adds a character.
    pub fn push(&mut self, character: char) {
        self.length += character.encode_utf8(&mut self.bytes[self.length..]).len();
    }

    /// So many letters. No two neighbors are the same, and none is a space.
    pub fn push_letters(&mut self, count: u32, random: &mut Random) {
        let mut letter = random.within(0x21..0x7F);
        for _ in 0..count {
            letter = 0x21 + (letter - 0x21 + random.within(1..0x5E)) % 0x5E;
            self.push(letter as u8 as char);
        }
    }

    /// Prints the text, and begins another one.
    pub fn print(&mut self) {
        print!("{}", core::str::from_utf8(&self.bytes[..self.length]).expect("pushed as characters"));
        self.length = 0;
    }
}
