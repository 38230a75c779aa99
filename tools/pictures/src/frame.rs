//! Chapter 4: the words that an interrupt leaves on the stack, and who has pushed each.

use crate::paper::{INK, PAPER, SHADE, Sheet, bold, digits, frame, head, hexadecimal, line, row, words};
use crate::{Files, log_file, names};
use anyhow::{Context, Result, ensure};
use interrupts::TrapFrame;
use probe::program::Program;
use probe::sitting::Sitting;
use probe::snapshot::Snapshot;
use serde::Serialize;
use svg::node::element::{Group, Path, Polygon};

const INT3: u8 = 0xCC;
const WORD: u32 = 4;

/// How many words are shown of what lay on the stack before.
const BEFORE: u32 = 2;

/// Who pushes a word.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Pusher {
    InterruptedCode,
    Cpu,
    Stub,
    CommonEntry,
}

impl Pusher {
    fn words(self) -> &'static str {
        match self {
            Self::InterruptedCode => "there before",
            Self::Cpu => "the CPU",
            Self::Stub => "the vector's stub",
            Self::CommonEntry => "the common entry",
        }
    }
}

use Pusher::{CommonEntry, Cpu, Stub};

/// What is pushed, in its order: `chapters/04-interrupts/src/stubs.s`.
const PUSHED: [(&str, Pusher); 19] = [
    ("EFLAGS", Cpu),
    ("CS", Cpu),
    ("EIP", Cpu),
    ("error code", Stub),
    ("vector", Stub),
    ("EAX", CommonEntry),
    ("ECX", CommonEntry),
    ("EDX", CommonEntry),
    ("EBX", CommonEntry),
    ("ESP", CommonEntry),
    ("EBP", CommonEntry),
    ("ESI", CommonEntry),
    ("EDI", CommonEntry),
    ("DS", CommonEntry),
    ("ES", CommonEntry),
    ("FS", CommonEntry),
    ("GS", CommonEntry),
    ("address of the TrapFrame", CommonEntry),
    ("return address", CommonEntry),
];
/// How many of them are the `TrapFrame`.
const FRAME_WORDS: u32 = size_of::<TrapFrame>() as u32 / WORD;

/// What has been found, from the highest address down.
#[derive(Serialize)]
struct Facts {
    esp_before: String,
    frame: String,
    esp_in_handler: String,
    stack: Vec<Word>,
}

#[derive(Serialize)]
struct Word {
    address: String,
    value: String,
    name: &'static str,
    pushed_by: Pusher,
    note: String,
}

/// Stops where the handler begins.
pub fn take(mut sitting: Sitting) -> Result<Files> {
    let snapshot = sitting.until(names::HANDLER)?;
    let facts = facts(&snapshot, &sitting.program)?;
    let log = sitting.finish()?;
    for said in
        [format!("ESP {}", facts.esp_before), format!("just before {}.", facts.stack[BEFORE as usize + 2].value)]
    {
        ensure!(log.contains(&said), "The kernel does not say \"{said}\".\n{log}");
    }
    let mut files = draw(&facts).files(&facts, table(&facts))?;
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
    let function = program.function_at(eip)?;
    let mut stack = Vec::new();
    for address in (0..BEFORE).rev().map(|number| before + number * WORD) {
        let (name, pushed_by) = ("not part of it", Pusher::InterruptedCode);
        let note = format!("`{}` had this on its stack", short(&function));
        stack.push(Word { address: hexadecimal(address), value: hexadecimal(word(address)?), name, pushed_by, note });
    }
    for ((name, pushed_by), number) in PUSHED.into_iter().zip(1..) {
        let address = before - number * WORD;
        let value = word(address)?;
        let note = note(name, value, program)?;
        stack.push(Word { address: hexadecimal(address), value: hexadecimal(value), name, pushed_by, note });
    }
    Ok(Facts { esp_before: hexadecimal(before), frame: hexadecimal(frame), esp_in_handler: hexadecimal(esp), stack })
}

