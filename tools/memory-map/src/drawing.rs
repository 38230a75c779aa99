//! The drawing of a picture of memory: virtual memory, physical memory, and arrows from one to the other.
//!
//! High addresses are at the top. It is not to scale: every box is as high as its words. What is the same in
//! two address spaces and what is not differs in colour, in how lines are broken, and in a word.

use crate::model::{Change, FREE, Frames, Holding, Picture, Region, Sharing, Space};
use crate::shapes::{self, PAPER, Pen, SHADE, WIDTH, bold, coloured, frame, line, words as text};
use crate::words;
use svg::Document;
use svg::node::element::{Group, Rectangle, Text};

const TOP: i32 = 34;
/// From one line of words to the next.
const LINE_HEIGHT: i32 = 16;
/// Above and below the words of a box.
const BOX_PADDING: i32 = 3;
/// Between boxes that do not touch.
const GAP: i32 = 8;
/// The same, with words between them; at least.
const WIDE_GAP: i32 = 30;
/// Where less than this is not mapped, the boxes lie close together: a guard page.
const NARROW_BYTES: u64 = 64 << 10;
const LEGEND_HEIGHT: i32 = 34;
/// How far beside a column the bracket lies that holds several boxes together.
const BRACKET: i32 = 7;
/// A region with more holdings than this has a bracket in place of arrows.
const MOST_ARROWS: usize = 3;

/// The columns of a picture: x and width.
type Column = (i32, i32);
const TWO_SPACES: [Column; 3] = [(1, 208), (270, 220), (551, 208)];
const ONE_SPACE: [Column; 2] = [(1, 330), (429, 330)];

/// A box with words.
struct Tile<'a> {
    lines: Vec<Words>,
    pen: Pen,
    is_new: bool,
    region: Option<&'a Region>,
    frames: &'a [Frames],
    top: i32,
}

/// A line of words at the left, and one at the right.
struct Words(String, String);

/// Draws a picture of one address space or of two.
///
/// With `second`, there is room for a second space even if there is none at this moment, with these words in it.
pub fn draw(picture: &Picture, second: Option<&str>) -> Document {
    let (with_values, columns) = if second.is_some() { (true, &TWO_SPACES[..]) } else { (false, &ONE_SPACE[..]) };
    let mut memory: Vec<Tile> = picture.memory.iter().map(|holding| holding_tile(picture, holding)).collect();
    let mut spaces: Vec<Vec<Tile>> =
        picture.spaces.iter().map(|space| space_tiles(picture, space, with_values)).collect();
    let height = spaces.iter().chain([&memory]).map(|tiles| least_height(tiles)).max().unwrap_or(0);
    let bottom = TOP + height;
    stack(&mut memory, bottom);
    for tiles in &mut spaces {
        spread(tiles, bottom, height);
    }

    let mut lines = Group::new().set("fill", "none").set("stroke-width", 2);
    let mut boxes = Group::new();
    for (number, (space, tiles)) in picture.spaces.iter().zip(&spaces).enumerate() {
        let column = columns[number * 2];
        let title = if with_values { format!("Virtual memory of {}", space.name) } else { "Virtual memory".into() };
        let mark = if space.new { " (new)" } else { "" };
        boxes = boxes.add(column_title(&format!("{title}{mark}"), column));
        for tile in tiles {
            lines = connect(lines, tile, column, &memory, columns[1]);
        }
        boxes = tiles.iter().fold(boxes, |boxes, tile| draw_tile(boxes, tile, column));
        for pair in tiles.windows(2).filter(|pair| pair[1].gap_to(&pair[0]) == Gap::Wide) {
            let middle = (pair[1].top + pair[1].height() + pair[0].top) / 2;
            boxes = boxes.add(text("not mapped", column.0 + column.1 / 2, middle + 4, "middle"));
        }
    }
    if let (Some(words), 1) = (second, spaces.len()) {
        let column = columns[2];
        boxes = boxes.add(column_title("Virtual memory of task 2", column));
        boxes = boxes.add(rectangle(column.0, TOP, column.1, height, Pen::Faint, false));
        boxes = boxes.add(text(words, column.0 + column.1 / 2, TOP + height / 2, "middle"));
    }
    boxes = boxes.add(column_title("Physical memory", columns[1]));
    boxes = memory.iter().fold(boxes, |boxes, tile| draw_tile(boxes, tile, columns[1]));
    let total = bottom + if picture.spaces.len() > 1 { LEGEND_HEIGHT } else { GAP };
    let document = shapes::document(&picture.name, &picture.title, &words::description(picture), total);
    let document = document.add(lines).add(boxes);
    if picture.spaces.len() > 1 { document.add(legend(bottom + 20)) } else { document }
}

