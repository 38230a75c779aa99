//! Every kind of request, about memory that is sound, and then damaged in any way.

use super::*;
use memory_map::model::Line;
use memory_map::scene::Named;
use proptest::prelude::*;
use scenes::known::{FrameTable, Known};
use scenes::{Subject, fork, frame, functions::Functions, heap, map, timeline};
use serde_json::{Value, json};

// The memory of the tests: page tables, then what the pictures look at.
const MEMORY_BYTES: usize = 64 << 10;
const KERNEL: u32 = 0x1000;
const TASKS: [u32; 2] = [0x2000, 0x3000];
const LOW_TABLE: u32 = 0x4000;
const HEAP_TABLE: u32 = 0x5000;
const PRIVATE_TABLES: [u32; 2] = [0x6000, 0x7000];
const HEAP_FRAME: u32 = 0x8000;
const PRIVATE_FRAMES: [u32; 2] = [0x9000, 0xA000];
const VARIABLES: u32 = 0xB000;
const FRAME_MARKS: u32 = VARIABLES + 0x100;
const PIDS: u32 = VARIABLES + 0x200;
const DIRECTORIES: u32 = VARIABLES + 0x300;
const COUNTS: u32 = VARIABLES + 0x400;
const CONTEXTS: u32 = VARIABLES + 0x600;
const GDT: u32 = VARIABLES + 0x700;
const STACK: u32 = VARIABLES + 0x800;

const HEAP: u32 = 0xC000_0000;
const PRIVATE: u32 = 0xBFFF_F000;

fn subjects() -> Vec<Subject> {
    let line = || Line { file: "main.rs".into(), words: "go();".into() };
    let name = |name: &str, range| Named { name: name.into(), range };
    let known = || Known {
        frame_table: FrameTable { address: FRAME_MARKS, most_frames: 16, not_ours: 0, last: 1, one_owner: 0x8000 },
        regions: vec![name("all", 0..0x1_0000), name("private", PRIVATE.into()..HEAP.into())],
        unmapped: vec![name("the guard", 0x1_0000..0x1_1000)],
        places: vec![name("low memory", 0..0x1000)],
    };
    let functions = || Functions(vec![(0, "a::count".into()), (0x100, "a::b".into())]);
    let moment = |number| fork::Moment {
        name: format!("09-fork-{number}"),
        title: "A fork".into(),
        stopped_before: line(),
        without_second: "There is none.".into(),
        is_summed_up: number == 2,
    };
    vec![
        Subject::Descriptor,
        Subject::Frame(frame::Plan { vector_and_eax: (3, 6), functions: functions() }),
        Subject::Map(map::Plan { title: "A map".into(), stopped_before: line(), known: known(), address: HEAP + 8 }),
        Subject::Heap(heap::Plan { start: HEAP, last_place: VARIABLES, titles: vec!["A heap".into(); 3] }),
        Subject::Timeline(timeline::Plan {
            ticks: VARIABLES + 4,
            contexts: CONTEXTS,
            entry_offset: 8,
            argument_offset: 4,
            counts: COUNTS,
            reasons: vec!["timer".into(), "exit".into()],
            threads: Vec::new(),
            named_by_argument: "count".into(),
            functions: functions(),
        }),
        Subject::Fork(fork::Plan {
            moments: [1, 2].map(moment).into(),
            known: known(),
            pids: PIDS,
            directories: DIRECTORIES,
            threads: 3,
            variables: vec![("x".into(), PRIVATE + 8), ("y".into(), HEAP + 8)],
            four_regions: vec!["private".into()],
            series: Vec::new(),
        }),
    ]
}

