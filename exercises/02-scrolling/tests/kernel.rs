//! Judges exercise 2.3: a VGA that counts accesses, and the real one.

#![no_std]
#![no_main]

use common::Lock;
use core::fmt::Write;
use ex02_scrolling::{BLANK, CELLS, Memory, Roll, Vga};
use harness::seeded::{Random, Sight, look, show};
use harness::{Test, test};
use screen::{HEIGHT, WIDTH};
use x86::io;

harness::boot!(TESTS, up to screen);

const TESTS: &[Test] =
    &[test!(rows_that_move), test!(past_the_end_of_the_memory), test!(the_real_screen), test!(rows_of_the_past)];

/// Too large for the stack.
static MEMORY: Lock<[u16; CELLS]> = Lock::new([0; CELLS]);

/// A VGA that counts.
struct Counting<'a> {
    cells: &'a mut [u16; CELLS],
    reads: u32,
    start: usize,
    cursor: usize,
    /// How often the picture has moved while its lowest row was not blank.
    stale: u32,
}

impl<'a> Counting<'a> {
    fn new(cells: &'a mut [u16; CELLS], random: &mut Random) -> Self {
        // No cell is blank by chance.
        cells.fill_with(|| random.word() as u16 | 0x8000);
        Self { cells, reads: 0, start: 0, cursor: 0, stale: 0 }
    }

    /// The cells of the picture. Those beyond the end of the memory do not count.
    fn picture(&self) -> &[u16] {
        &self.cells[self.start.min(CELLS)..(self.start + WIDTH * HEIGHT).min(CELLS)]
    }

    fn show_picture(&self) {
        let sum = self
            .picture()
            .iter()
            .fold(0, |sum: u32, cell| sum.rotate_left(5).wrapping_mul(0x9E37_79B9) ^ u32::from(*cell));
        show("a checksum of the 2000 cells of the picture", sum);
    }

    fn show_all(&self) {
        show("the cell with which the picture begins", self.start as u32);
        show("the cell of the cursor", self.cursor as u32);
        show("how many cells were read so far", self.reads);
        show("how often the picture moved before its lowest row was blank", self.stale);
        self.show_picture();
    }
}

impl Memory for Counting<'_> {
    fn read(&mut self, cell: usize) -> u16 {
        self.reads += 1;
        self.cells[cell]
    }

    fn write(&mut self, cell: usize, value: u16) {
        self.cells[cell] = value;
    }

    fn show_from(&mut self, cell: usize) {
        if self.start != cell {
            self.start = cell;
            let lowest = self.picture().iter().skip(WIDTH * (HEIGHT - 1));
            self.stale += u32::from(lowest.into_iter().any(|cell| *cell != BLANK));
        }
    }

    fn set_cursor(&mut self, cell: usize) {
        self.cursor = cell;
    }
}

/// Writes a line that takes one row, or sometimes two.
fn write_line(roll: &mut Roll<impl Memory>, random: &mut Random) {
    let mut line = [0; 160];
    let length = if random.within(0..8) == 0 { random.within(81..160) } else { random.within(1..81) } as usize;
    line[..length].fill_with(|| random.within(0x21..0x7F) as u8);
    let line = core::str::from_utf8(&line[..length]).expect("ASCII");
    roll.write_str("\n").expect("a screen takes everything");
    roll.write_str(line).expect("a screen takes everything");
}

fn rows_that_move() {
    let (mut random, mut cells) = (Random::new(), MEMORY.lock());
    let mut roll = Roll::new(Counting::new(&mut cells, &mut random));
    for _ in 0..100 {
        write_line(&mut roll, &mut random);
        roll.memory().show_all();
    }
}

fn past_the_end_of_the_memory() {
    let (mut random, mut cells) = (Random::new(), MEMORY.lock());
    let mut roll = Roll::new(Counting::new(&mut cells, &mut random));
    for line in 0..420 {
        write_line(&mut roll, &mut random);
        if line > 100 {
            roll.memory().show_all();
        }
    }
}

/// A number in two registers of the CRT controller.
fn controller(registers: [u8; 2]) -> u32 {
    // SAFETY: these ports access no memory.
    let [high, low] = registers.map(|register| unsafe {
        io::outb(0x3D4, register);
        u32::from(io::inb(0x3D5))
    });
    high << 8 | low
}

fn the_real_screen() {
    let mut random = Random::new();
    let mut vga = Vga;
    (0..CELLS).for_each(|cell| vga.write(cell, 0));
    let mut roll = Roll::new(vga);
    for lines in [random.within(30..60), random.within(80..110), random.within(110..150)] {
        (0..lines).for_each(|_| write_line(&mut roll, &mut random));
        show("the cell with which the picture begins", controller([0x0C, 0x0D]));
        show("the cell of the cursor", controller([0x0E, 0x0F]));
        look("the memory of the screen (two bytes a cell, 160 a row)", Sight::Bytes(0xB8000 as *const u8, 2 * CELLS));
    }
}

fn rows_of_the_past() {
    let (mut random, mut cells) = (Random::new(), MEMORY.lock());
    let mut roll = Roll::new(Counting::new(&mut cells, &mut random));
    for _ in 0..12 {
        (0..random.within(18..30)).for_each(|_| write_line(&mut roll, &mut random));
        for rows in [random.within(1..25), random.within(1..100), 300, random.within(1..10), 0] {
            show("how many rows back the picture is", roll.look_back(rows as usize) as u32);
            roll.memory().show_picture();
        }
        roll.look_back(random.within(1..10) as usize);
        roll.write_str("now").expect("a screen takes everything");
        show("the cell with which the picture begins after new text", roll.memory().start as u32);
        roll.memory().show_picture();
    }
}
