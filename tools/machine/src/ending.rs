//! The verdict on a run: how it ended, in one sentence.

use crate::log::{self, Kind};
use crate::monitor::Cpu;
use crate::process::MOST_OUTPUT_BYTES;
use std::fmt;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::time::Duration;

/// QEMU's status after a kernel wrote 0x10 to the exit device, and after 0x11.
const GOOD: i32 = 33;
const BAD: i32 = 35;

/// Every chapter's demonstration runs with this much memory.
pub const ENOUGH_MIB: u32 = 8;

/// What the host observed of a run.
pub struct Seen {
    /// How QEMU ended.
    pub status: ExitStatus,
    /// Whether the kernel was in memory at all.
    pub was_loaded: bool,
    /// Whether the machine tried to reset.
    pub was_reset: bool,
    /// Whether the CPU was halted for good.
    pub was_halted: bool,
    /// The time limit, if the run exceeded it.
    pub timeout: Option<Duration>,
    /// Whether the log reached its maximum length.
    pub was_endless: bool,
    /// What the CPU was doing when the machine was reset or had to be stopped.
    pub cpu: Option<Cpu>,
    /// Where the CPU was at that moment, then the callers.
    pub addresses: Vec<u32>,
}

/// How a run ended.
#[derive(Debug, PartialEq)]
pub enum Ending {
    /// The kernel reported success.
    Good,
    /// The kernel stopped, for this reason if it gave one.
    Stopped(Option<Kind>),
    /// The boot loader never got as far as the kernel.
    NotLoaded,
    /// The CPU gave up: it could handle neither an exception nor the double fault that followed.
    TripleFault,
    /// The kernel finished, and halted instead of ending QEMU.
    Halted,
    /// The kernel had not ended after this time, and the CPU was doing this.
    Hang(Duration, Option<Cpu>),
    /// The kernel was still printing when the log reached its maximum length.
    Endless,
    /// A person closed the window before the demonstration was over.
    WindowClosed,
    /// QEMU ended with a status that none of our kernels produces.
    Left(i32),
    /// A signal with this number ended QEMU.
    Killed(i32),
    /// QEMU could not start the machine, for this reason.
    CannotStart(String),
}

impl Ending {
    /// Judges a run by what the host observed and by the whole log.
    ///
    /// QEMU's status is not enough: it is 0 after a triple fault, and also 0 when a person closes the window.
    pub fn of(seen: &Seen, text: &str, in_window: bool) -> Self {
        let report = log::report(text).map(|report| report.kind);
        if !seen.was_loaded {
            return Self::NotLoaded;
        }
        if seen.was_reset {
            return Self::TripleFault;
        }
        if seen.was_halted {
            return Self::Halted;
        }
        if let Some(time) = seen.timeout {
            return Self::Hang(time, seen.cpu);
        }
        if seen.was_endless {
            return Self::Endless;
        }
        match seen.status.code() {
            // A good end after the report of a stop does not count: other code went on running after the stop.
            Some(GOOD) if report.is_some() => Self::Stopped(report),
            Some(GOOD) => Self::Good,
            Some(BAD) => Self::Stopped(report),
            Some(0) if in_window && report.is_some() => Self::Stopped(report),
            Some(0) if in_window && log::says_over(text) => Self::Good,
            Some(0) if in_window => Self::WindowClosed,
            Some(other) => Self::Left(other),
            None => Self::Killed(seen.status.signal().unwrap_or_default()),
        }
    }
}

impl fmt::Display for Ending {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::Good => f.write_str("The kernel ended well."),
            Self::Stopped(Some(Kind::Panic)) => f.write_str("The kernel panicked."),
            Self::Stopped(Some(Kind::Exception)) => f.write_str("The kernel was stopped by an exception."),
            Self::Stopped(Some(Kind::Stop)) => f.write_str("The kernel stopped because it could not go on."),
            Self::Stopped(None) => f.write_str("The kernel stopped without giving a reason."),
            Self::NotLoaded => write!(
                f,
                "The boot loader never got as far as the kernel: it refused the kernel, or the machine has too \
                 little memory. {ENOUGH_MIB} MiB is enough."
            ),
            Self::TripleFault => f.write_str(
                "The machine was reset by a triple fault: the CPU could handle neither an exception \
                 nor the double fault that followed.",
            ),
            Self::Halted => f.write_str("The kernel finished and halted, but did not end QEMU."),
            Self::Hang(time, cpu) => {
                write!(f, "The kernel hangs: it had not ended after {} seconds.", time.as_secs_f32())?;
                f.write_str(match cpu {
                    None => "",
                    Some(Cpu { is_halted: false, interrupts_on: true }) => " Interrupts were on.",
                    Some(Cpu { is_halted: false, interrupts_on: false }) => {
                        " Interrupts were off, so nothing could take the CPU from it."
                    }
                    Some(Cpu { is_halted: true, interrupts_on: true }) => " The CPU was waiting for an interrupt.",
                    Some(Cpu { is_halted: true, interrupts_on: false }) => {
                        " The CPU was halted with interrupts off, so nothing could wake it."
                    }
                })
            }
            Self::Endless => {
                write!(f, "The kernel prints without end: it was stopped after {} MiB of log.", MOST_OUTPUT_BYTES >> 20)
            }
            Self::WindowClosed => {
                f.write_str("The window was closed before the log said that the demonstration was over.")
            }
            Self::Left(status) => write!(f, "QEMU ended with status {status}, which none of our kernels produces."),
            Self::Killed(signal) => write!(f, "A signal ended QEMU: number {signal}."),
            Self::CannotStart(reason) => write!(f, "QEMU could not start: {}.", reason.trim_end_matches('.')),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PANIC: &str = "PANIC: two and two are 5\n  EIP 0x0010abcd\n";
    const OVER: &str = "hello\nThe demonstration is over.\n";

