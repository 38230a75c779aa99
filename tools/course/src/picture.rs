//! Draws page tables: those of an answer beside the right ones.
//!
//! Each space is a column of pages. Pages whose frame another space has too are drawn in the color for linked memory, and
//! all others in the color for copied memory. What differs is bold and has a mark.

use crate::run::Page;
use memory_map::shapes::{PAPER, Pen, SHADE, WIDTH, bold, colored, digits, document, frame, words};
use std::collections::BTreeSet;
use svg::Document;
use svg::node::element::Group;

const ROW: i32 = 20;
const HEAD: i32 = 44;
const LEFT: [i32; 2] = [8, WIDTH / 2 + 8];
const COLUMN: i32 = WIDTH / 2 - 16;
/// How many rows beside a difference are drawn, on either side.
const AROUND: usize = 2;

/// The address spaces of the right answer on the left, and those of the answer on the right.
pub fn draw(right: &[Vec<Page>], seen: &[Vec<Page>]) -> Document {
    let (mut shapes, mut y) = (Group::new(), HEAD);
    let [one, other] = LEFT;
    shapes = shapes.add(bold("right", one, 20, "start")).add(bold("yours", other, 20, "start"));
    for number in 0..right.len().max(seen.len()) {
        let (mine, theirs) = (rows(right, number), rows(seen, number));
        let is_wrong = |rows: &[Row], others: &[Row]| -> Vec<bool> {
            rows.iter().map(|row| !others.iter().any(|other| row.is_like(other))).collect()
        };
        let (wrong_mine, wrong_theirs) = (is_wrong(&mine, &theirs), is_wrong(&theirs, &mine));
        let heading = format!("space {}", number + 1);
        let (mut left_end, mut right_end) = (y, y);
        for (x, rows, wrong, end) in
            [(one, &mine, &wrong_mine, &mut left_end), (other, &theirs, &wrong_theirs, &mut right_end)]
        {
            shapes = shapes.add(words(&heading, x, *end, "start"));
            for place in shown(wrong) {
                *end += ROW;
                match place {
                    Some(place) => shapes = shapes.add(drawn(&rows[place], wrong[place], x, *end - ROW + 6)),
                    None => shapes = shapes.add(words("…", x + 8, *end, "start")),
                }
            }
        }
        y = left_end.max(right_end) + 2 * ROW;
    }
    let legend = "Linked memory has solid edges, and copied memory dashed ones. A row that differs is bold. r: read, w: write, u: ring 3 too.";
    shapes = shapes.add(words(legend, one, y, "start"));
    let height = y + ROW;
    let paper = frame(0, 0, WIDTH, height, PAPER, Pen::Plain);
    let title = "Page tables: the right ones and yours";
    document("tables", title, "For each address space, its pages with their frames and rights.", height)
        .add(paper)
        .add(shapes)
}

/// Pages in a row with the same rights.
struct Row {
    page: Page,
    /// Whether another space has the first frame too.
    is_linked: bool,
}

impl Row {
    /// Whether two rows say the same. Which frames they are makes no difference.
    fn is_like(&self, other: &Self) -> bool {
        let facts = |row: &Self| (row.page.address, row.page.bytes, row.page.write, row.page.user, row.is_linked);
        facts(self) == facts(other)
    }
}

fn rows(spaces: &[Vec<Page>], number: usize) -> Vec<Row> {
    let Some(space) = spaces.get(number) else { return Vec::new() };
    let others = || spaces.iter().enumerate().filter(|(other, _)| *other != number).flat_map(|(_, pages)| pages);
    let has = |page: &Page, frame: u32| page.frame <= frame && u64::from(frame) < u64::from(page.frame) + page.bytes;
    let row = |page: &Page| Row { page: *page, is_linked: others().any(|other| has(other, page.frame)) };
    space.iter().map(row).collect()
}

/// The rows to draw, by number: those that differ, and some beside them. `None` stands for those left out.
fn shown(wrong: &[bool]) -> Vec<Option<usize>> {
    let mut near = BTreeSet::new();
    for place in (0..wrong.len()).filter(|place| wrong[*place]) {
        near.extend(place.saturating_sub(AROUND)..(place + AROUND + 1).min(wrong.len()));
    }
    let mut shown = Vec::new();
    let mut next = 0;
    for place in near {
        if place > next {
            shown.push(None);
        }
        shown.push(Some(place));
        next = place + 1;
    }
    if next < wrong.len() {
        shown.push(None);
    }
    shown
}

fn drawn(row: &Row, is_wrong: bool, x: i32, y: i32) -> Group {
    let Page { address, frame: first, bytes, write, user } = row.page;
    let rights = format!("r{}{}", if write { "w" } else { "-" }, if user { "u" } else { "-" });
    let count = bytes / 4096;
    let pages = if count == 1 { String::from("1 page") } else { format!("{count} pages") };
    let text = format!("{address:#010x} → {first:#010x}  {rights}  {pages}");
    let pen = if row.is_linked { Pen::Linked } else { Pen::Copied };
    let text = colored(digits(&text, x + 8, y + 14, "start"), pen);
    let text = if is_wrong { text.set("font-weight", "bold") } else { text };
    let fill = if is_wrong { SHADE } else { PAPER };
    Group::new().add(frame(x, y, COLUMN - 16, ROW - 2, fill, pen)).add(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(address: u32, frame: u32) -> Page {
        Page { address, frame, bytes: 4096, write: true, user: false }
    }

    #[test]
    fn rows_that_differ_are_drawn_with_their_neighbors() {
        assert_eq!(shown(&[false; 4]), [None]);
        let wrong = [false, false, false, true, false, false, false, false];
        assert_eq!(shown(&wrong), [None, Some(1), Some(2), Some(3), Some(4), Some(5), None]);
    }

    #[test]
    fn a_page_that_is_linked_differs_from_one_that_is_copied() {
        let right = [vec![page(0x8000, 0x1000)], vec![page(0x8000, 0x2000)]];
        let linked = [vec![page(0x8000, 0x1000)], vec![page(0x8000, 0x1000)]];
        let svg = draw(&right, &linked).to_string();
        assert!(svg.contains("0x00008000 → 0x00002000") && svg.contains("font-weight=\"bold\""));
        assert!(rows(&right, 1)[0].is_like(&rows(&[right[1].clone(), right[0].clone()], 0)[0]));
        assert!(!rows(&right, 1)[0].is_like(&rows(&linked, 1)[0]));
    }
}
