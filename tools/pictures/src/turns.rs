//! Turns: which thread had the CPU from when to when, and why each turn ended. Made from the switches between threads.

use anyhow::{Context, Result, ensure};
use serde::{Serialize, Serializer};
use std::collections::BTreeMap;
use threads::Reason;

/// The number of turns that ended for each reason, in the order of [`Reason::ALL`].
pub type Counts = [u32; Reason::ALL.len()];

/// A switch, as found in memory.
#[derive(Clone, Copy, Debug)]
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
    /// Why it ended; `None` if it went on.
    #[serde(serialize_with = "serialize")]
    pub ended_by: Option<Reason>,
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

/// The word for a reason in the kernel's table.
pub fn name(reason: Reason) -> String {
    format!("{reason:?}").to_lowercase()
}

fn serialize<S: Serializer>(reason: &Option<Reason>, serializer: S) -> Result<S::Ok, S::Error> {
    reason.map(name).serialize(serializer)
}

/// The turns between these switches. The first thread has been running since `first_tick`, and the last one
/// still runs at `last_tick`.
pub fn turns(switches: &[Switch], first_tick: u32, last_tick: u32) -> Result<Vec<Turn>> {
    let mut counts: BTreeMap<u32, Counts> = BTreeMap::new();
    let mut turns = Vec::new();
    let mut since = first_tick;
    let mut running = switches.first().context("there was no switch")?.from;
    for (number, switch) in switches.iter().enumerate() {
        ensure!(switch.from == running, "switch {number} leaves thread {}, but thread {running} runs", switch.from);
        ensure!(switch.tick >= since, "switch {number} happens before the one before it");
        let before = counts.insert(switch.from, switch.counts).unwrap_or_default();
        let ended_by = Reason::ALL.into_iter().zip(switch.counts.into_iter().zip(before));
        let ended_by: Vec<Reason> =
            ended_by.filter(|(_, (now, before))| now == &(before + 1)).map(|(reason, _)| reason).collect();
        let was_seen = switch.counts.iter().sum::<u32>() == before.iter().sum::<u32>() + 1;
        let [reason] = ended_by[..] else { anyhow::bail!("switch {number} has no reason, or several: {switch:?}") };
        ensure!(was_seen, "before switch {number}, thread {} left the CPU unseen", switch.from);
        turns.push(Turn { thread: running, from_tick: since, to_tick: switch.tick, ended_by: Some(reason) });
        (since, running) = (switch.tick, switch.to);
    }
    turns.push(Turn { thread: running, from_tick: since, to_tick: last_tick, ended_by: None });
    Ok(turns)
}

/// The number of turns of a thread that ended for each reason.
pub fn count(turns: &[Turn], thread: u32) -> Counts {
    let ended = |reason| turns.iter().filter(|turn| turn.thread == thread && turn.ended_by == Some(reason)).count();
    Reason::ALL.map(|reason| ended(reason) as u32)
}

/// The rows of the table that the kernel prints: each thread's name and counts.
pub fn rows(log: &str) -> Vec<(String, Counts)> {
    let row = |line: &str| {
        let mut words = line.split_whitespace();
        let name = words.next()?.to_owned();
        let numbers: Vec<u32> = words.map(str::parse).collect::<Result<_, _>>().ok()?;
        let (all, counts) = numbers.split_first()?;
        let counts: Counts = counts.try_into().ok()?;
        (*all == counts.iter().sum::<u32>()).then_some((name, counts))
    };
    log.lines().filter_map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIMER: Counts = [1, 0, 0, 0, 0, 0];
    const EXIT: Counts = [1, 0, 0, 0, 0, 1];
    const SLEEP: Counts = [0, 0, 1, 0, 0, 0];

    fn switch(tick: u32, from: u32, to: u32, counts: Counts) -> Switch {
        Switch { tick, from, to, counts }
    }

    #[test]
    fn a_turn_lasts_from_switch_to_switch_and_ends_for_the_counted_reason() {
        let switches = [switch(4, 0, 1, TIMER), switch(4, 1, 0, SLEEP), switch(7, 0, 1, EXIT)];
        let turns = turns(&switches, 2, 9).expect("these follow one another");
        let turn = |thread, from_tick, to_tick, ended_by| Turn { thread, from_tick, to_tick, ended_by };
        assert_eq!(
            turns,
            [
                turn(0, 2, 4, Some(Reason::Timer)),
                turn(1, 4, 4, Some(Reason::Sleep)),
                turn(0, 4, 7, Some(Reason::Exit)),
                turn(1, 7, 9, None)
            ]
        );
        assert_eq!((count(&turns, 0), count(&turns, 1), count(&turns, 2)), (EXIT, SLEEP, Counts::default()));
    }

    #[test]
    fn impossible_switches_are_reported() {
        let reported = |switches: &[Switch]| turns(switches, 0, 9).expect_err("it cannot be").to_string();
        assert!(reported(&[]).contains("no switch"));
        assert!(
            reported(&[switch(1, 0, 1, TIMER), switch(2, 2, 0, TIMER)]).contains("leaves thread 2, but thread 1 runs")
        );
        assert!(reported(&[switch(5, 0, 1, TIMER), switch(4, 1, 0, TIMER)]).contains("before the one before"));
        assert!(reported(&[switch(1, 0, 1, [0; 6])]).contains("no reason"));
        assert!(reported(&[switch(1, 0, 1, EXIT)]).contains("or several"));
        assert!(reported(&[switch(1, 0, 1, [1, 2, 0, 0, 0, 0])]).contains("unseen"));
    }

    #[test]
    fn the_kernels_own_table_is_understood() {
        let log = "  thread    all  timer  yield  sleep  input   wait   exit\n  A           6      5      0      0      0      0      1\n  B 7 5 0 0 0 0 1\nhello 1 2\n";
        assert_eq!(rows(log), [("A".to_owned(), [5, 0, 0, 0, 0, 1])]);
        let columns: Vec<&str> = log.lines().next().expect("a line").split_whitespace().skip(2).collect();
        assert_eq!(columns, Reason::ALL.map(name));
    }
}
