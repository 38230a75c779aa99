//! Tests of a chapter's library, which run on the host. The code under test is not trusted, so they run in a box.
//!
//! The box is bubblewrap: it has no network, no files except the program and the system's libraries, and it ends with
//! us. The program's output could be forged like any other, so no points hang on it alone.

use crate::judge::{Failure, Verdict};
use crate::tree::Copy;
use anyhow::{Context, Result};
use book::exercise::Exercise;
use machine::cargo;
use machine::kernels;
use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Command, Stdio};

const BOX: &str = "bwrap";
/// How much CPU time all tests of an exercise may take.
const CPU_SECONDS: u32 = 60;
/// Of a long output, the last part is kept.
const MOST_BYTES: usize = 8 << 10;

/// What the tests have printed.
pub struct Hosted {
    text: String,
    why_not: Option<String>,
    does_not_compile: bool,
}

/// Builds the chapter's library in the copy with its tests, and runs those that the exercise names.
pub fn run(copy: &Copy, exercise: &Exercise) -> Result<Hosted> {
    let names: BTreeSet<&String> = exercise.about.tests.iter().flat_map(|test| &test.host).collect();
    if names.is_empty() {
        return Ok(Hosted { text: String::new(), why_not: None, does_not_compile: false });
    }
    let failed = |why: String| Ok(Hosted { text: String::new(), why_not: Some(why), does_not_compile: false });
    if Command::new(BOX).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_err() {
        return failed(format!("Tests on the host need bubblewrap ({BOX}), which is not installed."));
    }
    let workspace = copy.workspace();
    let chapter = workspace.chapter(Some(&exercise.about.chapter))?;
    let mut command = cargo::for_host(workspace, "test");
    command.args(["--lib", "--no-run", "--message-format=json-render-diagnostics"]);
    cargo::packages(&mut command, [chapter.package.as_str()]);
    let output = command.stdin(Stdio::null()).stderr(Stdio::piped()).output().context("cargo could not be started")?;
    let folder = workspace.root.join("chapters").join(&chapter.name);
    let Some(program) = kernels::executables(&String::from_utf8_lossy(&output.stdout), "lib").remove(&folder) else {
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        return Ok(Hosted { text, why_not: None, does_not_compile: true });
    };
    let output = boxed(&program).args(["--exact", "--test-threads=1"]).args(&names).output();
    let output = output.with_context(|| format!("{BOX} could not be started"))?;
    let complaint = String::from_utf8_lossy(&output.stderr);
    if complaint.starts_with("bwrap: ") {
        return failed(format!("Tests on the host need a box, and this host does not allow one: {}", complaint.trim()));
    }
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    Ok(Hosted { text, why_not: None, does_not_compile: false })
}

impl Hosted {
    /// The verdict on one test.
    pub fn verdict(&self, name: &str) -> Verdict {
        if let Some(why) = &self.why_not {
            return Verdict::InfraError(why.clone());
        }
        let reason = match self.text.contains(&format!("test {name} ... ok")) {
            true => return Verdict::Passed,
            false if self.does_not_compile => "It does not compile for the host.".to_owned(),
            false => format!("The test `{name}` of the library fails on the host."),
        };
        let start = self.text.ceil_char_boundary(self.text.len().saturating_sub(MOST_BYTES));
        let log = self.text[start..].to_owned();
        Verdict::Failed(Failure { run: name.to_owned(), reason, log, spaces: None })
    }
}

/// The program in a box.
fn boxed(program: &Path) -> Command {
    let mut command = Command::new("prlimit");
    command.arg(format!("--cpu={CPU_SECONDS}")).args(["--as=4294967296", "--fsize=1048576", "--core=0", "--"]);
    command.args([BOX, "--unshare-all", "--die-with-parent", "--new-session", "--clearenv"]);
    for folder in ["/usr", "/lib", "/lib64", "/lib32"] {
        command.args(["--ro-bind-try", folder, folder]);
    }
    command.args(["--dev", "/dev", "--proc", "/proc", "--tmpfs", "/tmp", "--chdir", "/tmp"]);
    command.args(["--setenv", "PROPTEST_FAILURE_PERSISTENCE", "off"]);
    command.arg("--ro-bind").arg(program).arg("/program").arg("/program").stdin(Stdio::null());
    command
}
