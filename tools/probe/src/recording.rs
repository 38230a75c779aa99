//! Records a run in QEMU, which can then replay it instruction by instruction; under gdb, also backwards.
//!
//! To go back by one instruction, QEMU loads an earlier snapshot and runs forward from there, up to the instruction
//! before. It takes everything that comes from outside, such as what the CD answers and when, from the recording. So
//! every replay is the same run.

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

/// The clock of a recording: 32 nanoseconds for each instruction, unless the machine's options set another.
const CLOCK: &str = "shift=5,";
/// In QEMU's answer, the words before the number of instructions that have been replayed.
const COUNT: &str = "instruction count = ";
/// A replay may take this many times as long as the recording.
const SLOWER: u32 = 5;
const PAUSE: Duration = Duration::from_millis(20);
/// QEMU keeps the snapshots in a temporary layer over this disk, and removes the layer when it ends.
const DISK_BYTES: u64 = 64 * 1024;

/// The files of one recording. Dropping it removes them.
pub struct Recording {
    folder: TempDir,
    image: PathBuf,
}

/// How the recorded run went.
pub struct Recorded {
    /// How it ended, and where.
    pub ended: Ended,
    /// Whether that is how it must end.
    pub is_as_expected: bool,
}

/// What QEMU does with a recording.
#[derive(Clone, Copy)]
enum Mode {
    Record,
    Replay,
}

impl Recording {
    /// A recording that is still empty, with the CD to boot.
    pub fn of(subject: &Subject) -> Result<Self> {
        let folder = tempfile::tempdir().context("no temporary folder could be made")?;
        let recording = Self { image: folder.path().join("image.iso"), folder };
        image::make(&subject.kernel, &subject.words, subject.test.module, &recording.image)?;
        let disk = File::create(recording.file("disk")).and_then(|disk| disk.set_len(DISK_BYTES));
        disk.context("the disk for the snapshots could not be made")?;
        Ok(recording)
    }

    /// Records the run to its end. `reader` gets the log while the kernel prints it.
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
            bail!("There is nothing to replay. {}", ended.ending);
        }
        let told = format!("{}\n{}", ended.ending, ended.place(symbols).unwrap_or_default());
        let is_as_expected = subject.test.accepts(&ended.ending, &log.text(), &told).is_ok();
        Ok(Recorded { ended, is_as_expected })
    }

    /// QEMU's options for a replay.
    pub fn replay_flags(&self, flags: &[String]) -> Vec<String> {
        self.flags(Mode::Replay, flags)
    }

    /// Replays the whole run, and returns how many instructions it has.
    pub fn instructions(&self, subject: &Subject, flags: &[String], timeout: Duration) -> Result<u64> {
        let flags = self.replay_flags(flags);
        let mut machine = match Machine::start(&self.parts(subject, &flags)) {
            Ok(machine) => machine,
            Err(CannotStart(reason)) => bail!(Ending::CannotStart(reason)),
        };
        let start = Instant::now();
        while machine.monitor.shutdown().context("The replay ended early")?.is_none() {
            if interrupt::happened() {
                bail!("Interrupted.");
            }
            if start.elapsed() > timeout * SLOWER {
                let seconds = (timeout * SLOWER).as_secs();
                bail!("The replay did not reach the end of the recording in {seconds} seconds.");
            }
            thread::sleep(PAUSE);
        }
        let answer = machine.monitor.ask("info replay")?;
        instruction_count(&answer).with_context(|| format!("This QEMU does not report how far a replay is: {answer}"))
    }

    /// The machine of a replay. It has no exit device, so that QEMU stays where the kernel would end it.
    pub fn parts<'a>(&'a self, subject: &'a Subject, flags: &'a [String]) -> Parts<'a> {
        let Subject { memory, test, .. } = subject;
        Parts { image: &self.image, memory, cpu: &test.cpu, display: Display::None, exit_device: false, flags }
    }

    /// QEMU's options: those of the machine, and those that make QEMU record or replay.
    fn flags(&self, mode: Mode, flags: &[String]) -> Vec<String> {
        let clock = if flags.iter().any(|flag| flag == "-icount") { "" } else { CLOCK };
        let word = match mode {
            Mode::Record => "record",
            Mode::Replay => "replay",
        };
        // The drive's answers are part of the recording. A drive that is not read-only would need snapshots of its own.
        let mut ours = vec![
            "-drive".into(),
            format!("file={},format=raw,if=none,readonly=on,id=image", self.image.display()),
            "-drive".into(),
            "driver=blkreplay,if=none,readonly=on,image=image,id=cd".into(),
            "-device".into(),
            "ide-cd,drive=cd".into(),
            // No support for old versions of Windows: in it, QEMU 7.2 hangs when it loads a snapshot.
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

    /// The path of one of the recording's files.
    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

/// The commands for gdb that pause a replay of this many instructions before the last one.
pub fn to_the_end(instructions: u64) -> [String; 5] {
    [
        // With a snapshot from when the kernel has been loaded, going back does not replay GRUB.
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
    fn the_answer_contains_the_position_of_a_replay() {
        assert_eq!(instruction_count("Replaying execution 'r': instruction count = 4197\r\n"), Some(4197));
        assert_eq!(instruction_count("Record/replay is not active\r\n"), None);
    }
}
