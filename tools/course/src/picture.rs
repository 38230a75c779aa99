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
    // No memory is linked or copied in a single space.
    let is_one = right.len().max(seen.len()) == 1;
    shapes = shapes.add(bold("right", one, 20, "start")).add(bold("yours", other, 20, "start"));
    for number in 0..right.len().max(seen.len()) {
        let (mine, theirs) = (rows(right, number), rows(seen, number));
        let is_wrong = |rows: &[Row], others: &[Row]| -> Vec<bool> {
            rows.iter().map(|row| !others.iter().any(|other| row.is_like(other))).collect()
        };
        let (wrong_mine, wrong_theirs) = (is_wrong(&mine, &theirs), is_wrong(&theirs, &mine));
        let heading = format!("space {}", number + 1);
        let (mut left_end, mut right_end) = (y, y);
        let wrong = |rows: &[Row], wrong: &[bool]| -> Vec<u32> {
            rows.iter().zip(wrong).filter(|(_, wrong)| **wrong).map(|(row, _)| row.page.address).collect()
        };
        let (addresses_mine, addresses_theirs) = (wrong(&mine, &wrong_mine), wrong(&theirs, &wrong_theirs));
        for (x, rows, wrong, elsewhere, end) in [
            (one, &mine, &wrong_mine, addresses_theirs, &mut left_end),
            (other, &theirs, &wrong_theirs, addresses_mine, &mut right_end),
        ] {
            shapes = shapes.add(words(&heading, x, *end, "start"));
            for place in shown(rows, wrong, &elsewhere) {
                *end += ROW;
                match place {
                    Some(place) => shapes = shapes.add(drawn(&rows[place], wrong[place], is_one, x, *end - ROW + 6)),
                    None => shapes = shapes.add(words("…", x + 8, *end, "start")),
                }
            }
        }
        y = left_end.max(right_end) + 2 * ROW;
    }
    let pens = if is_one { "" } else { "Linked memory has solid edges, and copied memory dashed ones. " };
    let legend = format!("{pens}A row that differs is bold. r: read, w: write, u: ring 3 too.");
    shapes = shapes.add(words(&legend, one, y, "start"));
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

/// The rows to draw, by number: those that differ, and some beside them and beside where a row that differs is in the
/// other picture. `None` stands for those left out.
fn shown(rows: &[Row], wrong: &[bool], elsewhere: &[u32]) -> Vec<Option<usize>> {
    let mut near = BTreeSet::new();
    for place in (0..wrong.len()).filter(|place| wrong[*place]) {
        near.extend(place.saturating_sub(AROUND)..(place + AROUND + 1).min(wrong.len()));
    }
    for address in elsewhere {
        let next = rows.partition_point(|row| row.page.address < *address);
        near.extend(next.saturating_sub(AROUND)..(next + AROUND).min(wrong.len()));
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

fn drawn(row: &Row, is_wrong: bool, is_one: bool, x: i32, y: i32) -> Group {
    let Page { address, frame: first, bytes, write, user } = row.page;
    let rights = format!("r{}{}", if write { "w" } else { "-" }, if user { "u" } else { "-" });
    let count = bytes / 4096;
    let pages = if count == 1 { String::from("1 page") } else { format!("{count} pages") };
    let text = format!("{address:#010x} → {first:#010x}  {rights}  {pages}");
    let pen = match row.is_linked {
        _ if is_one => Pen::Plain,
        true => Pen::Linked,
        false => Pen::Copied,
    };
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
        let rows: Vec<Row> = (0..8).map(|number| Row { page: page(number << 12, 0x1000), is_linked: false }).collect();
        assert_eq!(shown(&rows[..4], &[false; 4], &[]), [None]);
        let wrong = [false, false, false, true, false, false, false, false];
        assert_eq!(shown(&rows, &wrong, &[]), [None, Some(1), Some(2), Some(3), Some(4), Some(5), None]);
    }

    #[test]
    fn where_a_page_is_missing_its_neighbors_are_drawn() {
        let pages: Vec<Page> = [0x1000, 0x3000, 0x5000, 0x7000, 0x9000].map(|address| page(address, address)).into();
        let more: Vec<Page> = pages.iter().copied().chain([page(0xA000, 0x2000)]).collect();
        for (right, seen) in [(&pages, &more), (&more, &pages)] {
            let svg = draw(std::slice::from_ref(right), std::slice::from_ref(seen)).to_string();
            assert_eq!(svg.matches("0x00009000 →").count(), 2, "{svg}");
            assert_eq!(svg.matches("0x0000a000 →").count(), 1, "{svg}");
        }
    }

    #[test]
    fn only_several_spaces_have_linked_and_copied_memory() {
        let legend = |right: &[Vec<Page>]| draw(right, right).to_string().contains("Linked memory");
        assert!(!legend(&[vec![page(0x8000, 0x1000)]]));
        assert!(legend(&[vec![page(0x8000, 0x1000)], vec![page(0x8000, 0x1000)]]));
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
