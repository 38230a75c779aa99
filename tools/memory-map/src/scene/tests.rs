//! A memory of 64 KiB with a kernel and two tasks, made by hand.

use super::super::drawing;
use super::super::sharing;
use super::super::words;
use super::*;

const PSE: u32 = 1 << 4;
const KERNEL: u32 = 0x1000;
const TASKS: [u32; 2] = [0x2000, 0x3000];
const SHARED_TABLE: u32 = 0x4000;
const PRIVATE_TABLES: [u32; 2] = [0x5000, 0x6000];
const HEAP: u32 = 0x7000;
const STACKS: [u32; 2] = [0x8000, 0x9000];
const SENT: u32 = 0xA000;
const MEMORY_BYTES: u32 = 0x1_0000;
const PRESENT_AND_WRITABLE: u32 = 0b11;

/// Virtual addresses: the first one that entries 0, 1 and 2 of the directory cover.
const STACK_AT: u32 = 4 << 20;
const HEAP_AT: u32 = 8 << 20;

/// What is written to memory, word by word.
fn memory(more: &[(u32, u32)]) -> Vec<u8> {
    let mut words = vec![(SHARED_TABLE, HEAP), (KERNEL + 8, SHARED_TABLE)];
    for (number, directory) in TASKS.into_iter().enumerate() {
        words.push((directory + 8, SHARED_TABLE));
        words.push((directory + 4, PRIVATE_TABLES[number]));
        words.push((PRIVATE_TABLES[number], STACKS[number]));
    }
    let mut bytes = vec![0; MEMORY_BYTES as usize];
    let entries = words.into_iter().map(|(address, entry)| (address, entry | PRESENT_AND_WRITABLE));
    for (address, word) in entries.chain(more.iter().copied()) {
        bytes[address as usize..address as usize + 4].copy_from_slice(&u32::to_le_bytes(word));
    }
    bytes
}

fn named() -> Vec<Named> {
    let name = |name: &str, range| Named { name: name.into(), range };
    vec![name("the stack", u64::from(STACK_AT)..u64::from(HEAP_AT)), name("the heap", u64::from(HEAP_AT)..1 << 32)]
}

fn picture(memory: &[u8], how_many: usize) -> Picture {
    let walk = |directory| walk::Space::walk(Memory(memory), directory, PSE).expect("the tables are in memory");
    let mut marks = vec![Mark::Taken; 10];
    marks[0] = Mark::NotOurs;
    marks.resize(16, Mark::Free);
    let scene = Scene {
        memory: Memory(memory),
        marks,
        kernel: &walk(KERNEL),
        spaces: ["task 1", "task 2"].into_iter().zip(TASKS.map(walk)).take(how_many).collect(),
        regions: &named(),
        unmapped: &[],
        places: &[],
        variables: &[("on_stack", STACK_AT + 8), ("in_heap", HEAP_AT + 8)],
    };
    scene.picture("a", "A & B", Line { file: "main.rs".into(), words: "go();".into() })
}

fn sharing(picture: &Picture) -> Vec<(&str, Option<Sharing>)> {
    let regions = picture.spaces[0].regions.iter();
    regions.map(|region| (region.name.as_str(), region.sharing)).collect()
}

#[test]
fn the_frames_alone_show_what_is_linked_and_what_is_copied() {
    let linked = |name| (name, Some(Sharing::Linked));
    let copied = |name| (name, Some(Sharing::Copied));
    assert_eq!(sharing(&picture(&memory(&[]), 2)), [copied("the stack"), linked("the heap")]);
    // A fork that makes a table, and forgets to copy the frame.
    let forgotten = memory(&[(PRIVATE_TABLES[1], STACKS[0] | PRESENT_AND_WRITABLE)]);
    assert_eq!(sharing(&picture(&forgotten, 2)), [linked("the stack"), linked("the heap")]);
    // A fork that links nothing of the heap.
    let alone = memory(&[(TASKS[1] + 8, 0)]);
    let walk = |directory| walk::Space::walk(Memory(&alone), directory, PSE).expect("the tables are in memory");
    assert_eq!(walk(TASKS[1]).translate(HEAP_AT), None);
    assert_eq!(sharing(&picture(&memory(&[]), 1)), [("the stack", None), ("the heap", None)]);
}

#[test]
fn pages_of_a_region_that_are_shared_otherwise_are_a_region_of_their_own() {
    // The second page of the stack is in the same frame for both, and the third is only the first task's.
    let more = [
        (PRIVATE_TABLES[0] + 4, SENT | PRESENT_AND_WRITABLE),
        (PRIVATE_TABLES[1] + 4, SENT | PRESENT_AND_WRITABLE),
        (PRIVATE_TABLES[0] + 8, 0xB000 | 1),
    ];
    let picture = picture(&memory(&more), 2);
    let stack = |sharing| ("the stack", Some(sharing));
    let expected =
        [stack(Sharing::Copied), stack(Sharing::Linked), stack(Sharing::Alone), ("the heap", Some(Sharing::Linked))];
    assert_eq!(sharing(&picture), expected);
    let third = &picture.spaces[0].regions[2];
    assert_eq!((third.rights.as_str(), third.start.0, third.end.0), ("read", 0x40_2000, 0x40_3000));
}

