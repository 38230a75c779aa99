//! Chapter 4: the words that an interrupt leaves on the stack, and who pushes each of them.

use crate::Files;
use crate::functions::Functions;
use crate::machine::Machine;
use crate::paper::{Sheet, Table, code, hexadecimal, with_words};
use anyhow::{Context, Result, ensure};
use memory_map::shapes::{Pen, words};
use memory_map::word_table::{self, HEAD, Pointer, ROW, Word};
use serde::{Deserialize, Serialize};

const TITLE: &str = "The stack where the handler of a breakpoint begins, and who has pushed each word";
const NOW_TITLE: &str = "Now: the words that were on the stack where the handler of the breakpoint began";

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
/// How many of them are the `TrapFrame`: all except the last two.
pub const FRAME_WORDS: u32 = PUSHED.len() as u32 - 2;

/// The facts of the picture, from the highest address down.
#[derive(Serialize)]
pub struct Facts {
    /// ESP before the breakpoint.
    pub esp_before: String,
    frame: String,
    esp_in_handler: String,
    stack: Vec<Word>,
}

/// What has to be known about the kernel.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Plan {
    /// The vector and the value of EAX in the frame of the demonstration's breakpoint.
    pub vector_and_eax: (u32, u32),
    /// The functions.
    pub functions: Functions,
}

/// The picture of the stack.
pub struct Album {
    plan: Plan,
    /// ESP where the handler began. The words stay there until something else is pushed.
    esp: Option<u32>,
}

impl Album {
    /// No picture yet.
    pub fn new(plan: Plan) -> Self {
        Self { plan, esp: None }
    }

    /// The stack where the handler begins.
    pub fn facts(&self, machine: &Machine) -> Result<Facts> {
        let Plan { vector_and_eax, functions } = &self.plan;
        let word = |address| machine.memory.word(address).context("the stack does not lie in memory");
        let esp = machine.registers.esp;
        let (frame, before) = frame_at(esp)?;
        ensure!(word(esp + WORD)? == frame, "the handler was not given the address of what lies above");
        let value = |name: &str| -> Result<u32> {
            let number = PUSHED.iter().position(|(pushed, _)| *pushed == name).context("there is no such word")?;
            word(before - WORD * (number as u32 + 1))
        };
        let eip = value("EIP")?;
        let instruction = eip.checked_sub(1).and_then(|before| machine.memory.read(before, 1));
        ensure!(instruction == Some(&[INT3]), "no int3 lies before {eip:#010x}");
        ensure!((value("vector")?, value("EAX")?) == *vector_and_eax, "it is not the breakpoint of the demonstration");
        facts(machine, esp, functions)
    }
}

impl crate::Album for Album {
    fn moment(&mut self, stop: usize, machine: &Machine) -> Result<Files> {
        if stop > 0 {
            return Ok(Files::new());
        }
        let facts = self.facts(machine)?;
        self.esp = Some(machine.registers.esp);
        draw(&facts, TITLE).files(&facts)
    }

    fn now(&self, machine: &Machine) -> Result<Files> {
        let esp = self.esp.context("The handler has not begun yet.")?;
        let facts = facts(machine, esp, &self.plan.functions)?;
        draw(&facts, NOW_TITLE).files(&facts)
    }
}

/// The address of the frame, and the one after it: ESP before the interrupt.
fn frame_at(esp: u32) -> Result<(u32, u32)> {
    let highest = esp.checked_add((PUSHED.len() as u32 + BEFORE) * WORD).context("the stack has no end")?;
    Ok((esp + 2 * WORD, highest - BEFORE * WORD))
}

/// The words from `esp` up, whatever they are now.
fn facts(machine: &Machine, esp: u32, functions: &Functions) -> Result<Facts> {
    let word = |address| machine.memory.word(address).context("the stack does not lie in memory");
    let (frame, before) = frame_at(esp)?;
    let eip = PUSHED.iter().zip(1..).find(|((name, _), _)| *name == "EIP").map_or(0, |(_, number)| number);
    let interrupted = functions.short_name_at(word(before - eip * WORD)?);
    let interrupted = interrupted.map_or(String::new(), |name| format!("{name}'s own"));
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
        push(address, name, origin, note(name, word(address)?, functions), false)?;
    }
    Ok(Facts { esp_before: hexadecimal(before), frame: hexadecimal(frame), esp_in_handler: hexadecimal(esp), stack })
}

/// The remark about a word.
fn note(name: &str, value: u32, functions: &Functions) -> String {
    match name {
        "EFLAGS" => format!("the flags, interrupts {}", if value >> 9 & 1 == 0 { "off" } else { "on" }),
        "CS" => "the code segment to return to".into(),
        "EIP" => "returns here, after the int3".into(),
        "error code" if value == 0 => "0: this vector has none".into(),
        "vector" if value == 3 => "3: the breakpoint".into(),
        "EAX" if value == 6 => "6: the handler changes it to 42".into(),
        "ESP" => "unused: popa skips it".into(),
        "DS" | "ES" | "FS" | "GS" if value >> 16 == 0 => "a segment register".into(),
        "DS" | "ES" | "FS" | "GS" => "a segment register (low half)".into(),
        "TrapFrame's address" => "the handler's argument".into(),
        "return address" => match functions.short_name_at(value) {
            Some(name) => format!("back into {name}"),
            None => "into no function".into(),
        },
        _ => String::new(),
    }
}

impl Facts {
    /// The value of EIP to return to.
    pub fn eip(&self) -> &str {
        self.stack.iter().find(|word| word.name == "EIP").map_or("", |word| &word.value)
    }
}

fn draw(facts: &Facts, title: &str) -> Sheet {
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
        title: title.into(),
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
