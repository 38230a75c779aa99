//! The cells of the text screen: bytes of video memory, turned into colored text.
//!
//! A cell is two bytes: first the character's number in code page 437, then its colors, the letter's in the low
//! half and the background's in the high half.

use anyhow::{Result, ensure};
use serde::Serialize;

/// The number of cells in a row.
pub const COLUMNS: usize = 80;
/// The number of rows.
pub const ROWS: usize = 25;
/// The physical address of the cells.
pub const ADDRESS: u32 = 0xB8000;
/// Their size in bytes.
pub const BYTES: usize = COLUMNS * ROWS * 2;

/// The characters for the numbers 0 to 31; the first is blank.
const LOW: &str = " ☺☻♥♦♣♠•◘○◙♂♀♪♫☼►◄↕‼¶§▬↨↑↓→←∟↔▲▼";
/// The characters for the numbers 127 to 255.
const HIGH: &str = concat!(
    "⌂ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒáíóúñÑªº¿⌐¬½¼¡«»",
    "░▒▓│┤╡╢╖╕╣║╗╝╜╛┐└┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀",
    "αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■\u{A0}",
);

/// Consecutive cells of a row with the same colors.
#[derive(Debug, PartialEq, Serialize)]
pub struct Run {
    /// The row, counted from the top.
    pub row: usize,
    /// The column of the first cell.
    pub column: usize,
    /// The characters.
    pub text: String,
    /// The number of the letters' color, 0 to 15.
    pub letter: u8,
    /// The number of the background's color.
    pub background: u8,
}

/// The character with this number.
fn character(number: u8) -> char {
    match number {
        0..32 => LOW.chars().nth(number.into()),
        32..127 => Some(number.into()),
        127.. => HIGH.chars().nth(usize::from(number) - 127),
    }
    .expect("the table has all 256")
}

/// The content of the screen, row by row.
pub fn runs(bytes: &[u8]) -> Result<Vec<Run>> {
    ensure!(bytes.len() == BYTES, "a screen has {BYTES} bytes, and not {}", bytes.len());
    let mut runs: Vec<Run> = Vec::new();
    for (place, cell) in bytes.chunks_exact(2).enumerate() {
        let (row, column, shown) = (place / COLUMNS, place % COLUMNS, character(cell[0]));
        let (letter, background) = (cell[1] & 0xF, cell[1] >> 4);
        match runs.last_mut() {
            Some(run) if (run.row, run.letter, run.background) == (row, letter, background) => run.text.push(shown),
            _ => runs.push(Run { row, column, text: shown.into(), letter, background }),
        }
    }
    Ok(runs)
}

/// The rows as plain text, without trailing blanks and without blank rows at the end.
pub fn text(runs: &[Run]) -> Vec<String> {
    let row = |row| runs.iter().filter(|run| run.row == row).map(|run| run.text.as_str()).collect::<String>();
    let mut rows: Vec<String> = (0..ROWS).map(|number| row(number).trim_end().to_owned()).collect();
    while rows.last().is_some_and(String::is_empty) {
        rows.pop();
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    fn screen(rows: &[&[(u8, u8)]]) -> Vec<u8> {
        let mut bytes = [b' ', 0x07].repeat(COLUMNS * ROWS);
        for (row, cells) in rows.iter().enumerate() {
            for (column, (number, colors)) in cells.iter().enumerate() {
                let place = (row * COLUMNS + column) * 2;
                bytes[place..place + 2].copy_from_slice(&[*number, *colors]);
            }
        }
        bytes
    }

    #[test]
    fn every_number_has_a_character_of_its_own() {
        assert_eq!((LOW.chars().count(), HIGH.chars().count()), (32, 129));
        let shown = [1, 0x41, 0x7F, 0x80, 0xC9, 0xDB, 0xFE].map(character);
        assert_eq!(shown, ['☺', 'A', '⌂', 'Ç', '╔', '█', '■']);
        let mut all: Vec<char> = (0..=255).map(character).collect();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), 255, "only 0 and the space look alike");
    }

    #[test]
    fn a_run_ends_where_the_colors_change_and_at_the_end_of_a_row() {
        let runs = runs(&screen(&[&[(b'a', 0x07), (b'b', 0x4F), (b'c', 0x4F)], &[(b'd', 0x07)]])).expect("a screen");
        let first: Vec<_> = runs.iter().take(4).map(|run| (run.row, run.column, run.text.trim_end())).collect();
        assert_eq!(first, [(0, 0, "a"), (0, 1, "bc"), (0, 3, ""), (1, 0, "d")]);
        assert_eq!((runs[1].letter, runs[1].background), (15, 4));
        assert_eq!(runs.iter().map(|run| run.text.chars().count()).sum::<usize>(), COLUMNS * ROWS);
        assert_eq!(text(&runs), ["abc", "d"]);
    }

    #[test]
    fn blank_rows_count_only_in_between() {
        assert_eq!(text(&runs(&screen(&[&[], &[(0xFE, 7)]])).expect("a screen")), ["", "■"]);
        assert_eq!(text(&runs(&screen(&[])).expect("a screen")), Vec::<String>::new());
    }

    #[test]
    fn half_a_screen_is_rejected() {
        assert!(runs(&[0; 100]).is_err());
    }
}
