//! Runs one test of a kernel that is not trusted, and sees from outside what it does.
//!
//! The kernel owns its machine: it can print any line and write to any port. So the machine has no exit device, and the
//! log decides nothing. A test is over when the CPU reaches `boot::stop::end` from the function that began the test, in
//! the same stack frame. What the test has shown by then is read from memory, and is compared with what a right kernel
//! shows for the same seed.
//!
//! The limit is a number of instructions. QEMU counts those that the machine executes, so a busy host does not change
//! their number, and no kernel can.

use anyhow::{Context, Result, bail};
use machine::interrupt;
use machine::listing::{Expected, Listed};
use machine::log;
use machine::monitor::Shutdown;
use machine::symbols::Symbols;
use machine::workspace::Workspace;
use memory_map::walk::{PAGE_BYTES, Space};
use probe::program::Program;
use probe::sitting::{Running, Seat, Sitting};
use probe::snapshot::Snapshot;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::io::{self, Write};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::time::{Duration, Instant};
use std::{fs, thread};

const RUN: &str = "harness::testing::run";
const END: &str = "boot::stop::end";
const EXIT: &str = "common::qemu::exit";
const HALT: &str = "common::qemu::halt";
const PAUSE: &str = "pause";
const SHOWN: &str = "harness_shown";
/// What a kernel prints before it takes input.
const WAITING: &str = "waiting for input";

/// In a test's options for QEMU, this stands for a temporary folder. If QEMU writes this file there, it is seen too.
const HERE: &str = "{folder}";
const OUTPUT: &str = "output";

/// No chapter uses this timer, and a kernel can set it so that QEMU does nothing else any more.
const WITHOUT_HPET: [&str; 2] = ["-machine", "hpet=off"];

/// The two calls of the function with the test have few arguments.
const MOST_BYTES_OF_ARGUMENTS: u32 = 64;
/// How long this host may take for a run. Far more than any needs.
pub const PATIENCE: Duration = Duration::from_secs(60);
/// How much CPU time QEMU may take on this host, which is far more than any run needs. Some devices can be programmed
/// so that QEMU is busy for hours with one instruction.
const MOST_CPU_TIME: Duration = Duration::from_secs(10);
/// No test of a right answer lets us look more often.
pub const MOST_SIGHTS: usize = 64;
/// Of an address space, so many runs of pages are kept. A right one has far fewer.
const MOST_RUNS: usize = 1000;
/// How much of a log is kept.
const MOST_BYTES_OF_LOG: usize = 8 << 10;

/// What is run.
pub struct Run<'a> {
    /// The project, for the places of lines in its source.
    pub workspace: &'a Workspace,
    /// The kernel.
    pub kernel: &'a Path,
    /// The test, which also says what machine it needs.
    pub test: &'a Listed,
    /// The seed of all random inputs.
    pub seed: u32,
    /// After how many instructions it counts as hung.
    pub limit: u64,
    /// How often it may let us look.
    pub most_sights: usize,
}

/// What was seen of a run.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Seen {
    /// How it ended.
    pub end: End,
    /// What the test has shown, in its order.
    pub shown: Vec<Shown>,
    /// What it let us look at, in its order.
    pub sights: Vec<Sight>,
    /// How many instructions it took.
    pub instructions: u64,
    /// The last part of its log, with function and line behind every address.
    pub log: String,
}

/// How a run ended.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub enum End {
    /// The test returned.
    Over,
    /// The kernel reported that it stops, and halted.
    Stopped,
    /// The machine reset itself.
    TripleFault,
    /// It had executed too many instructions, or kept the devices busy.
    Hang,
    /// It waits for an interrupt that never comes.
    Sleep,
    /// It halted, or ended, in another way.
    Lost(String),
}

/// One value that a test has shown.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub struct Shown {
    /// What it is.
    pub label: String,
    /// The value.
    pub value: u32,
}

/// One sight.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub struct Sight {
    /// What it is.
    pub label: String,
    /// What was seen.
    pub what: What,
}

/// What was seen while the machine was paused.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub enum What {
    /// Bytes of memory.
    Bytes(Vec<u8>),
    /// Address spaces: for each, its pages.
    Spaces(Spaces),
    /// The lines of `info registers` about FS and GS, which have a part that no program can read.
    Registers(Vec<String>),
}

