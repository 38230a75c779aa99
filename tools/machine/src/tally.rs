//! Counts what passed and what failed, and prints every result in the same form.

use std::fmt;
use std::process::ExitCode;
use std::sync::Mutex;
use std::time::Duration;

/// The count so far. Several threads may count at once.
#[derive(Default)]
pub struct Tally {
    counts: Mutex<Counts>,
    /// Whether nothing is printed, and one failure is enough.
    is_silent: bool,
    /// The test whose failure is enough, by the end of its name. Without one, any failure is enough.
    wanted: Option<String>,
}

#[derive(Clone, Default)]
struct Counts {
    passed: usize,
    failed: usize,
    first_failure: Option<String>,
    has_wanted_failure: bool,
    noted: Vec<Noted>,
}

/// One result, or several that are reported together.
#[derive(Clone, Debug)]
pub struct Noted {
    /// What was checked.
    pub what: String,
    /// Why it failed, if it did.
    pub reason: Option<String>,
    /// How long it took.
    pub time: Duration,
}

impl Tally {
    /// A count that prints nothing, and for which one failure is enough: that of the wanted test, if one is named.
    pub fn until_a_failure(wanted: Option<&str>) -> Self {
        Self { is_silent: true, wanted: wanted.map(String::from), ..Self::default() }
    }

    /// Whether one failure is enough.
    pub fn is_until_a_failure(&self) -> bool {
        self.is_silent
    }

    /// Whether no further result is needed.
    pub fn has_enough(&self) -> bool {
        let counts = self.counts();
        self.is_silent && counts.failed > 0 && (self.wanted.is_none() || counts.has_wanted_failure)
    }

    /// What failed: the wanted test, or otherwise the first failure.
    pub fn failure(&self) -> Option<String> {
        let counts = self.counts();
        self.wanted.clone().filter(|_| counts.has_wanted_failure).or(counts.first_failure)
    }

    /// Counts one result and prints it: in one line, and with the reason if it is a failure.
    pub fn note(&self, what: &str, outcome: Result<(), String>, time: Duration) {
        let (passed, failed) = if outcome.is_ok() { (1, 0) } else { (0, 1) };
        self.note_many(what, passed, failed, outcome.err().as_deref(), time);
    }

    /// Counts several results that are reported together.
    pub fn note_many(&self, what: &str, passed: usize, failed: usize, reason: Option<&str>, time: Duration) {
        // Held while printing, so that no other thread's lines come in between.
        let mut counts = self.counts.lock().expect("no thread panics while counting");
        let failure = (failed > 0).then(|| reason.unwrap_or_default().to_owned());
        counts.noted.push(Noted { what: what.into(), reason: failure, time });
        counts.passed += passed;
        counts.failed += failed;
        if failed > 0 {
            counts.first_failure.get_or_insert_with(|| what.into());
            counts.has_wanted_failure |=
                self.wanted.as_ref().is_some_and(|wanted| what.ends_with(&format!(" {wanted}")));
        }
        if self.is_silent {
            return;
        }
        let word = if failed == 0 { "ok" } else { "FAILED" };
        println!("{word} {what} ({:.1} s)", time.as_secs_f32());
        for line in reason.iter().flat_map(|reason| reason.lines()) {
            println!("    {line}");
        }
    }

    /// Prints the count, and returns it as an exit status.
    pub fn conclude(&self) -> ExitCode {
        println!("\n{self}");
        if self.is_good() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }

    /// All results so far.
    pub fn noted(&self) -> Vec<Noted> {
        self.counts().noted
    }

    /// Whether nothing failed.
    pub fn is_good(&self) -> bool {
        self.counts().failed == 0
    }

    fn counts(&self) -> Counts {
        self.counts.lock().expect("no thread panics while counting").clone()
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let Counts { passed, failed, .. } = self.counts();
        write!(f, "{passed} passed, {failed} failed")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_is_counted() {
        let tally = Tally::default();
        tally.note("a check", Ok(()), Duration::ZERO);
        assert!(tally.is_good());
        tally.note("a check that fails on purpose", Err("for the count".into()), Duration::ZERO);
        tally.note_many("several checks", 3, 0, None, Duration::ZERO);
        assert!(!tally.is_good());
        assert_eq!(tally.to_string(), "4 passed, 1 failed");
    }

    #[test]
    fn one_failure_is_enough_where_only_one_is_wanted() {
        for (tally, has_enough) in [(Tally::until_a_failure(None), true), (Tally::default(), false)] {
            tally.note("a check", Ok(()), Duration::ZERO);
            assert_eq!((tally.has_enough(), tally.failure()), (false, None));
            tally.note("a check that fails on purpose", Err("for the count".into()), Duration::ZERO);
            tally.note("another", Err("for the count".into()), Duration::ZERO);
            assert_eq!(tally.has_enough(), has_enough);
            assert_eq!(tally.failure().as_deref(), Some("a check that fails on purpose"));
        }
    }
    #[test]
    fn only_the_wanted_failure_is_enough() {
        let tally = Tally::until_a_failure(Some("a_check"));
        tally.note("chapter another_check", Err("for the count".into()), Duration::ZERO);
        tally.note("chapter not_a_check", Err("for the count".into()), Duration::ZERO);
        assert_eq!((tally.has_enough(), tally.failure().as_deref()), (false, Some("chapter another_check")));
        tally.note("chapter a_check", Ok(()), Duration::ZERO);
        assert!(!tally.has_enough());
        tally.note("chapter a_check", Err("for the count".into()), Duration::ZERO);
        assert_eq!((tally.has_enough(), tally.failure().as_deref()), (true, Some("a_check")));
    }
}
