//! A strip of blocks, from left to right and to scale: memory, bits, or time.

use crate::shapes::{PAPER, Pen, SHADE, bold, digits, frame, line, words};
use svg::node::element::{Group, Text};

/// The distance from one line of words in a block to the next.
const LINE: i32 = 15;
/// The width of a block that one letter takes; this is a wide letter.
const LETTER: i32 = 7;

/// The place of a strip, and its length in units: bytes, bits, ticks.
#[derive(Clone, Copy)]
pub struct Strip {
    /// The left edge.
    pub left: i32,
    /// The upper edge.
    pub top: i32,
    /// Its width.
    pub width: i32,
    /// Its height.
    pub height: i32,
    /// The number of units from the left edge to the right one.
    pub units: u32,
}

/// A block, from one unit up to another.
pub struct Block {
    /// Where it begins,
    pub from: u32,
    /// and where it ends.
    pub to: u32,
    /// Its look.
    pub look: Look,
    /// The words in it, line by line.
    pub labels: Vec<Label>,
}

/// The look of a block.
#[derive(Clone, Copy, PartialEq)]
pub enum Look {
    /// A thin edge.
    Plain,
    /// A thin edge, and shaded.
    Shaded,
    /// A thick edge.
    Strong,
    /// A thick edge, and shaded; a second line at the left if it begins here, and at the right if it ends here.
    Closed(bool, bool),
    /// A broken edge: free, or idle.
    Free,
}

/// A line of words in a block, in shorter and shorter versions. The first one that fits is written.
pub struct Label(Face, Vec<String>);

/// How words in a block are written.
#[derive(Clone, Copy, PartialEq)]
pub enum Face {
    /// In the middle.
    Plain,
    /// In the middle, emphasized.
    Bold,
    /// One digit in each unit; or all in the middle, if the numbers of digits and units differ.
    Digits,
    /// At the end.
    End,
}

impl Strip {
    /// The position of a unit's left edge.
    pub fn x(&self, unit: u32) -> i32 {
        self.left + (unit as i32 * self.width + self.units as i32 / 2) / self.units as i32
    }

    /// A number above the middle of the space between two units.
    pub fn mark(&self, number: &str, from: u32, to: u32) -> Text {
        digits(number, (self.x(from) + self.x(to)) / 2, self.top - 5, "middle")
    }

    /// Draws blocks.
    pub fn draw(&self, blocks: &[Block]) -> Group {
        blocks.iter().fold(Group::new(), |drawing, block| self.draw_block(drawing, block))
    }

    fn draw_block(&self, drawing: Group, block: &Block) -> Group {
        let (left, right) = (self.x(block.from), self.x(block.to));
        let (fill, pen, thickness) = match block.look {
            Look::Plain => (PAPER, Pen::Plain, 1),
            Look::Shaded => (SHADE, Pen::Plain, 1),
            Look::Strong => (PAPER, Pen::Plain, 2),
            Look::Closed(..) => (SHADE, Pen::Plain, 2),
            Look::Free => (PAPER, Pen::Faint, 1),
        };
        let edge = frame(left, self.top, right - left, self.height, fill, pen).set("stroke-width", thickness);
        let mut drawing = drawing.add(edge);
        if let Look::Closed(begins, ends) = block.look {
            for (x, _) in [(left + 3, begins), (right - 3, ends)].into_iter().filter(|(_, is_there)| *is_there) {
                drawing = drawing.add(line((x, self.top), (x, self.top + self.height), Pen::Plain));
            }
        }
        let said: Vec<_> = block.labels.iter().filter_map(|label| Some((label.0, label.fit(right - left)?))).collect();
        let first = self.top + (self.height - said.len() as i32 * LINE) / 2 + LINE - 3;
        for (number, (face, said)) in (0..).zip(said) {
            let (middle, y) = ((left + right) / 2, first + number * LINE);
            drawing = drawing.add(match face {
                Face::Plain => words(said, middle, y, "middle"),
                Face::Bold => bold(said, middle, y, "middle"),
                Face::End => digits(said, middle.max(right - 7), y + 1, "middle").set("font-weight", "bold"),
                Face::Digits => {
                    let digits = digits(said, middle, y + 1, "middle").set("font-size", 15);
                    if said.len() as u32 == block.to - block.from {
                        digits.set("x", self.middles(block))
                    } else {
                        digits
                    }
                }
            });
        }
        drawing
    }

    /// The middle of each unit of a block.
    fn middles(&self, block: &Block) -> String {
        let middle = |unit| ((self.x(unit) + self.x(unit + 1)) / 2).to_string();
        (block.from..block.to).map(middle).collect::<Vec<_>>().join(" ")
    }
}

impl Label {
    /// These words, or a shorter version.
    pub fn new<T: ToString>(face: Face, said: impl IntoIterator<Item = T>) -> Self {
        Self(face, said.into_iter().map(|said| said.to_string()).collect())
    }

    /// The longest version that fits.
    fn fit(&self, width: i32) -> Option<&str> {
        let letter = if self.0 == Face::Bold { LETTER + 1 } else { LETTER };
        let fits = |said: &&String| !said.is_empty() && said.chars().count() as i32 * letter + 2 <= width;
        self.1.iter().find(fits).map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STRIP: Strip = Strip { left: 10, top: 20, width: 100, height: 30, units: 3 };

    fn drawn(look: Look, labels: Vec<Label>) -> String {
        STRIP.draw(&[Block { from: 0, to: 3, look, labels }]).to_string()
    }

    #[test]
    fn blocks_touch_and_fill_the_strip() {
        assert_eq!([0, 1, 2, 3].map(|unit| STRIP.x(unit)), [10, 43, 77, 110]);
        let drawn = STRIP.draw(&[Block { from: 1, to: 2, look: Look::Free, labels: Vec::new() }]).to_string();
        assert!(drawn.contains("width=\"34\" x=\"43\" y=\"20\"") && drawn.contains("dasharray=\"2 3\""), "{drawn}");
    }

    #[test]
    fn the_longest_words_that_fit_are_written_or_none() {
        let label = Label::new(Face::Plain, ["nine hundred", "900", ""]);
        let fit = [86, 85, 23, 22].map(|width| label.fit(width));
        assert_eq!(fit, [Some("nine hundred"), Some("900"), Some("900"), None]);
        assert_eq!(Label::new(Face::Bold, ["900"]).fit(25), None, "bold letters are wider");
    }

    #[test]
    fn a_second_line_is_drawn_only_where_a_closed_block_begins_or_ends() {
        let looks = [Look::Closed(true, true), Look::Closed(true, false), Look::Closed(false, false), Look::Strong];
        assert_eq!(looks.map(|look| drawn(look, Vec::new()).matches("<line").count()), [2, 1, 0, 0]);
    }

    #[test]
    fn each_digit_stands_in_its_unit() {
        let drawn = |said| drawn(Look::Plain, vec![Label::new(Face::Digits, [said])]);
        assert!(drawn("010").contains("x=\"26 60 93\""), "{}", drawn("010"));
        assert!(drawn("FF").contains("x=\"60\""), "{}", drawn("FF"));
    }
}
