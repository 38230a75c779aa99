//! Boxes, lines and words, in the colours of the page that they stand in: what all drawings are made of.
//!
//! Colours are mdBook's variables and two of our own, `--linked` and `--copied` (book/theme/book.css), each
//! with what to use where there are none. All coordinates are whole numbers, so the same facts make the same bytes.

use svg::node::element::{Description, Group, Line, Path, Polygon, Rectangle, Text, Title};
use svg::{Document, Node};

/// The width of every drawing.
pub const WIDTH: i32 = 760;
/// The width of its layout for a narrow page: half of that. So a drawing that fills its page is scaled by a whole
/// number, whichever layout it has.
pub const NARROW_WIDTH: i32 = WIDTH / 2;

/// The colour of words and lines.
pub const INK: &str = "var(--fg,#222)";
/// The colour of what lies behind them.
pub const PAPER: &str = "var(--bg,#fff)";
/// The colour of what is set off.
pub const SHADE: &str = "var(--quote-bg,#f2f2f2)";

const HEAD: i32 = 7;

/// How lines are drawn.
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
            Self::Plain | Self::Faint => INK,
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

/// The shapes of a drawing, laid out for a page of some width.
pub struct Layout {
    /// How high it is.
    pub height: i32,
    /// The shapes.
    pub shapes: Group,
}

/// An empty drawing, whose title and description have identifiers that begin with `id`.
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

/// A drawing that has a wide layout and a narrow one, of which a page shows what it has room for.
///
/// That is the wide one, unless the page's style sheet (book/theme/book.css) shows the narrow one in its place. To the
/// drawing both are equally wide, so a page only has to know how high the narrow one is for its width: `--narrow`.
pub fn in_two_layouts(id: &str, title: &str, description: &str, wide: Layout, narrow: Layout) -> Document {
    // The narrow layout lies over the wide one. What of it is beyond the drawing's lower edge is seen all the same, as
    // far as the page gives room, in proportion never less than to the wide one.
    let (times, least) = (WIDTH / NARROW_WIDTH, wide.height * NARROW_WIDTH / WIDTH);
    let larger = Group::new().set("class", "narrow").set("display", "none").set("transform", format!("scale({times})"));
    document(id, title, description, wide.height)
        .set("class", "two-layouts")
        .set("preserveAspectRatio", "xMinYMin")
        .set("style", format!("--narrow:{NARROW_WIDTH}/{}", narrow.height.max(least)))
        .add(wide.shapes.set("class", "wide"))
        .add(larger.set("font-size", 13).add(narrow.shapes))
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

/// The same words in the colour of `pen`.
pub fn coloured(text: Text, pen: Pen) -> Text {
    text.set("style", format!("fill:{}", pen.colour()))
}

/// A box with this colour in it.
pub fn frame(x: i32, y: i32, width: i32, height: i32, fill: &str, pen: Pen) -> Rectangle {
    let place = Rectangle::new().set("x", x).set("y", y).set("width", width).set("height", height);
    place.set("stroke-dasharray", pen.dashes()).set("style", format!("fill:{fill};stroke:{}", pen.colour()))
}

/// A straight line.
pub fn line((x1, y1): (i32, i32), (x2, y2): (i32, i32), pen: Pen) -> Line {
    drawn(Line::new().set("x1", x1).set("y1", y1).set("x2", x2).set("y2", y2), pen)
}

/// A line from one place to another that leaves and arrives level.
pub fn curve((x, y): (i32, i32), (to_x, to_y): (i32, i32), pen: Pen) -> Path {
    let middle = (x + to_x) / 2;
    drawn(Path::new().set("d", format!("M{x},{y} C{middle},{y} {middle},{to_y} {to_x},{to_y}")), pen)
}

/// A line that takes this route, which is what an SVG path has as `d`.
pub fn path(route: &str, pen: Pen) -> Path {
    drawn(Path::new().set("d", route), pen)
}

/// The head of an arrow that ends here, and comes from this direction: `(-1, 0)` is from the left.
pub fn arrowhead((x, y): (i32, i32), (from_x, from_y): (i32, i32), pen: Pen) -> Polygon {
    let (back_x, back_y) = (x + from_x * HEAD, y + from_y * HEAD);
    let (aside_x, aside_y) = (4 * from_y.abs(), 4 * from_x.abs());
    let (one, other) = ((back_x - aside_x, back_y - aside_y), (back_x + aside_x, back_y + aside_y));
    let points = format!("{x},{y} {},{} {},{}", one.0, one.1, other.0, other.1);
    Polygon::new().set("points", points).set("style", format!("fill:{};stroke:none", pen.colour()))
}

/// A bracket beside a column whose edge is at `x`.
pub fn bracket(x: i32, away: i32, top: i32, bottom: i32, pen: Pen) -> Path {
    drawn(Path::new().set("d", format!("M{x},{top} h{away} V{bottom} h{}", -away)).set("stroke-width", 1), pen)
}

fn drawn<T: Node>(mut shape: T, pen: Pen) -> T {
    shape.assign("stroke-dasharray", pen.dashes());
    shape.assign("style", format!("stroke:{}", pen.colour()));
    shape
}
