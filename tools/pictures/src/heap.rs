//! Chapter 6: the heap's blocks at each moment that the demonstration tells of.

use crate::blocks::{Block, SMALLEST, State, Usage, walk};
use crate::paper::{PAPER, SHADE, Sheet, WIDTH, bold, digits, frame, head, hexadecimal, line, row, words};
use crate::{Files, log_file, names};
use anyhow::{Context, Result, ensure};
use memory_map::walk::PAGE_BYTES;
use probe::sitting::Sitting;
use probe::snapshot::Snapshot;
use serde::Serialize;
use svg::node::element::Group;

/// Where the heap begins.
const START: u32 = heap::START.as_u32();

/// The moments, in the words of the picture.
const MOMENTS: [&str; 6] = [
    "An empty heap",
    "Three boxes",
    "The first and the third are dropped",
    "The second is dropped: one block again",
    "A box and a vector: the heap has grown",
    "Both are dropped: the heap keeps its memory",
];

/// What the heap was at a moment.
#[derive(Serialize)]
struct Moment {
    title: &'static str,
    bytes: u32,
    blocks: Vec<Block>,
}

/// Stops at each moment.
pub fn take(mut sitting: Sitting) -> Result<Files> {
    let last = sitting.program.field(names::LAST_PLACE)?;
    let mut moments = Vec::new();
    for title in MOMENTS {
        let snapshot = sitting.until(names::USAGE)?;
        let bytes = heap(&snapshot)?;
        let last = snapshot.word(&snapshot.space()?, last).context("the heap's own variable is not mapped")?;
        let blocks = walk(&bytes, START, last + SMALLEST).context(title)?;
        moments.push(Moment { title, bytes: bytes.len() as u32, blocks });
    }
    let log = sitting.finish()?;
    let found: Vec<Usage> = moments.iter().map(|moment| Usage::of(&moment.blocks)).collect();
    let said = Usage::all_in(&log);
    ensure!(found == said, "The kernel says {said:#?}\nbut this was found in its memory: {found:#?}");
    let mut files = draw(&moments).files(&moments, table(&moments))?;
    files.extend([log_file("06", &log)]);
    Ok(files)
}

