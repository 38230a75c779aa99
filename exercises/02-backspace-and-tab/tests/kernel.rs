//! Judges exercise 2.1: random texts with tabs and backspaces, whose memory the host compares.

#![no_std]
#![no_main]

#[path = "../../02-texts.rs"]
mod texts;

use harness::seeded::Random;
use harness::{Test, test};
use screen::{Color, Colors, WIDTH};
use texts::{Text, look_at_screen, show_cursor};

harness::boot!(TESTS, up to screen);

const TESTS: &[Test] = &[test!(random_tabs), test!(backspaces_in_a_row), test!(backspaces_across_wraps)];

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
