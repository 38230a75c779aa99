//! Chapter 3: the eight bytes that describe the code segment, bit by bit.

use crate::Files;
use crate::machine::Machine;
use crate::paper::{Sheet, Table, code, hexadecimal};
use anyhow::{Context, Result, ensure};
use memory_map::shapes::{Layout, NARROW_WIDTH, WIDTH, bold, digits, words};
use memory_map::strip::{Block, Face, Label, Look, Strip};
use memory_map::tiles::Column;
use serde::Serialize;
use svg::node::element::Group;

/// The size of a descriptor in bytes.
const BYTES: usize = 8;

/// A field: its name, its highest bit and its lowest.
type Place = (&'static str, u32, u32);
/// The fields from the highest bit down: Intel SDM volume 3, 3.4.5.
const FIELDS: [Place; 13] = [
    ("base 31:24", 63, 56),
    ("G", 55, 55),
    ("D/B", 54, 54),
    ("L", 53, 53),
    ("AVL", 52, 52),
    ("limit 19:16", 51, 48),
    ("P", 47, 47),
    ("DPL", 46, 45),
    ("S", 44, 44),
    ("type", 43, 40),
    ("base 23:16", 39, 32),
    ("base 15:00", 31, 16),
    ("limit 15:00", 15, 0),
];

/// The facts of the picture.
#[derive(Serialize)]
pub struct Facts {
    table: String,
    table_limit: u32,
    selector: String,
    address: String,
    bytes: Vec<String>,
    value: String,
    /// The first address of the segment.
    pub base: String,
    /// Its last offset.
    pub limit: String,
    fields: Vec<Field>,
}

#[derive(Serialize)]
struct Field {
    name: &'static str,
    highest_bit: u32,
    lowest_bit: u32,
    bits: String,
    meaning: String,
}

/// The picture of the descriptor.
pub struct Album;

impl crate::Album for Album {
    fn moment(&mut self, _: usize, machine: &Machine) -> Result<Files> {
        self.now(machine)
    }

    fn now(&self, machine: &Machine) -> Result<Files> {
        let facts = facts(machine)?;
        draw(&facts).files(&facts)
    }
}

/// The descriptor that CS refers to.
pub fn facts(machine: &Machine) -> Result<Facts> {
    let ((table, table_limit), selector) = (machine.registers.gdt, machine.registers.cs);
    ensure!(selector & 4 == 0, "CS does not refer to the GDT");
    ensure!(selector | 7 <= table_limit, "CS refers to what lies beyond the GDT");
    let address = table.checked_add(selector & !7).context("the GDT goes beyond the last address")?;
    let bytes = machine.memory.read(address, BYTES).context("the GDT does not lie in memory")?;
    let value = u64::from_le_bytes(bytes.try_into()?);
    let (base, limit) = extent(value);
    Ok(Facts {
        table: hexadecimal(table),
        table_limit,
        selector: format!("{selector:#06x}"),
        address: hexadecimal(address),
        bytes: bytes.iter().map(|byte| format!("{byte:02X}")).collect(),
        value: format!("{value:#018x}"),
        base: hexadecimal(base),
        limit: hexadecimal(limit),
        fields: fields(value),
    })
}

/// The bits from `highest` down to `lowest`.
fn bits(value: u64, highest: u32, lowest: u32) -> u64 {
    value >> lowest & ((1 << (highest - lowest + 1)) - 1)
}

/// The first address of the segment, and its last offset in bytes.
fn extent(value: u64) -> (u32, u32) {
    let base = bits(value, 39, 16) | bits(value, 63, 56) << 24;
    let limit = bits(value, 15, 0) | bits(value, 51, 48) << 16;
    let counts_pages = bits(value, 55, 55) == 1;
    (base as u32, if counts_pages { limit as u32 * 4096 + 4095 } else { limit as u32 })
}

fn fields(value: u64) -> Vec<Field> {
    let field = |(name, highest, lowest): Place| {
        let found = bits(value, highest, lowest);
        let width = (highest - lowest + 1) as usize;
        let meaning = meaning(name, found, value);
        Field { name, highest_bit: highest, lowest_bit: lowest, bits: format!("{found:0width$b}"), meaning }
    };
    FIELDS.into_iter().map(field).collect()
}

/// The meaning of a field's bits: Intel SDM volume 3, 3.4.5 and table 3-1.
fn meaning(name: &str, found: u64, value: u64) -> String {
    let either = |no: &str, yes: &str| if found == 0 { no.to_owned() } else { yes.to_owned() };
    let (base, limit) = extent(value);
    match name {
        "G" => either("the limit counts bytes", "the limit counts pages of 4 KiB"),
        "D/B" => either("16-bit instructions", "32-bit instructions"),
        "L" => either("not 64-bit code", "64-bit code"),
        "AVL" => "left to the kernel".into(),
        "P" => either("the segment is not present", "the segment is present"),
        "DPL" => format!("it belongs to ring {found}"),
        "S" => either("a system segment", "code or data"),
        "type" => kind(found),
        name if name.starts_with("base") => format!("part of the base, {base:#010x}"),
        _ if bits(value, 55, 55) == 1 => format!("part of the limit, {:#07x} pages: {limit:#010x}", limit >> 12),
        _ => format!("part of the limit, {limit:#010x}"),
    }
}

/// The meaning of the type of a code or data segment.
fn kind(found: u64) -> String {
    let set = |bit: u32| found >> bit & 1 == 1;
    let mut words = if set(3) { vec!["code"] } else { vec!["data"] };
    match (set(3), set(2)) {
        (true, true) => words.push("conforming"),
        (false, true) => words.push("expanding down"),
        _ => {}
    }
    match (set(3), set(1)) {
        (true, true) => words.push("may be read"),
        (false, true) => words.push("may be written"),
        _ => {}
    }
    if set(0) {
        words.push("accessed");
    }
    words.join(", ")
}

fn row(Field { name, highest_bit, lowest_bit, bits, meaning }: &Field) -> Vec<String> {
    let place =
        if highest_bit == lowest_bit { highest_bit.to_string() } else { format!("{highest_bit}–{lowest_bit}") };
    vec![place, (*name).into(), code(bits), meaning.clone()]
}

const LEFT: i32 = 12;
const RIGHT: i32 = WIDTH - LEFT;
const BYTES_LEFT: i32 = 300;
const BYTES_TOP: i32 = 24;
const BITS_HEIGHT: i32 = 28;
const BITS_TOP: [i32; 2] = [110, 206];
const MEANINGS_TOP: i32 = 300;
const LINE: i32 = 20;

fn draw(facts: &Facts) -> Sheet {
    let units = BYTES as u32;
    let in_memory = Strip { left: BYTES_LEFT, top: BYTES_TOP, width: RIGHT - BYTES_LEFT, height: 32, units };
    let mut drawing = Group::new()
        .add(words("Eight bytes in memory, lowest", LEFT, BYTES_TOP + 12, "start"))
        .add(words("address first, from here on:", LEFT, BYTES_TOP + 28, "start"))
        .add(digits(&facts.address, BYTES_LEFT - 10, BYTES_TOP + 28, "end"))
        .add(draw_bytes(facts, in_memory));
    for (top, highest, title) in [(BITS_TOP[0], 63, "bytes 4 to 7"), (BITS_TOP[1], 31, "bytes 0 to 3")] {
        drawing = drawing.add(words(&format!("{title}, as one number:"), LEFT, top - 22, "start"));
        let strip = Strip { left: LEFT, top, width: RIGHT - LEFT, height: BITS_HEIGHT, units: 32 };
        drawing = draw_bits(drawing, facts, strip, highest);
    }
    let all = meanings(facts);
    let half = all.len().div_ceil(2);
    for (number, (name, meaning)) in all.iter().enumerate() {
        let x = LEFT + (number / half) as i32 * (WIDTH / 2);
        let y = MEANINGS_TOP + (number % half) as i32 * LINE;
        drawing = drawing.add(bold(name, x, y, "start")).add(words(meaning, x + 46, y, "start"));
    }
    let Facts { table, selector, address, bytes, base, limit, .. } = facts;
    Sheet {
        name: "03-descriptor",
        title: format!("The code segment's descriptor, as it lies in memory at {}", facts.address),
        tables: vec![Table::new(&["bits", "field", "value", "meaning"], facts.fields.iter().map(row))],
        note: format!(
            "The GDT begins at `{table}`; CS is `{selector}`, so the descriptor lies at `{address}`. Its bytes, lowest \
             address first: `{}`. Put together: base `{base}`, limit `{limit}`.",
            bytes.join(" ")
        ),
        height: MEANINGS_TOP + half as i32 * LINE,
        drawing,
        narrow: Some(narrow(facts)),
    }
}

/// The bits in rows of 16, and their meanings one below the other.
fn narrow(facts: &Facts) -> Layout {
    const ROW: i32 = 92;
    const NAMES_WIDTH: i32 = 46;
    let strip = |top, height, units| Strip { left: 1, top, width: NARROW_WIDTH - 2, height, units };
    let mut shapes = Group::new()
        .add(words("Eight bytes in memory, lowest address first:", 1, 16, "start"))
        .add(digits(&facts.address, 1, 34, "start"))
        .add(draw_bytes(facts, strip(58, 32, BYTES as u32)));
    let mut top = 114;
    for (highest, title) in [(63, "bytes 6 and 7"), (47, "bytes 4 and 5"), (31, "bytes 2 and 3"), (15, "bytes 0 and 1")]
    {
        shapes = shapes.add(words(&format!("{title}, as one number:"), 1, top, "start"));
        shapes = draw_bits(shapes, facts, strip(top + 22, BITS_HEIGHT, 16), highest);
        top += ROW + 14;
    }
    let column = Column::narrow(0, NARROW_WIDTH - NAMES_WIDTH);
    for (name, meaning) in meanings(facts) {
        shapes = shapes.add(bold(name, 1, top, "start"));
        for said in column.lines(&meaning, false) {
            shapes = shapes.add(words(&said, 1 + NAMES_WIDTH, top, "start"));
            top += LINE;
        }
    }
    Layout { height: top, shapes }
}

/// The meanings of the fields, and the assembled base and limit.
fn meanings(facts: &Facts) -> Vec<(&'static str, String)> {
    let listed = facts.fields.iter().filter(|field| !is_part(field));
    let meanings = listed.map(|field| (field.name, format!("{}: {}", field.bits, field.meaning)));
    let sums = [("base", facts.base.clone()), ("limit", format!("{}, the last offset", facts.limit))];
    meanings.chain(sums).collect()
}

/// The eight bytes, each at its position.
fn draw_bytes(facts: &Facts, strip: Strip) -> Group {
    let byte = |(number, byte): (u32, &String)| {
        let labels = vec![Label::new(Face::Digits, [byte])];
        Block { from: number, to: number + 1, look: look(number >= strip.units / 2), labels }
    };
    let bytes = strip.draw(&(0..).zip(&facts.bytes).map(byte).collect::<Vec<_>>());
    (0..strip.units).fold(Group::new().add(bytes), |drawing, at| drawing.add(strip.mark(&format!("+{at}"), at, at + 1)))
}

/// Base and limit are split into parts, which mean something only together.
fn is_part(field: &Field) -> bool {
    field.name.starts_with("base") || field.name.starts_with("limit")
}

/// Shades the upper four bytes, to tell them from the lower ones.
fn look(is_upper: bool) -> Look {
    if is_upper { Look::Shaded } else { Look::Plain }
}

/// As many bits as fit the strip, with bit number `highest` on the left, and below them the names of
/// their fields.
fn draw_bits(mut drawing: Group, facts: &Facts, bits: Strip, highest: u32) -> Group {
    let (mut values, mut names) = (Vec::new(), Vec::new());
    let shown = highest + 1 - bits.units..=highest;
    for field in facts.fields.iter().filter(|field| shown.contains(&field.highest_bit)) {
        let (from, to) = (highest - field.highest_bit, highest - field.lowest_bit + 1);
        let look = look(highest > 31);
        let face = if to - from == 1 { Face::Plain } else { Face::Bold };
        values.push(Block { from, to, look, labels: vec![Label::new(Face::Digits, [&field.bits])] });
        names.push(Block { from, to, look, labels: vec![Label::new(face, [field.name])] });
        drawing = drawing.add(bits.mark(&field.highest_bit.to_string(), from, from + 1));
        if to - from > 1 {
            drawing = drawing.add(bits.mark(&field.lowest_bit.to_string(), to - 1, to));
        }
    }
    drawing.add(bits.draw(&values)).add(Strip { top: bits.top + BITS_HEIGHT, ..bits }.draw(&names))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fields_cover_each_bit_once() {
        let lowest_and_next = FIELDS.windows(2).map(|pair| (pair[0].2, pair[1].1 + 1));
        assert!(lowest_and_next.into_iter().all(|(lowest, next)| lowest == next));
        assert_eq!((FIELDS[0].1, FIELDS[12].2), (63, 0));
    }

    #[test]
    fn base_and_limit_are_put_together() {
        assert_eq!(extent(0x00CF_9B00_0000_FFFF), (0, 0xFFFF_FFFF));
        assert_eq!(extent(0x1240_9334_5678_0067), (0x1234_5678, 0x67));
        assert_eq!(extent(0x000F_9300_0000_FFFF), (0, 0xF_FFFF));
    }

    #[test]
    fn bits_are_explained() {
        let fields = fields(0x00CF_9B00_0000_FFFF);
        let listed: Vec<_> = fields.iter().map(|field| (field.name, field.bits.as_str())).collect();
        assert_eq!(listed[1..6], [("G", "1"), ("D/B", "1"), ("L", "0"), ("AVL", "0"), ("limit 19:16", "1111")]);
        assert_eq!(listed[6..10], [("P", "1"), ("DPL", "00"), ("S", "1"), ("type", "1011")]);
        assert_eq!(fields[9].meaning, "code, may be read, accessed");
        assert_eq!(
            (kind(0b0010), kind(0b0111)),
            ("data, may be written".into(), "data, expanding down, may be written, accessed".into())
        );
    }
}
