//! Words of memory in a table, the highest address first: a stack, or a structure.

use crate::shapes::{Layout, NARROW_WIDTH, PAPER, Pen, SHADE, arrowhead, bold, bracket, digits, frame, line, words};
use serde::Serialize;
use svg::node::element::Group;

/// The height of a word.
pub const ROW: i32 = 22;
/// The room above the first word, for the column titles.
pub const HEAD: i32 = 30;

// The columns: words for the pointers, addresses, the boxes, the origin of a word, and remarks.
const MARGIN: i32 = 8;
const BOXES: i32 = 182;
const BOXES_END: i32 = BOXES + 240;
const ORIGINS: i32 = BOXES_END + 20;
const NOTES: i32 = 572;
/// Where a pointer's line begins, below its words.
const LETTER: i32 = 12;

/// A word of memory.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Word {
    /// Its address.
    pub address: String,
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: String,
    /// Its origin. A bracket groups consecutive words of the same origin.
    pub origin: String,
    /// A remark about it.
    pub note: String,
    /// It only stands next to the words that the picture is about.
    pub is_beside: bool,
}

/// An arrow to the word at an address, with its words on the left.
pub struct Pointer<'a> {
    /// The address.
    pub to: &'a str,
    /// The name of the pointer.
    pub name: &'a str,
    /// The look of the arrow.
    pub pen: Pen,
}

/// Draws words. The title of their origins is `origins`.
pub fn draw(table: &[Word], origins: &str, pointers: &[Pointer]) -> Group {
    let mut drawing = Group::new()
        .add(bold("address", BOXES - 8, HEAD - 10, "end"))
        .add(bold("word", BOXES + 8, HEAD - 10, "start"))
        .add(bold("value", BOXES_END - 8, HEAD - 10, "end"))
        .add(bold(origins, ORIGINS, HEAD - 10, "start"));
    for (number, word) in (0..).zip(table) {
        let (top, y) = (HEAD + number * ROW, HEAD + number * ROW + 15);
        let (fill, pen) = if word.is_beside { (PAPER, Pen::Faint) } else { (SHADE, Pen::Plain) };
        drawing = drawing
            .add(frame(BOXES, top, BOXES_END - BOXES, ROW, fill, pen))
            .add(digits(&word.address, BOXES - 8, y, "end"))
            .add(words(&word.name, BOXES + 8, y, "start"))
            .add(digits(&word.value, BOXES_END - 8, y, "end"));
        // An empty line would end the drawing in a page of Markdown.
        if !word.note.is_empty() {
            drawing = drawing.add(words(&word.note, NOTES, y, "start"));
        }
    }
    let mut top = HEAD;
    for run in table.chunk_by(|word, next| word.origin == next.origin) {
        let bottom = top + run.len() as i32 * ROW;
        let origin = words(&run[0].origin, ORIGINS, (top + bottom) / 2 + 4, "start");
        drawing =
            drawing.add(bracket(BOXES_END + 6, 6, top + 3, bottom - 3, Pen::Plain).set("fill", "none")).add(origin);
        top = bottom;
    }
    pointers.iter().fold(drawing, |drawing, pointer| point(drawing, table, pointer))
}

