//! What all drawings have in common: the sheet with its title and description, words, and boxes.
//!
//! A drawing stands in the page itself and takes the page's colours: mdBook's variables, each with what to
//! use where there is no page. All coordinates are whole numbers, so the same facts make the same bytes.

use crate::Files;
use anyhow::Result;
use serde::Serialize;
use svg::node::element::{Description, Group, Line, Rectangle, Text, Title};
use svg::{Document, Node};

/// The width of every sheet.
pub const WIDTH: i32 = 760;
/// The size of letters.
pub const LETTER: i32 = 13;

/// The colour of words and lines.
pub const INK: &str = "var(--fg,#222)";
/// The colour of what lies behind them.
pub const PAPER: &str = "var(--bg,#fff)";
/// The colour of what is set off.
pub const SHADE: &str = "var(--quote-bg,#f2f2f2)";

/// A drawing, and what it says.
pub struct Sheet {
    /// The name of its files.
    pub name: &'static str,
    /// What it shows, in a line.
    pub title: String,
    /// All that it shows, in sentences.
    pub description: String,
    /// How high it is; all are of the same width.
    pub height: i32,
    /// The drawing.
    pub drawing: Group,
}

impl Sheet {
    /// The drawing as a file.
    pub fn document(self) -> Document {
        document(self.name, &self.title, &self.description, self.height).add(self.drawing)
    }

    /// The three files of a picture: the drawing, the facts, and the facts as a table.
    pub fn files(self, facts: &impl Serialize, table: String) -> Result<Files> {
        let name = self.name;
        let json = serde_json::to_string_pretty(facts)? + "\n";
        let files = [("svg", format!("{}\n", self.document())), ("json", json), ("md", table)];
        Ok(files.into_iter().map(|(ending, content)| (format!("{name}.{ending}"), content)).collect())
    }
}

/// An empty sheet.
pub fn document(name: &str, title: &str, description: &str, height: i32) -> Document {
    // An identifier had better begin with a letter.
    let (title_id, description_id) = (format!("picture-{name}-title"), format!("picture-{name}-description"));
    Document::new()
        .set("viewBox", (0, 0, WIDTH, height))
        .set("role", "img")
        .set("aria-labelledby", format!("{title_id} {description_id}"))
        .set("font-family", "inherit, sans-serif")
        .set("font-size", LETTER)
        .add(Title::new(title).set("id", title_id))
        .add(Description::new().set("id", description_id).add(svg::node::Text::new(description)))
}

/// Words at a place: the `start`, the `middle` or the `end` of them.
pub fn words(words: &str, x: i32, y: i32, anchor: &str) -> Text {
    Text::new(words).set("x", x).set("y", y).set("text-anchor", anchor).set("style", format!("fill:{INK}"))
}

/// Words that stand out.
pub fn bold(text: &str, x: i32, y: i32, anchor: &str) -> Text {
    words(text, x, y, anchor).set("font-weight", "bold")
}

/// What is read digit by digit.
pub fn digits(text: &str, x: i32, y: i32, anchor: &str) -> Text {
    words(text, x, y, anchor).set("font-family", "monospace")
}

/// A box with this colour in it; `broken` is how its border is broken, `none` if it is not.
pub fn frame(x: i32, y: i32, width: i32, height: i32, fill: &str, broken: &str) -> Rectangle {
    let place = Rectangle::new().set("x", x).set("y", y).set("width", width).set("height", height);
    place.set("stroke-dasharray", broken).set("style", format!("fill:{fill};stroke:{INK}"))
}

/// A straight line.
pub fn line((x1, y1): (i32, i32), (x2, y2): (i32, i32)) -> Line {
    let mut line = Line::new().set("x1", x1).set("y1", y1).set("x2", x2).set("y2", y2);
    line.assign("style", format!("stroke:{INK}"));
    line
}

/// A row of a table in Markdown.
pub fn row<const N: usize>(cells: [&str; N]) -> String {
    format!("| {} |\n", cells.join(" | "))
}

/// The first two lines of a table in Markdown.
pub fn head<const N: usize>(cells: [&str; N]) -> String {
    row(cells) + &row(["---"; N])
}

/// A word of 32 bits as addresses are written everywhere.
pub fn hexadecimal(word: u32) -> String {
    format!("{word:#010x}")
}
