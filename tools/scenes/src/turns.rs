//! Turns: which thread had the CPU from when to when, and why each turn ended. Made from the switches between threads.

use anyhow::{Context, Result, bail, ensure};
use serde::Serialize;
use std::collections::BTreeMap;

/// The number of turns that ended for each reason, in the order of the kernel's reasons.
pub type Counts = Vec<u32>;

/// A switch, as found in memory.
#[derive(Clone, Debug)]
pub struct Switch {
    /// The number of ticks so far.
    pub tick: u32,
    /// The slot of the leaving thread.
    pub from: u32,
    /// The slot of the thread that comes.
    pub to: u32,
    /// How the turns of the leaving thread have ended, this one included.
    pub counts: Counts,
}

/// A turn.
#[derive(Debug, PartialEq, Serialize)]
pub struct Turn {
    /// The thread's slot.
    pub thread: u32,
    /// The number of ticks when it began.
    pub from_tick: u32,
    /// The number of ticks when it ended.
    pub to_tick: u32,
    /// Why it ended, in the kernel's word; `None` if it went on.
    pub ended_by: Option<String>,
}

impl Turn {
    /// The tick in which it no longer runs, if it began in an earlier one. A turn that goes on has the whole of its last tick.
    pub fn end(&self) -> u32 {
        self.to_tick + u32::from(self.ended_by.is_none())
    }
}

/// The facts of a whole run.
#[derive(Serialize)]
pub struct Facts {
    /// The threads in the order of their slots.
    pub threads: Vec<Thread>,
    /// From the first to the last.
    pub turns: Vec<Turn>,
}

/// A thread.
#[derive(Clone, Serialize)]
pub struct Thread {
    /// Its slot in every table of threads.
    pub slot: u32,
    /// Its name in the demonstration.
    pub name: String,
    /// The function that it runs.
    pub runs: String,
}

/// The turns between these switches. The first thread has been running since `first_tick`, and the last one
/// still runs at `last_tick`. `reasons` are the kernel's words for why a turn ends.
pub fn turns(switches: &[Switch], first_tick: u32, last_tick: u32, reasons: &[String]) -> Result<Vec<Turn>> {
    let mut counts: BTreeMap<u32, Counts> = BTreeMap::new();
    let mut turns = Vec::new();
    let mut since = first_tick;
    let mut running = switches.first().context("there was no switch")?.from;
    for (number, switch) in switches.iter().enumerate() {
        ensure!(switch.from == running, "switch {number} leaves thread {}, but thread {running} runs", switch.from);
        ensure!(switch.tick >= since, "switch {number} happens before the one before it");
        let none = vec![0; reasons.len()];
        let before = counts.insert(switch.from, switch.counts.clone()).unwrap_or(none);
        let more = switch.counts.iter().zip(&before).map(|(now, before)| now.wrapping_sub(*before));
        let grown: Vec<(&String, u32)> = reasons.iter().zip(more).filter(|(_, more)| *more != 0).collect();
        let [(reason, 1)] = grown[..] else {
            bail!(
                "switch {number} has no reason, or several, or thread {} left the CPU unseen: {switch:?}",
                switch.from
            )
        };
        let (thread, ended_by) = (running, Some(reason.clone()));
        turns.push(Turn { thread, from_tick: since, to_tick: switch.tick, ended_by });
        (since, running) = (switch.tick, switch.to);
    }
    ensure!(last_tick >= since, "the last tick is before the last switch");
    turns.push(Turn { thread: running, from_tick: since, to_tick: last_tick, ended_by: None });
    Ok(turns)
}

/// The number of turns of a thread that ended for each of these reasons.
pub fn count(turns: &[Turn], thread: u32, reasons: &[String]) -> Counts {
    let is_of = |turn: &&Turn, reason| turn.thread == thread && turn.ended_by.as_ref() == Some(reason);
    reasons.iter().map(|reason| turns.iter().filter(|turn| is_of(turn, reason)).count() as u32).collect()
}

/// The rows of the table that the kernel prints: each thread's name and its count for each of `reasons` reasons.
pub fn rows(log: &str, reasons: usize) -> Vec<(String, Counts)> {
    let row = |line: &str| {
        let mut words = line.split_whitespace();
        let name = words.next()?.to_owned();
        let numbers: Vec<u32> = words.map(str::parse).collect::<Result<_, _>>().ok()?;
        let (all, counts) = numbers.split_first()?;
        (counts.len() == reasons && *all == counts.iter().sum::<u32>()).then(|| (name, counts.to_vec()))
    };
    log.lines().filter_map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIMER: [u32; 6] = [1, 0, 0, 0, 0, 0];
    const EXIT: [u32; 6] = [1, 0, 0, 0, 0, 1];
    const SLEEP: [u32; 6] = [0, 0, 1, 0, 0, 0];

    fn reasons() -> Vec<String> {
        ["timer", "yield", "sleep", "input", "wait", "exit"].map(String::from).into()
    }

    fn switch(tick: u32, from: u32, to: u32, counts: [u32; 6]) -> Switch {
        Switch { tick, from, to, counts: counts.into() }
    }

    #[test]
    fn a_turn_lasts_from_switch_to_switch_and_ends_for_the_counted_reason() {
        let switches = [switch(4, 0, 1, TIMER), switch(4, 1, 0, SLEEP), switch(7, 0, 1, EXIT)];
        let turns = turns(&switches, 2, 9, &reasons()).expect("these follow one another");
        let turn = |thread, from_tick, to_tick, ended_by: Option<&str>| {
            let ended_by = ended_by.map(String::from);
            Turn { thread, from_tick, to_tick, ended_by }
        };
        assert_eq!(
            turns,
            [
                turn(0, 2, 4, Some("timer")),
                turn(1, 4, 4, Some("sleep")),
                turn(0, 4, 7, Some("exit")),
                turn(1, 7, 9, None)
            ]
        );
        let counts = [0, 1, 2].map(|thread| count(&turns, thread, &reasons()));
        assert_eq!(counts, [EXIT, SLEEP, [0; 6]].map(Vec::from));
    }

    #[test]
    fn impossible_switches_are_reported() {
        let reported = |switches: &[Switch]| turns(switches, 0, 9, &reasons()).expect_err("it cannot be").to_string();
        assert!(reported(&[]).contains("no switch"));
        assert!(
            reported(&[switch(1, 0, 1, TIMER), switch(2, 2, 0, TIMER)]).contains("leaves thread 2, but thread 1 runs")
        );
        assert!(reported(&[switch(5, 0, 1, TIMER), switch(4, 1, 0, TIMER)]).contains("before the one before"));
        assert!(reported(&[switch(1, 0, 1, [0; 6])]).contains("no reason"));
        assert!(reported(&[switch(1, 0, 1, EXIT)]).contains("or several"));
        assert!(reported(&[switch(1, 0, 1, [2, 0, 0, 0, 0, 0])]).contains("unseen"));
        assert!(reported(&[switch(10, 0, 1, TIMER)]).contains("before the last switch"));
    }

    #[test]
    fn the_kernels_own_table_is_understood() {
        let log = "  thread    all  timer  yield  sleep  input   wait   exit\n  A           6      5      0      0      0      0      1\n  B 7 5 0 0 0 0 1\nhello 1 2\n";
        assert_eq!(rows(log, 6), [("A".to_owned(), vec![5, 0, 0, 0, 0, 1])]);
    }
}
