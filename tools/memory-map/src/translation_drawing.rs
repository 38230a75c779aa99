//! The drawing of the walk for one address: the address in bits, and below each field the word that it selects.
//!
//! Solid arrows point to the beginning of a table or a frame, dotted ones to the word in it that is read.

use crate::model::Address;
use crate::shapes::{
    Layout, NARROW_WIDTH, PAPER, Pen, SHADE, WIDTH, arrowhead, bold, digits, frame, in_two_layouts, path, words,
};
use crate::strip::{Block, Face, Label, Look, Strip};
use crate::translation::{Flag, Step, Translation};
use svg::Document;
use svg::node::element::Group;

/// The height of a word.
const ROW: i32 = 22;
/// The room above the first word, for the name of its table or frame.
const HEAD: i32 = 38;
/// The distance from one line of words to the next.
const LINE: i32 = 17;
/// The height of the address in bits, and of its labels.
const BITS_HEIGHT: i32 = 26;
const FIELDS_HEIGHT: i32 = 40;
const BITS: u32 = 32;

/// The place where the words of a step are drawn.
#[derive(Clone, Copy)]
struct Place {
    /// The left edge of the boxes.
    left: i32,
    /// Their width.
    width: i32,
    /// The lower edge of the lowest one: where the table or the frame begins.
    base: i32,
}

/// Draws a walk. The identifiers in the drawing begin with `id`.
pub fn draw(walk: &Translation, id: &str, title: &str) -> Document {
    in_two_layouts(id, title, &description(walk), wide(walk), narrow(walk))
}

fn wide(walk: &Translation) -> Layout {
    const LEFT: i32 = 104;
    const TOP: i32 = 26;
    const WORDS_LEFT: i32 = 46;
    const WORDS_WIDTH: i32 = 152;
    /// Where the arrows to a table's beginning and to a word in it come down, relative to the left edge of its field.
    const BASE_LANE: i32 = 10;
    const WORD_LANE: i32 = 26;
    let strip = Strip { left: LEFT, top: TOP, width: WIDTH - 4 - LEFT, height: BITS_HEIGHT, units: BITS };
    let base = TOP + BITS_HEIGHT + FIELDS_HEIGHT + 26 + HEAD + most_rows(walk) * ROW;
    let place = |step: &Step| Place { left: strip.x(31 - step.bits.0) + WORDS_LEFT, width: WORDS_WIDTH, base };
    let mut shapes = Group::new()
        .add(bold("virtual", 4, TOP + 18, "start"))
        .add(bold("address", 4, TOP + 18 + LINE, "start"))
        .add(digits(&walk.address.to_string(), 4, TOP + 20 + 2 * LINE, "start"))
        .add(address_in_bits(walk, &strip))
        .add(frame(4, base - 22, 84, 44, SHADE, Pen::Plain))
        .add(bold("CR3", 46, base - 4, "middle"))
        .add(digits(&walk.cr3.to_string(), 46, base + 14, "middle"));
    let mut from = (88, base);
    for step in &walk.steps {
        let place = place(step);
        let field = strip.x(31 - step.bits.0);
        let word = place.middle_of(step);
        let route = format!("H{} V{base} H{}", field + BASE_LANE, place.left);
        shapes = shapes
            .add(arrow(from, &route, (place.left, base), (-1, 0), Pen::Plain))
            .add(arrow(
                (field + WORD_LANE, TOP + BITS_HEIGHT + FIELDS_HEIGHT),
                &format!("V{word} H{}", place.left),
                (place.left, word),
                (-1, 0),
                Pen::Faint,
            ))
            .add(place.draw(step))
            .add(meaning(walk, step, place.left, base + 30));
        from = (place.left + place.width, word);
    }
    let end = base + 30 + most_lines(walk) * LINE;
    let legend = "Solid arrows lead to where a table or frame begins, dotted ones to the word in it that the CPU reads. Low addresses are at the bottom.";
    Layout { height: end + 22, shapes: shapes.add(words(legend, 4, end + 10, "start")) }
}

