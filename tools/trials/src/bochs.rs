//! Boots the same kernels in Bochs, a second emulator, which is strict where QEMU is lenient. For example, its UART
//! needs time for each byte, and loses a byte that is written too early.
//!
//! Bochs has its own clock and its own memory map. So the numbers in a log may differ from those in QEMU, and so may
//! the number of similar lines in a row. The words must be the same.

use crate::demonstrations;
use crate::difference;
use anyhow::{Context, Result};
use machine::boot::Boot;
use machine::cargo::Profile;
use machine::image;
use machine::kernels::{self, Kind};
use machine::listing::Listed;
use machine::log;
use machine::process::Process;
use machine::tally::Tally;
use machine::watch::{Orders, Typist};
use machine::workspace::{Chapter, Workspace};
use rayon::iter::{ParallelBridge, ParallelIterator};
use std::fs;
use std::io;
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

const PAUSE: Duration = Duration::from_millis(100);
const MEMORY_MIB: u32 = 16;

/// Boots the demonstrations of these chapters in Bochs and in QEMU, and compares the logs.
pub fn compare(workspace: &Workspace, chapters: &[&Chapter], timeout: Duration, tally: &Tally) -> Result<()> {
    let kernels = kernels::build(workspace, chapters, Kind::Demonstration, Profile::Kernel)?;
    chapters.iter().zip(&kernels).par_bridge().try_for_each(|(chapter, kernel)| -> Result<()> {
        let start = Instant::now();
        let outcome = match kernel {
            Some(kernel) => compare_one(workspace, chapter, kernel, timeout)?,
            None => Err("The kernel could not be built; the reason is printed above.".into()),
        };
        tally.note(&format!("{} demonstration in Bochs", chapter.name), outcome, start.elapsed());
        Ok(())
    })
}

fn compare_one(
    workspace: &Workspace,
    chapter: &Chapter,
    kernel: &Path,
    timeout: Duration,
) -> Result<std::result::Result<(), String>> {
    let words = "exit";
    let test = Listed { memory_mib: MEMORY_MIB, ..Listed::table() };
    let orders = Orders { timeout, typist: Typist::Letters("") };
    let in_qemu = Boot { workspace, kernel, words, test: &test, orders, flags: &[] }.watch(io::sink())?;
    let in_bochs = boot(kernel, words, timeout)?;
    let with_log = |reason: String| format!("{reason}\nThe log in Bochs:\n{in_bochs}");
    if let Err(reason) = in_qemu.judge(&test) {
        return Ok(Err(reason));
    }
    Ok(match demonstrations::missing_line(&demonstrations::promises(workspace, chapter), &in_bochs) {
        Some(line) => Err(with_log(format!("The log lacks the line: {line}"))),
        None => same_words(&in_qemu.text, &in_bochs).map_err(with_log),
    })
}

/// Boots a kernel in Bochs until the demonstration is over or the time is up, and returns the log.
fn boot(kernel: &Path, words: &str, timeout: Duration) -> Result<String> {
    let folder = tempfile::tempdir()?;
    let place = |name: &str| folder.path().join(name);
    image::make(kernel, words, false, &place("image.iso"))?;
    fs::write(place("bochsrc"), configuration(folder.path()))?;
    fs::write(place("orders"), "continue\n")?;
    // Bochs needs a terminal to draw its screen on.
    let command = format!("bochs -q -f '{0}/bochsrc' -rc '{0}/orders'", folder.path().display());
    let mut bochs = Process::start(Command::new("script").args(["-qec", &command, "/dev/null"]).env("TERM", "vt100"))
        .context("Bochs needs a terminal from the program `script`, which could not be started")?;
    let start = Instant::now();
    let mut text = String::new();
    while start.elapsed() < timeout && bochs.is_running() {
        thread::sleep(PAUSE);
        text = String::from_utf8_lossy(&fs::read(place("log")).unwrap_or_default()).into_owned();
        if log::says_over(&text) {
            break;
        }
    }
    Ok(text)
}

fn configuration(folder: &Path) -> String {
    let folder = folder.display();
    format!(
        "config_interface: textconfig\n\
         display_library: term\n\
         megs: {MEMORY_MIB}\n\
         cpu: ips=50000000\n\
         clock: sync=none, time0=utc\n\
         speaker: enabled=0\n\
         ata0-master: type=cdrom, path={folder}/image.iso, status=inserted\n\
         boot: cdrom\n\
         com1: enabled=1, mode=file, dev={folder}/log\n\
         log: {folder}/bochs\n"
    )
}

/// Whether both logs have the same words. The error shows the difference.
fn same_words(in_qemu: &str, in_bochs: &str) -> std::result::Result<(), String> {
    let (in_qemu, in_bochs) = (shapes(in_qemu), shapes(in_bochs));
    match difference::between(("in QEMU", &in_qemu), ("in Bochs", &in_bochs)) {
        None => Ok(()),
        Some(lines) => Err(format!("The two logs differ (N stands for a number):\n{lines}")),
    }
}

/// The lines without what depends on the clock or the memory map. Of lines in a row that then are the same, one stays.
fn shapes(text: &str) -> String {
    let mut shapes: Vec<String> = text
        .lines()
        .map(|line| line.split_whitespace().map(shape).collect())
        .map(|words: Vec<_>| words.join(" "))
        .collect();
    shapes.dedup();
    shapes.join("\n") + "\n"
}

/// The word itself; or "N" if it contains a digit, or "turns" if it is letters that threads have printed in turn.
fn shape(word: &str) -> &str {
    let are_turns = word.len() > 10 && word.chars().all(|letter| "ABC.".contains(letter));
    match word {
        _ if word.contains(|letter: char| letter.is_ascii_digit()) => "N",
        _ if are_turns => "turns",
        _ => word,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_numbers_may_differ() {
        let one = "memory:\n 0 to 639 KiB Available(1)\n 640 to 700 KiB Reserved(2)\nAABBCC.AABBCC\nover\n";
        let other = "memory:\n 0 to 636 KiB Available(1)\nAAABBBCCCABC...\nover\n";
        assert_eq!(same_words(one, other), Ok(()));
        let reason =
            same_words(one, "memory:\n 0 to 636 KiB Available(1)\nAAABBBCCCABC...\n").expect_err("one line less");
        assert!(reason.ends_with("\n-over"), "{reason}");
        assert!(same_words("fork() returned 2", "fork() returns 2").is_err());
        assert!(same_words("a\nb", "b\na").is_err());
    }
}
