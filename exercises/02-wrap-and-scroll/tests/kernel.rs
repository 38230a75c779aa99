//! Judges exercise 2.2: random texts on the screen, whose memory the host compares.

#![no_std]
#![no_main]

use harness::seeded::{Random, Sight, look, show};
use harness::{Test, test};
use screen::{Color, Colors, HEIGHT, WIDTH, print};
use x86::io;

harness::boot!(TESTS, up to screen);

const TESTS: &[Test] = &[test!(letters_in_their_cells), test!(rows_that_are_full), test!(more_rows_than_fit)];

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

fn letters_in_their_cells() {
    let (mut random, mut text) = (Random::new(), Text::new());
    for _ in 0..4 {
        screen::init();
        for _ in 0..random.within(10..20) {
            let [letter, background] = [0, 1].map(|_| Color::ALL[random.within(0..16) as usize]);
            screen::set_colors(Colors { letter, background });
            for _ in 0..random.within(1..4) {
                text.push_letters(random.within(0..10), &mut random);
                // Foreign letters, and control characters without a meaning.
                text.push(['ü', 'ł', '東', '\u{7F}', '\u{1B}', '\0', ' '][random.within(0..7) as usize]);
            }
            if random.within(0..3) == 0 {
                // Over the beginning of the row.
                text.push('\r');
                text.push_letters(random.within(0..6), &mut random);
            }
            text.push('\n');
            text.print();
        }
        text.push_letters(random.within(1..30), &mut random);
        text.print();
        show_cursor();
        look_at_screen();
    }
}

/// A length of a line for which it matters when a row wraps.
fn length(random: &mut Random) -> u32 {
    [79, 80, 81, 159, 160, 161, random.within(1..240)][random.within(0..7) as usize]
}

fn rows_that_are_full() {
    let (mut random, mut text) = (Random::new(), Text::new());
    for round in 0..4 {
        screen::init();
        // No row too many, so that nothing scrolls.
        let mut rows = 0;
        while rows < 16 {
            let length = if rows == 0 { [80, 81, 160, 161][round] } else { length(&mut random) };
            text.push_letters(length, &mut random);
            text.print();
            show_cursor();
            match random.within(0..3) {
                0 => text.push('\r'),
                1 => {
                    // Back across the wrap, if there is one, and forth.
                    (0..random.within(1..4)).for_each(|_| text.push('\u{8}'));
                    text.print();
                    show_cursor();
                    text.push_letters(random.within(0..6), &mut random);
                }
                _ => {}
            }
            text.push('\n');
            text.print();
            show_cursor();
            rows += length.div_ceil(WIDTH as u32) + 1;
        }
        look_at_screen();
    }
}

fn more_rows_than_fit() {
    let (mut random, mut text) = (Random::new(), Text::new());
    for _ in 0..5 {
        for line in 0..random.within(10..30) {
            let [letter, background] = [0, 1].map(|_| Color::ALL[random.within(0..16) as usize]);
            screen::set_colors(Colors { letter, background });
            // One line just fills its row.
            text.push_letters(if line == 1 { WIDTH as u32 } else { random.within(0..70) }, &mut random);
            text.push('\n');
            text.print();
        }
        text.push_letters(random.within(1..70), &mut random);
        text.print();
        show_cursor();
        look_at_screen();
    }

    // What is known about a row scrolls with it.
    text.push_letters(WIDTH as u32, &mut random);
    for _ in 1..HEIGHT {
        text.push('\n');
    }
    text.print();
    for _ in 0..8 {
        // In the lowest row: one or two wraps, then nearly all the way back, or farther than there is to go.
        text.push_letters(random.within(0..2) * 80 + random.within(81..160), &mut random);
        text.print();
        show_cursor();
        (0..random.within(80..330)).for_each(|_| text.push('\u{8}'));
        text.print();
        show_cursor();
        text.push_letters(random.within(1..5), &mut random);
        text.print();
        look_at_screen();
        for _ in 0..HEIGHT {
            text.push('\n');
        }
        text.print();
    }
}