/// What there is to say of a word.
fn note(name: &str, value: u32, program: &Program) -> Result<String> {
    Ok(match name {
        "EFLAGS" => format!("the flags, interrupts {}", if value >> 9 & 1 == 0 { "off" } else { "on" }),
        "CS" => "the segment to go on in".into(),
        "EIP" => "to go on here, behind the `int3`".into(),
        "error code" => "0: this vector has none".into(),
        "vector" => "3: the breakpoint".into(),
        "EAX" => "6: the handler makes 42 of it".into(),
        "ESP" => "of no use: `popa` skips it".into(),
        "DS" | "ES" | "FS" | "GS" if value >> 16 == 0 => "a segment register".into(),
        "DS" | "ES" | "FS" | "GS" => "a segment register, in the low half".into(),
        "address of the TrapFrame" => "the handler's argument".into(),
        "return address" => format!("into the code behind `{}`", short(&program.function_at(value)?)),
        _ => String::new(),
    })
}

/// The last part of a function's name.
fn short(function: &str) -> &str {
    function.rsplit("::").next().unwrap_or(function)
}

fn table(facts: &Facts) -> String {
    let mut table = head(["address", "word", "value", "pushed by", ""]);
    for Word { address, value, name, pushed_by, note } in &facts.stack {
        table += &row([&format!("`{address}`"), name, &format!("`{value}`"), pushed_by.words(), note]);
    }
    let Facts { esp_before, frame, esp_in_handler, .. } = facts;
    table
        + &format!(
            "\nBefore the breakpoint ESP was `{esp_before}`; where the handler begins it is `{esp_in_handler}`. The `TrapFrame` is the \
         {FRAME_WORDS} words from `{frame}` up.\n"
        )
}

const TOP: i32 = 30;
const ROW: i32 = 22;
const BOX_LEFT: i32 = 172;
const BOX_WIDTH: i32 = 226;
const BRACE: i32 = BOX_LEFT + BOX_WIDTH + 6;
const NOTES: i32 = 552;

fn draw(facts: &Facts) -> Sheet {
    let count = facts.stack.len() as i32;
    let mut drawing = Group::new()
        .add(bold("address", BOX_LEFT - 8, TOP - 10, "end"))
        .add(bold("word", BOX_LEFT + 8, TOP - 10, "start"))
        .add(bold("value", BOX_LEFT + BOX_WIDTH - 8, TOP - 10, "end"))
        .add(bold("pushed by", BRACE + 14, TOP - 10, "start"));
    for (number, word) in (0..).zip(&facts.stack) {
        let (y, is_before) = (TOP + number * ROW, word.pushed_by == Pusher::InterruptedCode);
        let fill = if is_before { PAPER } else { SHADE };
        drawing = drawing
            .add(frame(BOX_LEFT, y, BOX_WIDTH, ROW, fill, if is_before { "2 3" } else { "none" }))
            .add(digits(&word.address, BOX_LEFT - 8, y + 16, "end"))
            .add(words(word.name, BOX_LEFT + 8, y + 16, "start"))
            .add(digits(&word.value, BOX_LEFT + BOX_WIDTH - 8, y + 16, "end"));
        // An empty line would end the drawing, where it stands in a page of Markdown.
        if !is_before && !word.note.is_empty() {
            drawing = drawing.add(words(&word.note.replace('`', ""), NOTES, y + 16, "start").set("font-size", 12));
        }
    }
    for group in groups(&facts.stack) {
        drawing = brace(drawing, group);
    }
    let at = |row: u32| TOP + row as i32 * ROW;
    drawing = pointer(drawing, at(BEFORE), "ESP before", "none");
    drawing = pointer(drawing, at(BEFORE + FRAME_WORDS), "the TrapFrame", "3 3");
    drawing = pointer(drawing, at(BEFORE + PUSHED.len() as u32), "ESP in the", "none");
    drawing = drawing.add(bold("handler", 8, at(BEFORE + PUSHED.len() as u32) + 20, "start"));
    drawing = drawing.add(grows(at(BEFORE) + 30, at(BEFORE + FRAME_WORDS) - 30));
    Sheet {
        name: "04-frame",
        title: "The stack where the handler of a breakpoint begins, and who has pushed each word".into(),
        description: description(facts),
        height: TOP + count * ROW + 30,
        drawing,
    }
}