/// Address spaces: for each, its pages.
pub type Spaces = Vec<Vec<Page>>;

/// One page that is mapped, or several in a row.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema, PartialEq, Eq, Serialize)]
pub struct Page {
    /// The address of the first page.
    pub address: u32,
    /// The address of its frame.
    pub frame: u32,
    /// Their size.
    pub bytes: u64,
    /// Whether they can be written.
    pub write: bool,
    /// Whether ring 3 has access too.
    pub user: bool,
}

/// Why there is no result: the host could not run the machine, which says nothing about the answer.
#[derive(Debug)]
pub struct Infrastructure(pub String);

/// The host was too slow, or too busy.
#[derive(Debug, thiserror::Error)]
#[error("the machine did not end within {} seconds of the host's time", PATIENCE.as_secs())]
struct TookTooLong;

impl Run<'_> {
    /// Runs the test. The outer error is for failures of the host.
    pub fn see(&self) -> std::result::Result<Seen, Infrastructure> {
        self.try_to_see().map_err(|error| Infrastructure(format!("{error:#}")))
    }

    fn try_to_see(&self) -> Result<Seen> {
        let Self { workspace, kernel, test, seed, limit, .. } = *self;
        let words = words(test, seed);
        let folder = tempfile::tempdir().context("a temporary folder could not be created")?;
        let flags = flags(test, folder.path());
        let exit_device = false;
        let (memory_mib, cpu, module) = (test.memory_mib, test.cpu.as_str(), test.module);
        let seat = Seat { kernel, words: &words, memory_mib, cpu, module, flags: &flags, exit_device };
        let mut sitting = Sitting::take(workspace, &seat)?;
        let start = sitting.monitor().instructions()?;
        let watcher = Watcher::new(&sitting.program)?;
        let mut sights = Vec::new();
        let (end, instructions) = match self.watch(&mut sitting, &watcher, start, &mut sights) {
            Ok(end) => (end, sitting.monitor().instructions().unwrap_or(start) - start),
            Err(error) if error.is::<TookTooLong>() => return Err(error),
            // They cannot be counted if QEMU does not answer.
            Err(error) => (blamed(&mut sitting, &error).ok_or(error)?, 0),
        };
        let end = if end == End::Over && instructions > limit { End::Hang } else { end };
        let is_whole = matches!(end, End::Over | End::Stopped);
        let shown = if is_whole { watcher.shown(&mut sitting).unwrap_or_default() } else { Vec::new() };
        let mut log = sitting.log();
        if matches!(end, End::Hang | End::Sleep)
            && let Ok(eip) = sitting.registers().and_then(|registers| registers.get("EIP"))
        {
            log += &format!("\nThe next instruction would have been at {eip:#010x}\n");
        }
        let log = explained(&log, &Symbols::new(kernel, &workspace.root));
        if let Ok(bytes) = fs::read(folder.path().join(OUTPUT)) {
            sights.push(Sight { label: "what left the machine".into(), what: What::Bytes(bytes) });
        }
        Ok(Seen { end, shown, sights, instructions, log })
    }

    /// Follows the kernel to its end.
    fn watch(&self, sitting: &mut Sitting, watcher: &Watcher, start: u64, sights: &mut Vec<Sight>) -> Result<End> {
        let mut begun = None;
        let deadline = Instant::now() + PATIENCE;
        let mut typed = self.test.types.is_empty();
        let mut idle = Idle::default();
        loop {
            let (mut is_late, mut is_asleep) = (false, false);
            let eip = sitting.race(&watcher.stops, |Running { monitor, process, log }| {
                if !typed && String::from_utf8_lossy(log).contains(WAITING) {
                    typed = true;
                    if let Some(mut port) = process.input.take() {
                        // If this fails, the machine has ended and needs no input.
                        let _ = port.write_all(self.test.types.as_bytes());
                    }
                }
                if interrupt::happened() {
                    bail!("Interrupted.");
                }
                let instructions = monitor.instructions()?;
                let is_halted = monitor.is_halted();
                is_late = !is_halted && instructions - start > self.limit || process.cpu_time() > MOST_CPU_TIME;
                is_asleep = !is_halted && idle.is_for_good(instructions);
                if !is_late && !is_asleep && Instant::now() > deadline {
                    bail!(TookTooLong);
                }
                Ok(is_late || is_asleep || is_halted)
            })?;
            let has_stopped = |sitting: &mut Sitting| log::report(&sitting.log()).is_some();
            match eip {
                None if is_late => return Ok(End::Hang),
                None if is_asleep => return Ok(End::Sleep),
                None if sitting.monitor().shutdown()? == Some(Shutdown::Reset) => return Ok(End::TripleFault),
                Some(eip) if eip == watcher.run && begun.is_none() => begun = Some(watcher.caller(sitting, eip)?),
                Some(eip) if eip == watcher.run => {
                    return Ok(End::Lost("The kernel began the test a second time.".into()));
                }
                Some(eip) if eip == watcher.end => {
                    let ended = watcher.caller(sitting, eip)?;
                    let is_that = begun.is_some_and(|begun| ended.is_that_of(&begun));
                    let elsewhere = || End::Lost("The kernel ended, but not at the end of the test.".into());
                    return Ok(if is_that { End::Over } else { elsewhere() });
                }
                Some(eip) if Some(eip) == watcher.pause && sights.len() < self.most_sights => {
                    sights.push(sight(sitting)?);
                }
                Some(eip) if Some(eip) == watcher.pause => {
                    let times = self.most_sights;
                    return Ok(End::Lost(format!(
                        "The host was let look more than {times} times, which is too often."
                    )));
                }
                _ if has_stopped(sitting) => return Ok(End::Stopped),
                None => return Ok(End::Lost("The kernel halted the CPU before the test was over.".into())),
                Some(_) => return Ok(End::Lost("The kernel tried to leave QEMU before the test was over.".into())),
            }
        }
    }
}

