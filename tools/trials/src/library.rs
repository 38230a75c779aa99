//! Runs the tests inside a chapter's library, on the host. It gives up a test that hangs, for which Cargo would wait.

use anyhow::{Context, Result, bail};
use machine::cargo;
use machine::interrupt;
use machine::kernels;
use machine::process::Process;
use machine::workspace::{Chapter, Workspace};
use std::path::PathBuf;
use std::process::Command;
use std::sync::mpsc::RecvTimeoutError;
use std::time::{Duration, Instant};

const PAUSE: Duration = Duration::from_millis(50);

/// Such a test may be silent this many times as long as one that boots, because it may try hundreds of cases.
const MANY_CASES: u32 = 3;

/// The program with the tests.
pub struct Library {
    program: PathBuf,
    folder: PathBuf,
}

/// The result of a run.
#[derive(Debug, PartialEq)]
pub struct Ran {
    /// The test that failed: the wanted one, or otherwise the first.
    pub failed: Option<String>,
    /// What the program printed.
    pub text: String,
}

impl Library {
    /// Builds the program; `None` if it does not compile.
    pub fn build(workspace: &Workspace, chapter: &Chapter) -> Result<Option<Self>> {
        let mut command = cargo::for_host(workspace, "test");
        command.args(["--lib", "--no-run", "--message-format=json-render-diagnostics"]);
        cargo::packages(&mut command, [chapter.package.as_str()]);
        let output = command.output().context("cargo could not be started")?;
        let folder = workspace.root.join("chapters").join(&chapter.name);
        let built = kernels::executables(&String::from_utf8_lossy(&output.stdout), "lib").remove(&folder);
        Ok(built.map(|program| Self { program, folder }))
    }

    /// The names of its tests.
    pub fn tests(&self) -> Result<Vec<String>> {
        let output = Command::new(&self.program).args(["--list", "--format=terse"]).output()?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        Ok(text.lines().filter_map(|line| line.strip_suffix(": test")).map(String::from).collect())
    }

    /// Runs one test to its end, because the reason for a failure comes last.
    pub fn run_one(&self, test: &str, timeout: Duration) -> Result<Ran> {
        self.watch(&["--exact", test], timeout, |_| false)
    }

    /// Runs all tests until one fails: the wanted one, if one is named.
    pub fn run(&self, timeout: Duration, wanted: Option<&str>) -> Result<Ran> {
        self.watch(&[], timeout, |test| wanted.is_none_or(|wanted| test == wanted))
    }

    fn watch(&self, arguments: &[&str], timeout: Duration, is_enough: impl Fn(&str) -> bool) -> Result<Ran> {
        // One at a time, so that we know which one hangs.
        let mut command = Command::new(&self.program);
        command.arg("--test-threads=1").args(arguments).current_dir(&self.folder);
        watch(&mut Process::start(&mut command)?, timeout * MANY_CASES, is_enough)
    }
}

/// Waits until the program with the tests ends, until a failure is enough, or until a test takes too long.
fn watch(process: &mut Process, timeout: Duration, is_enough: impl Fn(&str) -> bool) -> Result<Ran> {
    let mut text = String::new();
    let mut deadline = Instant::now() + timeout;
    loop {
        match process.output.recv_timeout(PAUSE) {
            Ok(bytes) => {
                text += &String::from_utf8_lossy(&bytes);
                deadline = Instant::now() + timeout;
            }
            Err(RecvTimeoutError::Timeout) if Instant::now() < deadline => {}
            Err(RecvTimeoutError::Timeout) => {
                let failed = Some(last_test(&text));
                text += "\nIt hangs: it has printed nothing for too long.\n";
                return Ok(Ran { failed, text });
            }
            Err(RecvTimeoutError::Disconnected) => break,
        }
        if interrupt::happened() {
            bail!("Interrupted.");
        }
        if let Some(test) = text.lines().filter_map(failed_test).find(|test| is_enough(test)) {
            let failed = Some(test.into());
            return Ok(Ran { failed, text });
        }
    }
    let mut failed = text.lines().find_map(failed_test).map(String::from);
    if failed.is_none() && !process.status()?.success() {
        // The program has failed without naming a test: it has ended in the last one that it began.
        failed = Some(last_test(&text));
    }
    Ok(Ran { failed, text })
}

/// The test that a line such as `test tests::of_something ... FAILED` names, if it failed.
fn failed_test(line: &str) -> Option<&str> {
    line.strip_suffix(" ... FAILED").and_then(test_of)
}

/// The test that was begun last.
fn last_test(text: &str) -> String {
    text.lines().rev().find_map(test_of).unwrap_or("the tests of the library").into()
}

/// The name of the test that a line begins with.
fn test_of(line: &str) -> Option<&str> {
    line.strip_prefix("test ")?.split(' ').next()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Process {
        Process::start(Command::new("sh").args(["-c", script])).expect("there is a shell")
    }

    fn watched(script: &str, timeout: Duration) -> Option<String> {
        watch(&mut shell(script), timeout, |_| true).expect("no person interrupts").failed
    }

    #[test]
    fn the_wanted_test_is_preferred_and_another_failure_still_counts() {
        let script = "echo 'test tests::a ... FAILED'; echo 'test tests::b ... FAILED'; exit 101";
        for (wanted, found) in [("tests::b", "tests::b"), ("tests::c", "tests::a")] {
            let ran = watch(&mut shell(script), Duration::from_secs(60), |test| test == wanted);
            assert_eq!(ran.expect("no person interrupts").failed.as_deref(), Some(found));
        }
    }

    #[test]
    fn the_first_test_that_fails_is_reported() {
        let script = "echo 'test tests::a ... ok'; echo 'test tests::b - should panic ... FAILED'; \
            printf 'test tests::c ... '; exec sleep 1000";
        assert_eq!(watched(script, Duration::from_secs(5)).as_deref(), Some("tests::b"));
    }

    #[test]
    fn all_output_is_read_when_no_failure_is_enough() {
        let script = "echo 'test tests::a ... FAILED'; sleep 0.2; echo why; exit 101";
        let ran = watch(&mut shell(script), Duration::from_secs(60), |_| false).expect("no person interrupts");
        assert_eq!(ran, Ran { failed: Some("tests::a".into()), text: "test tests::a ... FAILED\nwhy\n".into() });
    }

    #[test]
    fn a_test_that_hangs_or_dies_is_the_one_that_was_begun_last() {
        let script = "echo 'test tests::a ... ok'; printf 'test tests::b ... '; ";
        let failed = Some("tests::b".to_string());
        assert_eq!(watched(&format!("{script} exec sleep 1000"), Duration::from_millis(300)), failed);
        assert_eq!(watched(&format!("{script} exit 1"), Duration::from_secs(60)), failed);
        assert_eq!(watched(&format!("{script} kill -9 $$"), Duration::from_secs(60)), failed);
    }

    #[test]
    fn a_good_end_needs_its_exit_status() {
        assert_eq!(watched("echo 'test tests::a ... ok'", Duration::from_secs(60)), None);
        assert_eq!(watched("exit 101", Duration::from_secs(60)).as_deref(), Some("the tests of the library"));
    }
}
