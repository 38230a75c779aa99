//! QEMU's own voice: the QMP socket, on which it says what the machine does and answers questions.
//!
//! Of the two ways to hear of an event, blocking and asking again and again, this is the second: the
//! watch looks at the log and at the clock as well, and one connection with one owner is enough for it.

use anyhow::{Context, Result, anyhow, bail};
use qapi::qmp::{Event, InputEvent, InputKeyEvent, KeyValue, QKeyCode, ShutdownCause};
use qapi::qmp::{cont, human_monitor_command, input_send_event, pmemsave, quit, stop};
use qapi::{Command, Qmp, Stream};
use std::io::{BufRead, BufReader};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

/// A QEMU that takes longer than this over an answer will not give one.
const PATIENCE: Duration = Duration::from_secs(10);
/// Longer chains of callers are cut off.
const MOST_ADDRESSES: usize = 12;

/// What the CPU was doing when its machine was stopped.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cpu {
    /// Whether it would have taken an interrupt.
    pub interrupts_on: bool,
    /// Whether it was waiting for one.
    pub is_halted: bool,
}

/// The connection to one QEMU.
pub struct Monitor {
    qmp: Qmp<Stream<BufReader<UnixStream>, UnixStream>>,
}

impl Monitor {
    /// Connects, if QEMU has opened its socket already and is well. The machine goes on standing still.
    pub fn connect(socket: &Path) -> Result<Self> {
        let stream = UnixStream::connect(socket)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        let mut reader = BufReader::new(stream.try_clone()?);
        // `handshake` takes a greeting for granted, but a QEMU that fails to start gives none.
        if reader.fill_buf()?.is_empty() {
            bail!("QEMU hung up");
        }
        let mut qmp = Qmp::new(Stream::new(reader, stream));
        qmp.handshake()?;
        Ok(Self { qmp })
    }

    /// Lets the machine go.
    pub fn go(&mut self) -> Result<()> {
        self.execute(&cont {}).map(drop)
    }

    /// What the monitor tells of the CPU's registers, line by line.
    pub fn registers(&mut self) -> Result<String> {
        self.ask("info registers")
    }

    /// Writes `bytes` bytes of physical memory, from `start` on, into a file.
    pub fn save_memory(&mut self, start: u32, bytes: u32, file: &Path) -> Result<()> {
        let filename = file.to_str().context("QEMU takes only names that are text")?.into();
        self.execute(&pmemsave { val: start.into(), size: bytes.into(), filename }).map(drop)
    }

    /// Why the machine has stopped for good, if it has since the last call.
    pub fn shutdown_cause(&mut self) -> Result<Option<ShutdownCause>> {
        self.qmp.nop()?;
        Ok(self.qmp.events().find_map(|event| match event {
            Event::SHUTDOWN { data, .. } => Some(data.reason),
            _ => None,
        }))
    }

    /// Whether the CPU is halted and will not be woken: interrupts are off.
    ///
    /// It is not, if QEMU does not answer.
    pub fn is_halted(&mut self) -> bool {
        let cpu = self.registers().ok().and_then(|registers| cpu(&registers));
        cpu == Some(Cpu { interrupts_on: false, is_halted: true })
    }