/// What a column is called; at the edges of the picture, beginning or ending with the column.
fn column_title(words: &str, (x, width): Column) -> Text {
    let (at, anchor) = match (x, x + width) {
        (1, _) => (x, "start"),
        (_, end) if end == WIDTH - 1 => (end, "end"),
        _ => (x + width / 2, "middle"),
    };
    bold(words, at, 20, anchor).set("font-size", 14)
}

/// A box; what is new has a thick border.
fn rectangle(x: i32, y: i32, width: i32, height: i32, pen: Pen, is_new: bool) -> Rectangle {
    let fill = if pen == Pen::Faint { SHADE } else { PAPER };
    frame(x, y, width, height, fill, pen).set("stroke-width", if is_new { 3 } else { 1 })
}

/// What the two kinds of lines mean.
fn legend(y: i32) -> Group {
    let sample = |group: Group, x: i32, pen: Pen, words: &str| {
        let sample = line((x, y - 4), (x + 34, y - 4), pen).set("stroke-width", 2);
        group.add(sample).add(text(words, x + 42, y, "start"))
    };
    let group = sample(Group::new(), 60, Pen::Linked, "linked: the same frames in both spaces");
    sample(group, 420, Pen::Copied, "copied: each space has its own frames")
}

fn space_tiles<'a>(picture: &Picture, space: &'a Space, with_values: bool) -> Vec<Tile<'a>> {
    let tile = |region: &'a Region| {
        let size = words::size(region.end.0 - region.start.0);
        let right = match region.sharing {
            Some(sharing) => sharing.word().to_owned(),
            None if with_values => String::new(),
            None => region.rights.clone(),
        };
        let mut lines =
            vec![Words(region.name.clone(), String::new()), Words(format!("{}, {size}", region.start), right)];
        let here = |address| region.start <= address && address < region.end;
        let values = picture.values.iter().filter(|value| value.space == space.name && here(value.address));
        let mut is_new = false;
        for value in values {
            let mark = if value.changed { "changed" } else { "" };
            is_new |= value.changed;
            lines.push(Words(format!("{} = {}", value.variable, value.value), mark.into()));
        }
        let pen = match region.sharing {
            Some(Sharing::Linked) => Pen::Linked,
            Some(Sharing::Copied) => Pen::Copied,
            _ if region.frames.is_empty() => Pen::Faint,
            _ => Pen::Plain,
        };
        Tile { lines, pen, is_new, region: Some(region), frames: &region.frames, top: 0 }
    };
    space.regions.iter().map(tile).collect()
}

fn holding_tile<'a>(picture: &Picture, holding: &'a Holding) -> Tile<'a> {
    let bytes = holding.frames.iter().map(|frames| frames.bytes).sum();
    let first = holding.frames.first().map(|frames| frames.start.to_string()).unwrap_or_default();
    let change = match holding.change {
        Some(Change::New) => "new",
        Some(Change::FreeAgain) => "free again",
        None => "",
    };
    let mut place = Words(format!("{first}, {}", words::size(bytes)), String::new());
    let mut behind = Vec::new();
    match holding.frames.len() {
        0 | 1 => place.1 = change.into(),
        // There is no room behind that.
        pieces => {
            place.0 += &format!(" in {pieces} pieces");
            behind.extend((!change.is_empty()).then(|| Words(String::new(), change.into())));
        }
    }
    let mut is_new = holding.change.is_some();
    let mut seen = Vec::new();
    for value in &picture.values {
        let is_here =
            holding.frames.iter().any(|frames| frames.start <= value.physical && value.physical < frames.end());
        if is_here && !seen.contains(&value.physical) {
            seen.push(value.physical);
            is_new |= value.changed;
            let mark = if value.changed { "changed" } else { "" };
            behind.push(Words(format!("{} = {}", value.variable, value.value), mark.into()));
        }
    }
    let mut lines = vec![Words(holding.name.clone(), String::new()), place];
    lines.extend(behind);
    let pen = match sharing_of(picture, holding) {
        _ if holding.name == FREE || holding.change == Some(Change::FreeAgain) => Pen::Faint,
        Some(Sharing::Linked) => Pen::Linked,
        Some(Sharing::Copied) => Pen::Copied,
        _ => Pen::Plain,
    };
    Tile { lines, pen, is_new, region: None, frames: &holding.frames, top: 0 }
}

/// How frames are shared that a region has outside of the identity window, or alone.
fn sharing_of(picture: &Picture, holding: &Holding) -> Option<Sharing> {
    let regions = || picture.spaces.iter().flat_map(|space| &space.regions);
    let overlaps = |region: &&Region| reaches(&region.frames, &holding.frames);
    let narrow = |region: &&Region| reached(picture, region) <= MOST_ARROWS;
    regions().filter(overlaps).find(narrow).and_then(|region| region.sharing)
}

fn reached(picture: &Picture, region: &Region) -> usize {
    picture.memory.iter().filter(|holding| reaches(&region.frames, &holding.frames)).count()
}

