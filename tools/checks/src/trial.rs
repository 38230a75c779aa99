//! A chapter's tests, up to the first that fails, or up to the one that is wanted to.
//!
//! That one is all that is asked for here, so nothing is told of the others, and what hangs is given up:
//! a test of a library as well, which Cargo would wait for.

use crate::{booted, demonstrations, stress};
use anyhow::{Context, Result, bail};
use machine::cargo::{self, Profile};
use machine::kernels::{self, Kind};
use machine::process::Process;
use machine::tally::Tally;
use machine::workspace::{Chapter, Workspace};
use machine::{grub, interrupt};
use serde::{Deserialize, Serialize};
use std::process::Command;
use std::sync::mpsc::RecvTimeoutError;
use std::time::{Duration, Instant};

const PAUSE: Duration = Duration::from_millis(50);

/// How much longer a test of a library may be silent than one that boots: it may try hundreds of cases.
const MANY_CASES: u32 = 3;

/// What came of a chapter's tests.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// All have passed.
    Passed,
    /// This one has failed.
    Failed(String),
    /// There is nothing to test.
    DoesNotCompile,
}

/// What is tried.
struct Trial<'a> {
    workspace: &'a Workspace,
    chapter: &'a Chapter,
    timeout: Duration,
    /// The test that is to fail; any will do if there is none.
    wanted: Option<&'a str>,
    /// The tests that are booted before the others, in this order: those that are likely to fail.
    first: &'a [String],
}

/// Runs all that `make test` runs for one chapter, until something fails: the wanted test, if one is named. If only
/// others fail, the verdict is about the first of them.
pub fn run(workspace: &Workspace, chapter: &Chapter, timeout: Duration, wanted: Option<&str>) -> Result<Verdict> {
    let first: Vec<String> = wanted.map(String::from).into_iter().collect();
    let trial = Trial { workspace, chapter, timeout, wanted, first: &first };
    trial.run(&[Trial::library, Trial::kernel, Trial::demonstration, Trial::long_tests])
}

/// Runs what of this boots, the tests of these names before others, until something fails: for code that no library has
/// on the host.
pub fn boot(workspace: &Workspace, chapter: &Chapter, timeout: Duration, first: &[String]) -> Result<Verdict> {
    let trial = Trial { workspace, chapter, timeout, wanted: None, first };
    trial.run(&[Trial::kernel, Trial::demonstration, Trial::long_tests])
}

impl Trial<'_> {
    fn run(&self, parts: &[fn(&Self) -> Result<Verdict>]) -> Result<Verdict> {
        let mut first = Verdict::Passed;
        for part in parts {
            let verdict = part(self)?;
            if interrupt::happened() {
                // Whatever it is, that may be why.
                bail!("Interrupted.");
            }
            if self.has_enough(&verdict) {
                return Ok(verdict);
            }
            if first == Verdict::Passed {
                first = verdict;
            }
        }
        Ok(first)
    }

    fn has_enough(&self, verdict: &Verdict) -> bool {
        match (verdict, self.wanted) {
            (Verdict::Passed, _) => false,
            (Verdict::Failed(test), Some(wanted)) => test == wanted,
            (Verdict::Failed(_), None) | (Verdict::DoesNotCompile, _) => true,
        }
    }

    /// Runs the tests inside of the library, on the host.
    fn library(&self) -> Result<Verdict> {
        let Self { workspace, chapter, timeout, wanted, .. } = *self;
        let mut command = cargo::for_host(workspace, "test");
        command.args(["--lib", "--no-run", "--message-format=json-render-diagnostics"]);
        cargo::packages(&mut command, [chapter.package.as_str()]);
        let output = command.output().context("cargo could not be started")?;
        let folder = workspace.root.join("chapters").join(&chapter.name);
        let built = kernels::executables(&String::from_utf8_lossy(&output.stdout), "lib").remove(&folder);
        let Some(program) = built else { return Ok(Verdict::DoesNotCompile) };
        // One at a time, so that it is known which one hangs.
        let mut process = Process::start(Command::new(program).arg("--test-threads=1").current_dir(folder))?;
        watch(&mut process, timeout * MANY_CASES, wanted)
    }

    /// Boots the chapter's tests.
    fn kernel(&self) -> Result<Verdict> {
        let Self { workspace, chapter, timeout, wanted, first } = *self;
        let suites = booted::build(workspace, &[chapter], Kind::Tests, Profile::Kernel, timeout)?;
        let Some(kernel) = &suites[0].kernel else { return Ok(Verdict::DoesNotCompile) };
        if !grub::accepts(kernel)? {
            return Ok(Verdict::Failed("GRUB, which finds no header".into()));
        }
        let tally = Tally::until_a_failure(wanted);
        booted::run(&suites, first, &tally)?;
        Ok(verdict(chapter, &tally))
    }

    /// Boots the chapter's demonstration.
    fn demonstration(&self) -> Result<Verdict> {
        let Self { workspace, chapter, timeout, wanted, .. } = *self;
        if kernels::build(workspace, &[chapter], Kind::Demonstration, Profile::Kernel)?[0].is_none() {
            return Ok(Verdict::DoesNotCompile);
        }
        let tally = Tally::until_a_failure(wanted);
        demonstrations::test(workspace, &[chapter], timeout, &tally)?;
        Ok(verdict(chapter, &tally))
    }

    /// Lets the chapter's long tests run in short, if it has any. They have a clock of their own.
    fn long_tests(&self) -> Result<Verdict> {
        let Self { workspace, chapter, wanted, .. } = *self;
        if !chapter.has_long_tests {
            return Ok(Verdict::Passed);
        }
        if kernels::build(workspace, &[chapter], Kind::LongTests, Profile::Kernel)?[0].is_none() {
            return Ok(Verdict::DoesNotCompile);
        }
        let tally = Tally::until_a_failure(wanted);
        stress::test_in_short(workspace, &[chapter], stress::USUAL_SEED, &tally)?;
        Ok(verdict(chapter, &tally))
    }
}