/// Words in a row that have the same words for who has pushed them: the first, how many, and the words.
fn groups(stack: &[Word]) -> Vec<(usize, usize, String)> {
    let mut groups: Vec<(usize, usize, String)> = Vec::new();
    for (number, word) in stack.iter().enumerate() {
        let how = match word.name {
            "EAX" | "ECX" | "EDX" | "EBX" | "ESP" | "EBP" | "ESI" | "EDI" => ": pusha",
            "return address" => ": call",
            _ => "",
        };
        let words = format!("{}{how}", word.pushed_by.words());
        match groups.last_mut() {
            Some((_, count, said)) if *said == words => *count += 1,
            _ => groups.push((number, 1, words)),
        }
    }
    groups
}

fn brace(drawing: Group, (first, count, said): (usize, usize, String)) -> Group {
    let (top, height) = (TOP + first as i32 * ROW + 3, count as i32 * ROW - 6);
    let path = Path::new().set("d", format!("M{BRACE},{top} h6 v{height} h-6")).set("fill", "none");
    let mut drawing = drawing.add(path.set("style", format!("stroke:{INK}")));
    let (name, how) = said.split_once(": ").unwrap_or((&said, ""));
    let middle = top + height / 2 + 4;
    let both = if count > 1 || how.is_empty() { vec![name, how] } else { vec![said.as_str()] };
    let both: Vec<&str> = both.into_iter().filter(|words| !words.is_empty()).collect();
    for (number, words_here) in (0..).zip(&both) {
        let y = middle + number * 16 - (both.len() as i32 - 1) * 8;
        drawing = drawing.add(words(words_here, BRACE + 14, y, "start").set("font-size", 12));
    }
    drawing
}

/// An arrow from the left to the edge between two words.
fn pointer(drawing: Group, y: i32, name: &str, broken: &str) -> Group {
    let end = BOX_LEFT;
    let head = Polygon::new().set("points", format!("{end},{y} {},{} {},{}", end - 8, y - 4, end - 8, y + 4));
    drawing
        .add(bold(name, 8, y + 4, "start"))
        .add(line((84, y), (end - 8, y)).set("stroke-dasharray", broken))
        .add(head.set("style", format!("fill:{INK}")))
}

/// The way in which the stack grows.
fn grows(top: i32, bottom: i32) -> Group {
    let head = Polygon::new().set("points", format!("30,{bottom} 26,{} 34,{}", bottom - 8, bottom - 8));
    let middle = (top + bottom) / 2;
    Group::new()
        .add(line((30, top), (30, bottom - 8)))
        .add(head.set("style", format!("fill:{INK}")))
        .add(words("each", 40, middle - 20, "start").set("font-size", 12))
        .add(words("push", 40, middle - 4, "start").set("font-size", 12))
        .add(words("goes", 40, middle + 12, "start").set("font-size", 12))
        .add(words("down", 40, middle + 28, "start").set("font-size", 12))
}

fn description(facts: &Facts) -> String {
    let word = |word: &Word| {
        let note = if word.note.is_empty() { String::new() } else { format!(", {}", word.note.replace('`', "")) };
        format!("{}: {}, {}, {}{note}.", word.address, word.name, word.value, word.pushed_by.words())
    };
    let words: Vec<String> = facts.stack.iter().map(word).collect();
    let Facts { esp_before, frame, esp_in_handler, .. } = facts;
    format!(
        "The stack, from the highest address down; each push goes down by four bytes. Before the breakpoint ESP was \
         {esp_before}. The TrapFrame begins at {frame}. In the handler ESP is {esp_in_handler}. For each word its address, its \
         name, its value and who pushed it: {}",
        words.join(" ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_the_same_origin_are_held_together() {
        let word = |(name, pushed_by)| Word {
            address: String::new(),
            value: String::new(),
            name,
            pushed_by,
            note: String::new(),
        };
        let stack: Vec<Word> = PUSHED.into_iter().map(word).collect();
        let groups: Vec<(usize, usize)> = groups(&stack).into_iter().map(|(first, count, _)| (first, count)).collect();
        assert_eq!(groups, [(0, 3), (3, 2), (5, 8), (13, 5), (18, 1)]);
    }
}