/// What lies from the heap's start on, as far as there are pages.
fn heap(snapshot: &Snapshot) -> Result<Vec<u8>> {
    let space = snapshot.space()?;
    let mut bytes = Vec::new();
    while let Some(frame) = space.translate(START + bytes.len() as u32) {
        bytes.extend(snapshot.memory().read(frame, PAGE_BYTES as usize).context("a frame that is not in memory")?);
    }
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

fn short_state(block: &Block) -> &'static str {
    match block.state {
        State::InUse => "in use",
        State::Free { .. } => "free",
        State::NotNeeded => "not needed yet",
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

/// The first words of what its owner keeps there.
fn content(block: &Block) -> String {
    let words: Vec<String> = block.content.iter().map(u32::to_string).collect();
    if words.is_empty() { String::new() } else { format!("{} …", words.join(" ")) }
}

fn table(moments: &[Moment]) -> String {
    let mut table = head(["moment", "block at", "bytes", "state", "first words in it"]);
    for (number, Moment { title, blocks, .. }) in (1..).zip(moments) {
        let mut moment = format!("{number}. {title}");
        if blocks.is_empty() {
            table += &row([&moment, "no block", "", "", ""]);
        }
        for block in blocks {
            table += &row([
                &moment,
                &format!("`{}`", block.address),
                &block.bytes.to_string(),
                &state(block),
                &content(block),
            ]);
            moment.clear();
        }
    }
    table
        + "\nThe size of a block includes its header and its footer, four bytes each. What has not been needed yet has neither.\n"
}

const LEFT: i32 = 16;
/// A page is a row, as wide as this.
const PAGE_WIDTH: i32 = WIDTH - 2 * LEFT;
const HEAD_HEIGHT: i32 = 26;
const PAGE_HEIGHT: i32 = 54;
const ADDRESS_HEIGHT: i32 = 18;
const GAP: i32 = 14;

fn draw(moments: &[Moment]) -> Sheet {
    let (mut drawing, mut y) = (Group::new(), 22);
    for (number, moment) in (1..).zip(moments) {
        let title = format!("{number}. {}", moment.title);
        drawing = drawing.add(bold(&title, LEFT, y, "start").set("font-size", 14));
        let Usage { total_bytes, used_blocks, free_blocks, .. } = Usage::of(&moment.blocks);
        let counts = match total_bytes {
            0 => "no memory yet, no blocks".into(),
            _ => format!("{total_bytes} bytes, {used_blocks} in use, {free_blocks} free"),
        };
        drawing = drawing.add(words(&counts, WIDTH - LEFT, y, "end"));
        y += HEAD_HEIGHT;
        for page in (0..moment.bytes).step_by(PAGE_BYTES as usize).map(|offset| START + offset) {
            drawing = drawing.add(digits(&hexadecimal(page), LEFT, y - 4, "start").set("font-size", 12));
            drawing = moment.blocks.iter().fold(drawing, |drawing, block| draw_block(drawing, block, page, y));
            y += PAGE_HEIGHT + ADDRESS_HEIGHT;
        }
        y += GAP;
    }
    let legend = [
        "Each row is one page of 4096 bytes, to scale. Grey with a solid edge: in use; a double line is where such a block begins",
        "or ends. Blank with a dotted edge: free, in the list for the sizes that it names, or not needed yet.",
    ];
    for said in legend {
        drawing = drawing.add(words(said, LEFT, y, "start").set("font-size", 12));
        y += 16;
    }
    Sheet {
        name: "06-heap",
        title: "The heap's blocks at six moments of the demonstration".into(),
        description: description(moments),
        height: y,
        drawing,
    }
}

/// What of a block lies in a page, in the row at `y`.
fn draw_block(drawing: Group, block: &Block, page: u32, y: i32) -> Group {
    let end = page + PAGE_BYTES;
    let (from, to) = (block.start.max(page), (block.start + block.bytes).min(end));
    if from >= to {
        return drawing;
    }
    let x = |address: u32| LEFT + ((address - page) as i32 * PAGE_WIDTH + PAGE_BYTES as i32 / 2) / PAGE_BYTES as i32;
    let (left, right) = (x(from), x(to));
    let (fill, broken) = if block.is_free() { (PAPER, "2 3") } else { (SHADE, "none") };
    let mut drawing = drawing.add(
        frame(left, y, right - left, PAGE_HEIGHT, fill, broken)
            .set("stroke-width", if block.is_free() { 1 } else { 2 }),
    );
    // Header and footer, which at this scale are less than the line that stands for them.
    if !block.is_free() && from == block.start {
        drawing = drawing.add(line((left + 3, y), (left + 3, y + PAGE_HEIGHT)));
    }
    if !block.is_free() && to == block.start + block.bytes {
        drawing = drawing.add(line((right - 3, y), (right - 3, y + PAGE_HEIGHT)));
    }
    let said = if from == block.start {
        let last = match block.state {
            State::InUse => content(block),
            State::Free { least, most, .. } => format!("list {least} to {most}"),
            State::NotNeeded => String::new(),
        };
        [short_state(block).into(), format!("{} bytes", block.bytes), last]
    } else {
        let goes_on = if right - left > 140 { "(the same block goes on)" } else { "" };
        [short_state(block).into(), goes_on.into(), String::new()]
    };
    let middle = (left + right) / 2;
    for (number, said) in (0..).zip(said).filter(|(_, said)| !said.is_empty()) {
        let words = if number == 0 {
            bold(&said, middle, y + 16, "middle")
        } else {
            words(&said, middle, y + 16 + number * 15, "middle")
        };
        drawing = drawing.add(words.set("font-size", 12));
    }
    drawing
}

fn description(moments: &[Moment]) -> String {
    let moment = |(number, moment): (usize, &Moment)| {
        let block = |block: &Block| {
            let content = if block.is_free() { String::new() } else { format!(", it begins with {}", content(block)) };
            format!("{} bytes at {}, {}{content}", block.bytes, block.address, state(block))
        };
        let blocks: Vec<String> = moment.blocks.iter().map(block).collect();
        let blocks = if blocks.is_empty() { "no memory and no blocks".into() } else { blocks.join("; ") };
        format!("{number}. {}: {blocks}.", moment.title)
    };
    (1..).zip(moments).map(moment).collect::<Vec<_>>().join(" ")
}
