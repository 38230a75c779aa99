//! Git: which files the project has, and patches applied to them.

use anyhow::{Context, Result, bail};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// The files in `root` that git knows, and those that it would take, by their paths from there on.
pub fn files(root: &Path) -> Result<Vec<PathBuf>> {
    let list = git(root, &["ls-files", "-z", "--cached", "--others", "--exclude-standard"])?;
    if !list.status.success() {
        bail!("git cannot tell which files there are: {}", complaint(&list));
    }
    let names = String::from_utf8(list.stdout).context("the names of the project's files are no text")?;
    // What git knows may have been deleted since.
    Ok(names.split_terminator('\0').filter(|name| root.join(name).is_file()).map(PathBuf::from).collect())
}

/// Changes the files in `root` as the patch in one of them says; if that cannot be, the inner error says why.
pub fn apply(root: &Path, patch: &Path) -> Result<Result<(), String>> {
    patched(root, patch, &[])
}

/// Whether the patch could be applied; if not, the inner error says why.
pub fn applies(root: &Path, patch: &Path) -> Result<Result<(), String>> {
    patched(root, patch, &["--check"])
}

fn patched(root: &Path, patch: &Path, options: &[&str]) -> Result<Result<(), String>> {
    let patch = patch.to_string_lossy();
    let output = git(root, &[&["apply", "--whitespace=nowarn"], options, &[&patch]].concat())?;
    Ok(if output.status.success() { Ok(()) } else { Err(complaint(&output)) })
}

/// Runs git in a folder that counts by itself, even if it lies within a repository and is no part of that.
fn git(folder: &Path, arguments: &[&str]) -> Result<Output> {
    let mut command = Command::new("git");
    command.current_dir(folder).args(arguments).env_remove("GIT_DIR").env_remove("GIT_WORK_TREE");
    command.env("GIT_CEILING_DIRECTORIES", folder.parent().unwrap_or(folder));
    command.output().context("git could not be started")
}

fn complaint(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).trim().to_owned()
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use std::fs;
    use tempfile::TempDir;

    const PATCH: &str = "Prose.\n\ndiff --git a/in/one b/in/one\n--- a/in/one\n+++ b/in/one\n@@ -1 +1 @@\n-one\n+two\n";

    /// A repository with a file `in/one`, which says so, and a patch that makes it two.
    pub fn repository() -> TempDir {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let root = folder.path();
        assert!(git(root, &["init"]).expect("git is there").status.success());
        fs::create_dir(root.join("in")).expect("a new folder");
        for (name, text) in [("in/one", "one\n"), ("patch", PATCH), (".gitignore", "/target\n")] {
            fs::write(root.join(name), text).expect("a new file");
        }
        folder
    }

    #[test]
    fn files_are_those_of_the_repository_that_are_there() {
        let folder = repository();
        let root = folder.path();
        assert!(git(root, &["add", "patch"]).expect("git is there").status.success());
        fs::remove_file(root.join("patch")).expect("the file is there");
        fs::create_dir(root.join("target")).expect("a new folder");
        fs::write(root.join("target/built"), "").expect("a new file");
        let mut files = files(root).expect("a list");
        files.sort();
        assert_eq!(files, [Path::new(".gitignore"), Path::new("in/one")]);
    }

    #[test]
    fn a_patch_that_cannot_be_applied_is_told() {
        let (folder, patch) = (repository(), Path::new("patch"));
        let root = folder.path();
        assert_eq!(applies(root, patch).expect("git is there"), Ok(()));
        assert_eq!(fs::read_to_string(root.join("in/one")).expect("a file"), "one\n");
        assert_eq!(apply(root, patch).expect("git is there"), Ok(()));
        assert_eq!(fs::read_to_string(root.join("in/one")).expect("a file"), "two\n");
        let why = applies(root, patch).expect("git is there").expect_err("it has been applied");
        assert!(why.contains("in/one"), "{why}");
    }
}
