//! Finds the chapters, and the one that a person names.
//!
//! A chapter is a folder `chapters/NN-name` whose package is called `chNN-name`. There is no other list of them: Cargo
//! knows the members of the workspace, and sorting by name gives the reading order.

use anyhow::{Context, Result, bail};
use serde::Deserialize;
use std::ffi::OsStr;
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// One chapter, as its `Cargo.toml` describes it.
#[derive(Clone, Debug)]
pub struct Chapter {
    /// The folder's name, such as `05-paging`.
    pub name: String,
    /// The package's name, which is also the kernel's, such as `ch05-paging`.
    pub package: String,
    /// Whether it has tests that boot: `tests/kernel.rs`.
    pub has_booted_tests: bool,
    /// Whether it has tests that take long: `tests/stress`.
    pub has_long_tests: bool,
    /// Whether it has benchmarks: `benches/kernel.rs`.
    pub has_benches: bool,
}

/// The project on this machine.
pub struct Workspace {
    /// The folder of the project.
    pub root: PathBuf,
    /// Where Cargo puts what it builds, and where images go too.
    pub target: PathBuf,
    /// In reading order; never empty.
    pub chapters: Vec<Chapter>,
    /// Whether to hide what Cargo and the compiler print.
    pub is_quiet: bool,
}

impl Chapter {
    /// Whether a person who types `word` means this chapter.
    fn answers_to(&self, word: &str) -> bool {
        let (number, title) = self.name.split_once('-').unwrap_or((&self.name, ""));
        let same_number = matches!((word.parse::<u32>(), number.parse::<u32>()), (Ok(a), Ok(b)) if a == b);
        same_number || word == title || word == self.name
    }
}

impl Workspace {
    /// Asks Cargo about the workspace that the current directory belongs to.
    pub fn load() -> Result<Self> {
        let output = cargo(["metadata", "--format-version=1", "--no-deps", "--offline"])
            .stderr(Stdio::inherit())
            .output()
            .context("cargo could not be started")?;
        let metadata: Metadata = serde_json::from_slice(&output.stdout).context("cargo could not list the chapters")?;
        let mut chapters: Vec<Chapter> = metadata.packages.into_iter().filter_map(Package::into_chapter).collect();
        chapters.sort_by(|a, b| a.name.cmp(&b.name));
        if chapters.is_empty() {
            bail!("there is no chapter under {}", metadata.workspace_root.join("chapters").display());
        }
        let (root, target) = (metadata.workspace_root, metadata.target_directory);
        Ok(Self { root, target, chapters, is_quiet: false })
    }

    /// The chapter that `word` names; without a word, the last one.
    pub fn chapter(&self, word: Option<&str>) -> Result<&Chapter> {
        find(&self.chapters, word)
    }
}

/// `cargo` with these arguments: the Cargo that started this program, or otherwise the first in PATH.
pub fn cargo<'a>(arguments: impl IntoIterator<Item = &'a str>) -> Command {
    let cargo = std::env::var_os("CARGO");
    let mut command = Command::new(cargo.as_deref().unwrap_or(OsStr::new("cargo")));
    command.args(arguments);
    command
}

fn find<'a>(chapters: &'a [Chapter], word: Option<&str>) -> Result<&'a Chapter> {
    let Some(word) = word else {
        return chapters.last().context("there is no chapter yet");
    };
    chapters.iter().find(|chapter| chapter.answers_to(word)).with_context(|| {
        let names: Vec<&str> = chapters.iter().map(|chapter| chapter.name.as_str()).collect();
        format!("There is no chapter \"{word}\". The chapters are {}.", names.join(", "))
    })
}

/// The parts of `cargo metadata`'s answer that are used here.
#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
    workspace_root: PathBuf,
    target_directory: PathBuf,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    manifest_path: PathBuf,
    targets: Vec<Target>,
}

#[derive(Deserialize)]
struct Target {
    name: String,
    kind: Vec<String>,
}

impl Package {
    /// The chapter, if the package is one.
    fn into_chapter(self) -> Option<Chapter> {
        let folder = self.manifest_path.parent()?;
        let is_chapter = folder.parent()?.file_name()? == "chapters";
        let has = |name, kind| self.targets.iter().any(|target| target.name == name && target.kind == [kind]);
        is_chapter.then(|| Chapter {
            name: folder.file_name().unwrap_or_default().to_string_lossy().into_owned(),
            package: self.name,
            has_booted_tests: has("kernel", "test"),
            has_long_tests: has("stress", "test"),
            has_benches: has("kernel", "bench"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chapters() -> Vec<Chapter> {
        ["01-boot", "09-multitasking", "10-user-mode"]
            .map(|name| (name.into(), format!("ch{name}")))
            .map(|(name, package)| Chapter {
                name,
                package,
                has_booted_tests: true,
                has_long_tests: false,
                has_benches: false,
            })
            .into()
    }

    fn named(word: &str) -> Option<String> {
        find(&chapters(), Some(word)).ok().map(|chapter| chapter.name.clone())
    }

    #[test]
    fn a_chapter_answers_to_number_title_and_folder() {
        for word in ["9", "09", "multitasking", "09-multitasking"] {
            assert_eq!(named(word).as_deref(), Some("09-multitasking"), "{word}");
        }
        assert_eq!(named("user-mode").as_deref(), Some("10-user-mode"));
    }

    #[test]
    fn a_chapter_answers_to_nothing_else() {
        for word in ["", "0", "90", "1-boot", "boo", "user", "banana", "-1"] {
            assert_eq!(named(word), None, "{word}");
        }
    }

    #[test]
    fn a_wrong_name_lists_the_right_ones() {
        let message = find(&chapters(), Some("banana")).expect_err("no such chapter").to_string();
        assert_eq!(message, "There is no chapter \"banana\". The chapters are 01-boot, 09-multitasking, 10-user-mode.");
    }

    #[test]
    fn without_a_name_the_last_chapter_is_chosen() {
        assert_eq!(find(&chapters(), None).expect("there are chapters").name, "10-user-mode");
    }
}
