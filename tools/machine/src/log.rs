//! The log: what the kernel has printed so far, and what that means to the host.
//!
//! The host looks for four things in it: that the demonstration is over, that the kernel waits for input, that the host
//! should stop reading for a while, and the report with which a kernel stops. A report gives addresses of code as `EIP
//! 0x0010abcd`: first where it happened, then the callers. The host appends the function and the line to each.

use crate::process::MOST_OUTPUT_BYTES;
use crate::symbols::Symbols;
use std::io::{self, Write};

const OVER: &str = "The demonstration is over.";
const WAITING: &str = "waiting for input";
const STALL: &str = "the host reads nothing for a while";
const ADDRESS: &str = "EIP 0x";

/// What the kernel has printed so far. It is passed on at once, with function and line behind every address.
pub struct Log<'a> {
    symbols: &'a Symbols,
    reader: Box<dyn Write + 'a>,
    bytes: Vec<u8>,
    wants_a_stall: bool,
}

/// The report with which a kernel stopped.
#[derive(Debug, PartialEq)]
pub struct Report {
    /// What made the kernel stop.
    pub kind: Kind,
    /// Where it happened, then the callers, innermost first.
    pub addresses: Vec<u32>,
}

/// What made a kernel stop.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    /// The CPU raised an exception.
    Exception,
    /// Rust code panicked.
    Panic,
    /// The kernel found that it could not go on.
    Stop,
}

impl<'a> Log<'a> {
    /// An empty log. `reader` gets everything that is added to it.
    pub fn new(symbols: &'a Symbols, reader: impl Write + 'a) -> Self {
        Self { symbols, reader: Box::new(reader), bytes: Vec::new(), wants_a_stall: false }
    }

    /// Adds what the kernel has just printed, which may end in the middle of a line.
    pub fn push(&mut self, bytes: &[u8]) -> io::Result<()> {
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            let text = piece.strip_suffix(b"\n").unwrap_or(piece);
            self.bytes.extend(text);
            self.reader.write_all(text)?;
            if text.len() < piece.len() {
                self.end_line()?;
            }
        }
        self.reader.flush()
    }

    /// Ends the last line, if it is not complete yet.
    pub fn finish(&mut self) -> io::Result<()> {
        if !self.bytes.is_empty() && !self.bytes.ends_with(b"\n") {
            self.end_line()?;
        }
        self.reader.flush()
    }

    fn end_line(&mut self) -> io::Result<()> {
        let start = self.bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        let line = String::from_utf8_lossy(&self.bytes[start..]);
        let place = address(&line).and_then(|at| self.symbols.place(at));
        self.wants_a_stall |= line == STALL;
        self.bytes.push(b'\n');
        match place {
            Some(place) => writeln!(self.reader, "  {place}"),
            None => writeln!(self.reader),
        }
    }

    /// The kernel's own text, without what the host has appended to its lines.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }

    /// Whether the kernel has nothing more to show: it has printed that, or has stopped.
    pub fn is_over(&self) -> bool {
        let text = self.text();
        says_over(&text) || report(&text).is_some()
    }

    /// Whether the log has reached its maximum length.
    pub fn is_full(&self) -> bool {
        self.bytes.len() >= MOST_OUTPUT_BYTES
    }

    /// Whether the kernel has asked the host to stop reading for a while, because it tests what happens then.
    pub fn wants_a_stall(&self) -> bool {
        self.wants_a_stall
    }

    /// The kernel's symbols.
    pub fn symbols(&self) -> &Symbols {
        self.symbols
    }

    /// Whether the kernel waits for input.
    pub fn waits_for_input(&self) -> bool {
        self.text().lines().any(|line| line.contains(WAITING))
    }
}

/// Whether the kernel has printed that its demonstration is over.
pub fn says_over(text: &str) -> bool {
    text.lines().any(|line| line.trim_end() == OVER)
}

/// The report in the log, if the kernel has stopped; the last one if there are several.
pub fn report(text: &str) -> Option<Report> {
    let kind = |line: &str| match line.split_once(": ")?.0 {
        "EXCEPTION" => Some(Kind::Exception),
        "PANIC" => Some(Kind::Panic),
        "STOP" => Some(Kind::Stop),
        _ => None,
    };
    let lines: Vec<&str> = text.lines().collect();
    let (first, kind) = lines.iter().enumerate().rev().find_map(|(index, line)| Some((index, kind(line)?)))?;
    Some(Report { kind, addresses: lines[first..].iter().filter_map(|line| address(line)).collect() })
}

/// The address of code in a line, if it has one.
fn address(line: &str) -> Option<u32> {
    let (_, rest) = line.split_once(ADDRESS)?;
    u32::from_str_radix(rest.get(..8)?, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    const STOPPED: &str = "hello\n\nPANIC: two and two are 5\n  EIP 0x0010abcd\n  EIP 0x00100001\n";

    #[test]
    fn a_report_is_found_with_its_addresses() {
        let report = report(STOPPED).expect("a report");
        assert_eq!(report, Report { kind: Kind::Panic, addresses: vec![0x0010_ABCD, 0x0010_0001] });
    }

    #[test]
    fn an_address_counts_only_within_the_report() {
        let text = format!("EIP 0x00000001\n{STOPPED}");
        assert_eq!(report(&text).expect("a report").addresses[0], 0x0010_ABCD);
        assert_eq!(report("the words PANIC: and EIP 0x0010abcd in a line\n"), None);
    }

    #[test]
    fn an_address_has_eight_digits() {
        assert_eq!(address("  EIP 0x0010abcd"), Some(0x0010_ABCD));
        assert_eq!(address("at EIP 0x0010ABCD."), Some(0x0010_ABCD));
        for line in ["EIP 0x10", "EIP 0xgggggggg", "EIP", ""] {
            assert_eq!(address(line), None, "{line}");
        }
    }

    #[test]
    fn a_line_may_come_in_pieces() {
        let symbols = Symbols::new(Path::new("/dev/null"), Path::new("/"));
        let mut seen = Vec::new();
        let mut log = Log::new(&symbols, &mut seen);
        for piece in ["The demonst", "ration is over.", "\nand mo", "re"] {
            log.push(piece.as_bytes()).expect("a vector takes everything");
        }
        assert!(log.is_over());
        log.finish().expect("a vector takes everything");
        assert_eq!(log.text(), "The demonstration is over.\nand more\n");
        drop(log);
        assert_eq!(seen, b"The demonstration is over.\nand more\n");
    }

    #[test]
    fn a_stall_is_asked_for_by_a_whole_line() {
        let symbols = Symbols::new(Path::new("/dev/null"), Path::new("/"));
        let mut log = Log::new(&symbols, io::sink());
        log.push(format!("not {STALL}\n{STALL}").as_bytes()).expect("a sink takes everything");
        assert!(!log.wants_a_stall());
        log.push(b"\n").expect("a sink takes everything");
        assert!(log.wants_a_stall());
    }

    #[test]
    fn a_log_is_full_at_its_limit() {
        let symbols = Symbols::new(Path::new("/dev/null"), Path::new("/"));
        let mut log = Log::new(&symbols, io::sink());
        let lines = "four\n".repeat(MOST_OUTPUT_BYTES / 5);
        log.push(lines.as_bytes()).expect("a sink takes everything");
        assert!(!log.is_full());
        log.push(b"last\n").expect("a sink takes everything");
        assert!(log.is_full());
    }

    #[test]
    fn the_end_is_a_line_of_its_own() {
        assert!(says_over("x\nThe demonstration is over.\n"));
        assert!(!says_over("Not yet: The demonstration is over.\n"));
    }
}
