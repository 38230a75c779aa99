//! Judges exercise 2.1: random texts with tabs and backspaces, whose memory the host compares.

#![no_std]
#![no_main]

use harness::seeded::{Random, Sight, look, show};
use harness::{Test, test};
use screen::{Color, Colors, HEIGHT, WIDTH, print};
use x86::io;

harness::boot!(TESTS, up to screen);

const TESTS: &[Test] = &[test!(random_tabs), test!(backspaces_in_a_row), test!(backspaces_across_wraps)];

const CELLS: *const u8 = 0xB8000 as *const u8;

/// Lets the host see all cells.
fn look_at_screen() {
    look("the cells of the screen (two bytes each, so 160 bytes a row)", Sight::Bytes(CELLS, 2 * WIDTH * HEIGHT));
}

fn show_cursor() {
    // SAFETY: these ports access no memory.
    let [high, low] = [0x0E, 0x0F].map(|register| unsafe {
        io::outb(0x3D4, register);
        u32::from(io::inb(0x3D5))
    });
    show("the number of cells before the cursor", high << 8 | low);
}

/// A text that is made piece by piece and then printed at once.
struct Text {
    bytes: [u8; 8192],
    length: usize,
}

impl Text {
    fn new() -> Self {
        Self { bytes: [0; _], length: 0 }
    }

    fn push(&mut self, character: char) {
        self.length += character.encode_utf8(&mut self.bytes[self.length..]).len();
    }

    /// So many letters. No two neighbors are the same, and none is a space.
    fn push_letters(&mut self, count: u32, random: &mut Random) {
        let mut letter = random.within(0x21..0x7F);
        for _ in 0..count {
            letter = 0x21 + (letter - 0x21 + random.within(1..0x5E)) % 0x5E;
            self.push(letter as u8 as char);
        }
    }

    fn print(&mut self) {
        print!("{}", core::str::from_utf8(&self.bytes[..self.length]).expect("pushed as characters"));
        self.length = 0;
    }
}

/// Some colors, so that a blank cell differs from a space.
fn set_random_colors(random: &mut Random) {
    let [letter, background] = [0, 1].map(|_| Color::ALL[random.within(1..16) as usize]);
    screen::set_colors(Colors { letter, background });
}

fn random_tabs() {
    let (mut random, mut text) = (Random::new(), Text::new());
    for _ in 0..4 {
        screen::init();
        for line in 0..8 {
            set_random_colors(&mut random);
            // Something to write over.
            text.push_letters(random.within(0..WIDTH as u32), &mut random);
            text.push('\r');
            // From every column, but not so far that a tab begins in a full row.
            text.push_letters(line, &mut random);
            for _ in 0..random.within(1..5) {
                text.push('\t');
                text.print();
                show_cursor();
                text.push_letters(random.within(0..10), &mut random);
            }
            text.push('\n');
            text.print();
        }
        // From a full row, and from the columns before it.
        for before in 0..3 {
            text.push_letters(WIDTH as u32 - before, &mut random);
            text.push('\t');
            text.print();
            show_cursor();
            text.push('!');
            text.push('\n');
            text.print();
        }
        look_at_screen();
    }
}

fn backspaces_in_a_row() {
    let (mut random, mut text) = (Random::new(), Text::new());
    for _ in 0..4 {
        screen::init();
        for _ in 0..20 {
            set_random_colors(&mut random);
            text.push_letters(random.within(1..WIDTH as u32), &mut random);
            text.print();
            // Sometimes more than there are letters. So no letter is in the row above's last column.
            (0..random.within(1..100)).for_each(|_| text.push('\u{8}'));
            text.print();
            show_cursor();
            text.push_letters(random.within(0..3), &mut random);
            text.push('\n');
            text.print();
        }
        look_at_screen();
    }
}

fn backspaces_across_wraps() {
    let (mut random, mut text) = (Random::new(), Text::new());
    for _ in 0..4 {
        screen::init();
        for _ in 0..5 {
            set_random_colors(&mut random);
            let letters = random.within(81..240);
            text.push_letters(letters, &mut random);
            // Back into the first row, then forward to its end without a wrap.
            (0..letters - 79).for_each(|_| text.push('\u{8}'));
            text.print();
            show_cursor();
            text.push_letters(1, &mut random);
            text.push('\n');
            // The row above is full, but it did not wrap.
            text.push('\u{8}');
            text.print();
            show_cursor();
            // A wrap, and back: as far as the line begins, and farther.
            let letters = random.within(81..200);
            text.push_letters(letters, &mut random);
            (0..letters - 80 + random.within(0..5) * 30).for_each(|_| text.push('\u{8}'));
            text.print();
            show_cursor();
            text.push_letters(random.within(0..5), &mut random);
            text.push('\n');
            text.print();
            show_cursor();
        }
        look_at_screen();
    }
}
