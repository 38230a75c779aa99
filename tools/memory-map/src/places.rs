//! Where the boxes of pictures are placed: each box has the same place in all pictures of a series.
//!
//! High addresses are at the top. Heights are not to scale: a box is as high as its words need in the picture that
//! needs the most. A region mapped to its own addresses is beside its frames, so the arrow between them is level.

use crate::model::{Frames, Holding, Region};
use std::collections::BTreeMap;

/// The gap between boxes that do not touch.
pub const GAP: i32 = 8;
/// The smallest gap with words in it.
const WIDE_GAP: i32 = 30;
/// If fewer bytes than this are unmapped, such as one guard page, the boxes are drawn close together.
const NARROW_BYTES: u64 = 64 << 10;
/// A region in more holdings than this gets a bracket instead of arrows.
pub const MOST_ARROWS: usize = 4;

/// The place of a box.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Place {
    /// The upper edge.
    pub top: i32,
    /// Its height.
    pub height: i32,
}

/// The places of all boxes.
pub struct Places {
    /// The lower edge of the lowest boxes.
    pub bottom: i32,
    /// The boxes of virtual memory, by their first address.
    regions: BTreeMap<u64, Place>,
    /// The boxes of physical memory, by name, from the lowest up.
    holdings: Vec<(String, Place)>,
}

/// What lies between two boxes of virtual memory.
#[derive(Clone, Copy, PartialEq)]
pub enum Gap {
    /// Nothing: they touch.
    None,
    /// Unmapped pages, too few to be labeled.
    Narrow,
    /// Unmapped pages, labeled as such.
    Wide,
}

/// A region in all pictures of a series.
struct RegionRoom<'a> {
    region: &'a Region,
    height: i32,
}

/// A holding in all pictures of a series.
struct HoldingRoom<'a> {
    name: &'a str,
    frames: Vec<Frames>,
    /// Its highest beginning, if it does not always begin at the same address.
    start: u64,
    height: i32,
}

/// A horizontal band of both columns, with at most one box in each.
struct Row {
    region: Option<usize>,
    holding: usize,
    height: i32,
}

impl Places {
    /// Places the regions and holdings of any number of pictures below `top`, each with the height that it needs.
    pub fn of<'a>(
        top: i32,
        regions: impl Iterator<Item = (&'a Region, i32)>,
        holdings: impl Iterator<Item = (&'a Holding, i32)>,
    ) -> Self {
        let (regions, holdings) = (region_rooms(regions), holding_rooms(holdings));
        let rows = level_rows(&regions, &holdings);
        let level: i32 = rows.iter().map(|row| row.height).sum();
        let levelled = rows.iter().filter_map(|row| row.region).max().map_or(0, |last| last + 1);
        let placed = rows.iter().map(|row| row.holding).max().map_or(0, |last| last + 1);
        let rest: i32 = holdings[placed..].iter().map(|room| room.height).sum();
        let (far, near) = least_heights(&regions, levelled);
        let height = level + rest.max(far + near);
        let bottom = top + height;

        let mut places = Self { bottom, regions: BTreeMap::new(), holdings: Vec::new() };
        let mut at = bottom;
        for row in &rows {
            at -= row.height;
            let place = Place { top: at, height: row.height };
            if let Some(region) = row.region {
                grow(places.regions.entry(regions[region].region.start.0).or_insert(place), place);
            }
            match places.holdings.iter_mut().find(|(name, _)| name == holdings[row.holding].name) {
                Some((_, all)) => grow(all, place),
                None => places.holdings.push((holdings[row.holding].name.to_owned(), place)),
            }
        }
        let mut memory_at = bottom - level;
        for room in &holdings[placed..] {
            memory_at -= room.height;
            places.holdings.push((room.name.to_owned(), Place { top: memory_at, height: room.height }));
        }
        places.spread(&regions, levelled, bottom - level, height - level - near);
        places
    }

    /// The place of the region that begins at this address.
    pub fn region(&self, start: u64) -> Place {
        self.regions[&start]
    }

    /// All places in physical memory, by name, from the lowest up.
    pub fn holdings(&self) -> &[(String, Place)] {
        &self.holdings
    }

    /// The place of the holding with this name.
    pub fn holding(&self, name: &str) -> Option<Place> {
        self.holdings.iter().find(|(other, _)| other == name).map(|(_, place)| *place)
    }

    /// Places regions, and divides all of the `room` among the gaps between regions that are far apart.
    fn spread(&mut self, regions: &[RegionRoom], first: usize, bottom: i32, room: i32) {
        let wide = (first..regions.len()).filter(|at| gap_below(regions, *at) == Gap::Wide).count().max(1) as i32;
        let (mut at, mut done) = (bottom, 0);
        for number in first..regions.len() {
            at -= match gap_below(regions, number) {
                Gap::None => 0,
                Gap::Narrow => GAP,
                Gap::Wide => {
                    done += 1;
                    room * done / wide - room * (done - 1) / wide
                }
            };
            let RegionRoom { region, height } = regions[number];
            at -= height;
            self.regions.insert(region.start.0, Place { top: at, height });
        }
    }
}

impl Place {
    /// The lower edge.
    pub fn bottom(&self) -> i32 {
        self.top + self.height
    }

