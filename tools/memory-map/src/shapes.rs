//! Boxes, lines and words, in the colours of the page that they stand in.
//!
//! Colours are mdBook's variables and two of our own, `--linked` and `--copied` (book/theme/book.css), each
//! with what to use where there are none. All coordinates are whole numbers.

use svg::Node;
use svg::node::element::{Group, Line, Path, Polygon, Rectangle, Text};

/// From one line of words to the next.
pub const LINE_HEIGHT: i32 = 16;
/// Above and below the words of a box.
pub const BOX_PADDING: i32 = 3;

const HEAD: i32 = 7;

/// How something is drawn.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Pen {
    /// Like words.
    Plain,
    /// As what two address spaces share.
    Linked,
    /// As what each of two address spaces has for itself.
    Copied,
    /// As what is not in use.
    Faint,
}

impl Pen {
    /// The colour, as CSS has it.
    fn colour(self) -> &'static str {
        match self {
            Self::Plain | Self::Faint => "var(--fg,#222)",
            Self::Linked => "var(--linked,#1a5fb4)",
            Self::Copied => "var(--copied,#a8400a)",
        }
    }

    /// How its lines are broken.
    fn dashes(self) -> &'static str {
        match self {
            Self::Plain | Self::Linked => "none",
            Self::Copied => "7 4",
            Self::Faint => "2 3",
        }
    }
}

/// A box; what is new has a thick border.
pub fn rectangle(x: i32, y: i32, width: i32, height: i32, pen: Pen, is_new: bool) -> Rectangle {
    let fill = if pen == Pen::Faint { "var(--quote-bg,#f2f2f2)" } else { "var(--bg,#fff)" };
    Rectangle::new()
        .set("x", x)
        .set("y", y)
        .set("width", width)
        .set("height", height)
        .set("stroke-width", if is_new { 3 } else { 1 })
        .set("stroke-dasharray", pen.dashes())
        .set("style", format!("fill:{fill};stroke:{}", pen.colour()))
}

/// Words at a place: `start`, `middle` or `end` of them.
pub fn text(words: &str, x: i32, y: i32, anchor: &str) -> Text {
    Text::new(words).set("x", x).set("y", y).set("text-anchor", anchor).set("style", "fill:var(--fg,#222)")
}

/// Words that end at a place, in the colour of `pen`.
pub fn coloured(words: &str, x: i32, y: i32, pen: Pen) -> Text {
    text(words, x, y, "end").set("font-weight", "bold").set("style", format!("fill:{}", pen.colour()))
}

/// The name of a column: `start`, `middle` or `end` of it.
pub fn title(words: &str, x: i32, anchor: &str) -> Text {
    text(words, x, 20, anchor).set("font-size", 14).set("font-weight", "bold")
}

/// A line from one place to another that leaves and arrives level.
pub fn curve((x, y): (i32, i32), (to_x, to_y): (i32, i32), pen: Pen) -> Path {
    let middle = (x + to_x) / 2;
    line(Path::new().set("d", format!("M{x},{y} C{middle},{y} {middle},{to_y} {to_x},{to_y}")), pen)
}

/// The head of an arrow that ends here.
pub fn arrowhead((x, y): (i32, i32), to_right: bool, pen: Pen) -> Polygon {
    let back = if to_right { x - HEAD } else { x + HEAD };
    let points = format!("{x},{y} {back},{} {back},{}", y - 4, y + 4);
    Polygon::new().set("points", points).set("style", format!("fill:{};stroke:none", pen.colour()))
}

/// A bracket beside a column whose edge is at `x`.
pub fn bracket(x: i32, away: i32, top: i32, bottom: i32, pen: Pen) -> Path {
    line(Path::new().set("d", format!("M{x},{top} h{away} V{bottom} h{}", -away)).set("stroke-width", 1), pen)
}

fn line<T: Node>(mut shape: T, pen: Pen) -> T {
    shape.assign("stroke-dasharray", pen.dashes());
    shape.assign("style", format!("stroke:{}", pen.colour()));
    shape
}

/// What the two kinds of lines mean.
pub fn legend(y: i32) -> Group {
    let sample = |group: Group, x: i32, pen: Pen, words: &str| {
        let sample =
            Line::new().set("x1", x).set("x2", x + 34).set("y1", y - 4).set("y2", y - 4).set("stroke-width", 2);
        group.add(line(sample, pen)).add(text(words, x + 42, y, "start"))
    };
    let group = sample(Group::new(), 60, Pen::Linked, "linked: the same frames in both spaces");
    sample(group, 420, Pen::Copied, "copied: each space has its own frames")
}