/// The kernel's command line for a test.
pub fn words(test: &Listed, seed: u32) -> String {
    format!("'test={}' seed={seed}", test.name)
}

/// The options for QEMU that a test needs.
pub fn flags(test: &Listed, folder: &Path) -> Vec<String> {
    let flags = test.flags.replace(HERE, &folder.to_string_lossy());
    flags.split_ascii_whitespace().chain(WITHOUT_HPET).map(String::from).collect()
}

impl Seen {
    /// Whether it ended as `test` says. The error says why not.
    pub fn accepts(&self, test: &Listed) -> std::result::Result<(), String> {
        match (&test.expected, &self.end) {
            (Expected::Good, End::Over) | (Expected::TripleFault, End::TripleFault) => Ok(()),
            (Expected::Stop(words), End::Stopped) if self.log.contains(words.as_str()) => Ok(()),
            (Expected::Stop(words), End::Stopped) => Err(format!("The kernel stopped, but without \"{words}\".")),
            (_, End::Over) => Err("The test ended, and the kernel had to stop.".into()),
            (_, End::Stopped) => Err(self.report()),
            (_, End::TripleFault) => Err("The machine was reset by a triple fault.".into()),
            (_, End::Hang) => Err(
                "The kernel hangs: it executed many times as many instructions as a right one, or keeps the devices \
                     busy."
                    .into(),
            ),
            (_, End::Sleep) => Err("The kernel hangs: it waits for an interrupt that never comes.".into()),
            (_, End::Lost(sentence)) => Err(sentence.clone()),
        }
    }

    /// The sentence with which the kernel stopped.
    fn report(&self) -> String {
        let is_report = |line: &&str| ["PANIC: ", "STOP: ", "EXCEPTION: "].iter().any(|kind| line.starts_with(kind));
        self.log.lines().find(is_report).unwrap_or("The kernel stopped.").to_owned()
    }
}

/// After an error: how the run has ended, if the kernel is to blame and not the host.
fn blamed(sitting: &mut Sitting, error: &anyhow::Error) -> Option<End> {
    const PAUSE: Duration = Duration::from_millis(100);
    let is_silent = error.chain().any(|cause| cause.is::<io::Error>());
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(status) = sitting.process().status_now() {
            // The host kills processes when memory is short.
            let is_killed = status.signal() == Some(KILL);
            return (!is_killed).then(|| End::Lost("The kernel has made QEMU crash.".into()));
        }
        if sitting.process().cpu_time() > MOST_CPU_TIME {
            return Some(End::Hang);
        }
        // QEMU still answers. So the kernel has led us astray, for example with a stack pointer to nowhere.
        if !is_silent && sitting.monitor().instructions().is_ok() {
            return Some(End::Lost("The kernel's stack is gone.".into()));
        }
        if Instant::now() > deadline {
            return None;
        }
        thread::sleep(PAUSE);
    }
}

