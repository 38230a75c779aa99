//! One QEMU process with one machine, which is the same on every host as far as QEMU allows.
//!
//! Its first serial port is our pipe, unless the options ask for another one or none. The machine is paused until the
//! monitor is connected, so that we miss no event. After a triple fault it is paused again, so that we can read the
//! registers.

use crate::display::Display;
use crate::monitor::Monitor;
use crate::process::Process;
use crate::qemu::PROGRAM;
use std::io::{self, ErrorKind};
use std::path::Path;
use std::process::{Command, ExitStatus};
use tempfile::TempDir;

/// A kernel that writes `n` to this port makes QEMU end with status `2n + 1`.
const EXIT_DEVICE: &str = "isa-debug-exit,iobase=0xf4,iosize=0x04";

/// The clock counts a nanosecond for each instruction, and jumps ahead while the CPU is halted.
pub const COUNTED_TIME: [&str; 2] = ["-icount", "shift=0,align=off,sleep=off"];
/// QEMU's default CPU without its time stamp counter, which GRUB would spend a second on measuring.
pub const CPU_OF_COUNTED_TIME: &str = "qemu32,-tsc";

/// What a machine consists of.
pub struct Parts<'a> {
    /// The CD it boots from.
    pub image: &'a Path,
    /// Its memory, as QEMU takes it: a number of MiB, or a number with a unit.
    pub memory: &'a str,
    /// The CPU, by QEMU's name for it; empty for QEMU's own choice.
    pub cpu: &'a str,
    /// Where its screen is shown.
    pub display: Display,
    /// Whether the kernel can end QEMU by itself.
    pub exit_device: bool,
    /// More options for QEMU.
    pub flags: &'a [String],
}

/// A running QEMU. Dropping it ends it.
pub struct Machine {
    /// The process; its output and input are those of the machine's serial port.
    pub process: Process,
    /// The connection on which QEMU answers.
    pub monitor: Monitor,
    _folder: TempDir,
}

/// Why QEMU could not start, in QEMU's words or ours.
#[derive(Debug, PartialEq)]
pub struct CannotStart(pub String);

impl Parts<'_> {
    /// QEMU's command line, except for the monitor and the exit device. The machine starts paused.
    pub fn command(&self) -> Command {
        let mut command = Command::new(PROGRAM);
        command.args(["-accel", "tcg", "-m", self.memory, "-nic", "none", "-boot", "d", "-S"]);
        // Together, these two pause the machine when it would reset or power off.
        command.args(["-no-reboot", "-no-shutdown"]);
        command.args(["-monitor", "none", "-parallel", "none"]);
        if !self.flags.iter().any(|flag| flag == "-serial") {
            command.args(["-serial", "stdio"]);
        }
        command.args(["-display", self.display.name()]);
        // A recording has a drive of its own for the CD.
        if !self.flags.iter().any(|flag| flag.starts_with("ide-cd,")) {
            command.arg("-cdrom").arg(self.image);
        }
        if !self.cpu.is_empty() {
            command.args(["-cpu", self.cpu]);
        }
        command.args(self.flags);
        command
    }
}

/// Checks the memory that a person asks for. Given 0, QEMU would choose a size of its own.
pub fn memory(words: &str) -> Result<String, String> {
    let number = words.strip_suffix(|unit: char| "kKmMgG".contains(unit)).unwrap_or(words);
    match number.parse::<u32>() {
        Ok(0) => Err("a machine without memory cannot run".into()),
        Ok(_) => Ok(words.into()),
        Err(_) => Err("the memory is a number of MiB, or a whole number with the unit K, M or G".into()),
    }
}

impl Machine {
    /// Starts QEMU, and lets the machine run.
    pub fn start(parts: &Parts) -> Result<Self, CannotStart> {
        let mut machine = Self::still(parts)?;
        machine.monitor.go().map_err(|error| CannotStart(error.to_string()))?;
        Ok(machine)
    }

    /// Starts QEMU. The machine is paused before its first instruction.
    pub fn still(parts: &Parts) -> Result<Self, CannotStart> {
        let folder = tempfile::tempdir()?;
        let socket = folder.path().join("qmp");
        let mut command = parts.command();
        command.arg("-qmp").arg(format!("unix:{},server=on,wait=off", socket.display()));
        if parts.exit_device {
            command.args(["-device", EXIT_DEVICE]);
        }
        let mut process = Process::start(&mut command)?;
        match process.wait_for(|| Monitor::connect(&socket).ok()) {
            Some(monitor) => Ok(Self { process, monitor, _folder: folder }),
            None => Err(CannotStart::because(&process.complaints())),
        }
    }

    /// Waits until QEMU has ended.
    pub fn status(mut self) -> io::Result<ExitStatus> {
        self.process.status()
    }
}

impl CannotStart {
    /// The reason in QEMU's error output: the first line that is not a warning, without the program's name.
    pub fn because(complaints: &str) -> Self {
        let is_reason = |line: &&str| !line.trim().is_empty() && !line.contains("warning:");
        let reason = complaints.lines().find(is_reason).unwrap_or("it gave no reason");
        Self(reason.strip_prefix(PROGRAM).and_then(|line| line.strip_prefix(": ")).unwrap_or(reason).to_owned())
    }
}

impl From<io::Error> for CannotStart {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            ErrorKind::NotFound => Self(format!("{PROGRAM} is not installed; `make doctor` says how to get it")),
            _ => Self(error.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_complaint_is_reported_without_the_name_of_the_program() {
        let complaints = "qemu-system-i386: warning: slow\nqemu-system-i386: -m x: bad size\nmore\n";
        assert_eq!(CannotStart::because(complaints).0, "-m x: bad size");
        assert_eq!(CannotStart::because("gtk initialization failed\n").0, "gtk initialization failed");
        assert_eq!(CannotStart::because("").0, "it gave no reason");
    }

    #[test]
    fn a_memory_is_a_number_and_not_0() {
        for good in ["1", "16", "3500", "16M", "2g", "8192K"] {
            assert_eq!(memory(good).as_deref(), Ok(good));
        }
        for none in ["0", "00", "0M", "0g"] {
            assert_eq!(memory(none).unwrap_err(), "a machine without memory cannot run");
        }
        for bad in ["", "M", "-1", "0x10", "1.5", "16,slots=2", "16MB"] {
            assert!(memory(bad).unwrap_err().starts_with("the memory is a number of MiB"), "{bad}");
        }
    }

    #[test]
    fn a_missing_program_is_reported_as_missing() {
        let error = Process::start(&mut Command::new("there-is-no-such-program")).err().expect("cannot start");
        assert!(CannotStart::from(error).0.contains("is not installed"));
    }
}
