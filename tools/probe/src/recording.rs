//! A run that QEMU writes down, and can run again to the last instruction: in gdb also backwards.
//!
//! To go back, QEMU loads an earlier snapshot and goes forward from there, up to the instruction before. What comes from
//! outside, such as what the CD answers and when, is taken from the recording. So whatever a person looks at, it is the
//! same run.

use crate::subject::Subject;
use anyhow::{Context, Result, bail};
use machine::display::Display;
use machine::ending::Ending;
use machine::image;
use machine::interrupt;
use machine::log::Log;
use machine::symbols::Symbols;
use machine::vm::{CannotStart, Machine, Parts};
use machine::watch::{self, Ended, Orders};
use std::fs::File;
use std::io::Write;
use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Of 32 nanoseconds for each instruction, unless the machine has a clock of its own.
const CLOCK: &str = "shift=5,";
/// Where QEMU's answer tells how far a replay is.
const COUNT: &str = "instruction count = ";
/// A replay may take so many times as long as what was recorded.
const SLOWER: u32 = 5;
const PAUSE: Duration = Duration::from_millis(20);
/// The snapshots lie in a layer over this disk, which QEMU removes when it ends.
const DISK_BYTES: u64 = 64 * 1024;

/// The files of one recording, which go when it does.
pub struct Recording {
    folder: TempDir,
    image: PathBuf,
}

/// How the run went that was recorded.
pub struct Recorded {
    /// How it ended, and where.
    pub ended: Ended,
    /// Whether that is how it has to end.
    pub is_as_expected: bool,
}

/// What QEMU does with it.
#[derive(Clone, Copy)]
enum Mode {
    Record,
    Replay,
}

impl Recording {
    /// A recording of nothing yet, with the CD that is to be booted.
    pub fn of(subject: &Subject) -> Result<Self> {
        let folder = tempfile::tempdir().context("no temporary folder could be made")?;
        let recording = Self { image: folder.path().join("image.iso"), folder };
        image::make(&subject.kernel, &subject.words, subject.test.module, &recording.image)?;
        let disk = File::create(recording.file("disk")).and_then(|disk| disk.set_len(DISK_BYTES));
        disk.context("the disk for the snapshots could not be made")?;
        Ok(recording)
    }

    /// Records the run to its end, while `reader` reads the log along.
    pub fn record(
        &self,
        subject: &Subject,
        flags: &[String],
        timeout: Duration,
        symbols: &Symbols,
        reader: impl Write,
    ) -> Result<Recorded> {
        let flags = self.flags(Mode::Record, flags);
        let parts = Parts { exit_device: subject.has_exit_device(), ..self.parts(subject, &flags) };
        let orders = Orders { timeout, typist: subject.typist() };
        let mut log = Log::new(symbols, reader);
        let ended = watch::boot(&parts, &orders, &mut log)?;
        if let Ending::CannotStart(_) | Ending::NotLoaded = ended.ending {
            bail!("There is nothing to go back in. {}", ended.ending);
        }
        let told = format!("{}\n{}", ended.ending, ended.place(symbols).unwrap_or_default());
        let is_as_expected = subject.test.accepts(&ended.ending, &log.text(), &told).is_ok();
        Ok(Recorded { ended, is_as_expected })
    }

    /// QEMU's options for a replay.
    pub fn replay_flags(&self, flags: &[String]) -> Vec<String> {
        self.flags(Mode::Replay, flags)
    }

    /// Replays all of it, and returns how many instructions that takes.
    pub fn instructions(&self, subject: &Subject, flags: &[String], timeout: Duration) -> Result<u64> {
        let flags = self.replay_flags(flags);
        let mut machine = match Machine::start(&self.parts(subject, &flags)) {
            Ok(machine) => machine,
            Err(CannotStart(reason)) => bail!(Ending::CannotStart(reason)),
        };
        let start = Instant::now();
        while machine.monitor.shutdown().context("The replay broke off")?.is_none() {
            if interrupt::happened() {
                bail!("Interrupted.");
            }
            if start.elapsed() > timeout * SLOWER {
                let seconds = (timeout * SLOWER).as_secs();
                bail!("The replay did not come to the end of the recording in {seconds} seconds.");
            }
            thread::sleep(PAUSE);
        }
        let answer = machine.monitor.ask("info replay")?;
        instruction_count(&answer).with_context(|| format!("This QEMU does not tell how far a replay is: {answer}"))
    }

    /// The machine of a replay. Where the kernel would leave it, it stands still for want of an exit device.
    pub fn parts<'a>(&'a self, subject: &'a Subject, flags: &'a [String]) -> Parts<'a> {
        let Subject { memory, test, .. } = subject;
        Parts { image: &self.image, memory, cpu: &test.cpu, display: Display::None, exit_device: false, flags }
    }

    /// QEMU's options: those that the machine has anyway, and those that make it record or replay.
    fn flags(&self, mode: Mode, flags: &[String]) -> Vec<String> {
        let clock = if flags.iter().any(|flag| flag == "-icount") { "" } else { CLOCK };
        let word = match mode {
            Mode::Record => "record",
            Mode::Replay => "replay",
        };
        // What a drive answers is part of the recording; a drive that could be written to would need snapshots itself.
        let mut ours = vec![
            "-drive".into(),
            format!("file={},format=raw,if=none,readonly=on,id=image", self.image.display()),
            "-drive".into(),
            "driver=blkreplay,if=none,readonly=on,image=image,id=cd".into(),
            "-device".into(),
            "ide-cd,drive=cd".into(),
            // Its help for old Windows, in which QEMU 7.2 gets stuck when it loads a snapshot.
            "-global".into(),
            "apic.vapic=off".into(),
            "-icount".into(),
            format!("{clock}rr={word},rrfile={}", self.file("recording").display()),
        ];
        if matches!(mode, Mode::Replay) {
            let disk = self.file("disk");
            ours.push("-drive".into());
            ours.push(format!("file={},format=raw,if=none,snapshot=on,id=snapshots", disk.display()));
        }
        [flags, &ours].concat()
    }

    /// The place of one of its files.
    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

/// What gdb is told, so that a replay of so many instructions stands before the last of them.
pub fn to_the_end(instructions: u64) -> [String; 5] {
    [
        // Once the kernel is loaded there is a snapshot: to go back, GRUB need not run again.
        "thbreak *_start".into(),
        "continue".into(),
        "monitor savevm start".into(),
        // QEMU 7.2 cannot go back from the end itself.
        format!("monitor replay_break {}", instructions.saturating_sub(1)),
        "continue".into(),
    ]
}

fn instruction_count(answer: &str) -> Option<u64> {
    let (_, count) = answer.split_once(COUNT)?;
    count.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answer_tells_how_far_a_replay_is() {
        assert_eq!(instruction_count("Replaying execution 'r': instruction count = 4197\r\n"), Some(4197));
        assert_eq!(instruction_count("Record/replay is not active\r\n"), None);
    }
}
