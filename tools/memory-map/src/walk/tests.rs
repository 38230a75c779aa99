//! Page tables made by hand, in a memory of 64 KiB.

use super::*;
use proptest::prelude::*;
use std::collections::BTreeMap;

const DIRECTORY: u32 = 0x1000;
const TABLE: u32 = 0x2000;
const READ: Rights = Rights { write: false, user: false };
const WRITE: Rights = Rights { write: true, user: false };

/// A memory that has these words at these addresses, and zeros.
fn memory(words: impl IntoIterator<Item = (u32, u32)>) -> Vec<u8> {
    let mut bytes = vec![0; 0x1_0000];
    for (address, word) in words {
        bytes[address as usize..address as usize + 4].copy_from_slice(&u32::to_le_bytes(word));
    }
    bytes
}

fn runs(words: impl IntoIterator<Item = (u32, u32)>) -> Vec<Run> {
    Space::walk(Memory(&memory(words)), DIRECTORY, PSE).expect("the tables are in memory").runs
}

fn entry_of(table: u32, index: u32) -> u32 {
    table + index * 4
}

#[test]
fn pages_in_a_row_are_one_run_if_frames_and_rights_go_on() {
    let found = runs([
        (entry_of(DIRECTORY, 1), TABLE | WRITABLE | PRESENT),
        (entry_of(TABLE, 0), 0x0080_0000 | WRITABLE | PRESENT),
        (entry_of(TABLE, 1), 0x0080_1000 | WRITABLE | PRESENT),
        (entry_of(TABLE, 2), 0x0080_2000 | PRESENT),
        (entry_of(TABLE, 3), 0x0090_0000 | PRESENT),
        (entry_of(TABLE, 5), 0x0090_2000 | PRESENT),
    ]);
    let run = |page, frame, bytes, rights| Run { page, frame, bytes, rights };
    let expected = [
        run(0x0040_0000, 0x0080_0000, 0x2000, WRITE),
        run(0x0040_2000, 0x0080_2000, 0x1000, READ),
        run(0x0040_3000, 0x0090_0000, 0x1000, READ),
        run(0x0040_5000, 0x0090_2000, 0x1000, READ),
    ];
    assert_eq!(found, expected);
}

#[test]
fn an_entry_that_is_not_present_maps_nothing() {
    assert_eq!(runs([(entry_of(DIRECTORY, 1), LARGE | WRITABLE | USER | FRAME)]), []);
    let found = runs([(entry_of(DIRECTORY, 1), TABLE | PRESENT), (entry_of(TABLE, 7), FRAME | WRITABLE | USER)]);
    assert_eq!(found, []);
}

#[test]
fn a_right_is_granted_only_by_both_entries() {
    for (upper, lower, write, user) in [
        (WRITABLE | USER, WRITABLE | USER, true, true),
        (WRITABLE | USER, 0, false, false),
        (0, WRITABLE | USER, false, false),
        (WRITABLE, WRITABLE | USER, true, false),
        (USER, WRITABLE | USER, false, true),
    ] {
        let found =
            runs([(entry_of(DIRECTORY, 0), TABLE | upper | PRESENT), (entry_of(TABLE, 0), 0x3000 | lower | PRESENT)]);
        assert_eq!(found[0].rights, Rights { write, user }, "{upper:#x} {lower:#x}");
    }
}

#[test]
fn a_large_page_needs_no_table_and_only_where_the_cpu_has_them() {
    // The bits between the flags and the frame are no part of the address: SDM volume 3, table 4-4.
    let words = [(entry_of(DIRECTORY, 2), 0x00C0_0000 | 1 << 12 | LARGE | WRITABLE | PRESENT)];
    assert_eq!(runs(words), [Run { page: 0x0080_0000, frame: 0x00C0_0000, bytes: 4 << 20, rights: WRITE }]);
    let without = [(entry_of(DIRECTORY, 2), TABLE | LARGE | PRESENT), (entry_of(TABLE, 0), 0x5000 | PRESENT)];
    let space = Space::walk(Memory(&memory(without)), DIRECTORY, 0).expect("the table is in memory");
    assert_eq!((space.tables.as_slice(), space.runs[0].frame), (&[(2, TABLE)][..], 0x5000));
}

