//! Shows a waiting person how far long tests are: a bar for each, on a terminal only.

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use std::io::{self, Write};

const BAR: &str = "{prefix:40!} {bar:24} {percent:>3} %";

/// The bars of the tests that run.
#[derive(Default)]
pub struct Progress(MultiProgress);

/// Reads the log of one test, and moves its bar. Dropping it removes the bar.
pub struct Follower {
    bar: ProgressBar,
    line: Vec<u8>,
}

impl Progress {
    /// Begins a bar for the test with this name.
    pub fn follow(&self, name: &str) -> Follower {
        let style = ProgressStyle::with_template(BAR).expect("a test makes one");
        let bar = self.0.add(ProgressBar::new(0).with_style(style).with_prefix(name.to_owned()));
        bar.tick();
        Follower { bar, line: Vec::new() }
    }

    /// Lets `print` print whole lines above the bars.
    pub fn give_way(&self, print: impl FnOnce()) {
        self.0.suspend(print);
    }
}

impl Write for Follower {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        for byte in bytes {
            self.line.push(*byte);
            if *byte == b'\n' {
                if let Some((done, all)) = rounds(&String::from_utf8_lossy(&self.line)) {
                    self.bar.set_length(all);
                    self.bar.set_position(done);
                }
                self.line.clear();
            }
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

/// How many rounds are done, and of how many, according to a line of a log such as `12 of 100 rounds ...`.
fn rounds(line: &str) -> Option<(u64, u64)> {
    let (done, rest) = line.split_once(" of ")?;
    let all = rest.split_once(" rounds")?.0.parse().ok()?;
    Some((done.parse().ok()?, all))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_shows_how_far_its_test_is() {
        assert_eq!(rounds("50 of 200 rounds with seed 1: 0x12345678\n"), Some((50, 200)));
        for line in ["a of 1 rounds\n", "50 rounds\n", "50 of 100\n", ""] {
            assert_eq!(rounds(line), None, "{line}");
        }
    }

    #[test]
    fn a_bar_shows_how_far_its_test_is() {
        let progress = Progress::default();
        let mut follower = progress.follow("first");
        follower.write_all(b"1 of 4 rou").expect("a follower takes everything");
        assert_eq!(follower.bar.position(), 0);
        follower.write_all(b"nds\nhello\n").expect("a follower takes everything");
        assert_eq!((follower.bar.position(), follower.bar.length()), (1, Some(4)));
    }
}
