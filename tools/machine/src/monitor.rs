//! QEMU's monitor: a QMP socket on which QEMU takes commands, and reports what happens to the machine.
//!
//! Every line is one JSON object. We send commands, and QEMU answers each with a result or an error; in between it
//! sends events ("QEMU QMP Reference Manual" and "QEMU Machine Protocol Specification"). This module has only what the
//! project needs of that.
//!
//! A client can block until an event arrives, or poll. We poll: [`watch`](crate::watch) also follows the log and the
//! clock, and for that one connection with one owner is enough.

use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

/// If QEMU has not answered after this time, it will not answer at all.
const PATIENCE: Duration = Duration::from_secs(10);
/// Longer chains of callers are cut off.
const MOST_ADDRESSES: usize = 12;

/// What the CPU was doing when its machine was stopped.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cpu {
    /// Whether it would have taken an interrupt.
    pub interrupts_on: bool,
    /// Whether it was halted, by `hlt`.
    pub is_halted: bool,
}

/// Why a machine has stopped for good.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Shutdown {
    /// It tried to reset.
    Reset,
    /// Any other reason.
    Other,
}

/// The connection to one QEMU.
pub struct Monitor {
    stream: BufReader<UnixStream>,
    /// What QEMU has reported of that since it was last asked for.
    shutdown: Option<Shutdown>,
}

/// A line from QEMU.
#[derive(Deserialize)]
struct Line {
    #[serde(rename = "return")]
    returned: Option<Value>,
    error: Option<Refusal>,
    event: Option<String>,
    #[serde(default)]
    data: Value,
}

#[derive(Deserialize)]
struct Refusal {
    desc: String,
}

impl Monitor {
    /// Connects, if QEMU has opened its socket already and answers. The machine stays paused.
    pub fn connect(socket: &Path) -> Result<Self> {
        let stream = UnixStream::connect(socket)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        let mut monitor = Self { stream: BufReader::new(stream), shutdown: None };
        // A QEMU that fails to start hangs up without a greeting.
        monitor.hear()?;
        monitor.execute("qmp_capabilities", json!({}))?;
        Ok(monitor)
    }

    /// Lets the machine run.
    pub fn go(&mut self) -> Result<()> {
        self.execute("cont", json!({})).map(drop)
    }

    /// Pauses the machine.
    pub fn pause(&mut self) -> Result<()> {
        self.execute("stop", json!({})).map(drop)
    }

    /// How many instructions the machine has executed. Its clock must count them.
    pub fn instructions(&mut self) -> Result<u64> {
        let answer = self.execute("query-replay", json!({}))?;
        answer["icount"].as_u64().context("QEMU does not count the machine's instructions")
    }

    /// The CPU's registers as the monitor prints them, in several lines.
    pub fn registers(&mut self) -> Result<String> {
        self.ask("info registers")
    }

    /// Saves `bytes` bytes of physical memory, beginning at `start`, in a file.
    pub fn save_memory(&mut self, start: u32, bytes: u32, file: &Path) -> Result<()> {
        let file = file.to_str().context("QEMU takes only file names that are valid UTF-8")?;
        self.execute("pmemsave", json!({ "val": start, "size": bytes, "filename": file })).map(drop)
    }

    /// Why the machine has stopped for good, if it has done so since the last call.
    pub fn shutdown(&mut self) -> Result<Option<Shutdown>> {
        // QEMU sends the events that have happened before it answers, so any command will do.
        self.execute("query-version", json!({}))?;
        Ok(self.shutdown.take())
    }

    /// Whether the CPU is halted with interrupts off, so that none will wake it.
    ///
    /// False if QEMU does not answer.
    pub fn is_halted(&mut self) -> bool {
        let cpu = self.registers().ok().and_then(|registers| cpu(&registers));
        cpu == Some(Cpu { interrupts_on: false, is_halted: true })
    }

