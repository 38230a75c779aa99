//! The drawing of a picture of memory: virtual memory, physical memory, and arrows from one to the other.
//!
//! Color, line pattern and a word each show what two address spaces share and what each has for itself.

use crate::model::{Change, FREE, Holding, Picture, Region, Sharing, Space};
use crate::places::{GAP, Gap, MOST_ARROWS, Place, Places, is_level, reaches};
use crate::shapes::{self, Layout, NARROW_WIDTH, Pen, WIDTH, bold, line, words as text};
use crate::tiles::{Column, Tile, Words, edge, unbroken};
use crate::words;
use svg::Document;
use svg::node::element::Group;

/// The distance from a column to the bracket that groups several boxes.
const BRACKET: i32 = 7;
/// The distance from a title's last line down to the boxes, and from one title line to the next.
const TITLE: i32 = 14;
const TITLE_LINE: i32 = 17;

/// Where a layout has its columns.
struct Columns {
    spaces: [Column; 2],
    memory: Column,
    /// The upper edge of the boxes.
    top: i32,
}

const TWO_SPACES: Columns =
    Columns { spaces: [Column::wide(1, 208), Column::wide(551, 208)], memory: Column::wide(270, 220), top: 34 };
const TWO_SPACES_NARROW: Columns =
    Columns { spaces: [Column::narrow(1, 104), Column::narrow(275, 104)], memory: Column::narrow(138, 104), top: 66 };
const ONE_SPACE: Columns =
    Columns { spaces: [Column::wide(1, 330), Column::wide(1, 330)], memory: Column::wide(429, 330), top: 34 };
const ONE_SPACE_NARROW: Columns =
    Columns { spaces: [Column::narrow(1, 170), Column::narrow(1, 170)], memory: Column::narrow(209, 170), top: 34 };

/// The drawn boxes of a region or of a holding.
struct Boxed<'a, T> {
    of: &'a T,
    tile: Tile,
}

/// Draws a picture of one address space.
pub fn draw(picture: &Picture) -> Document {
    let layouts = [ONE_SPACE, ONE_SPACE_NARROW].map(|columns| lay_out(picture, &[], None, &columns));
    assemble(picture, layouts)
}

/// Draws a picture of one address space or of two. It is one of a `series`: all pictures of a series have the same
/// layout, and a box that is in several of them is in the same place in each.
///
/// If there is no second space at this moment, these words stand in its place.
pub fn draw_of(series: &[Picture], picture: &Picture, without_second: &str) -> Document {
    let layouts =
        [TWO_SPACES, TWO_SPACES_NARROW].map(|columns| lay_out(picture, series, Some(without_second), &columns));
    assemble(picture, layouts)
}

fn assemble(picture: &Picture, [wide, narrow]: [Layout; 2]) -> Document {
    shapes::in_two_layouts(&picture.name, &picture.title, &words::description(picture), wide, narrow)
}

fn lay_out(picture: &Picture, series: &[Picture], second: Option<&str>, columns: &Columns) -> Layout {
    let has_two = second.is_some();
    let (spaces, memory) = boxes(picture, has_two, columns);
    let places = find_places(picture, series, has_two, columns);

    let mut lines = Group::new().set("fill", "none").set("stroke-width", 2);
    let mut shapes = Group::new();
    for (number, space) in picture.spaces.iter().enumerate() {
        let column = &columns.spaces[number];
        let title = if has_two { format!("Virtual memory of {}", space.name) } else { "Virtual memory".into() };
        let mark = if space.new { " (new)" } else { "" };
        shapes = shapes.add(column_title(&format!("{title}{mark}"), column, columns.top));
        for region in &spaces[number] {
            lines = connect(lines, region, column, &memory, &columns.memory, &places);
        }
        shapes = spaces[number].iter().fold(shapes, |shapes, Boxed { of, tile }| {
            let Place { top, height } = places.region(of.start.0);
            // A page that runs the kernel asks about the region by its space and its beginning.
            let tile = tile.draw(column, top, height).set("data-space", space.name.as_str());
            shapes.add(tile.set("data-start", of.start.to_string()).set("data-name", of.name.as_str()))
        });
        for pair in space.regions.windows(2).filter(|pair| Gap::between(&pair[0], &pair[1]) == Gap::Wide) {
            let (below, above) = (places.region(pair[0].start.0), places.region(pair[1].start.0));
            let middle = (above.bottom() + below.top) / 2;
            shapes = shapes.add(text("not mapped", column.middle(), middle + 4, "middle"));
        }
    }
    if let (Some(said), 1) = (second, picture.spaces.len()) {
        let column = &columns.spaces[1];
        let height = places.bottom - columns.top;
        shapes = shapes.add(column_title("Virtual memory of task 2", column, columns.top));
        shapes = shapes.add(edge(column, columns.top, height, Pen::Faint, false));
        for (number, said) in (0..).zip(column.lines(said, false)) {
            shapes = shapes.add(text(&said, column.middle(), columns.top + height / 2 + number * TITLE_LINE, "middle"));
        }
    }
    shapes = shapes.add(column_title("Physical memory", &columns.memory, columns.top));
    for (name, Place { top, height }) in places.holdings() {
        shapes = shapes.add(match memory.iter().find(|holding| holding.of.name == *name) {
            Some(holding) => holding.tile.draw(&columns.memory, *top, *height),
            // A box that exists only at another moment keeps its place here, and is empty.
            None => Group::new().add(edge(&columns.memory, *top, *height, Pen::Faint, false)),
        });
    }
    let shapes = Group::new().add(lines).add(shapes);
    if has_two {
        let (legend, height) = legend(places.bottom, columns.memory.is_narrow);
        Layout { height: places.bottom + height, shapes: shapes.add(legend) }
    } else {
        Layout { height: places.bottom + GAP, shapes }
    }
}

