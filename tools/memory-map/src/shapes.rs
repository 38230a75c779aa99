//! Boxes, lines and words in the colors of the page around them: the parts of all drawings.
//!
//! Colors are mdBook's variables and two of our own, `--linked` and `--copied` (book/theme/book.css), each with a
//! fallback for pages without them. All coordinates are whole numbers, so the same facts give the same bytes.

use svg::node::element::{Description, Group, Line, Path, Polygon, Rectangle, Text, Title};
use svg::{Document, Node};

/// The width of every drawing.
pub const WIDTH: i32 = 760;
/// The width of the layout for a narrow page: half of that. So a drawing that fills its page is scaled by a whole
/// number in either layout.
pub const NARROW_WIDTH: i32 = WIDTH / 2;

/// The color of words and lines.
pub const INK: &str = "var(--fg,#222)";
/// The color of the background.
pub const PAPER: &str = "var(--bg,#fff)";
/// The color of highlighted areas.
pub const SHADE: &str = "var(--quote-bg,#f2f2f2)";

const HEAD: i32 = 7;

/// How lines are drawn.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Pen {
    /// In the color of words.
    Plain,
    /// In the color of memory that two address spaces share.
    Linked,
    /// In the color of memory that each address space has for itself.
    Copied,
    /// In the color of unused memory.
    Faint,
}

impl Pen {
    /// The color, in CSS.
    fn color(self) -> &'static str {
        match self {
            Self::Plain | Self::Faint => INK,
            Self::Linked => "var(--linked,#1a5fb4)",
            Self::Copied => "var(--copied,#a8400a)",
        }
    }

    /// Its dash pattern.
    fn dashes(self) -> &'static str {
        match self {
            Self::Plain | Self::Linked => "none",
            Self::Copied => "7 4",
            Self::Faint => "2 3",
        }
    }
}

/// The shapes of a drawing, laid out for a page of a certain width.
pub struct Layout {
    /// Its height.
    pub height: i32,
    /// The shapes.
    pub shapes: Group,
}

/// An empty drawing. The identifiers of its title and description begin with `id`.
pub fn document(id: &str, title: &str, description: &str, height: i32) -> Document {
    let (title_id, description_id) = (format!("{id}-title"), format!("{id}-description"));
    Document::new()
        .set("viewBox", (0, 0, WIDTH, height))
        .set("role", "img")
        .set("aria-labelledby", format!("{title_id} {description_id}"))
        .set("font-family", "inherit, sans-serif")
        .set("font-size", 12)
        .add(Title::new(title).set("id", title_id))
        .add(Description::new().set("id", description_id).add(svg::node::Text::new(description)))
}

/// A drawing with a wide layout and a narrow one; the page shows the one that fits.
///
/// It shows the wide one, unless the page's style sheet (book/theme/book.css) shows the narrow one instead. For the
/// drawing both have the same width, so the page needs only the narrow one's ratio of height to width: `--narrow`.
pub fn in_two_layouts(id: &str, title: &str, description: &str, wide: Layout, narrow: Layout) -> Document {
    // The narrow layout lies over the wide one. Its part below the drawing's lower edge is still visible, as far as the
    // page has room for it. Relative to its width, it is never less high than the wide one.
    let (times, least) = (WIDTH / NARROW_WIDTH, wide.height * NARROW_WIDTH / WIDTH);
    let larger = Group::new().set("class", "narrow").set("display", "none").set("transform", format!("scale({times})"));
    document(id, title, description, wide.height)
        .set("class", "two-layouts")
        .set("preserveAspectRatio", "xMinYMin")
        .set("style", format!("--narrow:{NARROW_WIDTH}/{}", narrow.height.max(least)))
        .add(wide.shapes.set("class", "wide"))
        .add(larger.set("font-size", 13).add(narrow.shapes))
}

/// Words at a place, which is their `start`, `middle` or `end`.
pub fn words(words: &str, x: i32, y: i32, anchor: &str) -> Text {
    Text::new(words).set("x", x).set("y", y).set("text-anchor", anchor).set("style", format!("fill:{INK}"))
}

/// Emphasized words.
pub fn bold(text: &str, x: i32, y: i32, anchor: &str) -> Text {
    words(text, x, y, anchor).set("font-weight", "bold")
}

/// Text to be read digit by digit.
pub fn digits(text: &str, x: i32, y: i32, anchor: &str) -> Text {
    words(text, x, y, anchor).set("font-family", "monospace")
}

/// The same words in the color of `pen`.
pub fn colored(text: Text, pen: Pen) -> Text {
    text.set("style", format!("fill:{}", pen.color()))
}

/// A box filled with this color.
pub fn frame(x: i32, y: i32, width: i32, height: i32, fill: &str, pen: Pen) -> Rectangle {
    let place = Rectangle::new().set("x", x).set("y", y).set("width", width).set("height", height);
    place.set("stroke-dasharray", pen.dashes()).set("style", format!("fill:{fill};stroke:{}", pen.color()))
}

/// A straight line.
pub fn line((x1, y1): (i32, i32), (x2, y2): (i32, i32), pen: Pen) -> Line {
    drawn(Line::new().set("x1", x1).set("y1", y1).set("x2", x2).set("y2", y2), pen)
}

/// A curve from one place to another that is level at both ends.
pub fn curve((x, y): (i32, i32), (to_x, to_y): (i32, i32), pen: Pen) -> Path {
    let middle = (x + to_x) / 2;
    drawn(Path::new().set("d", format!("M{x},{y} C{middle},{y} {middle},{to_y} {to_x},{to_y}")), pen)
}

/// A line along this route, written as the `d` of an SVG path.
pub fn path(route: &str, pen: Pen) -> Path {
    drawn(Path::new().set("d", route), pen)
}

/// The head of an arrow that ends here, coming from this direction: `(-1, 0)` is from the left.
pub fn arrowhead((x, y): (i32, i32), (from_x, from_y): (i32, i32), pen: Pen) -> Polygon {
    let (back_x, back_y) = (x + from_x * HEAD, y + from_y * HEAD);
    let (aside_x, aside_y) = (4 * from_y.abs(), 4 * from_x.abs());
    let (one, other) = ((back_x - aside_x, back_y - aside_y), (back_x + aside_x, back_y + aside_y));
    let points = format!("{x},{y} {},{} {},{}", one.0, one.1, other.0, other.1);
    Polygon::new().set("points", points).set("style", format!("fill:{};stroke:none", pen.color()))
}

/// A bracket beside a column whose edge is at `x`.
pub fn bracket(x: i32, away: i32, top: i32, bottom: i32, pen: Pen) -> Path {
    drawn(Path::new().set("d", format!("M{x},{top} h{away} V{bottom} h{}", -away)).set("stroke-width", 1), pen)
}

fn drawn<T: Node>(mut shape: T, pen: Pen) -> T {
    shape.assign("stroke-dasharray", pen.dashes());
    shape.assign("style", format!("stroke:{}", pen.color()));
    shape
}
