//! Chapter 8: which thread had the CPU when, and why each turn ended.
//!
//! The machine is stopped at every context switch. The two registers with the switch's arguments identify the thread
//! that leaves and the one that comes. Memory holds the number of ticks so far, and how many turns of the leaving
//! thread ended for each reason. The count that has grown by one since its last switch shows the reason.

use crate::Files;
use crate::functions::Functions;
use crate::machine::Machine;
use crate::paper::Table;
use crate::timeline_drawing;
use crate::turns::{self, Facts, Switch, Thread, Turn};
use anyhow::{Context, Result, bail, ensure};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

const WORD: u32 = 4;

/// The number of the stop that repeats: the switches. At the next one, the demonstration ends.
const SWITCH: usize = 0;

/// A longer demonstration is not the chapter's.
const MOST_TICKS: u32 = 1000;
const MOST_SWITCHES: usize = 1000;

/// What has to be known about the kernel.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Plan {
    /// The address of the number of ticks so far.
    pub ticks: u32,
    /// A word for each thread: the address of its context.
    pub contexts: u32,
    /// In the context of a new thread, the offset of its function.
    pub entry_offset: u32,
    /// In the same context, the offset of the function's argument.
    pub argument_offset: u32,
    /// For each thread, how many of its turns ended for each reason.
    pub counts: u32,
    /// The kernel's words for the reasons, in this order.
    pub reasons: Vec<String>,
    /// The named threads, by the function that each runs.
    pub threads: Vec<(String, String)>,
    /// The function whose threads are named by their argument, a letter.
    pub named_by_argument: String,
    /// The functions.
    pub functions: Functions,
}

/// The picture, which grows.
pub struct Album {
    plan: Plan,
    threads: BTreeMap<u32, Thread>,
    switches: Vec<Switch>,
}

impl Album {
    /// Only the first thread has run so far.
    pub fn new(plan: Plan) -> Self {
        let threads = BTreeMap::from([(0, Thread { slot: 0, name: "first".into(), runs: "kernel".into() })]);
        Self { plan, threads, switches: Vec::new() }
    }

    /// Adds the switch that is about to happen.
    pub fn add_switch(&mut self, machine: &Machine) -> Result<()> {
        ensure!(self.switches.len() < MOST_SWITCHES, "there are too many switches to draw");
        let (switch, context) = self.plan.switch(machine)?;
        if let Entry::Vacant(new) = self.threads.entry(switch.to) {
            new.insert(self.plan.new_thread(machine, switch.to, context)?);
        }
        self.switches.push(switch);
        Ok(())
    }

    /// All turns so far.
    pub fn facts(&self, machine: &Machine) -> Result<Facts> {
        let last_tick = self.plan.ticks(machine)?;
        ensure!(last_tick <= MOST_TICKS, "{last_tick} ticks are too many to draw");
        let turns = turns::turns(&self.switches, 0, last_tick, &self.plan.reasons)?;
        Ok(Facts { threads: self.threads.values().cloned().collect(), turns })
    }
}

impl crate::Album for Album {
    fn moment(&mut self, stop: usize, machine: &Machine) -> Result<Files> {
        if stop == SWITCH {
            self.add_switch(machine)?;
        }
        self.now(machine)
    }

    fn now(&self, machine: &Machine) -> Result<Files> {
        let facts = self.facts(machine)?;
        timeline_drawing::draw(&facts, tables(&facts, &self.plan.reasons)).files(&facts)
    }
}

impl Plan {
    fn ticks(&self, machine: &Machine) -> Result<u32> {
        machine.memory.word(self.ticks).context("the count of ticks does not lie in memory")
    }

    /// The switch that is about to happen, and the context that it loads.
    fn switch(&self, machine: &Machine) -> Result<(Switch, u32)> {
        let space = machine.space()?;
        let word = |table: u32, number: u32| {
            let address = number.checked_mul(WORD).and_then(|offset| table.checked_add(offset));
            address
                .and_then(|address| machine.word(&space, address))
                .context("a thread's number lies beyond the tables")
        };
        let slot = |register: u32| register.checked_sub(1).context("no thread has this number");
        let (from, to) = (slot(machine.registers.ecx)?, slot(machine.registers.edx)?);
        let reasons = self.reasons.len() as u32;
        let first = from.checked_mul(reasons).context("no thread has this number")?;
        let counts = (0..reasons).map(|reason| word(self.counts, first.saturating_add(reason)));
        let counts = counts.collect::<Result<_>>()?;
        Ok((Switch { tick: self.ticks(machine)?, from, to, counts }, word(self.contexts, to)?))
    }

    /// A thread that runs for the first time, named after the function in its context.
    fn new_thread(&self, machine: &Machine, slot: u32, context: u32) -> Result<Thread> {
        let space = machine.space()?;
        let word = |offset| {
            let address = context.checked_add(offset);
            address.and_then(|address| machine.word(&space, address)).context("a new thread without a stack")
        };
        let (entry, argument) = (word(self.entry_offset)?, word(self.argument_offset)?);
        let runs = self.functions.name_at(entry).context("a thread without a function")?.to_owned();
        let function = self.functions.short_name_at(entry).unwrap_or_default();
        let name = match self.threads.iter().find(|(other, _)| *other == function) {
            Some((_, name)) => name.clone(),
            None if function == self.named_by_argument => {
                char::from_u32(argument).filter(|letter| letter.is_alphanumeric()).context("no letter")?.to_string()
            }
            None => bail!("a thread runs `{function}`, which has no name here"),
        };
        Ok(Thread { slot, name, runs })
    }
}

fn tables(facts: &Facts, reasons: &[String]) -> Vec<Table> {
    let turn = |(number, turn): (usize, &Turn)| {
        let ended_by = turn.ended_by.clone().unwrap_or("(went on)".into());
        let [number, from, to] = [number as u32, turn.from_tick, turn.to_tick].map(|number| number.to_string());
        vec![number, facts.name(turn.thread).into(), from, to, ended_by]
    };
    let counts = |thread: &Thread| {
        let counts = turns::count(&facts.turns, thread.slot, reasons);
        let numbers = [counts.iter().sum()].into_iter().chain(counts).map(|number: u32| number.to_string());
        [thread.name.clone()].into_iter().chain(numbers).collect()
    };
    let turns = (1..).zip(&facts.turns).map(turn);
    let mut all = Table::new(&["thread", "all"], facts.threads.iter().map(counts));
    all.columns.extend(reasons.iter().cloned());
    vec![Table::new(&["turn", "thread", "from tick", "to tick", "ended by"], turns), all]
}

impl Facts {
    /// The name of the thread in this slot.
    pub fn name(&self, slot: u32) -> &str {
        self.threads.iter().find(|thread| thread.slot == slot).map_or("?", |thread| &thread.name)
    }
}