/// The same for a narrow page: the remark about a word stands below its name, its origin above the first word from
/// there, and a pointer below the word that it points to.
pub fn draw_narrow(table: &[Word], origins: &str, pointers: &[Pointer]) -> Layout {
    const ADDRESS_END: i32 = 82;
    const LEFT: i32 = 90;
    const LINE_HEIGHT: i32 = 17;
    const RIGHT: i32 = NARROW_WIDTH - 1;
    let (mut shapes, mut top) = (Group::new(), 0);
    for run in table.chunk_by(|word, next| word.origin == next.origin) {
        let origin = &run[0].origin;
        let origin = if run[0].is_beside { origin.clone() } else { format!("{origins} {origin}") };
        shapes = shapes.add(bold(&origin, LEFT, top + 18, "start"));
        top += 24;
        for word in run {
            let has_note = !word.note.is_empty() && !word.is_beside;
            let height = ROW + if has_note { LINE_HEIGHT } else { 0 };
            let (fill, pen) = if word.is_beside { (PAPER, Pen::Faint) } else { (SHADE, Pen::Plain) };
            shapes = shapes
                .add(frame(LEFT, top, RIGHT - LEFT, height, fill, pen))
                .add(digits(&word.address, ADDRESS_END, top + 15, "end"))
                .add(words(&word.name, LEFT + 6, top + 15, "start"))
                .add(digits(&word.value, RIGHT - 6, top + 15, "end"));
            if has_note {
                shapes = shapes.add(words(&word.note, LEFT + 6, top + 15 + LINE_HEIGHT, "start"));
            }
            top += height;
            for Pointer { name, pen, .. } in pointers.iter().filter(|pointer| pointer.to == word.address) {
                shapes = shapes
                    .add(line((1, top), (LEFT - 6, top), *pen))
                    .add(arrowhead((LEFT, top), (-1, 0), *pen))
                    .add(bold(name, 1, top + LINE_HEIGHT - 3, "start"));
                top += LINE_HEIGHT + 3;
            }
        }
    }
    Layout { height: top + 8, shapes }
}

/// An arrow to the beginning of the word, at the lower edge of its box.
fn point(drawing: Group, table: &[Word], Pointer { to, name, pen }: &Pointer) -> Group {
    let Some(row) = table.iter().position(|word| word.address == *to) else { return drawing };
    let y = HEAD + (row as i32 + 1) * ROW;
    let name = bold(name, MARGIN, y + LETTER, "start");
    drawing.add(line((MARGIN, y), (BOXES - 6, y), *pen)).add(arrowhead((BOXES, y), (-1, 0), *pen)).add(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Vec<Word> {
        let word = |(number, origin): (u32, &str)| Word {
            address: format!("0x{number}"),
            name: "EIP".into(),
            value: "0x10".into(),
            origin: origin.into(),
            ..Word::default()
        };
        [(9, "the CPU"), (8, "the CPU"), (7, "the stub"), (6, "the CPU")].map(word).into()
    }

    #[test]
    fn words_of_the_same_origin_are_held_together() {
        let drawn = draw(&table(), "pushed by", &[]).to_string();
        assert_eq!((drawn.matches("<path").count(), drawn.matches("the CPU").count()), (3, 2), "{drawn}");
    }

    #[test]
    fn a_pointer_ends_below_its_word_and_one_to_other_memory_is_not_drawn() {
        let pointer = |to| Pointer { to, name: "ESP", pen: Pen::Plain };
        let drawn = draw(&table(), "pushed by", &[pointer("0x8"), pointer("0x5")]).to_string();
        assert!(drawn.contains(&format!("{BOXES},{} ", HEAD + 2 * ROW)), "{drawn}");
        assert_eq!(drawn.matches("ESP").count(), 1, "{drawn}");
    }

    #[test]
    fn a_narrow_table_has_the_same_content_in_one_column() {
        let mut table = table();
        table[1].note = "where to go on".into();
        let pointer = Pointer { to: "0x8", name: "ESP", pen: Pen::Plain };
        let Layout { height, shapes } = draw_narrow(&table, "pushed by", &[pointer]);
        let drawn = shapes.to_string();
        assert_eq!((drawn.matches("pushed by the CPU").count(), drawn.matches("pushed by the stub").count()), (2, 1));
        assert!(drawn.contains("where to go on") && drawn.contains("ESP") && !drawn.contains("\n\n"), "{drawn}");
        assert!(height < draw_narrow(&[table.clone(), table].concat(), "pushed by", &[]).height);
    }

    #[test]
    fn empty_cells_take_no_line() {
        let drawn = draw(&table(), "pushed by", &[]).to_string();
        assert!(drawn.contains("the stub") && !drawn.contains("\n\n"), "{drawn}");
    }
}