    /// The middle.
    pub fn middle(&self) -> i32 {
        self.top + self.height / 2
    }
}

impl Gap {
    /// What lies between two regions.
    pub fn between(below: &Region, above: &Region) -> Self {
        // In different pictures, regions may overlap.
        match above.start.0.saturating_sub(below.end.0) {
            0 => Self::None,
            1..NARROW_BYTES => Self::Narrow,
            _ => Self::Wide,
        }
    }
}

/// Whether the two lists share any frame.
pub fn reaches(frames: &[Frames], others: &[Frames]) -> bool {
    frames.iter().any(|frames| others.iter().any(|other| frames.overlap(other)))
}

/// Whether a region has the addresses of its own frames. The answer is also true for one that is not mapped.
pub fn is_level(region: &Region) -> bool {
    region.frames.len() <= 1 && region.frames.first().is_none_or(|frames| frames.start == region.start)
}

fn region_rooms<'a>(regions: impl Iterator<Item = (&'a Region, i32)>) -> Vec<RegionRoom<'a>> {
    let mut rooms: BTreeMap<u64, RegionRoom> = BTreeMap::new();
    for (region, height) in regions {
        let room = rooms.entry(region.start.0).or_insert(RegionRoom { region, height });
        room.height = room.height.max(height);
    }
    rooms.into_values().collect()
}

fn holding_rooms<'a>(holdings: impl Iterator<Item = (&'a Holding, i32)>) -> Vec<HoldingRoom<'a>> {
    let mut rooms: BTreeMap<&str, HoldingRoom> = BTreeMap::new();
    for (holding, height) in holdings {
        let start = holding.frames.first().map_or(0, |frames| frames.start.0);
        let name = holding.name.as_str();
        let room = rooms.entry(name).or_insert(HoldingRoom { name, frames: Vec::new(), start, height });
        room.frames.extend(&holding.frames);
        (room.start, room.height) = (room.start.max(start), room.height.max(height));
    }
    let mut rooms: Vec<_> = rooms.into_values().collect();
    rooms.sort_by_key(|room| room.start);
    rooms
}

/// Pairs regions with the frames beside them, from the lowest address up, as long as each region has the addresses of
/// its frames and these frames have few uses.
fn level_rows(regions: &[RegionRoom], holdings: &[HoldingRoom]) -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::new();
    for (number, RegionRoom { region, .. }) in regions.iter().enumerate() {
        let own = [Frames { start: region.start, bytes: region.end.0 - region.start.0 }];
        let reached = (0..holdings.len()).filter(|at| reaches(&own, &holdings[*at].frames)).collect::<Vec<_>>();
        let next = rows.last().map_or(0, |row| row.holding + 1);
        let Some(first) = reached.first().copied().filter(|first| first + 1 >= next) else { break };
        if !is_level(region) || reached.len() > MOST_ARROWS {
            break;
        }
        rows.extend((next..first).map(|holding| Row { region: None, holding, height: 0 }));
        if gap_below(regions, number) == Gap::Narrow {
            rows.push(Row { region: None, holding: first, height: GAP });
        }
        rows.extend(reached.into_iter().map(|holding| Row { region: Some(number), holding, height: 0 }));
    }
    // A region's height is divided equally among its rows; a holding makes only its highest row higher. The remainder
    // of a division goes to the highest row too.
    for (number, room) in regions.iter().enumerate() {
        let its = rows.iter().filter(|row| row.region == Some(number)).count() as i32;
        for row in rows.iter_mut().filter(|row| row.region == Some(number)) {
            row.height += room.height / its;
        }
        fill_up(&mut rows, |row| row.region == Some(number), room.height);
    }
    for (number, room) in holdings.iter().enumerate() {
        fill_up(&mut rows, |row| row.holding == number, room.height);
    }
    rows
}

/// Makes the highest of these rows higher, until all of them together have at least this height.
fn fill_up(rows: &mut [Row], is_one: impl Fn(&Row) -> bool, height: i32) {
    let all: i32 = rows.iter().filter(|row| is_one(row)).map(|row| row.height).sum();
    if let Some(highest) = rows.iter_mut().rev().find(|row| is_one(row)) {
        highest.height += (height - all).max(0);
    }
}

/// The least room that the regions from number `first` on need: between those far apart, and everything else.
fn least_heights(regions: &[RegionRoom], first: usize) -> (i32, i32) {
    (first..regions.len()).fold((0, 0), |(far, near), number| {
        let height = regions[number].height;
        match gap_below(regions, number) {
            Gap::None => (far, near + height),
            Gap::Narrow => (far, near + height + GAP),
            Gap::Wide => (far + WIDE_GAP, near + height),
        }
    })
}

fn gap_below(regions: &[RegionRoom], number: usize) -> Gap {
    number.checked_sub(1).map_or(Gap::None, |below| Gap::between(regions[below].region, regions[number].region))
}

fn grow(place: &mut Place, more: Place) {
    let bottom = place.bottom().max(more.bottom());
    place.top = place.top.min(more.top);
    place.height = bottom - place.top;
}