fn reaches(frames: &[Frames], others: &[Frames]) -> bool {
    frames.iter().any(|frames| others.iter().any(|other| frames.overlap(other)))
}

impl Tile<'_> {
    fn height(&self) -> i32 {
        self.lines.len() as i32 * LINE_HEIGHT + 2 * BOX_PADDING
    }

    fn middle(&self) -> i32 {
        self.top + self.height() / 2
    }

    /// Boxes of physical memory touch; those of virtual memory only if nothing lies in between.
    fn gap_to(&self, below: &Self) -> Gap {
        let (Some(region), Some(below)) = (self.region, below.region) else { return Gap::None };
        match region.start.0 - below.end.0 {
            0 => Gap::None,
            1..NARROW_BYTES => Gap::Narrow,
            _ => Gap::Wide,
        }
    }
}

/// What lies between two boxes.
#[derive(Clone, Copy, PartialEq)]
enum Gap {
    None,
    Narrow,
    Wide,
}

/// How high a column is whose boxes have the lowest address first.
fn least_height(tiles: &[Tile]) -> i32 {
    let gap = |pair: &[Tile]| match pair[1].gap_to(&pair[0]) {
        Gap::None => 0,
        Gap::Narrow => GAP,
        Gap::Wide => WIDE_GAP,
    };
    let gaps: i32 = tiles.windows(2).map(gap).sum();
    tiles.iter().map(Tile::height).sum::<i32>() + gaps
}

/// One on top of the other.
fn stack(tiles: &mut [Tile], bottom: i32) {
    let mut at = bottom;
    for tile in tiles {
        at -= tile.height();
        tile.top = at;
    }
}

/// The same, with all the room that there is between those that lie far apart.
fn spread(tiles: &mut [Tile], bottom: i32, height: i32) {
    let mut gaps = vec![Gap::None];
    gaps.extend(tiles.windows(2).map(|pair| pair[1].gap_to(&pair[0])));
    let count = |wanted| gaps.iter().filter(|gap| **gap == wanted).count() as i32;
    let (narrow, wide) = (count(Gap::Narrow), count(Gap::Wide).max(1));
    let room = height - tiles.iter().map(Tile::height).sum::<i32>() - narrow * GAP;
    let (mut at, mut done) = (bottom, 0);
    for (tile, gap) in tiles.iter_mut().zip(gaps) {
        at -= match gap {
            Gap::None => 0,
            Gap::Narrow => GAP,
            Gap::Wide => {
                done += 1;
                room * done / wide - room * (done - 1) / wide
            }
        };
        at -= tile.height();
        tile.top = at;
    }
}

fn draw_tile(group: Group, tile: &Tile, (x, width): Column) -> Group {
    let mut group = group.add(rectangle(x, tile.top, width, tile.height(), tile.pen, tile.is_new));
    for (number, Words(left, right)) in (0..).zip(&tile.lines) {
        let y = tile.top + BOX_PADDING + number * LINE_HEIGHT + LINE_HEIGHT - 4;
        let is_name = number == 0;
        if !left.is_empty() {
            let words = text(left, x + 8, y, "start");
            group = group.add(if is_name { words.set("font-weight", "bold") } else { words });
        }
        if !right.is_empty() {
            let is_news = ["new", "changed", "free again"].contains(&right.as_str());
            let pen = if is_news { Pen::Plain } else { tile.pen };
            group = group.add(coloured(bold(right, x + width - 8, y, "end"), pen));
        }
    }
    group
}

/// Draws arrows from a region to its frames, or a bracket around them if they are many.
fn connect(group: Group, tile: &Tile, from: Column, memory: &[Tile], to: Column) -> Group {
    let is_left = from.0 < to.0;
    let edge = |(x, width): Column, right: bool| if right { x + width } else { x };
    let (start, end) = (edge(from, is_left), edge(to, !is_left));
    let reached: Vec<&Tile> = memory.iter().filter(|holding| reaches(tile.frames, holding.frames)).collect();
    if reached.len() <= MOST_ARROWS {
        return reached.iter().fold(group, |group, holding| {
            group.add(shapes::curve((start, tile.middle()), (end, holding.middle()), tile.pen)).add(shapes::arrowhead(
                (end, holding.middle()),
                (if is_left { -1 } else { 1 }, 0),
                tile.pen,
            ))
        });
    }
    let away = if is_left { -BRACKET } else { BRACKET };
    let top = reached.iter().map(|tile| tile.top).min().unwrap_or(0) + 3;
    let bottom = reached.iter().map(|tile| tile.top + tile.height()).max().unwrap_or(0) - 3;
    let at = tile.middle().clamp(top + 8, bottom - 8);
    group
        .add(shapes::curve((start, tile.middle()), (end + away, at), tile.pen))
        .add(shapes::bracket(end, away, top, bottom, tile.pen))
}
