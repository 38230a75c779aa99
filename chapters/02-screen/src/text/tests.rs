//! The rules for text, on a screen made of an array.

use super::*;
use crate::cell::Color;
use core::fmt::Write;
use proptest::prelude::*;

#[derive(Clone, PartialEq, Debug)]
struct Memory {
    cells: [[Cell; WIDTH]; HEIGHT],
    cursor: usize,
}

impl Hardware for Memory {
    fn cell(&self, row: usize, column: usize) -> Cell {
        self.cells[row][column]
    }

    fn set_cell(&mut self, row: usize, column: usize, cell: Cell) {
        self.cells[row][column] = cell;
    }

    fn cursor(&self) -> usize {
        self.cursor
    }

    fn set_cursor(&mut self, cells: usize) {
        self.cursor = cells;
    }
}

fn screen_with(text: &str) -> Screen<Memory> {
    let mut screen = Screen::new(Memory { cells: [[Cell::BLANK; WIDTH]; HEIGHT], cursor: 0 });
    screen.write_str(text).expect("a screen takes everything");
    screen
}

/// Writes `text` to an empty screen. Then its first rows must be `rows`, and the others blank.
fn assert_shows(text: &str, rows: &[&str]) {
    let memory = screen_with(text).hardware;
    for row in 0..HEIGHT {
        let expected = rows.get(row).copied().unwrap_or("");
        for (column, character) in expected.chars().chain(core::iter::repeat(' ')).take(WIDTH).enumerate() {
            let cell = Cell::new(character, Colors::NORMAL);
            assert_eq!(memory.cell(row, column), cell, "{text:?} at row {row}, column {column}");
        }
    }
}

/// Writes `text` to an empty screen. Then the cursor must be at `row` and `column`.
fn assert_ends(text: &str, row: usize, column: usize) {
    assert_eq!(screen_with(text).hardware.cursor, row * WIDTH + column, "{text:?}");
}

#[test]
fn lines_and_returns() {
    assert_shows("one\ntwo\r\nthree\rTH", &["one", "two", "THree"]);
    assert_ends("one\ntwo\r\nthree\rTH", 2, 2);
}

#[test]
fn a_full_row_wraps_when_one_more_character_comes() {
    let full = "x".repeat(WIDTH);
    assert_shows(&full, &[&full]);
    assert_ends(&full, 1, 0);
    assert_shows(&format!("{full}\nnext"), &[&full, "next"]);
    assert_shows(&format!("{full}y"), &[&full, "y"]);
    assert_shows(&format!("{full}\ry"), &[&format!("y{}", &full[1..])]);
}

#[test]
fn tabs_go_to_the_next_multiple_of_eight() {
    for (text, column) in [("\t", 8), ("1234567\t", 8), ("12345678\t", 16), ("\t1\t", 16)] {
        assert_ends(text, 0, column);
    }
    assert_shows("overwritten\r\t!", &["        !en"]);
    assert_ends(&"\t".repeat(10), 1, 0);
    assert_shows(&format!("{}x", "\t".repeat(11)), &["", "        x"]);
}

#[test]
fn a_backspace_erases() {
    assert_shows("abc\u{8}\u{8}x", &["ax"]);
    assert_ends("abc\u{8}", 0, 2);
    assert_shows("\u{8}a", &["a"]);
}

#[test]
fn a_backspace_follows_a_wrap_but_no_line() {
    let full = "x".repeat(WIDTH);
    assert_shows(&format!("{full}y\u{8}\u{8}"), &[&full[1..]]);
    assert_ends(&format!("{full}y\u{8}\u{8}"), 0, WIDTH - 1);
    assert_shows(&format!("{full}\n\u{8}y"), &[&full, "y"]);
    // The mark in `wrapped` scrolls with its row. A row that is full again, but has not wrapped, has none.
    assert_ends(&format!("\n{full}y{}\u{8}", "\n".repeat(HEIGHT - 2)), HEIGHT - 1, 0);
    assert_ends(&format!("{}{full}y\u{8}\u{8}", "\n".repeat(HEIGHT - 1)), HEIGHT - 2, WIDTH - 1);
    assert_ends(&format!("{full}y\u{8}\u{8}x\n\u{8}"), 1, 0);
}

