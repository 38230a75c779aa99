//! Chapter 4: the words that an interrupt leaves on the stack, and who pushes each of them.

use crate::paper::{Sheet, Table, code, hexadecimal, with_words};
use crate::{Files, log_file, names};
use anyhow::{Context, Result, ensure};
use interrupts::TrapFrame;
use memory_map::shapes::{Pen, words};
use memory_map::word_table::{self, HEAD, Pointer, ROW, Word};
use probe::program::Program;
use probe::sitting::Sitting;
use probe::snapshot::Snapshot;
use serde::Serialize;

const INT3: u8 = 0xCC;
const WORD: u32 = 4;

/// The number of words shown that were on the stack before the interrupt.
const BEFORE: u32 = 2;

// Who pushes a word: the CPU or the kernel's code.
const CPU: &str = "the CPU";
const STUB: &str = "the vector's stub";
const ENTRY: &str = "the common entry";
const PUSHA: &str = "the entry's pusha";

/// The pushed words, in the order of pushing: `chapters/04-interrupts/src/stubs.s`.
const PUSHED: [(&str, &str); 19] = [
    ("EFLAGS", CPU),
    ("CS", CPU),
    ("EIP", CPU),
    ("error code", STUB),
    ("vector", STUB),
    ("EAX", PUSHA),
    ("ECX", PUSHA),
    ("EDX", PUSHA),
    ("EBX", PUSHA),
    ("ESP", PUSHA),
    ("EBP", PUSHA),
    ("ESI", PUSHA),
    ("EDI", PUSHA),
    ("DS", ENTRY),
    ("ES", ENTRY),
    ("FS", ENTRY),
    ("GS", ENTRY),
    ("TrapFrame's address", ENTRY),
    ("return address", "the entry's call"),
];
/// How many of them are the `TrapFrame`.
const FRAME_WORDS: u32 = size_of::<TrapFrame>() as u32 / WORD;

/// The facts of the picture, from the highest address down.
#[derive(Serialize)]
struct Facts {
    esp_before: String,
    frame: String,
    esp_in_handler: String,
    stack: Vec<Word>,
}

/// Stops at the beginning of the handler.
pub fn take(mut sitting: Sitting) -> Result<Files> {
    let snapshot = sitting.until(names::HANDLER)?;
    let facts = facts(&snapshot, &sitting.program)?;
    let log = sitting.finish()?;
    for said in
        [format!("ESP {}", facts.esp_before), format!("just before {}.", facts.stack[BEFORE as usize + 2].value)]
    {
        ensure!(log.contains(&said), "The kernel does not say \"{said}\".\n{log}");
    }
    let mut files = draw(&facts).files(&facts)?;
    files.extend([log_file("04", &log)]);
    Ok(files)
}

fn facts(snapshot: &Snapshot, program: &Program) -> Result<Facts> {
    let word = |address| snapshot.memory().word(address).context("the stack does not lie in memory");
    let esp = snapshot.registers.get("ESP")?;
    let frame = esp + 2 * WORD;
    ensure!(word(esp + WORD)? == frame, "the handler was not given the address of what lies above");
    let before = frame + FRAME_WORDS * WORD;
    let value = |name: &str| -> Result<u32> {
        let number = PUSHED.iter().position(|(pushed, _)| *pushed == name).context("there is no such word")?;
        word(before - WORD * (number as u32 + 1))
    };
    let eip = value("EIP")?;
    ensure!(snapshot.memory().read(eip - 1, 1) == Some(&[INT3]), "no int3 lies before {eip:#010x}");
    ensure!(
        (value("vector")?, value("EAX")?) == names::VECTOR_AND_EAX,
        "it is not the breakpoint of the demonstration"
    );
    let interrupted = format!("{}'s own", short(&program.function_at(eip)?));
    let mut stack = Vec::new();
    let mut push = |address, name: &str, origin: &str, note, is_beside| -> Result<()> {
        let (value, address) = (hexadecimal(word(address)?), hexadecimal(address));
        stack.push(Word { address, name: name.into(), value, origin: origin.into(), note, is_beside });
        Ok(())
    };
    for number in (0..BEFORE).rev() {
        push(before + number * WORD, "earlier word", "there before", interrupted.clone(), true)?;
    }
    for ((name, origin), number) in PUSHED.into_iter().zip(1..) {
        let address = before - number * WORD;
        push(address, name, origin, note(name, word(address)?, program)?, false)?;
    }
    Ok(Facts { esp_before: hexadecimal(before), frame: hexadecimal(frame), esp_in_handler: hexadecimal(esp), stack })
}

/// The remark about a word.
fn note(name: &str, value: u32, program: &Program) -> Result<String> {
    Ok(match name {
        "EFLAGS" => format!("the flags, interrupts {}", if value >> 9 & 1 == 0 { "off" } else { "on" }),
        "CS" => "the code segment to return to".into(),
        "EIP" => "returns here, after the int3".into(),
        "error code" => "0: this vector has none".into(),
        "vector" => "3: the breakpoint".into(),
        "EAX" => "6: the handler changes it to 42".into(),
        "ESP" => "unused: popa skips it".into(),
        "DS" | "ES" | "FS" | "GS" if value >> 16 == 0 => "a segment register".into(),
        "DS" | "ES" | "FS" | "GS" => "a segment register (low half)".into(),
        "TrapFrame's address" => "the handler's argument".into(),
        "return address" => format!("back into {}", short(&program.function_at(value)?)),
        _ => String::new(),
    })
}

/// The last part of a function's name.
fn short(function: &str) -> &str {
    function.rsplit("::").next().unwrap_or(function)
}

fn draw(facts: &Facts) -> Sheet {
    let Facts { esp_before, frame, esp_in_handler, stack } = facts;
    let pointers = [
        Pointer { to: esp_before, name: "ESP before", pen: Pen::Plain },
        Pointer { to: frame, name: "TrapFrame", pen: Pen::Faint },
        Pointer { to: esp_in_handler, name: "ESP after", pen: Pen::Plain },
    ];
    let row = |word: &Word| {
        let Word { address, name, value, origin, note, .. } = word;
        vec![code(address), name.clone(), code(value), origin.clone(), note.clone()]
    };
    let end = HEAD + stack.len() as i32 * ROW;
    let caption = "Each push goes down by four bytes, so the word that was pushed last is the lowest.";
    let narrow = word_table::draw_narrow(stack, "pushed by", &pointers);
    Sheet {
        name: "04-frame",
        title: "The stack where the handler of a breakpoint begins, and who has pushed each word".into(),
        tables: vec![Table::new(&["address", "word", "value", "pushed by", ""], stack.iter().map(row))],
        note: format!(
            "Before the breakpoint ESP was `{esp_before}`; where the handler begins it is `{esp_in_handler}`. The \
             `TrapFrame` is the {FRAME_WORDS} words from `{frame}` up."
        ),
        height: end + 44,
        drawing: word_table::draw(stack, "pushed by", &pointers).add(words(caption, 8, end + 36, "start")),
        narrow: Some(with_words(narrow, caption)),
    }
}
