//! Builds kernels, several with one call of Cargo, and finds their files through Cargo's messages.

use crate::cargo::{self, Profile};
use crate::workspace::{Chapter, Workspace};
use anyhow::{Context, Result};
use serde::Deserialize;
use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// Which of a chapter's kernels is wanted.
#[derive(Clone, Copy)]
pub enum Kind {
    /// The kernel that demonstrates the chapter's step.
    Demonstration,
    /// The kernel with the chapter's tests.
    Tests,
    /// The kernel with its long tests.
    LongTests,
    /// The kernel with its benchmarks.
    Benches,
}

impl Kind {
    /// Cargo's name for targets of this kind.
    fn target(self) -> &'static str {
        match self {
            Self::Demonstration => "bin",
            Self::Tests | Self::LongTests => "test",
            Self::Benches => "bench",
        }
    }
}

/// Builds the demonstration of one chapter.
pub fn build_one(workspace: &Workspace, chapter: &Chapter) -> Result<PathBuf> {
    let kernel = build(workspace, &[chapter], Kind::Demonstration, Profile::Kernel)?.remove(0);
    kernel.with_context(|| format!("The kernel of {} could not be built; the reason is printed above.", chapter.name))
}

/// Builds the kernels of these chapters with one call of Cargo, and returns their files in the same order.
///
/// `None` stands for a kernel that could not be built; Cargo has printed why.
pub fn build(
    workspace: &Workspace,
    chapters: &[&Chapter],
    kind: Kind,
    profile: Profile,
) -> Result<Vec<Option<PathBuf>>> {
    let mut command = cargo::for_kernels(workspace, "build", profile);
    command.args(["--keep-going", "--message-format=json-render-diagnostics"]);
    cargo::packages(&mut command, chapters.iter().map(|chapter| chapter.package.as_str()));
    match kind {
        Kind::Demonstration => command.arg("--bins"),
        Kind::Tests => command.args(["--test", "kernel"]),
        Kind::LongTests => command.args(["--test", "stress"]),
        Kind::Benches => command.args(["--bench", "kernel"]),
    };
    let output = command.output().context("cargo could not be started")?;
    let mut found = executables(&String::from_utf8_lossy(&output.stdout), kind.target());
    let folder = |chapter: &Chapter| workspace.root.join("chapters").join(&chapter.name);
    Ok(chapters.iter().map(|chapter| found.remove(&folder(chapter))).collect())
}

/// A message of Cargo's: one line of JSON.
#[derive(Deserialize)]
struct Message {
    manifest_path: Option<PathBuf>,
    executable: Option<PathBuf>,
    target: Option<Target>,
}

#[derive(Deserialize)]
struct Target {
    kind: Vec<String>,
    name: String,
}

/// The executables that Cargo's `messages` report for targets of this kind, by the folders of their packages.
pub fn executables(messages: &str, wanted: &str) -> HashMap<PathBuf, PathBuf> {
    let executable = |(folder, target, executable): (PathBuf, Target, PathBuf)| {
        (target.kind == [wanted]).then_some((folder, executable))
    };
    reported(messages).filter_map(executable).collect()
}

/// The test program of this name that Cargo's `messages` report for the package in a folder.
pub fn test_program(messages: &str, folder: &Path, name: &str) -> Option<PathBuf> {
    let is_meant = |of: &Path, target: &Target| of == folder && target.kind == ["test"] && target.name == name;
    reported(messages).find(|(of, target, _)| is_meant(of, target)).map(|(_, _, executable)| executable)
}

/// All executables that Cargo's `messages` report: the folder of the package, the target, and the executable.
fn reported(messages: &str) -> impl Iterator<Item = (PathBuf, Target, PathBuf)> {
    messages.lines().filter_map(|line| {
        let message: Message = serde_json::from_str(line).ok()?;
        let folder = message.manifest_path.as_deref().and_then(Path::parent)?;
        Some((folder.to_owned(), message.target?, message.executable?))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const MESSAGES: &str = concat!(
        r#"{"reason":"compiler-artifact","manifest_path":"/x/common/Cargo.toml","target":{"kind":["lib"],"name":"common"},"executable":null}"#,
        "\n",
        r#"{"reason":"compiler-artifact","manifest_path":"/x/a/Cargo.toml","target":{"kind":["bin"],"name":"a"},"executable":"/x/t/a"}"#,
        "\n",
        r#"{"reason":"compiler-artifact","manifest_path":"/x/a/Cargo.toml","target":{"kind":["test"],"name":"kernel"},"executable":"/x/t/kernel"}"#,
        "\n",
        r#"{"reason":"build-finished","success":true}"#,
    );

    #[test]
    fn the_two_kernels_of_a_chapter_are_distinguished() {
        let folder = Path::new("/x/a");
        assert_eq!(executables(MESSAGES, Kind::Demonstration.target())[folder], Path::new("/x/t/a"));
        assert_eq!(executables(MESSAGES, Kind::Tests.target())[folder], Path::new("/x/t/kernel"));
    }

    #[test]
    fn a_test_program_is_found_by_its_name() {
        let folder = Path::new("/x/a");
        assert_eq!(test_program(MESSAGES, folder, "kernel").as_deref(), Some(Path::new("/x/t/kernel")));
        assert_eq!(test_program(MESSAGES, folder, "a"), None);
        assert_eq!(test_program(MESSAGES, Path::new("/x/common"), "kernel"), None);
    }

    #[test]
    fn libraries_and_messages_are_not_kernels() {
        assert_eq!(executables(MESSAGES, Kind::Tests.target()).len(), 1);
    }
}