    /// Pauses the machine, and returns what the CPU was doing and where: its instruction, then the callers, as far as
    /// they can be found.
    ///
    /// EBP points to the caller's EBP and the return address, so the callers form a chain.
    pub fn trace(&mut self) -> Result<(Option<Cpu>, Vec<u32>)> {
        // While it runs, QEMU's copy of the registers is out of date.
        self.pause()?;
        let registers = self.registers()?;
        let cpu = cpu(&registers);
        // EIP of a halted CPU is behind the `hlt`, which is one byte long.
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
            // The last byte of the call belongs to the caller's line; the byte behind it may belong to another.
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

    /// Presses and releases a key, given by QEMU's name for it.
    pub fn press(&mut self, key: &str) -> Result<()> {
        let event = |down| json!({ "type": "key", "data": { "down": down, "key": { "type": "qcode", "data": key } } });
        self.execute("input-send-event", json!({ "events": [event(true), event(false)] })).map(drop)
    }

    /// Gives a command to the human monitor, and returns what it prints.
    pub fn ask(&mut self, question: &str) -> Result<String> {
        let answer = self.execute("human-monitor-command", json!({ "command-line": question }))?;
        answer.as_str().map(String::from).context("QEMU's answer is not text")
    }

    /// Ends QEMU.
    pub fn quit(&mut self) -> Result<()> {
        self.execute("quit", json!({})).map(drop)
    }

    /// Sends a command, and returns its result.
    fn execute(&mut self, command: &str, arguments: Value) -> Result<Value> {
        let mut line = json!({ "execute": command, "arguments": arguments }).to_string();
        line.push('\n');
        self.stream.get_mut().write_all(line.as_bytes()).context("the command could not be sent to QEMU")?;
        loop {
            let Line { returned, error, event, data } = self.hear()?;
            if let Some(Refusal { desc }) = error {
                bail!("QEMU refuses \"{command}\": {desc}");
            }
            if event.as_deref() == Some("SHUTDOWN") {
                self.shutdown = Some(if data["reason"] == "guest-reset" { Shutdown::Reset } else { Shutdown::Other });
            }
            if let Some(returned) = returned {
                return Ok(returned);
            }
        }
    }

    /// Reads the next line from QEMU.
    fn hear(&mut self) -> Result<Line> {
        let mut line = String::new();
        let bytes = self.stream.read_line(&mut line).context("QEMU does not answer")?;
        ensure!(bytes > 0, "QEMU hung up");
        serde_json::from_str(&line).with_context(|| format!("QEMU's answer cannot be understood: {line}"))
    }
}

fn cpu(registers: &str) -> Option<Cpu> {
    const INTERRUPTS_ON: u32 = 1 << 9;
    let interrupts_on = number_after(registers, "EFL=")? & INTERRUPTS_ON != 0;
    Some(Cpu { interrupts_on, is_halted: registers.contains("HLT=1") })
}

/// The hexadecimal number of eight digits that follows `name`.
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
    fn the_flags_show_what_the_cpu_does() {
        let cpu = |flags, halted| cpu(&format!("EIP=0010abcd EFL={flags} [---Z-P-] A20=1 SMM=0 HLT={halted}\r\n"));
        assert_eq!(cpu("00000046", 1), Some(Cpu { interrupts_on: false, is_halted: true }));
        assert_eq!(cpu("00000246", 1), Some(Cpu { interrupts_on: true, is_halted: true }));
        assert_eq!(cpu("00000046", 0), Some(Cpu { interrupts_on: false, is_halted: false }));
        assert_eq!(cpu("?", 0), None);
    }

    /// A QEMU that sends these lines, whatever the commands are.
    fn qemu(says: &str) -> Monitor {
        let (ours, mut theirs) = UnixStream::pair().expect("a socket");
        theirs.write_all(says.as_bytes()).expect("there is room");
        // Keeps their end open for reading, because ours must be able to write.
        std::mem::forget(theirs.try_clone());
        theirs.shutdown(std::net::Shutdown::Write).expect("it is connected");
        Monitor { stream: BufReader::new(ours), shutdown: None }
    }

    #[test]
    fn an_event_before_the_answer_is_kept_and_returned_once() {
        let reset = r#"{"timestamp": {}, "event": "SHUTDOWN", "data": {"guest": true, "reason": "guest-reset"}}"#;
        let mut monitor = qemu(&format!("{reset}\n{{\"return\": {{}}}}\n{{\"return\": {{}}}}\n"));
        assert_eq!(monitor.shutdown().expect("an answer"), Some(Shutdown::Reset));
        assert_eq!(monitor.shutdown().expect("an answer"), None);
        let closed = r#"{"event": "SHUTDOWN", "data": {"guest": false, "reason": "host-ui"}}"#;
        let mut monitor = qemu(&format!("{{\"event\": \"RESUME\"}}\n{closed}\n{{\"return\": {{}}}}\n"));
        assert_eq!(monitor.shutdown().expect("an answer"), Some(Shutdown::Other));
    }

    #[test]
    fn an_error_from_qemu_is_passed_on() {
        let mut monitor = qemu("{\"error\": {\"class\": \"GenericError\", \"desc\": \"Parameter 'key' is odd\"}}\n");
        let refusal = monitor.press("no such key").expect_err("it is refused").to_string();
        assert_eq!(refusal, "QEMU refuses \"input-send-event\": Parameter 'key' is odd");
    }

    #[test]
    fn a_qemu_that_hangs_up_or_sends_nonsense_is_reported() {
        let error = |says: &str| qemu(says).go().expect_err("no answer").to_string();
        assert_eq!(error(""), "QEMU hung up");
        assert_eq!(error("hello\n"), "QEMU's answer cannot be understood: hello\n");
    }
}
