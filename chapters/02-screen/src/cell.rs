//! A cell of the screen: one character in its colors.
//!
//! ```text
//!      15      12 11       8 7                 0
//!     +----------+----------+-------------------+
//!     |background|  letter  |     character     |
//!     +----------+----------+-------------------+
//! ```
//!
//! The character is a number in the font that the BIOS has loaded, code page 437. From the space to the
//! tilde it agrees with ASCII. A placeholder stands for every character outside that range.

#![forbid(unsafe_code)]

/// One of the sixteen colors of text mode, with the hardware's numbers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
#[allow(missing_docs, reason = "their names say it all")]
pub enum Color {
    Black,
    Blue,
    Green,
    Cyan,
    Red,
    Magenta,
    Brown,
    LightGrey,
    DarkGrey,
    LightBlue,
    LightGreen,
    LightCyan,
    LightRed,
    Pink,
    Yellow,
    White,
}

impl Color {
    /// All colors, in the order of their numbers.
    pub const ALL: [Self; 16] = {
        use Color::*;
        [
            Black, Blue, Green, Cyan, Red, Magenta, Brown, LightGrey, DarkGrey, LightBlue, LightGreen, LightCyan,
            LightRed, Pink, Yellow, White,
        ]
    };
}

/// The colors of a cell.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Colors {
    /// The color of the character.
    pub letter: Color,
    /// The color of the rest of the cell.
    pub background: Color,
}

impl Colors {
    /// The colors that a PC starts with: light gray on black.
    pub const NORMAL: Self = Self { letter: Color::LightGrey, background: Color::Black };
}

// ANCHOR: cell
/// One cell, in the layout of the screen's memory.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(transparent)]
pub struct Cell(u16);

const _: () = assert!(size_of::<Cell>() == 2);

/// A filled square.
const PLACEHOLDER: u8 = 0xFE;

impl Cell {
    /// An empty cell: a space in normal colors.
    pub const BLANK: Self = Self::new(' ', Colors::NORMAL);

    /// `character` in `colors`, or a placeholder if it is not printable ASCII.
    pub const fn new(character: char, colors: Colors) -> Self {
        let character = if matches!(character, ' '..='~') { character as u8 } else { PLACEHOLDER };
        let attribute = (colors.background as u8) << 4 | colors.letter as u8;
        Self(u16::from_be_bytes([attribute, character]))
    }
}
// ANCHOR_END: cell

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_is_laid_out_as_the_hardware_reads_it() {
        let white_on_red = Colors { letter: Color::White, background: Color::Red };
        assert_eq!(Cell::new('A', white_on_red), Cell(0x4F41));
        assert_eq!(Cell::BLANK, Cell(0x0720));
        let brightest = Colors { letter: Color::Black, background: Color::White };
        assert_eq!(Cell::new('~', brightest), Cell(0xF07E));
    }

    #[test]
    fn all_but_printable_ascii_is_a_placeholder() {
        for character in ['\0', '\u{1B}', '\u{1F}', '\u{7F}', '\u{80}', 'ü', 'š', '世', '\u{10FFFF}'] {
            assert_eq!(Cell::new(character, Colors::NORMAL), Cell(0x07FE), "{character:?}");
        }
    }
}