/// Sound memory: all pictures can be made of it.
fn sound() -> Vec<u8> {
    let entry = |table: u32, page: u32| table + page / 4096 % 1024 * 4;
    let mut words = vec![(VARIABLES, HEAP + 4096 - 16), (VARIABLES + 4, 3)];
    for (directory, private) in [(KERNEL, None), (TASKS[0], Some(0)), (TASKS[1], Some(1))] {
        words.extend([(directory, LOW_TABLE | 3), (directory + (HEAP >> 22) * 4, HEAP_TABLE | 3)]);
        if let Some(number) = private {
            words.push((directory + (PRIVATE >> 22) * 4, PRIVATE_TABLES[number] | 3));
            words.push((entry(PRIVATE_TABLES[number], PRIVATE), PRIVATE_FRAMES[number] | 3));
        }
    }
    words.extend((0..16).map(|page| (entry(LOW_TABLE, page * 4096), (page * 4096) | 3)));
    words.push((entry(HEAP_TABLE, HEAP), HEAP_FRAME | 3));
    // A used block, and a free one behind it.
    words.extend([(HEAP_FRAME, 33), (HEAP_FRAME + 28, 33 ^ (HEAP + 28))]);
    words.extend([(HEAP_FRAME + 32, 4064), (HEAP_FRAME + 4092, 4064 ^ (HEAP + 4092))]);
    words.extend([(PIDS + 4, 1), (PIDS + 8, 2)]);
    words.extend([(DIRECTORIES, KERNEL), (DIRECTORIES + 4, TASKS[0]), (DIRECTORIES + 8, TASKS[1])]);
    // Thread 0 leaves for the first time, and thread 1 comes, whose context is on the stack.
    words.extend([(COUNTS, 1), (CONTEXTS + 4, STACK), (STACK + 4, 'A'.into()), (STACK + 8, 0x10)]);
    words.extend([(GDT + 8, 0x0000_FFFF), (GDT + 12, 0x00CF_9B00)]);
    // The frame of a breakpoint, from ESP up: its 17 words follow a return address and its own address.
    let frame = STACK + 0x100;
    words.extend([(frame + 4, frame + 8), (frame + 8 + 11 * 4, 6), (frame + 8 + 12 * 4, 3)]);
    words.extend([(frame + 8 + 14 * 4, VARIABLES + 0x811), (VARIABLES + 0x810, 0xCC)]);
    let mut memory = vec![0; MEMORY_BYTES];
    for (address, word) in words {
        memory[address as usize..address as usize + 4].copy_from_slice(&u32::to_le_bytes(word));
    }
    memory
}

fn registers() -> Value {
    let esp = STACK + 0x100;
    json!({"ESP": esp, "ECX": 1, "EDX": 2, "CR3": KERNEL, "CR4": 16, "CS": 8, "GDT": [GDT, 0x17], "EIP": 0, "CR2": 0})
}

fn begin(subject: &Subject) -> Live {
    let mut live = Live::new();
    let scene = Scene { chapter: "09".into(), own_bits: vec![(9, "mine".into())], subject: Some(subject.clone()) };
    live.answer(json!({ "begin": scene }).to_string().as_bytes(), &[]).expect("it is a scene");
    live
}

fn ask(live: &mut Live, memory: &[u8], request: &Value) -> Result<Value> {
    Ok(serde_json::from_str(&live.answer(request.to_string().as_bytes(), memory)?)?)
}

/// Asks everything, and returns the errors.
fn ask_all(subject: &Subject, memories: [&[u8]; 2], registers: &Value, address: u32) -> Vec<String> {
    let mut live = begin(subject);
    let now = json!({"now": {"registers": registers}});
    let requests = [
        json!({"moment": {"stop": 0, "registers": registers}}),
        now,
        json!({"moment": {"stop": 1, "registers": registers}}),
        json!({"walk": {"cr3": KERNEL, "cr4": 16, "address": address}}),
        json!({"walk": {"cr3": address, "cr4": address, "address": 0}}),
    ];
    let answers = requests.iter().zip([0, 0, 1, 1, 1]).map(|(request, at)| ask(&mut live, memories[at], request));
    answers.filter_map(|answer| answer.err()).map(|error| format!("{error:#}")).collect()
}