#[test]
fn two_directories_may_share_a_table() {
    const OTHER: u32 = 0x4000;
    let memory = memory([
        (entry_of(DIRECTORY, 1), TABLE | PRESENT),
        (entry_of(OTHER, 1), TABLE | PRESENT),
        (entry_of(OTHER, 2), TABLE | PRESENT),
        (entry_of(TABLE, 0), 0x7000 | PRESENT),
    ]);
    let walk = |cr3| Space::walk(Memory(&memory), cr3, PSE).expect("the tables are in memory");
    // The lower bits of CR3 are flags.
    let (first, second) = (walk(DIRECTORY | 0x18), walk(OTHER));
    assert_eq!(first.runs, second.runs[..1]);
    assert_eq!(second.translate(0x0080_0FFF), Some(0x7FFF));
    assert_eq!((first.translate(0x0080_0FFF), first.directory), (None, DIRECTORY));
}

#[test]
fn the_highest_page_ends_at_4_gib() {
    let found = runs([
        (entry_of(DIRECTORY, 1022), LARGE | WRITABLE | PRESENT),
        (entry_of(DIRECTORY, 1023), 0x0040_0000 | LARGE | WRITABLE | PRESENT),
    ]);
    assert_eq!((found.len(), found[0].page, found[0].end()), (1, 0xFF80_0000, 1 << 32));
    assert!(found[0].contains(0xFFFF_FFFF) && !found[0].contains(0));
    assert_eq!(
        found[0].part_in(0xFFFF_F000, 1 << 32).map(|part| (part.frame, part.bytes)),
        Some((0x007F_F000, 0x1000))
    );
    assert_eq!(found[0].part_in(0, 0xFF80_0000), None);
}

#[test]
fn a_run_of_frames_does_not_wrap_to_0() {
    let found =
        runs([(entry_of(DIRECTORY, 0), LARGE_FRAME | LARGE | PRESENT), (entry_of(DIRECTORY, 1), LARGE | PRESENT)]);
    assert_eq!(found.len(), 2);
}

#[test]
fn a_table_outside_memory_is_reported() {
    let error =
        Space::walk(Memory(&memory([(DIRECTORY, 0x00F0_0000 | PRESENT)])), DIRECTORY, PSE).expect_err("no memory");
    assert!(error.to_string().contains("0x00f00000"), "{error}");
    assert!(Space::walk(Memory(&memory([])), 0xFFFF_F000, PSE).is_err());
}

proptest! {
    /// Whatever two tables contain, the runs agree with the two entries of every page.
    #[test]
    fn runs_say_what_the_entries_say(entries in prop::collection::vec((0u32..2, 0u32..1024, any::<u32>()), 0..200)) {
        let mut words = BTreeMap::from([(DIRECTORY, TABLE | WRITABLE | PRESENT), (DIRECTORY + 4, 0x3000 | USER | PRESENT)]);
        words.extend(entries.iter().map(|(table, index, entry)| (entry_of(TABLE + table * 0x1000, *index), *entry)));
        let memory = memory(words.clone());
        let space = Space::walk(Memory(&memory), DIRECTORY, PSE).expect("the tables are in memory");
        for (page, table) in (0..2048u32).map(|page| (page * PAGE_BYTES, page / 1024)) {
            let entry = words.get(&entry_of(TABLE + table * 0x1000, page / PAGE_BYTES % 1024)).copied().unwrap_or(0);
            let expected = (entry & PRESENT != 0).then_some(entry & FRAME);
            prop_assert_eq!(space.translate(page), expected);
            let run = space.runs.iter().find(|run| run.contains(page));
            let granted = |right| table == u32::from(right == USER) && entry & right != 0;
            let expected = expected.map(|_| Rights { write: granted(WRITABLE), user: granted(USER) });
            prop_assert_eq!(run.map(|run| run.rights), expected);
        }
        let fewest = space.runs.windows(2).all(|pair| !pair[0].continues_in(&pair[1]) && pair[0].end() <= pair[1].page.into());
        prop_assert!(fewest, "{:?}", space.runs);
    }
}
