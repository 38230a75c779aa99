//! Watches one run until QEMU has ended: the log, the clock, and whether the machine has stopped.

use crate::ending::{Ending, Seen};
use crate::log::{self, Log};
use crate::monitor::Shutdown;
use crate::symbols::{Place, Symbols};
use crate::vm::{CannotStart, Machine, Parts};
use crate::wanted::Wanted;
use crate::{interrupt, keyboard};
use anyhow::{Result, bail};
use std::io::Write;
use std::sync::mpsc::RecvTimeoutError;
use std::time::{Duration, Instant};

/// How long to wait for more of the log before looking at the machine and the clock.
const PAUSE: Duration = Duration::from_millis(50);
/// How long to stop reading the log when a kernel asks for that.
const STALL: Duration = Duration::from_secs(3);
/// How long QEMU may take to end when it is asked to.
const FAREWELL: Duration = Duration::from_secs(5);

/// The time limit of a run, and its input.
pub struct Orders<'a> {
    /// The time that it may take.
    pub timeout: Duration,
    /// Where the input comes from.
    pub typist: Typist<'a>,
}

/// Where the machine's input comes from.
#[derive(Clone, Copy)]
pub enum Typist<'a> {
    /// Standard input, as soon as the log has begun: then the serial port is ready.
    StandardInput,
    /// These letters, once the log says that the kernel waits for input.
    Letters(&'a str),
    /// What the log asks for.
    Wanted(Wanted),
}

/// How a run ended, and where in the kernel.
pub struct Ended {
    /// The verdict.
    pub ending: Ending,
    /// Where the CPU was, then the callers, as far as known.
    addresses: Vec<u32>,
}

/// Boots a machine and watches it to its end.
pub fn boot(parts: &Parts, orders: &Orders, log: &mut Log) -> Result<Ended> {
    let in_window = parts.display.is_window();
    let machine = match Machine::start(parts) {
        Ok(machine) => machine,
        Err(CannotStart(reason)) => {
            return Ok(Ended { ending: Ending::CannotStart(reason), addresses: Vec::new() });
        }
    };
    let seen = watch(machine, orders, in_window, log)?;
    let text = log.text();
    let ending = Ending::of(&seen, &text, in_window);
    let addresses = match ending {
        Ending::Stopped(_) => log::report(&text).map_or(Vec::new(), |report| report.addresses),
        Ending::NotLoaded => Vec::new(),
        _ => seen.addresses,
    };
    Ok(Ended { ending, addresses })
}

fn watch(mut machine: Machine, orders: &Orders, in_window: bool, log: &mut Log) -> Result<Seen> {
    let (mut was_reset, mut was_halted, mut was_endless, mut timeout) = (false, false, false, None);
    let (mut cpu, mut addresses) = (None, Vec::new());
    let mut deadline = Instant::now() + orders.timeout;
    let mut is_leaving = false;
    let mut typist = orders.typist;
    let (mut has_stalled, mut was_loaded, mut stays) = (false, true, false);
    loop {
        let silent = match machine.process.output.recv_timeout(PAUSE) {
            Ok(bytes) => {
                log.push(&bytes)?;
                typist.type_into(&mut machine, log);
                if !has_stalled && log.wants_a_stall() {
                    has_stalled = true;
                    machine.process.stall(STALL);
                }
                false
            }
            Err(RecvTimeoutError::Timeout) => true,
            Err(RecvTimeoutError::Disconnected) => break,
        };
        if interrupt::happened() {
            break;
        }
        let is_late = Instant::now() >= deadline;
        if is_leaving {
            if is_late {
                machine.process.kill();
            }
            continue;
        }
        // If QEMU does not answer, it is about to end, and the log with it.
        let cause = if silent { machine.monitor.shutdown().unwrap_or(None) } else { None };
        was_reset = cause == Some(Shutdown::Reset);
        // A window stays until a person closes it. If the machine has no serial port, only the window shows what the
        // kernel prints.
        stays |= in_window && is_late && (log.is_over() || log.text().is_empty() && machine.monitor.is_halted());
        let is_hang = is_late && cause.is_none() && !stays;
        was_halted = silent && cause.is_none() && !in_window && log.is_over() && machine.monitor.is_halted();
        if is_hang {
            timeout = Some(orders.timeout);
        }
        was_endless = log.is_full();
        if was_reset || is_hang {
            was_loaded = !log.text().is_empty() || is_loaded(&mut machine, log);
        }
        if was_reset || is_hang || was_endless {
            (cpu, addresses) = machine.monitor.trace().unwrap_or_default();
        }
        if cause.is_some() || was_halted || is_hang || was_endless {
            // Newer versions of QEMU wait for this even after the kernel has used the exit device, and still end with
            // the device's status. If this fails, the new deadline ends QEMU.
            let _ = machine.monitor.quit();
            is_leaving = true;
            deadline = Instant::now() + FAREWELL;
        }
    }
    log.finish()?;
    if interrupt::happened() {
        bail!("Interrupted.");
    }
    Ok(Seen { status: machine.status()?, was_loaded, was_reset, was_halted, timeout, was_endless, cpu, addresses })
}

/// Whether the kernel is in memory. True if that cannot be found out.
fn is_loaded(machine: &mut Machine, log: &Log) -> bool {
    let Some((address, first)) = log.symbols().first_word() else { return true };
    machine.monitor.word(address).map_or(true, |word| word == Some(first))
}

impl Typist<'_> {
    /// Types what is due and has not been typed yet.
    fn type_into(&mut self, machine: &mut Machine, log: &Log) {
        match self {
            Self::StandardInput => machine.process.input.take().into_iter().for_each(keyboard::forward),
            Self::Letters("") => {}
            Self::Wanted(wanted) => wanted.type_into(machine, &log.text()),
            Self::Letters(letters) => {
                if log.waits_for_input()
                    && let Some(mut keys) = machine.process.input.take()
                {
                    // If this fails, the machine has ended and needs no input.
                    let _ = keys.write_all(letters.as_bytes());
                }
            }
        }
    }
}

impl Ended {
    /// Where in the kernel the run ended, as a sentence, if that is known.
    pub fn place(&self, symbols: &Symbols) -> Option<String> {
        let places: Vec<Option<Place>> = self.addresses.iter().map(|address| symbols.place(*address)).collect();
        let is_panic = places.first()?.as_ref().is_some_and(|place| place.is_panic);
        let ours = places.iter().position(|place| place.as_ref().is_some_and(|place| place.is_ours));
        // The first address of a panic is in the panic handler. The code that panicked comes later.
        let at = if is_panic { ours.unwrap_or(0) } else { 0 };
        let here = match &places[at] {
            Some(place) => format!("in {place}"),
            None => "which is not in the kernel".into(),
        };
        // After a stop, the log already has all callers. Here are only those up to the first code of this project.
        let callers = match self.ending {
            Ending::Stopped(_) => at + 1..ours.map_or(at, |ours| ours.max(at)) + 1,
            _ => at + 1..places.len(),
        };
        let callers: String = places[callers].iter().flatten().map(|place| format!(",\ncalled from {place}")).collect();
        Some(format!("EIP was {:#010x}, {here}{callers}.", self.addresses[at]))
    }
}
