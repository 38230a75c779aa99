//! The drawing of how two address spaces have a few regions: linked, with the same frames, or copied.
//!
//! Each region is a row. Its frames stand between its boxes in the two spaces: one box if both have the same frames,
//! and two if each has its own. So the boxes in the middle are not sorted by address.

use crate::drawing::pen;
use crate::model::{Frames, Picture, Region, Sharing};
use crate::shapes::{self, Layout, Pen, arrowhead, bold, colored, line};
use crate::tiles::{Column, Tile, Words, unbroken};
use crate::words;
use svg::Document;
use svg::node::element::Group;

/// The gap between two rows, and between the two boxes of a row.
const ROW_GAP: i32 = 16;
const GAP: i32 = 6;
/// The room above the boxes, for the column titles.
const TITLE: i32 = 12;
const TITLE_LINE: i32 = 17;

/// The columns of a layout: the first space, the frames, the second space.
type Columns = [Column; 3];
const WIDE: Columns = [Column::wide(1, 220), Column::wide(270, 220), Column::wide(539, 220)];
const NARROW: Columns = [Column::narrow(1, 104), Column::narrow(138, 104), Column::narrow(275, 104)];

/// A region, in both spaces.
struct Row<'a> {
    regions: [&'a Region; 2],
    sharing: Sharing,
}

/// Draws a picture of two spaces, from the highest address down.
pub fn draw(picture: &Picture) -> Document {
    let rows = rows(picture);
    let [wide, narrow] = [WIDE, NARROW].map(|columns| lay_out(picture, &rows, &columns));
    shapes::in_two_layouts(&picture.name, &picture.title, &description(picture), wide, narrow)
}

/// The content of the drawing, in sentences.
fn description(picture: &Picture) -> String {
    let row = |Row { regions: [first, second], sharing }: &Row| {
        let frames = |region: &Region| words::list(&region.frames);
        let place = format!("{}, at {} in both", words::capital(&first.name), first.start);
        match sharing {
            Sharing::Linked => format!("{place}: linked, both have the frames {}.", frames(first)),
            _ => format!("{place}: {}, {} and {}.", sharing.word(), frames(first), frames(second)),
        }
    };
    let titles = format!("Regions of {}, from the highest address down.", names(picture).join(" and "));
    [titles].into_iter().chain(rows(picture).iter().map(row)).collect::<Vec<_>>().join(" ")
}

/// The same content as a table in Markdown.
pub fn table(picture: &Picture) -> String {
    let frames: String = names(picture).iter().map(|name| format!(" frames of {name} |")).collect();
    let head = format!("| region | virtual addresses |{frames} shared |");
    let row = |Row { regions: [first, second], sharing }: &Row| {
        let Region { name, start, end, .. } = first;
        let (one, other) = (words::code(&first.frames), words::code(&second.frames));
        format!("| {name} | `{start}`–`{end}` | {one} | {other} | {} |", sharing.word())
    };
    let rows = rows(picture);
    let rule = format!("|{}", "---|".repeat(3 + picture.spaces.len()));
    [head, rule].into_iter().chain(rows.iter().map(row)).collect::<Vec<_>>().join("\n") + "\n"
}

fn names(picture: &Picture) -> Vec<&str> {
    picture.spaces.iter().map(|space| space.name.as_str()).collect()
}

/// The regions that both spaces have at the same addresses; empty if there is only one space.
fn rows<'a>(picture: &'a Picture) -> Vec<Row<'a>> {
    let [first, second] = &picture.spaces[..] else { return Vec::new() };
    let row = |region: &'a Region| {
        let other = second.regions.iter().find(|other| (other.start, other.end) == (region.start, region.end))?;
        Some(Row { regions: [region, other], sharing: region.sharing? })
    };
    first.regions.iter().rev().filter_map(row).collect()
}