/// The tables one below the other. Arrows run down beside them, alternately on the left and on the right.
fn narrow(walk: &Translation) -> Layout {
    const WORDS_LEFT: i32 = 24;
    const WORDS_WIDTH: i32 = 166;
    const LANES: [i32; 2] = [10, 204];
    const MEANINGS: i32 = 220;
    let strip = Strip { left: 1, top: 44, width: NARROW_WIDTH - 2, height: BITS_HEIGHT, units: BITS };
    let mut y = strip.top + BITS_HEIGHT + FIELDS_HEIGHT + 32;
    let mut shapes = Group::new()
        .add(bold("virtual address", 1, 16, "start"))
        .add(digits(&walk.address.to_string(), 112, 16, "start"))
        .add(address_in_bits(walk, &strip))
        .add(bold("CR3", 1, y, "start"))
        .add(digits(&walk.cr3.to_string(), 34, y, "start"));
    let mut from = (LANES[0], y + 6);
    y += 12;
    for (number, step) in walk.steps.iter().enumerate() {
        let rows = rows(step).len() as i32;
        let place = Place { left: WORDS_LEFT, width: WORDS_WIDTH, base: y + HEAD + rows * ROW };
        let sides = [(place.left, -1), (place.left + place.width, 1)];
        let (side, aside) = sides[number % 2];
        let route = format!("H{} V{} H{side}", LANES[number % 2], place.base);
        shapes = shapes
            .add(arrow(from, &route, (side, place.base), (aside, 0), Pen::Plain))
            .add(place.draw(step))
            .add(meaning(walk, step, MEANINGS, y + HEAD - 8));
        from = (sides[(number + 1) % 2].0, place.middle_of(step));
        y = place.base.max(y + HEAD - 8 + lines(walk, step).len() as i32 * LINE) + 16;
    }
    let legend = [
        "An arrow leads to where a table or frame begins.",
        "A field's number chooses the word that is bold.",
        "Low addresses are at the bottom.",
    ];
    for said in legend {
        y += LINE;
        shapes = shapes.add(words(said, 1, y, "start"));
    }
    Layout { height: y + 10, shapes }
}

/// The address, bit by bit, in the fields that select a word each.
fn address_in_bits(walk: &Translation, strip: &Strip) -> Group {
    let address = walk.address.0 as u32;
    let mut drawing = Group::new();
    let (mut bits, mut fields) = (Vec::new(), Vec::new());
    for Step { field, bits: (highest, lowest), number, .. } in &walk.steps {
        let (from, to) = (31 - highest, 32 - lowest);
        let width = (to - from) as usize;
        let binary = format!("{:0width$b}", u64::from(address) >> lowest & ((1 << width) - 1));
        let block = |labels| Block { from, to, look: Look::Shaded, labels };
        bits.push(block(vec![Label::new(Face::Digits, [binary])]));
        fields.push(block(vec![Label::new(Face::Plain, [*field]), Label::new(Face::Bold, [numbered(*number)])]));
        drawing = drawing.add(strip.mark(&format!("bits {highest}–{lowest}"), from, to));
    }
    let below = Strip { top: strip.top + BITS_HEIGHT, height: FIELDS_HEIGHT, ..*strip };
    drawing.add(strip.draw(&bits)).add(below.draw(&fields))
}

impl Place {
    /// The middle of the word that is read.
    fn middle_of(&self, step: &Step) -> i32 {
        let rows = rows(step);
        let below = rows.iter().position(|row| *row == Some(word_number(step))).unwrap_or(0) as i32;
        self.base - below * ROW - ROW / 2
    }

    fn draw(&self, step: &Step) -> Group {
        let rows = rows(step);
        let top = self.base - rows.len() as i32 * ROW;
        let mut group = Group::new().add(bold(step.place, self.left, top - 22, "start")).add(digits(
            &step.start.to_string(),
            self.left,
            top - 7,
            "start",
        ));
        let meant = word_number(step);
        for (below, row) in (1..).zip(&rows) {
            let y = self.base - below * ROW;
            group = group.add(frame(self.left, y, self.width, ROW, PAPER, Pen::Plain));
            group = match row {
                Some(number) if *number == meant => group,
                Some(number) => group.add(self.word(step, *number, y + 15, false)),
                None => group.add(words("⋮", self.left + self.width / 2, y + 15, "middle")),
            };
        }
        group.add(self.word(step, meant, self.middle_of(step) + 4, true))
    }

    /// A word with its number. The one that is read is drawn over the others, with a thick border.
    fn word(&self, step: &Step, number: u32, y: i32, is_meant: bool) -> Group {
        let value = step.around.iter().find(|word| word.number == number).map_or(0, |word| word.value);
        let label = digits(&numbered(number), self.left + 8, y, "start");
        let value = digits(&format!("{value:#010x}"), self.left + self.width - 8, y, "end");
        if !is_meant {
            return Group::new().add(label).add(value);
        }
        let edge = frame(self.left, y - 15, self.width, ROW, SHADE, Pen::Plain).set("stroke-width", 3);
        Group::new().add(edge).add(label.set("font-weight", "bold")).add(value.set("font-weight", "bold"))
    }
}

/// The numbers of the words to show, from the lowest up; `None` where words are left out.
fn rows(step: &Step) -> Vec<Option<u32>> {
    let (unit, end) = if step.frame.is_some() { (1, 1024) } else { (4, 1 << (step.bits.0 + 1)) };
    let (mut rows, mut next) = (Vec::new(), 0);
    for word in &step.around {
        rows.extend((word.number != next).then_some(None));
        rows.push(Some(word.number));
        next = word.number + unit;
    }
    rows.extend((next != end).then_some(None));
    rows
}

/// The number of the word that is read: an offset may lie within a word.
fn word_number(step: &Step) -> u32 {
    if step.frame.is_some() { step.number } else { step.number / 4 * 4 }
}

fn most_rows(walk: &Translation) -> i32 {
    walk.steps.iter().map(|step| rows(step).len() as i32).max().unwrap_or(0)
}