#[test]
fn every_frame_is_listed_once_with_its_use() {
    let picture = picture(&memory(&[]), 2);
    let listed: Vec<(&str, u64)> =
        picture.memory.iter().map(|holding| (holding.name.as_str(), holding.frames[0].start.0)).collect();
    let expected = [
        ("reserved by the BIOS", 0),
        ("the kernel's directory and tables", 0x1000),
        ("directory and tables of task 1", 0x2000),
        ("directory and tables of task 2", 0x3000),
        ("the heap", 0x7000),
        ("the stack of task 1", 0x8000),
        ("the stack of task 2", 0x9000),
        ("free", 0xA000),
    ];
    assert_eq!(listed, expected);
    let all: u64 = picture.memory.iter().flat_map(|holding| &holding.frames).map(|frames| frames.bytes).sum();
    assert_eq!(all, u64::from(MEMORY_BYTES));
    let tables = &picture.memory[1].frames;
    assert_eq!(tables.len(), 2, "the directory, and the table that both tasks link: {tables:?}");
}

#[test]
fn values_are_read_through_each_space() {
    let memory = memory(&[(STACKS[0] + 8, 1), (STACKS[1] + 8, 222), (HEAP + 8, 222)]);
    let values: Vec<(String, u64, u32)> = picture(&memory, 2)
        .values
        .into_iter()
        .map(|value| (format!("{} {}", value.variable, value.space), value.physical.0, value.value))
        .collect();
    let expected = [
        ("on_stack task 1".to_owned(), 0x8008, 1),
        ("on_stack task 2".to_owned(), 0x9008, 222),
        ("in_heap task 1".to_owned(), 0x7008, 222),
        ("in_heap task 2".to_owned(), 0x7008, 222),
    ];
    assert_eq!(values, expected);
}

#[test]
fn what_must_not_be_mapped_is_shown_unless_it_is() {
    let memory = memory(&[]);
    let kernel = walk::Space::walk(Memory(&memory), KERNEL, PSE).expect("the tables are in memory");
    let scene = |unmapped| Scene {
        memory: Memory(&memory),
        marks: Vec::new(),
        kernel: &kernel,
        spaces: vec![("the kernel", kernel.clone())],
        regions: &[],
        unmapped,
        places: &[],
        variables: &[],
    };
    let line = || Line { file: String::new(), words: String::new() };
    let guard = |start: u32| [Named { name: "the guard".into(), range: start.into()..u64::from(start) + 4096 }];
    let (wrong, right) = (guard(HEAP_AT), guard(HEAP_AT - 4096));
    let rights = |scene: Scene| {
        let picture = scene.picture("a", "", line());
        picture.spaces[0].regions.iter().map(|region| region.rights.clone()).collect::<Vec<_>>()
    };
    assert_eq!(rights(scene(&right))[0], "not mapped");
    assert!(!rights(scene(&wrong)).contains(&"not mapped".to_owned()), "it is mapped");
}

#[test]
fn the_drawing_has_a_text_version_and_colors_come_from_the_page() {
    let mut second = picture(&memory(&[(STACKS[1] + 8, 222)]), 2);
    let first = picture(&memory(&[]), 2);
    second.compare_with(&first);
    let series = [first, second.clone()];
    let drawn = drawing::draw_of(&series, &second, "").to_string();
    assert_eq!(drawn, drawing::draw_of(&series, &second, "").to_string());
    for words in [
        "A &amp; B",
        "role=\"img\"",
        "id=\"a-title\"",
        "data-space=\"task 2\"",
        "data-start=\"0x00400000\"",
        "data-name=\"the heap\"",
        "copied",
        "linked",
        "changed",
        "on_stack =\u{A0}222",
        "var(--copied,",
    ] {
        assert!(drawn.contains(words), "{words} is not in {drawn}");
    }
    assert!(drawn.contains("In task 2, on_stack is 222, which has changed."), "{drawn}");
    // Whole numbers only, no style of its own, and no empty line, which would end the SVG in Markdown.
    assert!(!drawn.contains("<style") && !drawn.contains("\n\n") && !drawn.contains("fill=\"#"), "{drawn}");
    let places = drawn.split('"').filter(|word| word.starts_with('M') || word.parse::<f64>().is_ok());
    assert!(places.clone().count() > 20 && places.clone().all(|place| !place.contains('.')), "{drawn}");
    let tables = words::tables(&second);
    assert!(tables.contains("| the stack | `0x00400000`–`0x00401000` | read, write | `0x00008000`–`0x00009000` | `0x00009000`–`0x0000a000` | copied |"), "{tables}");
    assert!(tables.contains("| `on_stack` | task 2 | `0x00400008` | `0x00009008` | 222 (changed) |"), "{tables}");
}

