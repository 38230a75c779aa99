//! Tests of a chapter's library, which run on the host. The code under test is not trusted, so they run in a box.
//!
//! The box is bubblewrap: it has no network, no files except the program and the system's libraries, and it ends with
//! us. A test passes if the program says so and ends well; what a failing test prints decides nothing. Code that gets
//! hold of the host's own functions could still forge both, so no points hang on these tests alone.

use crate::compiler;
use crate::judge::{Cause, Failure, Verdict};
use crate::tree::Copy;
use anyhow::{Context, Result};
use machine::cargo;
use machine::kernels;
use machine::process::Process;
use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};
use trials::exercise::Exercise;

const BOX: &str = "bwrap";
/// How much CPU time a test may take.
const CPU_SECONDS: u32 = 20;
/// How long this host may take for a test.
const PATIENCE: Duration = Duration::from_secs(120);
/// How long to wait before looking again whether a test has ended.
const PAUSE: Duration = Duration::from_millis(10);
/// Of a long output, the last part is kept.
const MOST_BYTES: usize = 8 << 10;

/// What the tests have shown, by their names.
pub struct Hosted {
    verdicts: BTreeMap<String, Verdict>,
}

/// Builds the chapter's library in the copy with its tests, and runs those that the exercise names.
pub fn run(copy: &Copy, exercise: &Exercise) -> Result<Hosted> {
    let names: BTreeSet<&String> = exercise.about.tests.iter().flat_map(|test| &test.host).collect();
    let all = |verdict: &dyn Fn(&str) -> Verdict| {
        Ok(Hosted { verdicts: names.iter().map(|name| (String::from(*name), verdict(name))).collect() })
    };
    if names.is_empty() {
        return all(&|_| Verdict::Passed);
    }
    if Command::new(BOX).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_err() {
        let why = format!("Tests on the host need bubblewrap ({BOX}), which is not installed.");
        return all(&|_| Verdict::InfraError(why.clone()));
    }
    let workspace = copy.workspace();
    let chapter = workspace.chapter(Some(&exercise.about.chapter))?;
    let mut command = cargo::for_host(workspace, "test");
    command.args(["--lib", "--no-run"]);
    cargo::packages(&mut command, [chapter.package.as_str()]);
    let said = compiler::run(&mut command).context("cargo could not be started")?;
    if let Some(why) = said.of_host().filter(|_| !said.is_good) {
        return all(&|_| Verdict::InfraError(why.clone()));
    }
    let folder = workspace.root.join("chapters").join(&chapter.name);
    let Some(program) = kernels::executables(&said.messages, "lib").remove(&folder) else {
        let reason = "It does not compile for the host.";
        return all(&|name| failed(name, Cause::NoEnd, reason.into(), &said.errors()));
    };
    all(&|name| run_one(&program, name))
}

/// Runs one test in a box.
fn run_one(program: &Path, name: &str) -> Verdict {
    let mut command = boxed(program);
    command.args(["--exact", "--test-threads=1", name]);
    let mut process = match Process::start(&mut command) {
        Ok(process) => process,
        Err(error) => return Verdict::InfraError(format!("{BOX} could not be started: {error}")),
    };
    let deadline = Instant::now() + PATIENCE;
    let status = loop {
        if let Some(status) = process.status_now() {
            break status;
        }
        if Instant::now() > deadline {
            let seconds = PATIENCE.as_secs();
            return Verdict::InfraError(format!("The test `{name}` did not end within {seconds} seconds."));
        }
        thread::sleep(PAUSE);
    };
    let text: Vec<u8> = process.output.iter().flatten().collect();
    let complaint = process.complaints();
    if complaint.starts_with("bwrap: ") {
        let why = format!("Tests on the host need a box, and this host does not allow one: {}", complaint.trim());
        return Verdict::InfraError(why);
    }
    if status.signal() == Some(KILL) || status.code() == Some(128 + KILL) {
        return Verdict::InfraError(format!("The host has killed the test `{name}`."));
    }
    verdict(name, status, &String::from_utf8_lossy(&text))
}

/// The number of the signal with which a host kills a process if memory is short. The limit of CPU time has another one.
const KILL: i32 = 9;

/// The verdict on a test that has ended like this and printed this.
fn verdict(name: &str, status: ExitStatus, text: &str) -> Verdict {
    let good = format!("test {name} ... ok");
    if status.success() && text.lines().any(|line| line == good) {
        return Verdict::Passed;
    }
    failed(name, Cause::Wrong, format!("The test `{name}` of the library fails on the host."), text)
}

fn failed(name: &str, cause: Cause, reason: String, text: &str) -> Verdict {
    let start = text.ceil_char_boundary(text.len().saturating_sub(MOST_BYTES));
    Verdict::Failed(Failure {
        cause,
        run: name.to_owned(),
        reason,
        log: text[start..].to_owned(),
        ..Failure::default()
    })
}

impl Hosted {
    /// The verdict on one test.
    pub fn verdict(&self, name: &str) -> Verdict {
        self.verdicts[name].clone()
    }
}

/// The program in a box.
fn boxed(program: &Path) -> Command {
    let mut command = Command::new("prlimit");
    command.arg(format!("--cpu={CPU_SECONDS}:{}", CPU_SECONDS + 5)).args([
        "--as=4294967296",
        "--fsize=1048576",
        "--core=0",
        "--",
    ]);
    command.args([BOX, "--unshare-all", "--die-with-parent", "--new-session", "--clearenv"]);
    for folder in ["/usr", "/lib", "/lib64", "/lib32"] {
        command.args(["--ro-bind-try", folder, folder]);
    }
    command.args(["--dev", "/dev", "--proc", "/proc", "--tmpfs", "/tmp", "--chdir", "/tmp"]);
    command.args(["--setenv", "PROPTEST_FAILURE_PERSISTENCE", "off"]);
    command.arg("--ro-bind").arg(program).arg("/program").arg("/program").stdin(Stdio::null());
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failing_test_cannot_print_that_it_passes() {
        let is_passed =
            |code: i32, text| matches!(verdict("a::b", ExitStatus::from_raw(code << 8), text), Verdict::Passed);
        assert!(is_passed(0, "running 1 test\ntest a::b ... ok\n"));
        assert!(!is_passed(101, "test a::b ... FAILED\nfailures:\ntest a::b ... ok\n"));
        assert!(!is_passed(0, "running 0 tests\n"));
    }
}