fn most_lines(walk: &Translation) -> i32 {
    walk.steps.iter().map(|step| lines(walk, step).len() as i32).max().unwrap_or(0)
}

/// A line about the meaning of a word.
enum Line {
    Digits(String),
    Words(String),
    Flag(Flag),
}

fn lines(walk: &Translation, step: &Step) -> Vec<Line> {
    let Some(frame) = step.frame else {
        return vec![
            Line::Digits(format!("  {}", step.start).replace(' ', "\u{A0}")),
            Line::Digits(format!("+ {}", numbered(step.number))),
            Line::Digits(format!("= {}", walk.physical)),
            Line::Words("is the physical address.".into()),
            Line::Words(format!("The word there: {}", step.value)),
        ];
    };
    let mut lines = vec![
        Line::Digits(format!("{:#010x}", step.value)),
        Line::Words(format!("leads to {frame}")),
        Line::Words("flags:".into()),
    ];
    lines.extend(step.flags.iter().cloned().map(Line::Flag));
    lines
}

/// The meaning of the word, line by line, from this place down.
fn meaning(walk: &Translation, step: &Step, left: i32, top: i32) -> Group {
    (0..).zip(lines(walk, step)).fold(Group::new(), |group, (number, line)| {
        let y = top + number * LINE;
        match line {
            Line::Digits(said) => group.add(digits(&said, left, y, "start").set("font-weight", "bold")),
            Line::Words(said) => group.add(words(&said, left, y, "start")),
            Line::Flag(Flag { name, is_set, .. }) => {
                let digit = digits(if is_set { "1" } else { "0" }, left, y, "start");
                let name = words(&name, left + 16, y, "start");
                let weight = if is_set { "bold" } else { "normal" };
                group.add(digit.set("font-weight", weight)).add(name.set("font-weight", weight))
            }
        }
    })
}

/// A line from this place along an SVG path, with an arrowhead at its end.
fn arrow(from: (i32, i32), route: &str, to: (i32, i32), aside: (i32, i32), pen: Pen) -> Group {
    let line = path(&format!("M{},{} {route}", from.0, from.1), pen).set("fill", "none").set("stroke-width", 2);
    Group::new().add(line).add(arrowhead(to, aside, pen))
}

/// A number in the form used beside a word.
pub fn numbered(number: u32) -> String {
    format!("{number:#05x}")
}

/// The content of the picture, in sentences.
pub fn description(walk: &Translation) -> String {
    let mut sentences = vec![format!("The virtual address {} in its bits, from the highest down.", walk.address)];
    sentences.extend(walk.steps.iter().map(|step| {
        let Step { field, bits: (highest, lowest), number, .. } = step;
        format!("Bits {highest} to {lowest} are the {field}, {}.", numbered(*number))
    }));
    sentences.push(format!("CR3 is {}.", walk.cr3));
    for step in &walk.steps {
        let Step { place, start, number, at, value, .. } = step;
        sentences
            .push(format!("The {place} begins at {start}. Its word {}, at {at}, is {value:#010x}.", numbered(*number)));
        if let Some(frame) = step.frame {
            sentences.push(format!("It leads to {frame}. {}", flags(step)));
        }
    }
    let last = walk.steps.last().map_or(0, |step| step.value);
    sentences.push(format!("So {} means the physical address {}, where {last} stands.", walk.address, walk.physical));
    sentences.join(" ")
}

/// The flags of an entry in a sentence.
fn flags(step: &Step) -> String {
    let named = |is_set: bool| {
        let names = step.flags.iter().filter(|flag| flag.is_set == is_set).map(|flag| flag.name.as_str());
        names.collect::<Vec<_>>().join(", ")
    };
    format!("Set: {}. Not set: {}.", named(true), named(false))
}

/// The same facts as tables in Markdown.
pub fn tables(walk: &Translation) -> String {
    let mut lines = vec!["| bits of the address | what they are | number |".to_owned(), "|---|---|---|".into()];
    lines.extend(walk.steps.iter().map(|Step { field, bits: (highest, lowest), number, .. }| {
        format!("| {highest}–{lowest} | {field} | `{}` |", numbered(*number))
    }));
    lines.extend(["".into(), "| read from | begins at | word at | word | leads to | set | not set |".into()]);
    lines.push("|---|---|---|---|---|---|---|".into());
    lines.extend(walk.steps.iter().map(|step| {
        let Step { place, start, at, value, .. } = step;
        let leads_to = step.frame.map_or(String::new(), |frame: Address| format!("`{frame}`"));
        let named = |is_set: bool| {
            let names = step.flags.iter().filter(|flag| flag.is_set == is_set);
            names.map(|flag| format!("{} (bit {})", flag.name, flag.bit)).collect::<Vec<_>>().join(", ")
        };
        format!("| {place} | `{start}` | `{at}` | `{value:#010x}` | {leads_to} | {} | {} |", named(true), named(false))
    }));
    lines.extend([
        "".into(),
        format!("CR3 is `{}`; `{}` means `{}` in physical memory.", walk.cr3, walk.address, walk.physical),
    ]);
    lines.join("\n") + "\n"
}