/// The places of the boxes with these words, in drawing order: in both layouts, or in one.
fn tops<'a>(drawn: &'a str, words: &str) -> Vec<&'a str> {
    let places = drawn.split("<text").filter(|text| text.contains(words));
    places.filter_map(|text| text.split(" y=\"").nth(1)?.split('"').next()).collect()
}

#[test]
fn a_region_has_the_same_place_in_every_picture_of_a_series() {
    let (alone, both) = (picture(&memory(&[]), 1), picture(&memory(&[(STACKS[1] + 8, 222)]), 2));
    let series = [alone, both];
    let drawn = [0, 1].map(|at| drawing::draw_of(&series, &series[at], "There is none.").to_string());
    for words in ["reserved by the BIOS", "\nfree\n", "directory and tables of task 1", "the stack of task 1"] {
        assert_eq!(tops(&drawn[0], words), tops(&drawn[1], words), "{words}");
        assert!(!tops(&drawn[0], words).is_empty(), "{words} is not in {}", drawn[0]);
    }
    let height =
        |drawn: &str| drawn.split("viewBox=\"").nth(1).and_then(|rest| rest.split('"').next().map(str::to_owned));
    assert_eq!(height(&drawn[0]), height(&drawn[1]));
    // Alone, the first is smaller.
    let by_itself = drawing::draw_of(&[], &series[0], "There is none.").to_string();
    assert_ne!(height(&by_itself), height(&drawn[0]));
    // A box that does not exist yet is drawn empty.
    assert!(tops(&drawn[0], "the stack of task 2").is_empty() && !tops(&drawn[1], "the stack of task 2").is_empty());
    assert_eq!(drawn[0].matches("<rect").count(), by_itself.matches("<rect").count() + 2 * 2, "{}", drawn[0]);
}

#[test]
fn identity_mapped_regions_are_drawn_beside_their_frames() {
    // Pages 0xA000 to 0xCFFF map the frames of the same numbers; 8 MiB higher, the same table maps them again.
    let own = (0xA..0xD).map(|frame: u32| (SHARED_TABLE + frame * 4, frame << 12 | PRESENT_AND_WRITABLE));
    let more = [(KERNEL, SHARED_TABLE | PRESENT_AND_WRITABLE), (SHARED_TABLE, 0)];
    let memory = memory(&more.into_iter().chain(own).collect::<Vec<_>>());
    let kernel = walk::Space::walk(Memory(&memory), KERNEL, PSE).expect("the tables are in memory");
    let names = |name: &str, range| Named { name: name.into(), range };
    let places = [names("variables", 0xB000..0xD000)];
    let scene = Scene {
        memory: Memory(&memory),
        marks: vec![Mark::Taken; 16],
        kernel: &kernel,
        spaces: vec![("the kernel", kernel.clone())],
        regions: &[names("code", 0xA000..0xB000), names("variables", 0xB000..0xD000)],
        unmapped: &[],
        places: &places,
        variables: &[],
    };
    let picture = scene.picture("a", "A", Line { file: String::new(), words: String::new() });
    let drawn = drawing::draw(&picture).to_string();
    let curves: Vec<&str> = drawn.split(" d=\"M").skip(1).filter_map(|path| path.split('"').next()).collect();
    let is_level = |path: &&&str| path.split([',', ' ']).nth(1) == path.rsplit(',').next();
    assert_eq!((curves.len(), curves.iter().filter(is_level).count()), (8, 4), "in two layouts: {curves:?}");
}

#[test]
fn a_copied_region_has_two_boxes_of_frames_and_a_linked_one_has_one() {
    let drawn = sharing::draw(&picture(&memory(&[]), 2)).to_string();
    // In both layouts: two rows of two regions each, and three boxes of frames.
    assert_eq!(drawn.matches("<rect").count(), 2 * (4 + 3), "{drawn}");
    assert!(
        drawn.contains("The heap, at 0x00800000 in both: linked, both have the frames 0x00007000 to 0x00008000."),
        "{drawn}"
    );
    let table = sharing::table(&picture(&memory(&[]), 2));
    assert!(
        table.contains(
            "| the stack | `0x00400000`–`0x00401000` | `0x00008000`–`0x00009000` | `0x00009000`–`0x0000a000` | copied |"
        ),
        "{table}"
    );
    assert_eq!(sharing::table(&picture(&memory(&[]), 1)).lines().count(), 2, "one space shares nothing");
}