    /// Stops the machine, and asks what the CPU was doing and where: the instruction, then the callers, as far
    /// as can be seen.
    ///
    /// The callers are the chain that begins at EBP: the caller's EBP, and the address to return to.
    pub fn trace(&mut self) -> Result<(Option<Cpu>, Vec<u32>)> {
        // While it runs, QEMU's copy of the registers is out of date.
        self.execute(&stop {})?;
        let registers = self.registers()?;
        let cpu = cpu(&registers);
        // A CPU that is halted has the `hlt` behind it.
        let hlt_bytes = u32::from(cpu.is_some_and(|cpu| cpu.is_halted));
        let eip = number_after(&registers, "EIP=").map(|eip| eip.wrapping_sub(hlt_bytes));
        let mut addresses: Vec<u32> = eip.into_iter().collect();
        let mut ebp = number_after(&registers, "EBP=").unwrap_or(0);
        // The stack grows down, so callers lie higher; anything else is not a chain of calls.
        while addresses.len() < MOST_ADDRESSES && ebp != 0 {
            let pair = self.ask(&format!("x /2xw {ebp:#010x}"))?;
            let mut numbers = pair.split("0x").skip(1);
            let mut next = || numbers.next().and_then(number);
            let (Some(outer), Some(return_address)) = (next(), next()) else { break };
            // The last byte of the call: its line is the caller's, which need not hold for the next byte.
            addresses.push(return_address.wrapping_sub(1));
            ebp = if outer > ebp { outer } else { 0 };
        }
        Ok((cpu, addresses))
    }

    /// The word of physical memory at `address`, if there is memory.
    pub fn word(&mut self, address: u32) -> Result<Option<u32>> {
        let line = self.ask(&format!("xp /1xw {address:#010x}"))?;
        Ok(number_after(&line, ": 0x"))
    }

    /// Presses a key, by QEMU's name for it, and lets it go.
    pub fn press(&mut self, key: &str) -> Result<()> {
        let code: QKeyCode = key.parse().map_err(|()| anyhow!("QEMU knows no key \"{key}\""))?;
        let event = |down| InputEvent::key(InputKeyEvent { down, key: KeyValue::qcode(code.into()) }.into());
        self.execute(&input_send_event { device: None, head: None, events: vec![event(true), event(false)] }).map(drop)
    }

    /// Asks in the words of the monitor that people type at.
    pub fn ask(&mut self, question: &str) -> Result<String> {
        self.execute(&human_monitor_command { command_line: question.into(), cpu_index: None })
    }

    /// Ends QEMU.
    pub fn quit(&mut self) -> Result<()> {
        self.execute(&quit {}).map(drop)
    }

    fn execute<C: Command>(&mut self, command: &C) -> Result<C::Ok> {
        self.qmp.execute(command).map_err(|error| anyhow!("QEMU does not answer: {error}"))
    }
}

fn cpu(registers: &str) -> Option<Cpu> {
    const INTERRUPTS_ON: u32 = 1 << 9;
    let interrupts_on = number_after(registers, "EFL=")? & INTERRUPTS_ON != 0;
    Some(Cpu { interrupts_on, is_halted: registers.contains("HLT=1") })
}

/// The number of eight digits that follows `name`.
pub fn number_after(text: &str, name: &str) -> Option<u32> {
    text.split_once(name).and_then(|(_, digits)| number(digits))
}

fn number(digits: &str) -> Option<u32> {
    u32::from_str_radix(digits.get(..8)?, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn registers_are_found_by_name() {
        let registers =
            "ESI=00000000 EDI=00000000 EBP=00112fe0 ESP=00112fd0\r\nEIP=0010abcd EFL=00000046 [---Z-P-]\r\n";
        assert_eq!(number_after(registers, "EIP="), Some(0x0010_ABCD));
        assert_eq!(number_after(registers, "EBP="), Some(0x0011_2FE0));
        assert_eq!(number_after("RIP=0000000000001234", "EIP="), None);
        assert_eq!(number_after("EIP=12", "EIP="), None);
    }

    #[test]
    fn what_the_cpu_does_is_told_by_its_flags() {
        let cpu = |flags, halted| cpu(&format!("EIP=0010abcd EFL={flags} [---Z-P-] A20=1 SMM=0 HLT={halted}\r\n"));
        assert_eq!(cpu("00000046", 1), Some(Cpu { interrupts_on: false, is_halted: true }));
        assert_eq!(cpu("00000246", 1), Some(Cpu { interrupts_on: true, is_halted: true }));
        assert_eq!(cpu("00000046", 0), Some(Cpu { interrupts_on: false, is_halted: false }));
        assert_eq!(cpu("?", 0), None);
    }
}
