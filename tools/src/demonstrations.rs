//! The demonstrations, booted as `make run` boots them, and held to what they promise.
//!
//! What a demonstration has to say stands in the chapter's `tests/demonstration.txt`: every line of it
//! must be a line of the log, where `N` stands for a number, in one line always the same. And each kernel has to work with little memory and with much.

use crate::booted;
use crate::cargo::Profile;
use crate::chapters::{Chapter, Workspace};
use crate::kernels::{self, Kind};
use crate::listing::{Expected, Listed};
use crate::tally::Tally;
use anyhow::Result;
use std::fs;
use std::time::{Duration, Instant};

/// A memory, in MiB, that is enough for every chapter.
pub const ENOUGH_MIB: u32 = 8;

/// A machine: its memory in MiB, and its CPU by QEMU's name, which is empty for QEMU's own choice.
type Parts = (u32, &'static str);

/// What has to do for every chapter, with the oldest CPU and the newest among them.
const MACHINES: [Parts; 5] = [(ENOUGH_MIB, "486"), (16, ""), (128, ""), (512, ""), (3072, "max")];

/// More of both, for those who have time. QEMU's 486 has the pages of 4 MiB that a real one lacks, but
/// neither `cmov` nor `cmpxchg8b`.
const MEMORIES_MIB: [u32; 9] = [ENOUGH_MIB, 16, 32, 127, 128, 129, 256, 1024, 3072];
const CPUS: [&str; 9] = ["486", "pentium", "pentium2", "pentium3", "athlon", "coreduo", "core2duo", "Nehalem", "max"];

/// A CPU that the chapters from this one on refuse, and how.
const TOO_OLD: &str = "486,-pse";
const FIRST_WITH_PAGING: &str = "05-paging";
const REFUSAL: &str = "STOP: this kernel needs a CPU with pages of 4 MiB (PSE)";

/// Boots the demonstrations of these chapters on a few machines.
pub fn test(workspace: &Workspace, chapters: &[&Chapter], timeout: Duration, tally: &Tally) -> Result<()> {
    boot_on(workspace, chapters, &MACHINES, timeout, tally)
}

/// Boots them with every size of memory and every CPU; the seed decides which meets which.
pub fn sweep(workspace: &Workspace, chapters: &[&Chapter], seed: u32, timeout: Duration, tally: &Tally) -> Result<()> {
    let cpus = CPUS.into_iter().cycle().skip(seed as usize % CPUS.len());
    let machines: Vec<Parts> = MEMORIES_MIB.into_iter().zip(cpus).chain([(16, TOO_OLD)]).collect();
    boot_on(workspace, chapters, &machines, timeout, tally)
}

fn boot_on(
    workspace: &Workspace,
    chapters: &[&Chapter],
    machines: &[Parts],
    timeout: Duration,
    tally: &Tally,
) -> Result<()> {
    let kernels = kernels::build(workspace, chapters, Kind::Demonstration, Profile::Kernel)?;
    let runs = chapters.iter().zip(&kernels).flat_map(|run| machines.iter().map(move |machine| (run, machine)));
    booted::in_parallel(runs, |((chapter, kernel), &(memory_mib, cpu))| {
        if tally.has_enough() {
            return Ok(());
        }
        let start = Instant::now();
        let on = if cpu.is_empty() { String::new() } else { format!(" and the CPU {cpu}") };
        let what = format!("{} demonstration with {memory_mib} MiB{on}", chapter.name);
        let Some(kernel) = kernel else {
            tally.note(&what, Err("The kernel could not be built; the reason stands above.".into()), start.elapsed());
            return Ok(());
        };
        let refuses = cpu == TOO_OLD && chapter.name.as_str() >= FIRST_WITH_PAGING;
        let expected = if refuses { Expected::Stop(REFUSAL.into()) } else { Expected::Good };
        let machine = Listed { memory_mib, cpu: cpu.into(), expected, ..Listed::table() };
        let run = booted::watch(workspace, kernel, "exit", &machine, timeout)?;
        let outcome = match (run.judge(&machine), missing_line(&promises(workspace, chapter), &run.text)) {
            (Ok(()), Some(line)) if !refuses => Err(format!("The log lacks the line: {line}\n{}", run.story())),
            (verdict, _) => verdict,
        };
        tally.note(&what, outcome, start.elapsed());
        Ok(())
    })
}

/// The lines that the demonstration of a chapter has to say.
pub fn promises(workspace: &Workspace, chapter: &Chapter) -> String {
    let file = workspace.root.join("chapters").join(&chapter.name).join("tests/demonstration.txt");
    fs::read_to_string(file).unwrap_or_default()
}

/// The first line of `promised` that is no line of `text`.
pub fn missing_line<'a>(promised: &'a str, text: &str) -> Option<&'a str> {
    promised.lines().find(|line| !text.lines().any(|said| is_said(line, said)))
}

/// Is `said` what `promised` asks for, word by word?
fn is_said(promised: &str, said: &str) -> bool {
    let (mut promised, mut said) = (promised.split_whitespace(), said.split_whitespace());
    let mut number = None;
    loop {
        match (promised.next(), said.next()) {
            (None, None) => return true,
            (Some("N"), Some(word)) if word.parse::<u32>().is_ok() => {
                if *number.get_or_insert(word) != word {
                    return false;
                }
            }
            (Some(asked), Some(word)) if asked == word => {}
            _ => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_promised_line_must_be_said_as_a_whole() {
        let text = "hello\nfork() returned 2  \nover\n";
        assert_eq!(missing_line("over\nfork() returned 2\n", text), None);
        assert_eq!(missing_line("hello\nfork() returned\n", text), Some("fork() returned"));
        assert_eq!(missing_line("", text), None);
    }

    #[test]
    fn a_number_is_the_same_wherever_it_stands() {
        assert!(is_said("frames: N before, N after", "frames: 18 before, 18 after"));
        assert!(!is_said("frames: N before, N after", "frames: 18 before, 19 after"));
        assert!(!is_said("frames: N before, N after", "frames: no before, no after"));
    }
}
