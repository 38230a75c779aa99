//! Boots the demonstrations as `make run` boots them, and checks their logs.
//!
//! A chapter's `tests/demonstration.txt` lists what its demonstration must print. Each of its lines must be a line of
//! the log. `N` stands for a number, which is the same everywhere in the line. Each kernel must work with little memory
//! and with much.

use crate::booted;
use anyhow::Result;
use machine::cargo::Profile;
use machine::ending::ENOUGH_MIB;
use machine::kernels::{self, Kind};
use machine::listing::{Expected, Listed};
use machine::tally::Tally;
use machine::workspace::{Chapter, Workspace};
use rayon::iter::{ParallelBridge, ParallelIterator};
use std::fs;
use std::time::{Duration, Instant};

/// A machine: its memory in MiB, its CPU by QEMU's name (empty for QEMU's default), and more options.
type Parts = (u32, &'static str, &'static str);

/// The machines on which every chapter is tested, with the oldest CPU and the newest among them.
const MACHINES: [Parts; 6] =
    [(ENOUGH_MIB, "486", ""), (16, "", ""), (128, "", ""), (512, "", ""), (3072, "max", ""), (16, "", NO_KEYBOARD)];

/// More memories and more CPUs, for `make stress`. QEMU's 486 has pages of 4 MiB, which a real one lacks, but neither
/// `cmov` nor `cmpxchg8b`.
const MEMORIES_MIB: [u32; 9] = [ENOUGH_MIB, 16, 32, 127, 128, 129, 256, 1024, 3072];
const CPUS: [&str; 9] = ["486", "pentium", "pentium2", "pentium3", "athlon", "coreduo", "core2duo", "Nehalem", "max"];

/// Unusual machines. A chapter that needs what such a machine lacks has to refuse it.
const ODD_MACHINES: [Parts; 8] = [
    (16, TOO_OLD, ""),
    (16, "", NO_INTERRUPT_CONTROLLERS),
    (16, "", NO_TIMER),
    (16, "pentium", "-machine isapc"),
    (16, "", "-vga none"),
    (16, "", "-smp 4"),
    (16, "", "-icount shift=auto"),
    (16, "", "-rtc base=2038-01-19T03:14:00"),
];

const TOO_OLD: &str = "486,-pse";
const NO_INTERRUPT_CONTROLLERS: &str = "-machine q35,pic=off";
const NO_TIMER: &str = "-machine q35,pit=off";
const NO_KEYBOARD: &str = "-machine q35,i8042=off";

/// The message with which a chapter refuses a machine, if it does.
fn refusal(chapter: &str, (_, cpu, flags): Parts) -> Option<&'static str> {
    match (cpu, flags) {
        (TOO_OLD, _) if chapter >= "05" => Some("STOP: this kernel needs a CPU with pages of 4 MiB (PSE)"),
        (_, NO_INTERRUPT_CONTROLLERS) if chapter >= "07" => {
            Some("STOP: this kernel needs a PC's interrupt controllers (8259A) and finds none")
        }
        (_, NO_TIMER) if chapter >= "07" => Some("STOP: this kernel needs a PC's interval timer (8254) and finds none"),
        (_, NO_KEYBOARD) if chapter.starts_with("08") => {
            Some("STOP: this demonstration needs a keyboard controller (8042) that sends a key, and finds none")
        }
        _ => None,
    }
}

/// Boots the demonstrations of these chapters on a few machines.
pub fn test(workspace: &Workspace, chapters: &[&Chapter], timeout: Duration, tally: &Tally) -> Result<()> {
    boot_on(workspace, chapters, &MACHINES, timeout, tally)
}

/// Boots them with every size of memory and every CPU, which the seed combines, and on the unusual machines.
pub fn sweep(workspace: &Workspace, chapters: &[&Chapter], seed: u32, timeout: Duration, tally: &Tally) -> Result<()> {
    let cpus = CPUS.into_iter().cycle().skip(seed as usize % CPUS.len());
    let machines: Vec<Parts> =
        MEMORIES_MIB.into_iter().zip(cpus).map(|(memory, cpu)| (memory, cpu, "")).chain(ODD_MACHINES).collect();
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
    runs.par_bridge().try_for_each(|((chapter, kernel), &machine)| -> Result<()> {
        let (memory_mib, cpu, flags) = machine;
        if tally.has_enough() {
            return Ok(());
        }
        let start = Instant::now();
        let on = if cpu.is_empty() { String::new() } else { format!(" and the CPU {cpu}") };
        let with = if flags.is_empty() { String::new() } else { format!(" and {flags}") };
        let what = format!("{} demonstration with {memory_mib} MiB{on}{with}", chapter.name);
        let Some(kernel) = kernel else {
            tally.note(
                &what,
                Err("The kernel could not be built; the reason is printed above.".into()),
                start.elapsed(),
            );
            return Ok(());
        };
        let refusal = refusal(&chapter.name, machine);
        let expected = refusal.map_or(Expected::Good, |words| Expected::Stop(words.into()));
        let machine = Listed { memory_mib, cpu: cpu.into(), flags: flags.into(), expected, ..Listed::table() };
        let run = booted::watch(workspace, kernel, "exit", &machine, timeout)?;
        let outcome = match (run.judge(&machine), missing_line(&promises(workspace, chapter), &run.text)) {
            (Ok(()), Some(line)) if refusal.is_none() => {
                Err(format!("The log lacks the line: {line}\n{}", run.story()))
            }
            (verdict, _) => verdict,
        };
        tally.note(&what, outcome, start.elapsed());
        Ok(())
    })
}

/// The lines that the demonstration of a chapter must print.
pub fn promises(workspace: &Workspace, chapter: &Chapter) -> String {
    let file = workspace.root.join("chapters").join(&chapter.name).join("tests/demonstration.txt");
    fs::read_to_string(file).unwrap_or_default()
}

/// The first line of `promised` that is not a line of `text`.
pub fn missing_line<'a>(promised: &'a str, text: &str) -> Option<&'a str> {
    promised.lines().find(|line| !text.lines().any(|said| is_said(line, said)))
}

/// Whether the line `said` is what `promised` asks for, word by word.
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
    fn every_promised_line_must_be_printed_completely() {
        let text = "hello\nfork() returned 2  \nover\n";
        assert_eq!(missing_line("over\nfork() returned 2\n", text), None);
        assert_eq!(missing_line("hello\nfork() returned\n", text), Some("fork() returned"));
        assert_eq!(missing_line("", text), None);
    }

    #[test]
    fn a_number_in_any_place_is_the_same() {
        assert!(is_said("frames: N before, N after", "frames: 18 before, 18 after"));
        assert!(!is_said("frames: N before, N after", "frames: 18 before, 19 after"));
        assert!(!is_said("frames: N before, N after", "frames: no before, no after"));
    }
}
