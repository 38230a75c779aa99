//! Boxes with words in columns: the words wrap at the column's width, and set the height.

use crate::shapes::{PAPER, Pen, SHADE, bold, colored, frame, words};
use svg::node::element::{Group, Rectangle};

/// The distance from one line of words to the next.
const LINE_HEIGHT: i32 = 16;
/// The space above and below the words of a box.
const PADDING: i32 = 3;
/// The space to their left and right.
const MARGIN: i32 = 8;
const NARROW_MARGIN: i32 = 4;
/// The width of a letter, and in a narrow layout, where letters are larger.
const LETTER: i32 = 6;
const NARROW_LETTER: i32 = 7;
const NARROW_BOLD_LETTER: i32 = 8;

/// A column of boxes.
#[derive(Clone, Copy, Debug)]
pub struct Column {
    /// The left edge.
    pub left: i32,
    /// Its width.
    pub width: i32,
    /// It belongs to a narrow layout.
    pub is_narrow: bool,
}

/// A box with words.
#[derive(Clone, Debug)]
pub struct Tile {
    /// The words in it.
    pub lines: Vec<Words>,
    /// How many of the lines are its name, in bold.
    pub name_lines: usize,
    /// How its border is drawn, and what stands at the right.
    pub pen: Pen,
    /// It has a thick border.
    pub is_new: bool,
}

/// A line of words at the left, and one at the right.
#[derive(Clone, Debug, PartialEq)]
pub struct Words(pub String, pub String);

impl Column {
    /// A column of a wide layout.
    pub const fn wide(left: i32, width: i32) -> Self {
        Self { left, width, is_narrow: false }
    }

    /// A column of a narrow layout.
    pub const fn narrow(left: i32, width: i32) -> Self {
        Self { left, width, is_narrow: true }
    }

    /// The right edge.
    pub fn right(&self) -> i32 {
        self.left + self.width
    }

    /// The middle.
    pub fn middle(&self) -> i32 {
        self.left + self.width / 2
    }

    fn margin(&self) -> i32 {
        if self.is_narrow { NARROW_MARGIN } else { MARGIN }
    }

    /// Breaks words into lines that fit this column. It never breaks a single word.
    pub fn lines(&self, said: &str, is_bold: bool) -> Vec<String> {
        let letter = match (self.is_narrow, is_bold) {
            (false, _) => LETTER,
            (true, false) => NARROW_LETTER,
            (true, true) => NARROW_BOLD_LETTER,
        };
        let most = ((self.width - 2 * self.margin()) / letter) as usize;
        let mut lines: Vec<String> = Vec::new();
        for word in said.split(' ') {
            match lines.last_mut() {
                Some(line) if line.chars().count() + 1 + word.chars().count() <= most => {
                    line.push(' ');
                    line.push_str(word);
                }
                _ => lines.push(word.to_owned()),
            }
        }
        lines
    }
}

impl Tile {
    /// A box with a name, and details below it.
    pub fn new(name: &str, said: impl IntoIterator<Item = Words>, pen: Pen) -> Self {
        let mut lines = vec![Words(name.to_owned(), String::new())];
        lines.extend(said);
        Self { lines, name_lines: 1, pen, is_new: false }
    }

    /// The same, with its words wrapped to fit the column.
    pub fn fitted(self, column: &Column) -> Self {
        let (mut lines, mut name_lines) = (Vec::new(), 0);
        for (number, Words(left, right)) in self.lines.into_iter().enumerate() {
            let is_name = number < self.name_lines;
            let only_left = |said: &str| column.lines(said, is_name).into_iter().map(|left| Words(left, String::new()));
            if right.is_empty() {
                lines.extend(only_left(&left));
            } else if left.is_empty() || column.lines(&format!("{left} {right}"), true).len() == 1 {
                lines.push(Words(left, right));
            } else {
                lines.extend(only_left(&left));
                lines.extend(column.lines(&right, true).into_iter().map(|right| Words(String::new(), right)));
            }
            if is_name {
                name_lines = lines.len();
            }
        }
        Self { lines, name_lines, ..self }
    }

    /// The height that it needs.
    pub fn height(&self) -> i32 {
        self.lines.len() as i32 * LINE_HEIGHT + 2 * PADDING
    }

    /// Draws it in its column.
    pub fn draw(&self, column: &Column, top: i32, height: i32) -> Group {
        let mut group = Group::new().add(edge(column, top, height, self.pen, self.is_new));
        let margin = column.margin();
        for (number, Words(left, right)) in self.lines.iter().enumerate() {
            let y = top + PADDING + (number as i32 + 1) * LINE_HEIGHT - 4;
            if !left.is_empty() {
                let left = words(left, column.left + margin, y, "start");
                group = group.add(if number < self.name_lines { left.set("font-weight", "bold") } else { left });
            }
            if !right.is_empty() {
                let is_news = ["new", "changed", "free again"].contains(&right.as_str());
                let pen = if is_news { Pen::Plain } else { self.pen };
                group = group.add(colored(bold(right, column.right() - margin, y, "end"), pen));
            }
        }
        group
    }
}

/// Words that stay on one line.
pub fn unbroken(said: &str) -> String {
    said.replace(' ', "\u{A0}")
}

/// A box without words; a new one has a thick border.
pub fn edge(column: &Column, top: i32, height: i32, pen: Pen, is_new: bool) -> Rectangle {
    let fill = if pen == Pen::Faint { SHADE } else { PAPER };
    frame(column.left, top, column.width, height, fill, pen).set("stroke-width", if is_new { 3 } else { 1 })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(tile: &Tile) -> Vec<(&str, &str)> {
        tile.lines.iter().map(|Words(left, right)| (left.as_str(), right.as_str())).collect()
    }

    #[test]
    fn words_are_broken_where_the_column_ends_and_only_between_words() {
        let narrow = Column::narrow(0, 112);
        assert_eq!(narrow.lines("the kernel's instructions", true), ["the kernel's", "instructions"]);
        assert_eq!(narrow.lines("0x00102000,", false), ["0x00102000,"]);
        assert_eq!(Column::wide(0, 208).lines("the kernel's instructions", true), ["the kernel's instructions"]);
        assert_eq!(Column::narrow(0, 30).lines("incomprehensibilities", true), ["incomprehensibilities"]);
    }

    #[test]
    fn text_that_does_not_fit_at_the_right_gets_its_own_line() {
        let said = || [Words(format!("0x00102000, {}", unbroken("4 KiB")), "linked".into())];
        let tile = Tile::new("the kernel heap", said(), Pen::Linked);
        let narrow = tile.clone().fitted(&Column::narrow(0, 112));
        let expected = [("the kernel", ""), ("heap", ""), ("0x00102000,", ""), ("4\u{A0}KiB", ""), ("", "linked")];
        assert_eq!((lines(&narrow), narrow.name_lines), (expected.into(), 2));
        let wide = tile.fitted(&Column::wide(0, 208));
        assert_eq!(
            (lines(&wide), wide.name_lines),
            ([("the kernel heap", ""), ("0x00102000, 4\u{A0}KiB", "linked")].into(), 1)
        );
    }

    #[test]
    fn a_box_is_as_high_as_its_lines() {
        let tile = |said: usize| Tile::new("a", vec![Words("b".into(), String::new()); said], Pen::Plain);
        assert_eq!(tile(3).height() - tile(1).height(), 2 * LINE_HEIGHT);
        let drawn = tile(1).draw(&Column::wide(10, 100), 20, 50).to_string();
        assert!(drawn.contains("height=\"50\"") && !drawn.contains("\n\n"), "{drawn}");
    }
}