    fn exited(code: i32) -> Seen {
        let status = ExitStatus::from_raw(code << 8);
        let (was_loaded, was_reset, was_halted, was_endless) = (true, false, false, false);
        Seen { status, was_loaded, was_reset, was_halted, timeout: None, was_endless, cpu: None, addresses: Vec::new() }
    }

    #[test]
    fn the_exit_status_separates_good_from_bad() {
        assert_eq!(Ending::of(&exited(33), OVER, false), Ending::Good);
        assert_eq!(Ending::of(&exited(33), "", false), Ending::Good);
        assert_eq!(Ending::of(&exited(33), PANIC, false), Ending::Stopped(Some(Kind::Panic)));
        assert_eq!(Ending::of(&exited(35), PANIC, false), Ending::Stopped(Some(Kind::Panic)));
        assert_eq!(Ending::of(&exited(35), OVER, false), Ending::Stopped(None));
    }

    #[test]
    fn status_0_is_not_a_good_end() {
        assert_eq!(Ending::of(&exited(0), OVER, false), Ending::Left(0));
        assert_eq!(Ending::of(&exited(1), OVER, false), Ending::Left(1));
    }

    #[test]
    fn a_triple_fault_and_a_hang_are_reported_whatever_the_status() {
        let reset = Seen { was_reset: true, ..exited(0) };
        assert_eq!(Ending::of(&reset, OVER, false), Ending::TripleFault);
        assert_eq!(Ending::of(&reset, OVER, true), Ending::TripleFault);
        let time = Duration::from_secs(3);
        let cpu = Some(Cpu { interrupts_on: true, is_halted: false });
        let hang = Seen { timeout: Some(time), cpu, ..exited(0) };
        assert_eq!(Ending::of(&hang, OVER, false), Ending::Hang(time, cpu));
    }

    #[test]
    fn a_kernel_that_was_never_loaded_neither_hangs_nor_faults() {
        let late = Seen { was_loaded: false, timeout: Some(Duration::from_secs(3)), ..exited(0) };
        assert_eq!(Ending::of(&late, "", false), Ending::NotLoaded);
        let reset = Seen { was_loaded: false, was_reset: true, ..exited(0) };
        assert_eq!(Ending::of(&reset, "", true), Ending::NotLoaded);
        assert!(Ending::NotLoaded.to_string().ends_with("8 MiB is enough."));
    }

    #[test]
    fn an_endless_log_is_reported_whatever_it_contains() {
        let endless = Seen { was_endless: true, ..exited(0) };
        for (text, in_window) in [("", false), (OVER, true), (PANIC, false)] {
            assert_eq!(Ending::of(&endless, text, in_window), Ending::Endless);
        }
    }

    #[test]
    fn a_halted_machine_has_not_been_left() {
        assert_eq!(Ending::of(&Seen { was_halted: true, ..exited(0) }, OVER, false), Ending::Halted);
    }

    #[test]
    fn a_closed_window_is_good_only_after_the_end() {
        assert_eq!(Ending::of(&exited(0), OVER, true), Ending::Good);
        assert_eq!(Ending::of(&exited(0), "hello\n", true), Ending::WindowClosed);
        assert_eq!(Ending::of(&exited(0), PANIC, true), Ending::Stopped(Some(Kind::Panic)));
    }

    #[test]
    fn a_signal_is_reported() {
        let killed = Seen { status: ExitStatus::from_raw(9), ..exited(0) };
        assert_eq!(Ending::of(&killed, OVER, false), Ending::Killed(9));
    }

    #[test]
    fn every_ending_has_a_message() {
        let cpu = |is_halted, interrupts_on| Some(Cpu { interrupts_on, is_halted });
        let hang = |cpu| Ending::Hang(Duration::from_secs(60), cpu);
        let hangs = "The kernel hangs: it had not ended after 60 seconds.";
        let off = "Interrupts were off, so nothing could take the CPU from it.";
        let asleep = "The CPU was halted with interrupts off, so nothing could wake it.";
        for (ending, message) in [
            (Ending::Good, "The kernel ended well."),
            (Ending::Stopped(Some(Kind::Panic)), "The kernel panicked."),
            (Ending::Stopped(Some(Kind::Exception)), "The kernel was stopped by an exception."),
            (Ending::Stopped(Some(Kind::Stop)), "The kernel stopped because it could not go on."),
            (Ending::Stopped(None), "The kernel stopped without giving a reason."),
            (
                Ending::TripleFault,
                "The machine was reset by a triple fault: the CPU could handle neither an exception nor the double fault \
                 that followed.",
            ),
            (Ending::Halted, "The kernel finished and halted, but did not end QEMU."),
            (hang(None), hangs),
            (hang(cpu(false, true)), &format!("{hangs} Interrupts were on.")),
            (hang(cpu(false, false)), &format!("{hangs} {off}")),
            (hang(cpu(true, true)), &format!("{hangs} The CPU was waiting for an interrupt.")),
            (hang(cpu(true, false)), &format!("{hangs} {asleep}")),
            (Ending::Endless, "The kernel prints without end: it was stopped after 1 MiB of log."),
            (Ending::WindowClosed, "The window was closed before the log said that the demonstration was over."),
            (Ending::Left(1), "QEMU ended with status 1, which none of our kernels produces."),
            (Ending::Killed(9), "A signal ended QEMU: number 9."),
            (Ending::CannotStart("no such CPU.".into()), "QEMU could not start: no such CPU."),
        ] {
            assert_eq!(ending.to_string(), message);
        }
    }
}
