//! The line that says how far long tests have come, for a person who waits.
//!
//! It is written again and again in the same place, so there is one only on a terminal.

use std::collections::BTreeMap;
use std::io::{self, IsTerminal, Write, stdout};
use std::sync::Mutex;

/// Terminals may be narrow, and a line that wraps cannot be erased.
const MOST_COLUMNS: usize = 79;
const ERASE_LINE: &str = "\r\x1b[2K";

/// How far each of the running tests has come, in hundredths.
pub struct Progress {
    hundredths: Mutex<BTreeMap<String, u64>>,
    is_seen: bool,
}

/// Reads the log of one test along.
pub struct Follower<'a> {
    progress: &'a Progress,
    name: &'a str,
    line: Vec<u8>,
}

impl Progress {
    /// Nothing runs yet.
    pub fn new() -> Self {
        Self { hundredths: Mutex::default(), is_seen: stdout().is_terminal() }
    }

    /// The test with this name begins.
    pub fn follow<'a>(&'a self, name: &'a str) -> Follower<'a> {
        let follower = Follower { progress: self, name, line: Vec::new() };
        follower.tell(0);
        follower
    }

    /// Lets `print` print whole lines in the place of this one.
    pub fn give_way(&self, print: impl FnOnce()) {
        let hundredths = self.hundredths.lock().expect("no thread panics while telling");
        self.show("");
        print();
        self.show(&line(&hundredths));
    }

    fn show(&self, line: &str) {
        if self.is_seen {
            print!("{ERASE_LINE}{line}");
            // There is no other way to tell that a terminal takes no more.
            let _ = stdout().flush();
        }
    }
}

impl Follower<'_> {
    fn tell(&self, hundredths: u64) {
        let mut all = self.progress.hundredths.lock().expect("no thread panics while telling");
        all.insert(self.name.into(), hundredths);
        self.progress.show(&line(&all));
    }
}

impl Write for Follower<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        for byte in bytes {
            self.line.push(*byte);
            if *byte == b'\n' {
                hundredths(&String::from_utf8_lossy(&self.line)).into_iter().for_each(|come| self.tell(come));
                self.line.clear();
            }
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Follower<'_> {
    fn drop(&mut self) {
        let mut all = self.progress.hundredths.lock().expect("no thread panics while telling");
        all.remove(self.name);
        self.progress.show(&line(&all));
    }
}

/// How far a test has come whose log has this line, `12 of 100 rounds ...`.
fn hundredths(line: &str) -> Option<u64> {
    let (done, rest) = line.split_once(" of ")?;
    let all: u64 = rest.split_once(" rounds")?.0.parse().ok()?;
    (done.parse::<u64>().ok()? * 100).checked_div(all).map(|come| come.min(100))
}

fn line(hundredths: &BTreeMap<String, u64>) -> String {
    let parts: Vec<String> = hundredths.iter().map(|(name, come)| format!("{name} {come} %")).collect();
    parts.join(", ").chars().take(MOST_COLUMNS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_tells_how_far_its_test_has_come() {
        assert_eq!(hundredths("50 of 200 rounds with seed 1: 0x12345678\n"), Some(25));
        assert_eq!(hundredths("300 of 200 rounds\n"), Some(100));
        for line in ["50 of 0 rounds\n", "a of 1 rounds\n", "50 rounds\n", "50 of 100\n", ""] {
            assert_eq!(hundredths(line), None, "{line}");
        }
    }

    #[test]
    fn the_line_tells_of_everything_that_runs() {
        let progress = Progress { hundredths: Mutex::default(), is_seen: false };
        let [mut first, _second] = ["first", "second"].map(|name| progress.follow(name));
        first.write_all(b"1 of 4 rou").expect("a follower takes everything");
        first.write_all(b"nds\nhello\n").expect("a follower takes everything");
        let line = || line(&progress.hundredths.lock().expect("nothing panics"));
        assert_eq!(line(), "first 25 %, second 0 %");
        drop(first);
        assert_eq!(line(), "second 0 %");
    }
}