/// The boxes of each region, space by space, and of each holding.
fn boxes<'a>(
    picture: &'a Picture,
    has_two: bool,
    columns: &Columns,
) -> (Vec<Vec<Boxed<'a, Region>>>, Vec<Boxed<'a, Holding>>) {
    let of_space = |(space, column): (&'a Space, &Column)| {
        let boxed = |of| Boxed { of, tile: region_tile(picture, &space.name, of, has_two).fitted(column) };
        space.regions.iter().map(boxed).collect()
    };
    let spaces = picture.spaces.iter().zip(&columns.spaces).map(of_space).collect();
    let boxed = |of| Boxed { of, tile: holding_tile(picture, of).fitted(&columns.memory) };
    (spaces, picture.memory.iter().map(boxed).collect())
}

/// The places of all boxes in all of these pictures.
fn find_places(picture: &Picture, series: &[Picture], has_two: bool, columns: &Columns) -> Places {
    let all: Vec<_> = series.iter().chain([picture]).map(|picture| boxes(picture, has_two, columns)).collect();
    let regions = all.iter().flat_map(|(spaces, _)| spaces.iter().flatten());
    let holdings = all.iter().flat_map(|(_, memory)| memory);
    Places::of(
        columns.top,
        regions.map(|region| (region.of, region.tile.height())),
        holdings.map(|holding| (holding.of, holding.tile.height())),
    )
}

/// The title of a column. At the edges of the picture, it begins or ends with the column.
fn column_title(said: &str, column: &Column, top: i32) -> Group {
    let (at, anchor) = match (column.left, column.right()) {
        (1, _) => (column.left, "start"),
        (_, end) if end == WIDTH - 1 || end == NARROW_WIDTH - 1 => (end, "end"),
        _ => (column.middle(), "middle"),
    };
    let lines = if column.is_narrow { column.lines(said, true) } else { vec![said.to_owned()] };
    (0..).zip(lines.iter().rev()).fold(Group::new(), |group, (number, said)| {
        group.add(bold(said, at, top - TITLE - number * TITLE_LINE, anchor).set("font-size", 14))
    })
}

/// Explains the two kinds of lines, and returns the height of that legend.
fn legend(top: i32, is_narrow: bool) -> (Group, i32) {
    let places = if is_narrow { [(1, 24), (1, 44)] } else { [(60, 20), (420, 20)] };
    let meanings = [
        (Pen::Linked, "linked: the same frames in both spaces"),
        (Pen::Copied, "copied: each space has its own frames"),
    ];
    let legend = places.into_iter().zip(meanings).fold(Group::new(), |group, ((x, below), (pen, said))| {
        let y = top + below;
        let sample = line((x, y - 4), (x + 34, y - 4), pen).set("stroke-width", 2);
        group.add(sample).add(text(said, x + 42, y, "start"))
    });
    (legend, places[1].1 + TITLE)
}

