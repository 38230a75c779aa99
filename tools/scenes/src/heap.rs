//! Chapter 6: the heap's blocks at each moment that the demonstration reports.

use crate::blocks::{Block, SMALLEST, State, Usage, walk};
use crate::machine::Machine;
use crate::paper::{Sheet, Table, code, hexadecimal, with_words};
use crate::{Files, NOW};
use anyhow::{Context, Result, ensure};
use memory_map::shapes::{Layout, NARROW_WIDTH, WIDTH, bold, digits, words};
use memory_map::strip::{self, Face, Label, Look, Strip};
use memory_map::walk::PAGE_BYTES;
use serde::{Deserialize, Serialize};
use std::mem;
use svg::node::element::Group;

const TITLE: &str = "The heap's blocks at six moments of the demonstration";
const TITLE_SO_FAR: &str = "The heap's blocks at the moments so far";

/// A larger heap is not the demonstration's.
const MOST_PAGES: u32 = 64;

/// What has to be known about the kernel.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Plan {
    /// The beginning of the heap.
    pub start: u32,
    /// The address of the heap's variable with the last address that has room for a block below the top.
    pub last_place: u32,
    /// The titles of the moments.
    pub titles: Vec<String>,
}

/// The picture, which grows.
pub struct Album {
    plan: Plan,
    /// The moments so far.
    pub moments: Vec<Moment>,
}

/// The heap at one moment.
#[derive(Clone, Debug, Serialize)]
pub struct Moment {
    title: String,
    #[serde(skip)]
    start: u32,
    bytes: u32,
    /// All blocks.
    pub blocks: Vec<Block>,
}

impl Album {
    /// No moment yet.
    pub fn new(plan: Plan) -> Self {
        Self { plan, moments: Vec::new() }
    }

    fn look(&self, machine: &Machine, title: &str) -> Result<Moment> {
        let Plan { start, last_place, .. } = self.plan;
        let bytes = heap(machine, start)?;
        let last = machine.word(&machine.space()?, last_place).context("the heap's own variable is not mapped")?;
        let top = last.checked_add(SMALLEST).context("the heap's top lies beyond the last address")?;
        let blocks = walk(&bytes, start, top).with_context(|| title.to_owned())?;
        Ok(Moment { title: title.into(), start, bytes: bytes.len() as u32, blocks })
    }
}

impl crate::Album for Album {
    fn moment(&mut self, stop: usize, machine: &Machine) -> Result<Files> {
        let Some(title) = self.plan.titles.get(stop) else { return Ok(Files::new()) };
        let moment = self.look(machine, title)?;
        self.moments.push(moment);
        let title = if self.moments.len() == self.plan.titles.len() { TITLE } else { TITLE_SO_FAR };
        draw(&self.moments, title).files(&self.moments)
    }

    fn now(&self, machine: &Machine) -> Result<Files> {
        let mut moments = self.moments.clone();
        moments.push(self.look(machine, NOW)?);
        draw(&moments, TITLE_SO_FAR).files(&moments)
    }
}

/// The heap's bytes from its start, as far as pages are mapped.
fn heap(machine: &Machine, start: u32) -> Result<Vec<u8>> {
    let space = machine.space()?;
    let mut bytes = Vec::new();
    for page in 0..MOST_PAGES {
        let page = start.checked_add(page * PAGE_BYTES).context("the heap goes beyond the last address")?;
        let Some(frame) = space.translate(page) else { return Ok(bytes) };
        bytes.extend(machine.memory.read(frame, PAGE_BYTES as usize).context("a frame that is not in memory")?);
    }
    ensure!(space.translate(start + MOST_PAGES * PAGE_BYTES).is_none(), "the heap is too large to draw");
    Ok(bytes)
}

fn state(block: &Block) -> String {
    match block.state {
        State::InUse => "in use".into(),
        State::Free { least, most, number } => {
            format!("free, {} in the list for {}", ordinal(number), sizes(least, most))
        }
        State::NotNeeded => "free, not needed yet".into(),
    }
}

fn sizes(least: u32, most: u32) -> String {
    if least == most { format!("{least} bytes") } else { format!("{least} to {most} bytes") }
}

fn ordinal(number: usize) -> String {
    match number {
        1 => "1st".into(),
        2 => "2nd".into(),
        3 => "3rd".into(),
        _ => format!("{number}th"),
    }
}

/// The first words of its owner's data.
fn content(block: &Block) -> String {
    let words: Vec<String> = block.content.iter().map(u32::to_string).collect();
    if words.is_empty() { String::new() } else { format!("{} …", words.join(" ")) }
}