#[test]
fn sound_memory_gives_every_picture_and_the_end_adds_none() {
    let memory = sound();
    for subject in subjects() {
        let errors = ask_all(&subject, [&memory, &memory], &registers(), HEAP);
        assert_eq!(errors, [""; 0], "{subject:?}");
        let files = |stop: usize| {
            let request = json!({"moment": {"stop": stop, "registers": registers()}});
            let answer = ask(&mut begin(&subject), &memory, &request).expect("it can be answered");
            answer["files"].as_object().expect("files").len()
        };
        assert!(files(0) >= 3, "{subject:?}");
        // The pictures of these two are at the end.
        if !matches!(subject, Subject::Descriptor | Subject::Timeline(_)) {
            assert_eq!(files(9), 0, "{subject:?}");
        }
    }
}

#[test]
fn now_shows_what_a_reader_has_changed_and_adds_no_moment() {
    let mut memory = sound();
    let mut live = begin(subjects().last().expect("the fork is the last"));
    let now = json!({"now": {"registers": registers()}});
    let moment = |stop: usize| json!({"moment": {"stop": stop, "registers": registers()}});
    let first = ask(&mut live, &memory, &moment(0)).expect("it can be drawn");
    memory[PRIVATE_FRAMES[0] as usize + 8] = 77;
    let changed = ask(&mut live, &memory, &now).expect("it can be drawn");
    let facts = |answer: &Value| answer["files"]["09-fork-1.json"].as_str().expect("a file").to_owned();
    assert!(facts(&changed).contains("\"Now\"") && facts(&changed).contains("77"), "{}", facts(&changed));
    assert!(!facts(&first).contains("77"));
    assert!(facts(&changed).contains("\"changed\": true"), "it is compared with the moment before");
    // Task 1's page is not mapped any more: its variable has no value.
    memory[PRIVATE_TABLES[0] as usize + 4092] = 0;
    let without = ask(&mut live, &memory, &now).expect("it can be drawn");
    assert_eq!((facts(&changed).matches("\"x\"").count(), facts(&without).matches("\"x\"").count()), (2, 1));
    let next = ask(&mut live, &memory, &moment(1)).expect_err("the summary needs both").to_string();
    assert!(next.contains("has other regions"), "{next}");
}

#[test]
fn tables_that_map_too_many_pieces_are_reported() {
    let mut memory = sound();
    // Every second page of 64 MiB, through the same table again and again.
    for page in (0..1024).step_by(2) {
        put(&mut memory, &[((LOW_TABLE / 4 + page) as usize, 0x1003)]);
    }
    for entry in 1..16 {
        put(&mut memory, &[((KERNEL / 4 + entry) as usize, LOW_TABLE | 3)]);
    }
    let map = subjects().into_iter().find(|subject| matches!(subject, Subject::Map(_))).expect("there is a map");
    let now = json!({"now": {"registers": registers()}});
    let error = ask(&mut begin(&map), &memory, &now).expect_err("a reader could not tell them apart").to_string();
    assert!(error.contains("pieces of memory, too many to draw"), "{error}");
}

#[test]
fn the_screen_is_all_memory_or_its_own_cells() {
    let mut live = begin(&Subject::Descriptor);
    let mut all = vec![0; 1 << 20];
    let cells = [b'A', 7].repeat(2000);
    all[0xB8000..0xB8000 + 4000].copy_from_slice(&cells);
    let screen = |is_end| json!({"screen": {"cursor": [13, 14, 0, 5], "is_end": is_end}});
    let drawn = ask(&mut live, &all, &screen(true)).expect("there is a screen");
    assert_eq!(ask(&mut live, &cells, &screen(true)).expect("there is a screen"), drawn);
    let title =
        |answer: &Value, words| answer["files"]["09-screen.svg"].as_str().is_some_and(|svg| svg.contains(words));
    assert!(title(&drawn, "The screen at the end of chapter 9"));
    let before = ask(&mut live, &cells, &screen(false)).expect("there is a screen");
    assert!(title(&before, "The screen of chapter 9") && !title(&before, "at the end"));
    assert!(ask(&mut live, &[0; 100], &screen(true)).is_err());
}