/// The number of the signal that nothing survives.
const KILL: i32 = 9;

/// A log in which function and line follow every address; of a long one, the last part.
fn explained(log: &str, symbols: &Symbols) -> String {
    let start = log.ceil_char_boundary(log.len().saturating_sub(MOST_BYTES_OF_LOG));
    let mut read = Vec::new();
    let mut whole = log::Log::new(symbols, &mut read);
    // Writing to memory does not fail.
    let _ = whole.push(&log.as_bytes()[start..]).and_then(|()| whole.finish());
    drop(whole);
    harmless(&String::from_utf8_lossy(&read))
}

/// A text of the kernel's in which nothing controls the terminal of the person who reads it.
pub fn harmless(text: &str) -> String {
    let is_direction = |letter| matches!(letter, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}');
    let controls = |letter: char| letter.is_control() && !matches!(letter, '\n' | '\t') || is_direction(letter);
    text.replace("\r\n", "\n").replace(controls, "\u{FFFD}")
}

/// Notices that a machine waits for an interrupt that never comes. While a CPU is halted, the machine's time jumps from
/// event to event, so an interrupt that does come, comes at once.
#[derive(Default)]
struct Idle {
    instructions: u64,
    times: u32,
}

impl Idle {
    /// Whether the machine has executed nothing for many looks in a row.
    fn is_for_good(&mut self, instructions: u64) -> bool {
        const MANY: u32 = 250;
        self.times = if instructions == self.instructions { self.times + 1 } else { 0 };
        self.instructions = instructions;
        self.times >= MANY
    }
}

/// Where a function was called from.
struct Caller {
    function: String,
    ebp: u32,
    esp: u32,
}

impl Caller {
    /// Whether the same call of the same function made both calls.
    fn is_that_of(&self, other: &Self) -> bool {
        self.function == other.function
            && self.ebp == other.ebp
            && self.esp.abs_diff(other.esp) <= MOST_BYTES_OF_ARGUMENTS
    }
}

/// The places at which a kernel is paused.
struct Watcher {
    run: u32,
    end: u32,
    pause: Option<u32>,
    shown: Option<u32>,
    stops: Vec<u32>,
}

impl Watcher {
    fn new(program: &Program) -> Result<Self> {
        let (run, end) = (program.symbol(RUN)?, program.symbol(END)?);
        let maybe = |name| program.symbol(name).ok();
        let pause = maybe(PAUSE);
        let stops = [run, end].into_iter().chain(pause).chain(maybe(EXIT)).chain(maybe(HALT)).collect();
        Ok(Self { run, end, pause, shown: maybe(SHOWN), stops })
    }

    /// Where `function` was called from, at its first instruction.
    fn caller(&self, sitting: &mut Sitting, function: u32) -> Result<Caller> {
        let registers = sitting.registers()?;
        let (esp, ebp) = (registers.get("ESP")?, registers.get("EBP")?);
        let back = word(sitting, esp)?;
        let is_call = is_call_of(&sitting.program, back, function);
        // The call itself lies in the caller. After one that does not return, the next function may begin.
        let caller = if is_call { sitting.program.function_at(back - 1)? } else { String::from("no function") };
        Ok(Caller { function: caller, ebp, esp })
    }

    /// What the test has shown.
    fn shown(&self, sitting: &mut Sitting) -> Result<Vec<Shown>> {
        let Some(table) = self.shown else { return Ok(Vec::new()) };
        let count = word(sitting, table)?.min(MOST_SHOWN);
        let bytes = sitting.read(table + 4, count as usize * 12)?;
        let rows = bytes.chunks_exact(12).map(|row| [0, 4, 8].map(|at| number(&row[at..at + 4])));
        rows.collect::<Vec<_>>()
            .into_iter()
            .map(|[label, length, value]| Ok(Shown { label: text(sitting, label, length)?, value }))
            .collect()
    }
}

