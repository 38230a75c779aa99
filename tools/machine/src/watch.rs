//! The watch over one run: the log, the clock, and the machine's own end, until QEMU is gone.

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

/// How often to look up from a silent log.
const PAUSE: Duration = Duration::from_millis(50);
/// How long to read nothing of a log that asks for it.
const STALL: Duration = Duration::from_secs(3);
/// How long QEMU may take to end when it is asked to.
const FAREWELL: Duration = Duration::from_secs(5);

/// What a run is allowed and given.
pub struct Orders<'a> {
    /// The time that it may take.
    pub timeout: Duration,
    /// Who types.
    pub typist: Typist<'a>,
}

/// Who types what arrives at the serial port.
#[derive(Clone, Copy)]
pub enum Typist<'a> {
    /// Whatever standard input brings, once the log has begun and so the port is ready.
    StandardInput,
    /// These letters, once the log says that input is waited for.
    Letters(&'a str),
    /// Whatever the log wants.
    Wanted(Wanted),
}

/// How a run ended, and where in the kernel.
pub struct Ended {
    /// The verdict.
    pub ending: Ending,
    /// Where the CPU was, then the callers, as far as that is known.
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
        // If QEMU does not answer, it is about to end, and the log will.
        let cause = if silent { machine.monitor.shutdown().unwrap_or(None) } else { None };
        was_reset = cause == Some(Shutdown::Reset);
        // A window stays until a person closes it. What a machine without a serial port has to say stands there alone.
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
            // A newer QEMU waits for this even when the kernel leaves by the exit device; the status is that
            // of the device all the same. If it fails, the farewell's own deadline comes.
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

/// Whether the kernel lies in memory; also if that cannot be found out.
fn is_loaded(machine: &mut Machine, log: &Log) -> bool {
    let Some((address, first)) = log.symbols().first_word() else { return true };
    machine.monitor.word(address).map_or(true, |word| word == Some(first))
}

impl Typist<'_> {
    /// Types, if it is time to and has not been done.
    fn type_into(&mut self, machine: &mut Machine, log: &Log) {
        match self {
            Self::StandardInput => machine.process.input.take().into_iter().for_each(keyboard::forward),
            Self::Letters("") => {}
            Self::Wanted(wanted) => wanted.type_into(machine, &log.text()),
            Self::Letters(letters) => {
                if log.waits_for_input()
                    && let Some(mut keys) = machine.process.input.take()
                {
                    // A machine that has ended meanwhile has no use for letters.
                    let _ = keys.write_all(letters.as_bytes());
                }
            }
        }
    }
}

impl Ended {
    /// Where in the kernel that was, as a sentence, if it is known.
    pub fn place(&self, symbols: &Symbols) -> Option<String> {
        let places: Vec<Option<Place>> = self.addresses.iter().map(|address| symbols.place(*address)).collect();
        let is_panic = places.first()?.as_ref().is_some_and(|place| place.is_panic);
        let ours = places.iter().position(|place| place.as_ref().is_some_and(|place| place.is_ours));
        // A panic begins in the code that wrote it down, not in the code that panics.
        let at = if is_panic { ours.unwrap_or(0) } else { 0 };
        let here = match &places[at] {
            Some(place) => format!("in {place}"),
            None => "which is not in the kernel".into(),
        };
        // Of a stop the log has told all callers; those that are told here lead up to code of this project.
        let callers = match self.ending {
            Ending::Stopped(_) => at + 1..ours.map_or(at, |ours| ours.max(at)) + 1,
            _ => at + 1..places.len(),
        };
        let callers: String = places[callers].iter().flatten().map(|place| format!(",\ncalled from {place}")).collect();
        Some(format!("EIP was {:#010x}, {here}{callers}.", self.addresses[at]))
    }
}