#[test]
fn a_request_before_the_first_or_without_a_picture_is_refused() {
    let error = |live: &mut Live, request: Value| ask(live, &[], &request).expect_err("it is refused").to_string();
    let now = || json!({"now": {"registers": registers()}});
    assert_eq!(error(&mut Live::new(), now()), "Nothing has begun.");
    let mut live = begin(&Subject::Descriptor);
    live.answer(br#"{"begin":{"chapter":"01","own_bits":[],"subject":null}}"#, &[]).expect("it is a scene");
    assert_eq!(ask(&mut live, &[], &now()).expect("there is nothing to draw"), json!({"files": {}}));
    assert_eq!(error(&mut live, json!({"know": {}})), "The request is not understood");
}

/// A word of memory that means something, and one that it may be replaced by.
fn damage() -> impl Strategy<Value = (usize, u32)> {
    let place = prop_oneof![
        4 => (0..MEMORY_BYTES / 4).boxed(),
        2 => (0x4000..0x4040usize).prop_map(|byte| byte / 4).boxed(),
        4 => prop_oneof![Just(KERNEL), Just(TASKS[0]), Just(TASKS[1]), Just(HEAP_TABLE), Just(HEAP_FRAME)]
            .prop_flat_map(|start| (0..12u32).prop_map(move |word| (start / 4 + word) as usize)).boxed(),
        6 => (VARIABLES as usize / 4..(VARIABLES as usize + 0xA00) / 4).boxed(),
    ];
    let word = prop_oneof![
        any::<u32>(),
        0..40u32,
        (0..MEMORY_BYTES as u32),
        (0..MEMORY_BYTES as u32 >> 12).prop_map(|frame| frame << 12 | 7),
        Just(u32::MAX),
        (0..1024u32).prop_map(|page| page << 22 | 0x87),
    ];
    (place, word)
}

fn put(memory: &mut [u8], words: &[(usize, u32)]) {
    for (word, value) in words {
        memory[word * 4..word * 4 + 4].copy_from_slice(&value.to_le_bytes());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    /// Whatever a reader writes to memory, before or after the first moment, nothing panics.
    #[test]
    fn damaged_memory_is_drawn_or_reported(
        before in prop::collection::vec(damage(), 0..8),
        after in prop::collection::vec(damage(), 1..30),
        damaged in any::<[bool; 7]>(),
        values in any::<[u32; 7]>(),
        address in any::<u32>(),
    ) {
        let mut first = sound();
        put(&mut first, &before);
        let mut second = first.clone();
        put(&mut second, &after);
        let mut registers = registers();
        let names = ["ESP", "ECX", "EDX", "CR3", "CR4", "CS"];
        // Most runs have all registers as they should be.
        if damaged[6] && damaged[0] {
            for (name, (is_damaged, value)) in names.iter().zip(damaged.iter().zip(values)) {
                if *is_damaged { registers[name] = value.into(); }
            }
        }
        for subject in subjects() {
            let errors = ask_all(&subject, [&first, &second], &registers, address);
            prop_assert!(errors.iter().all(|error| !error.is_empty()));
        }
    }
}

proptest! {
    // A case takes long: a million pages are walked several times.
    #![proptest_config(ProptestConfig::with_cases(4))]

    /// Nor does memory without any sense.
    #[test]
    fn noise_is_drawn_or_reported(noise in prop::collection::vec(any::<u8>(), 0x3000), bits in 0..4u32) {
        let mut memory = sound();
        memory[KERNEL as usize..][..noise.len()].copy_from_slice(&noise);
        // With every page present, or with large pages everywhere.
        for word in memory[KERNEL as usize..][..noise.len()].chunks_exact_mut(4) {
            word[0] |= (bits & 1) as u8 | ((bits >> 1) as u8) << 7;
        }
        for subject in subjects() {
            ask_all(&subject, [&memory, &memory], &registers(), 0);
        }
    }
}
