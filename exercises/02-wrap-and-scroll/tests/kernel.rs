//! Judges exercise 2.2: random texts on the screen, whose memory the host compares.

#![no_std]
#![no_main]

#[path = "../../02-texts.rs"]
mod texts;

use harness::seeded::Random;
use harness::{Test, test};
use screen::{Color, Colors, HEIGHT, WIDTH};
use texts::{Text, look_at_screen, show_cursor};

harness::boot!(TESTS, up to screen);

const TESTS: &[Test] = &[test!(letters_in_their_cells), test!(rows_that_are_full), test!(more_rows_than_fit)];

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