/// Waits for the end of a program of tests, for the one that fails, or for one that takes too long.
fn watch(process: &mut Process, timeout: Duration, wanted: Option<&str>) -> Result<Verdict> {
    let mut text = String::new();
    let mut deadline = Instant::now() + timeout;
    loop {
        match process.output.recv_timeout(PAUSE) {
            Ok(bytes) => {
                text += &String::from_utf8_lossy(&bytes);
                deadline = Instant::now() + timeout;
            }
            Err(RecvTimeoutError::Timeout) if Instant::now() < deadline => {}
            Err(RecvTimeoutError::Timeout) => return Ok(Verdict::Failed(last_test(&text))),
            Err(RecvTimeoutError::Disconnected) => break,
        }
        if interrupt::happened() {
            bail!("Interrupted.");
        }
        let is_enough = |test: &&str| wanted.is_none_or(|wanted| *test == wanted);
        if let Some(test) = text.lines().filter_map(failed_test).find(is_enough) {
            return Ok(Verdict::Failed(test.into()));
        }
    }
    if let Some(test) = text.lines().find_map(failed_test) {
        return Ok(Verdict::Failed(test.into()));
    }
    // Without a word about a test, the program itself has ended badly: in the last one that it began.
    Ok(if process.status()?.success() { Verdict::Passed } else { Verdict::Failed(last_test(&text)) })
}

/// The test that a line such as `test tests::of_something ... FAILED` names, if it failed.
fn failed_test(line: &str) -> Option<&str> {
    line.strip_suffix(" ... FAILED").and_then(test_of)
}

/// The test that was begun last, and of which nothing more was said.
fn last_test(text: &str) -> String {
    text.lines().rev().find_map(test_of).unwrap_or("the tests of the library").into()
}

/// The name of the test that a line begins with.
fn test_of(line: &str) -> Option<&str> {
    line.strip_prefix("test ")?.split(' ').next()
}

fn verdict(chapter: &Chapter, tally: &Tally) -> Verdict {
    tally.failure().map_or(Verdict::Passed, |what| {
        Verdict::Failed(what.strip_prefix(&chapter.name).unwrap_or(&what).trim_start().into())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn watched(script: &str, timeout: Duration) -> Verdict {
        let mut process = Process::start(Command::new("sh").args(["-c", script])).expect("there is a shell");
        watch(&mut process, timeout, None).expect("no person interrupts")
    }

    #[test]
    fn the_wanted_test_is_waited_for_and_another_is_better_than_none() {
        let script = "echo 'test tests::a ... FAILED'; echo 'test tests::b ... FAILED'; exit 101";
        for (wanted, found) in [("tests::b", "tests::b"), ("tests::c", "tests::a")] {
            let mut process = Process::start(Command::new("sh").args(["-c", script])).expect("there is a shell");
            let verdict = watch(&mut process, Duration::from_secs(60), Some(wanted)).expect("no person interrupts");
            assert_eq!(verdict, Verdict::Failed(found.into()));
        }
    }

    #[test]
    fn the_first_test_that_fails_is_the_verdict() {
        let script = "echo 'test tests::a ... ok'; echo 'test tests::b - should panic ... FAILED'; \
            printf 'test tests::c ... '; exec sleep 1000";
        assert_eq!(watched(script, Duration::from_secs(5)), Verdict::Failed("tests::b".into()));
    }

    #[test]
    fn a_test_that_hangs_or_dies_is_the_one_that_was_begun_last() {
        let script = "echo 'test tests::a ... ok'; printf 'test tests::b ... '; ";
        let verdict = Verdict::Failed("tests::b".into());
        assert_eq!(watched(&format!("{script} exec sleep 1000"), Duration::from_millis(300)), verdict);
        assert_eq!(watched(&format!("{script} exit 1"), Duration::from_secs(60)), verdict);
        assert_eq!(watched(&format!("{script} kill -9 $$"), Duration::from_secs(60)), verdict);
    }

    #[test]
    fn a_good_end_is_none_without_the_status_for_it() {
        assert_eq!(watched("echo 'test tests::a ... ok'", Duration::from_secs(60)), Verdict::Passed);
        assert_eq!(watched("exit 101", Duration::from_secs(60)), Verdict::Failed("the tests of the library".into()));
    }
}