fn table(moments: &[Moment]) -> Table {
    let mut rows = Vec::new();
    for (number, Moment { title, blocks, .. }) in (1..).zip(moments) {
        let mut moment = format!("{number}. {title}");
        if blocks.is_empty() {
            rows.push(vec![moment.clone(), "no block".into(), String::new(), String::new(), String::new()]);
        }
        for block in blocks {
            let moment = mem::take(&mut moment);
            rows.push(vec![moment, code(&block.address), block.bytes.to_string(), state(block), content(block)]);
        }
    }
    Table::new(&["moment", "block at", "bytes", "state", "first words in it"], rows)
}

const LEFT: i32 = 16;
/// The width of a row, which is one page.
const PAGE_WIDTH: i32 = WIDTH - 2 * LEFT;
const HEAD_HEIGHT: i32 = 26;
const PAGE_HEIGHT: i32 = 54;
const ADDRESS_HEIGHT: i32 = 18;
const GAP: i32 = 14;

fn draw(moments: &[Moment], title: &str) -> Sheet {
    const LEGEND: [&str; 2] = [
        "Each row is one page of 4096 bytes, to scale. Grey with a solid edge: in use; a double line is where such a block begins",
        "or ends. Blank with a dotted edge: free, in the list for the sizes that it names, or not needed yet.",
    ];
    let Layout { height: mut y, shapes: mut drawing } = pages(moments, LEFT, PAGE_WIDTH, false);
    for said in LEGEND {
        drawing = drawing.add(words(said, LEFT, y, "start"));
        y += 16;
    }
    let narrow = pages(moments, 1, NARROW_WIDTH - 2, true);
    Sheet {
        name: "06-heap",
        title: title.into(),
        tables: vec![table(moments)],
        note:
            "The size of a block includes its header and its footer, four bytes each. What has not been needed yet has \
               neither."
                .into(),
        height: y,
        drawing,
        narrow: Some(with_words(narrow, &LEGEND.join(" "))),
    }
}

/// The first word of a block, and a sign that there are more.
fn first(block: &Block) -> String {
    block.content.first().map_or(String::new(), |word| format!("{word} …"))
}

/// All pages at all moments. In a narrow layout, the counts of a moment stand below its title.
fn pages(moments: &[Moment], left: i32, width: i32, is_narrow: bool) -> Layout {
    let (mut shapes, mut y) = (Group::new(), 22);
    for (number, moment) in (1..).zip(moments) {
        let title = format!("{number}. {}", moment.title);
        shapes = shapes.add(bold(&title, left, y, "start").set("font-size", 14));
        let Usage { total_bytes, used_blocks, free_blocks, .. } = Usage::of(&moment.blocks);
        let counts = match total_bytes {
            0 => "no memory yet, no blocks".into(),
            _ => format!("{total_bytes} bytes, {used_blocks} in use, {free_blocks} free"),
        };
        if is_narrow {
            y += 18;
        }
        let (x, anchor) = if is_narrow { (left, "start") } else { (left + width, "end") };
        shapes = shapes.add(words(&counts, x, y, anchor));
        y += HEAD_HEIGHT;
        for page in (0..moment.bytes).step_by(PAGE_BYTES as usize).map(|offset| moment.start + offset) {
            let strip = Strip { left, top: y, width, height: PAGE_HEIGHT, units: PAGE_BYTES };
            let blocks: Vec<_> = moment.blocks.iter().filter_map(|block| part_in(block, page)).collect();
            shapes = shapes.add(digits(&hexadecimal(page), left, y - 4, "start")).add(strip.draw(&blocks));
            y += PAGE_HEIGHT + ADDRESS_HEIGHT;
        }
        y += GAP;
    }
    Layout { height: y, shapes }
}

/// The part of a block that is in a page.
fn part_in(block: &Block, page: u32) -> Option<strip::Block> {
    let end = block.start + block.bytes;
    let (from, to) = (block.start.max(page), end.min(page + PAGE_BYTES));
    if from >= to {
        return None;
    }
    let begins_here = from == block.start;
    let (short_state, last) = match block.state {
        State::InUse => (["in use", "used"], vec![content(block), first(block)]),
        State::NotNeeded => (["not needed yet", "free"], Vec::new()),
        State::Free { least, most, .. } => {
            (["free", ""], vec![format!("list {least} to {most}"), format!("{least}–{most}")])
        }
    };
    let mut labels = vec![Label::new(Face::Bold, short_state)];
    if begins_here {
        labels.push(Label::new(Face::Plain, [format!("{} bytes", block.bytes), block.bytes.to_string()]));
        labels.push(Label::new(Face::Plain, last));
    } else {
        labels.push(Label::new(Face::Plain, ["(the same block continues)"]));
    }
    let look = if block.is_free() { Look::Free } else { Look::Closed(begins_here, to == end) };
    Some(strip::Block { from: from - page, to: to - page, look, labels })
}
