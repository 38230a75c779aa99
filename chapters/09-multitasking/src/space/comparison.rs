//! Two address spaces side by side: which regions are linked, and which are copied.
//!
//! Nothing here knows the [`rule`](super::rule). The code walks both page directories and finds
//! what the CPU finds there.

#![cfg(target_os = "none")]

use super::rule::Rule;
use common::VirtAddr;
use core::ops::Range;
use paging::Directory;
use paging::regions::{self, Place};
use paging::walk::Mapping;
use paging::{Frame, PAGE_BYTES};

/// Consecutive pages that belong to one region and are all linked or all copied.
pub struct Row {
    /// The pages.
    pub range: Range<VirtAddr>,
    /// Their region.
    pub place: Place,
    /// The first page's frame in each of the address spaces.
    pub frames: [Frame; 2],
    /// What fork did with all of them.
    pub rule: Rule,
}

/// Everything that is mapped in both of two address spaces, row by row.
pub fn rows<'a>([first, second]: [&'a Directory; 2]) -> impl Iterator<Item = Row> + 'a {
    let mut mappings = first.mappings().filter_map(move |mapping| row(&mapping, second)).peekable();
    core::iter::from_fn(move || {
        let mut row = mappings.next()?;
        while let Some(next) = mappings.next_if(|next| continues(&row, next)) {
            row.range.end = next.range.end;
        }
        Some(row)
    })
}

// ANCHOR: row
fn row(mapping: &Mapping, second: &Directory) -> Option<Row> {
    let start = mapping.page.address();
    let in_second = Frame::containing(second.translate(start)?);
    Some(Row {
        range: start..start.wrapping_add(mapping.pages * PAGE_BYTES),
        place: regions::locate(start),
        frames: [mapping.frame, in_second],
        rule: if mapping.frame == in_second { Rule::Linked } else { Rule::Copied },
    })
}
// ANCHOR_END: row

fn continues(row: &Row, next: &Row) -> bool {
    next.range.start == row.range.end && next.rule == row.rule && next.place.is_same_region(&row.place)
}