fn lay_out(picture: &Picture, rows: &[Row], columns: &Columns) -> Layout {
    let is_narrow = columns[0].is_narrow;
    let names = names(picture);
    let virtual_of = |space: usize| format!("Virtual memory of {}", names.get(space).unwrap_or(&"no task"));
    let titles = [(virtual_of(0), "start"), ("Frames in physical memory".to_owned(), "middle"), (virtual_of(1), "end")];
    let most_lines = if is_narrow { 3 } else { 1 };
    let top = TITLE + most_lines * TITLE_LINE + 6;
    let (mut lines, mut shapes) = (Group::new(), Group::new());
    for (column, (said, anchor)) in columns.iter().zip(&titles) {
        let x = match *anchor {
            "start" => column.left,
            "end" => column.right(),
            _ => column.middle(),
        };
        let said = if is_narrow { column.lines(said, true) } else { vec![said.clone()] };
        for (number, said) in (0..).zip(said.iter().rev()) {
            shapes = shapes.add(bold(said, x, top - TITLE - number * TITLE_LINE, anchor).set("font-size", 14));
        }
    }
    let mut y = top;
    for row in rows {
        let (drawn_lines, drawn, height) = draw_row(picture, row, columns, y);
        lines = lines.add(drawn_lines);
        shapes = shapes.add(drawn);
        y += height + ROW_GAP;
    }
    Layout { height: y, shapes: Group::new().add(lines).add(shapes) }
}

/// Draws a row from `top` down, with its arrows and boxes, and returns its height.
fn draw_row(picture: &Picture, Row { regions, sharing }: &Row, columns: &Columns, top: i32) -> (Group, Group, i32) {
    let [left, middle, right] = columns;
    let region_tile = |region: &Region, column: &Column| {
        let said = Words(
            format!("{}, {}", region.start, unbroken(&words::size(region.end.0 - region.start.0))),
            String::new(),
        );
        Tile::new(&region.name, [said], pen(region)).fitted(column)
    };
    let of = |space: usize| picture.spaces[space].name.clone();
    let owners = match sharing {
        Sharing::Linked => vec![format!("{} and {}", of(0), of(1))],
        _ => vec![of(0), of(1)],
    };
    let frames_of = regions.iter().map(|region| &region.frames);
    let frames: Vec<Tile> = owners
        .iter()
        .zip(frames_of)
        .map(|(owner, frames)| frames_tile(&format!("of {owner}"), frames, pen(regions[0])).fitted(middle))
        .collect();
    let tiles = [region_tile(regions[0], left), region_tile(regions[1], right)];
    let between = (frames.len() as i32 - 1) * GAP;
    let word_height = TITLE_LINE;
    let least = tiles.iter().map(Tile::height).max().unwrap_or(0) + word_height;
    let frame_height = frames.iter().map(Tile::height).max().unwrap_or(0);
    let height = least.max(frame_height * frames.len() as i32 + between);
    let (mut lines, mut shapes) = (Group::new(), Group::new());
    let each = (height - between) / frames.len() as i32;
    for (number, tile) in (0..).zip(&frames) {
        shapes = shapes.add(tile.draw(middle, top + number * (each + GAP), each));
    }
    let pen = pen(regions[0]);
    let sides =
        [(left, left.right(), middle.left, -1, 0), (right, right.left, middle.right(), 1, frames.len() as i32 - 1)];
    for ((column, from, to, aside, number), tile) in sides.into_iter().zip(&tiles) {
        let y = top + number * (each + GAP) + each / 2;
        lines =
            lines.add(line((from, y), (to, y), pen).set("stroke-width", 2)).add(arrowhead((to, y), (aside, 0), pen));
        let word = bold(sharing.word(), column.right() - 8, top + height - 7, "end");
        shapes = shapes.add(tile.draw(column, top, height)).add(colored(word, pen));
    }
    (lines, shapes, height)
}

fn frames_tile(name: &str, frames: &[Frames], pen: Pen) -> Tile {
    let bytes = frames.iter().map(|frames| frames.bytes).sum();
    let first = frames.first().map(|frames| frames.start.to_string()).unwrap_or_default();
    let pieces =
        if frames.len() > 1 { format!(" {}", unbroken(&format!("in {} pieces", frames.len()))) } else { String::new() };
    Tile::new(name, [Words(format!("{first}, {}{pieces}", unbroken(&words::size(bytes))), String::new())], pen)
}
