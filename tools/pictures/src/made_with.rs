//! What the pictures depend on besides the kernels' source. Another compiler makes another kernel, and
//! another boot loader or machine leaves other data in memory.

use anyhow::Result;
use machine::grub;
use machine::qemu;
use serde::{Deserialize, Serialize};
use std::fs;
use std::path::Path;
use std::process::Command;

/// The file with the versions that made the committed pictures.
pub const FILE: &str = "made-with.json";

/// What `rustc --version` adds after the version if a distribution has built it.
const FROM_SOURCES: &str = " (built from a source tarball)";

/// The versions of the programs, as each program prints its own.
#[derive(Debug, Deserialize, PartialEq, Serialize)]
pub struct MadeWith {
    compiler: String,
    loader: String,
    machine: String,
}

impl MadeWith {
    /// The versions on this machine.
    pub fn today() -> Self {
        let version = |program: &str| first_line(Command::new(program).arg("--version").output().ok());
        Self {
            compiler: version("rustc"),
            loader: first_line(grub::version().ok()),
            machine: first_line(qemu::version().ok()),
        }
    }

    /// The versions that made the pictures in `folder`.
    pub fn committed(folder: &Path) -> Option<Self> {
        serde_json::from_str(&fs::read_to_string(folder.join(FILE)).ok()?).ok()
    }

    /// The content of the file.
    pub fn to_json(&self) -> Result<String> {
        Ok(serde_json::to_string_pretty(self)? + "\n")
    }

    /// Whether the versions are the same. A distribution may have built the same version of the compiler from source,
    /// with another LLVM; such a compiler places code elsewhere.
    pub fn has_versions_of(&self, other: &Self) -> bool {
        let version = |compiler: &str| compiler.trim_end_matches(FROM_SOURCES).to_owned();
        version(&self.compiler) == version(&other.compiler)
            && (&self.loader, &self.machine) == (&other.loader, &other.machine)
    }

    /// A sentence about how this differs from the versions that made the pictures; empty if it does not.
    pub fn difference(&self, before: &Self) -> String {
        let pairs =
            [(&before.compiler, &self.compiler), (&before.loader, &self.loader), (&before.machine, &self.machine)];
        let pairs = pairs.into_iter().filter(|(before, now)| before != now);
        pairs.map(|(before, now)| format!("\nThe pictures were made with {before}; this machine has {now}.")).collect()
    }
}

fn first_line(output: Option<std::process::Output>) -> String {
    let text = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
    text.lines().next().unwrap_or("a program that prints no version").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_versions_are_reported() {
        let with = |compiler: &str| MadeWith { compiler: compiler.into(), loader: "G".into(), machine: "Q".into() };
        assert_eq!(with("rustc 2").difference(&with("rustc 2")), "");
        let reported = with("rustc 2").difference(&with("rustc 1"));
        assert_eq!(reported, "\nThe pictures were made with rustc 1; this machine has rustc 2.");
    }

    #[test]
    fn a_distributions_build_of_the_compiler_has_the_same_version() {
        let with = |compiler: &str, machine: &str| MadeWith {
            compiler: compiler.into(),
            loader: "G".into(),
            machine: machine.into(),
        };
        let ours = with("rustc 1.96.0 (ac68faa20 2026-05-25)", "Q");
        let debians = with("rustc 1.96.0 (ac68faa20 2026-05-25) (built from a source tarball)", "Q");
        assert!(debians.has_versions_of(&ours) && ours.has_versions_of(&debians));
        assert!(!debians.difference(&ours).is_empty());
        assert!(!with("rustc 1.97.0 (ac68faa20 2026-05-25)", "Q").has_versions_of(&ours));
        assert!(!with("rustc 1.96.0 (ac68faa20 2026-05-25)", "R").has_versions_of(&ours));
    }
}