/// The harness has room for so many values.
const MOST_SHOWN: u32 = 4096;
/// No label is longer.
const MOST_BYTES_OF_LABEL: u32 = 200;

/// Whether the instruction before `back` calls `function`: `E8`, and how far away it is (Intel SDM volume 2A, "CALL").
fn is_call_of(program: &Program, back: u32, function: u32) -> bool {
    let Ok(code) = program.code(back.wrapping_sub(5), 5) else { return false };
    code[0] == 0xE8 && back.wrapping_add(number(&code[1..])) == function
}

/// What the kernel lets us look at, at the first instruction of the function `pause`.
fn sight(sitting: &mut Sitting) -> Result<Sight> {
    const PAGING: u32 = 1 << 31;
    let snapshot = sitting.snapshot()?;
    let is_paging = snapshot.registers.get("CR0")? & PAGING != 0;
    let space = if is_paging { Some(snapshot.space()?) } else { None };
    let view = View { snapshot: &snapshot, space };
    let esp = snapshot.registers.get("ESP")?;
    let argument = |number: u32| view.word(esp.wrapping_add(4 + 4 * number));
    let (kind, start, count) = (argument(0)?, argument(1)?, argument(2)?);
    let label = text(sitting, argument(3)?, argument(4)?)?;
    let what = match kind {
        1 => What::Bytes(view.bytes(start, count)?),
        2 => {
            let directory = |number: u32| view.word(start.wrapping_add(4 * number));
            let space = |number| Ok(pages(&snapshot.space_of(directory(number)?)?));
            What::Spaces((0..count.min(8)).map(space).collect::<Result<_>>()?)
        }
        _ => {
            let lines = snapshot.registers.0.lines().map(str::trim_end);
            let lines = lines.filter(|line| line.starts_with("FS") || line.starts_with("GS"));
            What::Registers(lines.map(String::from).collect())
        }
    };
    Ok(Sight { label, what })
}

fn pages(space: &Space) -> Vec<Page> {
    let page = |run: &memory_map::walk::Run| Page {
        address: run.page,
        frame: run.frame,
        bytes: run.bytes,
        write: run.rights.write,
        user: run.rights.user,
    };
    space.runs.iter().take(MOST_RUNS).map(page).collect()
}

/// A paused machine's memory by virtual addresses. It may not have turned on paging yet.
struct View<'a> {
    snapshot: &'a Snapshot,
    space: Option<Space>,
}

impl View<'_> {
    fn word(&self, address: u32) -> Result<u32> {
        Ok(number(&self.bytes(address, 4)?))
    }

    fn bytes(&self, start: u32, count: u32) -> Result<Vec<u8>> {
        let (mut bytes, count) = (Vec::new(), count.min(1 << 20));
        while bytes.len() < count as usize {
            let address = start.wrapping_add(bytes.len() as u32);
            let in_page = (PAGE_BYTES - address % PAGE_BYTES).min(count - bytes.len() as u32) as usize;
            let physical = self.space.as_ref().map_or(Some(address), |space| space.translate(address));
            let found = physical.and_then(|physical| self.snapshot.bytes.get(physical as usize..)?.get(..in_page));
            bytes.extend(found.with_context(|| format!("there is no memory at {address:#010x}"))?);
        }
        Ok(bytes)
    }
}

fn word(sitting: &mut Sitting, address: u32) -> Result<u32> {
    Ok(number(&sitting.read(address, 4)?))
}

fn number(bytes: &[u8]) -> u32 {
    bytes.iter().rev().fold(0, |number, byte| number << 8 | u32::from(*byte))
}

/// A label, from the kernel's file: it is a constant.
fn text(sitting: &Sitting, start: u32, length: u32) -> Result<String> {
    let length = length.min(MOST_BYTES_OF_LABEL) as usize;
    Ok(harmless(&String::from_utf8_lossy(sitting.program.code(start, length).unwrap_or(b"?"))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_does_not_control_the_terminal() {
        let log = harmless("a\r\n\u{1B}[2J\u{202E}\rb\tc\n");
        assert_eq!(log, "a\n\u{FFFD}[2J\u{FFFD}\u{FFFD}b\tc\n");
    }
}