fn region_tile(picture: &Picture, space: &str, region: &Region, has_two: bool) -> Tile {
    let size = words::size(region.end.0 - region.start.0);
    let right = match region.sharing {
        Some(sharing) => sharing.word().to_owned(),
        None if has_two => String::new(),
        None => region.rights.clone(),
    };
    let mut said = vec![Words(format!("{}, {}", region.start, unbroken(&size)), right)];
    let here = |address| region.start <= address && address < region.end;
    let values = picture.values.iter().filter(|value| value.space == space && here(value.address));
    let mut is_new = false;
    for value in values {
        let mark = if value.changed { "changed" } else { "" };
        is_new |= value.changed;
        said.push(Words(format!("{} {}", value.variable, unbroken(&format!("= {}", value.value))), mark.into()));
    }
    Tile { is_new, ..Tile::new(&region.name, said, pen(region)) }
}

/// The look of a region's box, and of the lines to its frames.
pub(crate) fn pen(region: &Region) -> Pen {
    match region.sharing {
        Some(Sharing::Linked) => Pen::Linked,
        Some(Sharing::Copied) => Pen::Copied,
        _ if region.frames.is_empty() => Pen::Faint,
        _ => Pen::Plain,
    }
}

fn holding_tile(picture: &Picture, holding: &Holding) -> Tile {
    let bytes = holding.frames.iter().map(|frames| frames.bytes).sum();
    let first = holding.frames.first().map(|frames| frames.start.to_string()).unwrap_or_default();
    let change = match holding.change {
        Some(Change::New) => "new",
        Some(Change::FreeAgain) => "free again",
        None => "",
    };
    let mut place = Words(format!("{first}, {}", unbroken(&words::size(bytes))), String::new());
    let mut behind = Vec::new();
    match holding.frames.len() {
        0 | 1 => place.1 = change.into(),
        // There is no room behind that.
        pieces => {
            place.0 += &format!(" {}", unbroken(&format!("in {pieces} pieces")));
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
            behind.push(Words(format!("{} {}", value.variable, unbroken(&format!("= {}", value.value))), mark.into()));
        }
    }
    let pen = match sharing_of(picture, holding) {
        _ if holding.name == FREE || holding.change == Some(Change::FreeAgain) => Pen::Faint,
        Some(Sharing::Linked) => Pen::Linked,
        Some(Sharing::Copied) => Pen::Copied,
        _ => Pen::Plain,
    };
    Tile { is_new, ..Tile::new(&holding.name, [place].into_iter().chain(behind), pen) }
}

/// How a holding's frames are shared, according to a region with few holdings. The identity map has many.
fn sharing_of(picture: &Picture, holding: &Holding) -> Option<Sharing> {
    let regions = || picture.spaces.iter().flat_map(|space| &space.regions);
    let overlaps = |region: &&Region| reaches(&region.frames, &holding.frames);
    let narrow = |region: &&Region| reached(picture, region) <= MOST_ARROWS;
    regions().filter(overlaps).find(narrow).and_then(|region| region.sharing)
}

fn reached(picture: &Picture, region: &Region) -> usize {
    picture.memory.iter().filter(|holding| reaches(&region.frames, &holding.frames)).count()
}

/// Draws arrows from a region to its frames, or a bracket if there are many of them.
fn connect(
    group: Group,
    Boxed { of: region, tile }: &Boxed<Region>,
    from: &Column,
    memory: &[Boxed<Holding>],
    to: &Column,
    places: &Places,
) -> Group {
    let is_left = from.left < to.left;
    let (start, end) = if is_left { (from.right(), to.left) } else { (from.left, to.right()) };
    let place = places.region(region.start.0);
    let reached = memory.iter().filter(|holding| reaches(&region.frames, &holding.of.frames));
    let reached: Vec<Place> = reached.filter_map(|holding| places.holding(&holding.of.name)).collect();
    if reached.len() <= MOST_ARROWS {
        return reached.iter().fold(group, |group, holding| {
            let (top, bottom) = (place.top.max(holding.top), place.bottom().min(holding.bottom()));
            let beside = (is_level(region) && top < bottom).then_some((top + bottom) / 2);
            let (from, to) = (beside.unwrap_or(place.middle()), beside.unwrap_or(holding.middle()));
            group.add(shapes::curve((start, from), (end, to), tile.pen)).add(shapes::arrowhead(
                (end, to),
                (if is_left { -1 } else { 1 }, 0),
                tile.pen,
            ))
        });
    }
    let away = if is_left { -BRACKET } else { BRACKET };
    let top = reached.iter().map(|place| place.top).min().unwrap_or(0) + 3;
    let bottom = reached.iter().map(Place::bottom).max().unwrap_or(0) - 3;
    let at = place.middle().clamp(top + 8, bottom - 8);
    group
        .add(shapes::curve((start, place.middle()), (end + away, at), tile.pen))
        .add(shapes::bracket(end, away, top, bottom, tile.pen))
}
