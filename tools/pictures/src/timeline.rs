//! Chapter 8: which thread had the CPU when, and why each turn ended.
//!
//! The machine is stopped at every context switch. The two registers with the switch's arguments identify the thread
//! that leaves and the one that comes. Memory holds the number of ticks so far, and how many turns of the leaving
//! thread ended for each reason. The count that has grown by one since its last switch shows the reason.

use crate::paper::Table;
use crate::turns::{self, Facts, Switch, Thread, Turn};
use crate::{Files, log_file, names, timeline_drawing};
use anyhow::{Context, Result, bail, ensure};
use probe::program::Program;
use probe::sitting::Sitting;
use probe::snapshot::Snapshot;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use threads::Reason;

const WORD: u32 = 4;

/// Takes the picture of the whole demonstration.
pub fn take(mut sitting: Sitting) -> Result<Files> {
    let places = Places::of(&sitting.program)?;
    sitting.stop_briefly()?;
    let mut threads = BTreeMap::from([(0, Thread { slot: 0, name: "first".into(), runs: "kernel".into() })]);
    let mut switches = Vec::new();
    let last_tick = loop {
        let Some(snapshot) = sitting.until_one_of(names::SWITCH, names::END)? else {
            break places.ticks(&sitting.snapshot()?)?;
        };
        let (switch, context) = places.switch(&snapshot)?;
        if let Entry::Vacant(new) = threads.entry(switch.to) {
            new.insert(new_thread(&sitting.program, &snapshot, switch.to, context)?);
        }
        switches.push(switch);
    };
    let log = sitting.finish()?;
    let turns = turns::turns(&switches, 0, last_tick)?;
    let facts = Facts { threads: threads.into_values().collect(), turns };
    agree(&facts, &log)?;
    let mut files = timeline_drawing::draw(&facts, tables(&facts)).files(&facts)?;
    // If the stops changed the run, this log would differ from the one without stops.
    files.extend([log_file("08", &log)]);
    Ok(files)
}

/// The addresses of the kernel's variables.
struct Places {
    ticks: u32,
    /// A word for each thread: the address of its context.
    contexts: u32,
    counts: u32,
}

impl Places {
    fn of(program: &Program) -> Result<Self> {
        Ok(Self {
            ticks: program.field(names::TICKS)?,
            contexts: program.field(names::CONTEXTS)?,
            counts: program.field(names::TURN_COUNTS)?,
        })
    }

    fn ticks(&self, snapshot: &Snapshot) -> Result<u32> {
        snapshot.memory().word(self.ticks).context("the count of ticks does not lie in memory")
    }

    /// The switch that is about to happen, and the context that it loads.
    fn switch(&self, snapshot: &Snapshot) -> Result<(Switch, u32)> {
        let space = snapshot.space()?;
        let word =
            |address: u32| snapshot.word(&space, address).with_context(|| format!("nothing lies at {address:#010x}"));
        let slot = |register| snapshot.registers.get(register)?.checked_sub(1).context("no thread has this number");
        let (from, to) = (slot("ECX")?, slot("EDX")?);
        let mut counts = turns::Counts::default();
        let first = self.counts + from * size_of_val(&counts) as u32;
        for (count, number) in counts.iter_mut().zip(0..) {
            *count = word(first + number * WORD)?;
        }
        Ok((Switch { tick: self.ticks(snapshot)?, from, to, counts }, word(self.contexts + to * WORD)?))
    }
}

/// A thread that runs for the first time, named after the function in its context.
fn new_thread(program: &Program, snapshot: &Snapshot, slot: u32, context: u32) -> Result<Thread> {
    let space = snapshot.space()?;
    let word = |offset| snapshot.word(&space, context + offset).context("a new thread without a stack");
    let runs = program.function_at(word(names::ENTRY_OFFSET)?)?;
    let argument = word(names::ARGUMENT_OFFSET)?;
    let function = runs.rsplit("::").next().unwrap_or(&runs);
    let name = match names::THREADS.into_iter().find(|(other, _)| *other == function) {
        Some((_, name)) => name.into(),
        None if function == names::NAMED_BY_ARGUMENT => char::from_u32(argument).context("no letter")?.to_string(),
        None => bail!("a thread runs `{function}`, which has no name here"),
    };
    Ok(Thread { slot, name, runs })
}

/// Checks that the picture agrees with the kernel's own table.
fn agree(facts: &Facts, log: &str) -> Result<()> {
    let said = turns::rows(log);
    ensure!(!said.is_empty(), "The kernel prints no table.\n{log}");
    for (name, counts) in said {
        let thread = facts.threads.iter().find(|thread| thread.name == name);
        let thread = thread.with_context(|| format!("The kernel reports a thread {name} that never ran."))?;
        let found = turns::count(&facts.turns, thread.slot);
        ensure!(found == counts, "Of {name}, the kernel counts {counts:?}, but {found:?} were seen.\n{log}");
    }
    Ok(())
}

fn tables(facts: &Facts) -> Vec<Table> {
    let turn = |(number, turn): (usize, &Turn)| {
        let ended_by = turn.ended_by.map_or("(went on)".into(), turns::name);
        let [number, from, to] = [number as u32, turn.from_tick, turn.to_tick].map(|number| number.to_string());
        vec![number, facts.name(turn.thread).into(), from, to, ended_by]
    };
    let counts = |thread: &Thread| {
        let counts = turns::count(&facts.turns, thread.slot);
        let numbers = [counts.iter().sum()].into_iter().chain(counts).map(|number: u32| number.to_string());
        [thread.name.clone()].into_iter().chain(numbers).collect()
    };
    let turns = (1..).zip(&facts.turns).map(turn);
    let mut all = Table::new(&["thread", "all"], facts.threads.iter().map(counts));
    all.columns.extend(Reason::ALL.map(turns::name));
    vec![Table::new(&["turn", "thread", "from tick", "to tick", "ended by"], turns), all]
}

impl Facts {
    /// The name of the thread in this slot.
    pub fn name(&self, slot: u32) -> &str {
        self.threads.iter().find(|thread| thread.slot == slot).map_or("?", |thread| &thread.name)
    }
}