#[test]
fn colors_are_those_of_the_moment() {
    let mut screen = screen_with("a");
    let alarm = Colors { letter: Color::Yellow, background: Color::Blue };
    screen.set_colors(alarm);
    screen.write_str("b\nc\u{8}").expect("a screen takes everything");
    assert_eq!(screen.hardware.cell(0, 0), Cell::new('a', Colors::NORMAL));
    assert_eq!(screen.hardware.cell(0, 1), Cell::new('b', alarm));
    assert_eq!(screen.hardware.cell(1, 0), Cell::BLANK, "what is erased has no color");
}

#[test]
fn a_cleared_screen_is_as_good_as_new() {
    let full = "x".repeat(WIDTH * 3);
    let mut screen = screen_with(&full);
    screen.clear();
    screen.write_str("\n\u{8}").expect("a screen takes everything");
    assert_eq!(screen.hardware, screen_with("\n").hardware);
}

#[test]
fn a_cursor_beyond_the_screen_is_taken_for_its_end() {
    let memory = Memory { cursor: 0xFFFF, ..screen_with("").hardware };
    let mut screen = Screen::resume(memory);
    screen.write_str("x").expect("a screen takes everything");
    assert_eq!(screen.hardware.cursor, (HEIGHT - 1) * WIDTH + 1);
}

/// Rows that are just full or one character off, control characters, and anything else.
const PIECES: &str = "(x{79,81}|[\n\r\t\u{8}]|\\PC){0,10}";

proptest! {
    #[test]
    fn lines_are_cut_into_rows_and_the_last_ones_stay(lines in prop::collection::vec("[ -~]{0,200}", 0..40)) {
        let text = lines.join("\n");
        let chunks = |line: &str| -> Vec<String> {
            let bytes: Vec<u8> = line.bytes().collect();
            let rows = bytes.chunks(WIDTH).map(|row| String::from_utf8_lossy(row).into_owned());
            if line.is_empty() { vec![String::new()] } else { rows.collect() }
        };
        let rows: Vec<String> = text.split('\n').flat_map(chunks).collect();
        let seen: Vec<&str> = rows[rows.len().saturating_sub(HEIGHT)..].iter().map(String::as_str).collect();
        assert_shows(&text, &seen);
    }

    #[test]
    fn a_backspace_undoes_each_character(before in "[ -~]{0,300}\n?", typed in "[ -~]{0,1000}") {
        let untouched = screen_with(&before).hardware;
        let erased = screen_with(&format!("{before}{typed}{}", "\u{8}".repeat(typed.len()))).hardware;
        prop_assert_eq!(erased, untouched);
    }

    #[test]
    fn text_may_come_in_pieces(first in PIECES, second in PIECES) {
        let mut screen = screen_with(&first);
        screen.write_str(&second).expect("a screen takes everything");
        prop_assert_eq!(screen.hardware, screen_with(&(first + &second)).hardware);
    }

    #[test]
    fn the_hardware_is_enough_to_go_on_from(lines in "([ -~]{0,200}\n){0,30}[ -~]{0,200}", more in "[ -~]{0,200}") {
        let mut resumed = Screen::resume(screen_with(&lines).hardware);
        resumed.write_str(&more).expect("a screen takes everything");
        prop_assert_eq!(resumed.hardware, screen_with(&(lines + &more)).hardware);
    }

    #[test]
    fn any_text_stays_on_the_screen(text in "([ -~]|[\n\r\t\u{8}]|\\PC|[\0-\u{1F}]){0,3000}") {
        let screen = screen_with(&text);
        prop_assert!(screen.row < HEIGHT && screen.column <= WIDTH);
        let below = screen.hardware.cells[screen.row + 1..].iter().flatten();
        prop_assert!(below.into_iter().all(|cell| *cell == Cell::BLANK));
    }
}
