//! Calls git: lists the project's files, applies patches to them, and compares and merges files.

use anyhow::{Context, Result, anyhow, bail};
use std::ffi::OsStr;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::{fmt, io};

/// The files in `root` that git tracks, and those that it would add, by their paths relative to `root`.
pub fn files(root: &Path) -> Result<Vec<PathBuf>> {
    let list = git(root, &["ls-files", "-z", "--cached", "--others", "--exclude-standard"])?;
    if !list.status.success() {
        bail!("git cannot list the project's files: {}", complaint(&list));
    }
    let names = String::from_utf8(list.stdout).context("the names of the project's files are not valid UTF-8")?;
    // A tracked file may have been deleted.
    Ok(names.split_terminator('\0').filter(|name| root.join(name).is_file()).map(PathBuf::from).collect())
}

/// The commit that a name such as `HEAD` stands for.
pub fn commit(root: &Path, name: &str) -> Result<String> {
    let output = git(root, &["rev-parse", "--verify", "--quiet", &format!("{name}^{{commit}}")])?;
    if !output.status.success() {
        bail!("git knows no commit {name} in {}.", root.display());
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// A commit by its tag, or by the nearest tag before it, among the tags that a pattern describes; by its number if there
/// is no such tag.
pub fn name(root: &Path, commit: &str, tags: &str) -> Result<String> {
    let name = run(root, &[], &["describe", "--always", "--match", tags, commit])?;
    Ok(String::from_utf8_lossy(&name).trim().to_owned())
}

/// Writes those files of a commit that are wanted to a folder. Unlike [`files_of`], it knows which can be executed.
pub fn unpack(root: &Path, commit: &str, folder: &Path, is_wanted: impl Fn(&Path) -> bool) -> Result<()> {
    let archive = archive(root, commit)?;
    for entry in tar::Archive::new(archive.as_slice()).entries()? {
        let mut entry = entry?;
        if entry.header().entry_type().is_file() && is_wanted(&entry.path()?) {
            entry.unpack_in(folder).with_context(|| format!("writing to {}", folder.display()))?;
        }
    }
    Ok(())
}

fn archive(root: &Path, commit: &str) -> Result<Vec<u8>> {
    run(root, &[], &["archive", "--format=tar", commit]).with_context(|| format!("The commit {commit} cannot be read"))
}

/// The files of a commit, with their contents.
pub fn files_of(root: &Path, commit: &str) -> Result<Vec<(PathBuf, Vec<u8>)>> {
    let archive = archive(root, commit)?;
    let mut files = Vec::new();
    for entry in tar::Archive::new(archive.as_slice()).entries()? {
        let mut entry = entry?;
        if entry.header().entry_type().is_file() {
            let mut bytes = Vec::new();
            entry.read_to_end(&mut bytes)?;
            files.push((entry.path()?.into_owned(), bytes));
        }
    }
    Ok(files)
}

/// Applies a patch to the files in `root`. If that is not possible, the inner error says why.
pub fn apply(root: &Path, patch: &Path) -> Result<Result<(), String>> {
    patched(root, patch, &[])
}

/// Whether the patch can be applied. If not, the inner error says why.
pub fn applies(root: &Path, patch: &Path) -> Result<Result<(), String>> {
    patched(root, patch, &["--check"])
}

/// Whether the patch has been applied, so that it could be reverted.
pub fn is_applied(root: &Path, patch: &Path) -> Result<bool> {
    Ok(patched(root, patch, &["--check", "--reverse"])?.is_ok())
}

fn patched(root: &Path, patch: &Path, options: &[&str]) -> Result<Result<(), String>> {
    let patch = patch.to_string_lossy();
    let output = git(root, &[&["apply", "--whitespace=nowarn"], options, &[&patch]].concat())?;
    Ok(if output.status.success() { Ok(()) } else { Err(complaint(&output)) })
}

/// The files that a patch changes, by their paths relative to the project's folder.
pub fn changed_by(root: &Path, patch: &Path) -> Result<Vec<PathBuf>> {
    let output = git(root, &["apply".as_ref(), "--numstat".as_ref(), "-z".as_ref(), patch.as_os_str()])?;
    if !output.status.success() {
        bail!("git cannot list what {} changes: {}", patch.display(), complaint(&output));
    }
    let rows = String::from_utf8_lossy(&output.stdout).into_owned();
    Ok(rows.split_terminator('\0').filter_map(|row| row.split('\t').nth(2)).map(PathBuf::from).collect())
}

/// The file `yours` after the change that leads from `old` to `new`; `None` if `yours` has other changes in the same
/// lines.
pub fn merge(yours: &Path, old: &Path, new: &Path) -> Result<Option<Vec<u8>>> {
    let options = ["merge-file", "--stdout", "--quiet"].map(OsStr::new);
    let output = git(Path::new("/"), &[&options[..], &[yours.as_os_str(), old.as_os_str(), new.as_os_str()]].concat())?;
    match output.status.code() {
        Some(0) => Ok(Some(output.stdout)),
        // The number of conflicts.
        Some(1..=127) => Ok(None),
        _ => bail!("git cannot merge {}: {}", yours.display(), complaint(&output)),
    }
}

/// Lines of a file that were changed, or the place where lines were removed.
#[derive(Debug, PartialEq)]
pub struct Lines {
    first: usize,
    count: usize,
    gone: usize,
}

impl Lines {
    /// Whether all of them lie in the place of `others`, or right beside it.
    pub fn are_beside(&self, others: &Self) -> bool {
        others.first <= self.first + 1 && self.first + self.count <= others.first + others.count + 1
    }
}

impl fmt::Display for Lines {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let Self { first, count, gone } = *self;
        let lines = if gone == 1 { "a line".into() } else { format!("{gone} lines") };
        match (count, first) {
            (0, 0) => write!(f, "{lines} removed at the start"),
            (0, _) => write!(f, "{lines} removed after line {first}"),
            (1, _) => write!(f, "line {first}"),
            _ => write!(f, "lines {first} to {}", first + count - 1),
        }
    }
}

/// The lines of the file `new` that differ from those of `old`.
pub fn changed_lines(old: &Path, new: &Path) -> Result<Vec<Lines>> {
    let options = ["diff", "--no-index", "--no-ext-diff", "--no-color", "--unified=0"].map(OsStr::new);
    let output = git(Path::new("/"), &[&options[..], &[old.as_os_str(), new.as_os_str()]].concat())?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.lines().filter_map(|line| line.strip_prefix("@@ -")).map(lines).collect()
}

/// Reads the header of a hunk in a patch, such as `12,3 +12,4 @@`.
fn lines(head: &str) -> Result<Lines> {
    let number = |word: &str| word.parse().map_err(|_| anyhow!("git's answer has no line numbers: @@ -{head}"));
    let range = |word: &str| -> Result<(usize, usize)> {
        let (first, count) = word.split_once(',').unwrap_or((word, "1"));
        Ok((number(first)?, number(count)?))
    };
    let mut words = head.split([' ', '+']).filter(|word| !word.is_empty());
    let (old, new) = (range(words.next().unwrap_or_default())?, range(words.next().unwrap_or_default())?);
    Ok(Lines { first: new.0, count: new.1, gone: old.1 })
}

/// Runs a command of git in a folder, with these environment variables, and returns what it prints. If it fails, the
/// error is what git says.
pub fn run(folder: &Path, variables: &[(&str, &OsStr)], arguments: &[impl AsRef<OsStr>]) -> Result<Vec<u8>> {
    let output = git_with(folder, variables, arguments)?;
    if !output.status.success() {
        bail!("git says: {}", complaint(&output));
    }
    Ok(output.stdout)
}

fn git(folder: &Path, arguments: &[impl AsRef<OsStr>]) -> Result<Output> {
    git_with(folder, &[], arguments)
}

/// Runs git in a folder, and keeps it from finding a repository that merely contains this folder.
fn git_with(folder: &Path, variables: &[(&str, &OsStr)], arguments: &[impl AsRef<OsStr>]) -> Result<Output> {
    let mut command = Command::new("git");
    command.current_dir(folder).args(arguments).env_remove("GIT_DIR").env_remove("GIT_WORK_TREE");
    command.env("GIT_CEILING_DIRECTORIES", folder.parent().unwrap_or(folder)).envs(variables.iter().copied());
    match command.output() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            bail!("This needs git, which is not installed; on Debian, `apt install git` installs it.")
        }
        output => output.context("git could not be started"),
    }
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

    /// A repository with a file `in/one` that contains `one`, and a patch that makes it `two`.
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
    fn a_patch_that_cannot_be_applied_is_reported() {
        let (folder, patch) = (repository(), Path::new("patch"));
        let root = folder.path();
        assert_eq!(applies(root, patch).expect("git is there"), Ok(()));
        assert_eq!(fs::read_to_string(root.join("in/one")).expect("a file"), "one\n");
        assert_eq!(apply(root, patch).expect("git is there"), Ok(()));
        assert_eq!(fs::read_to_string(root.join("in/one")).expect("a file"), "two\n");
        let why = applies(root, patch).expect("git is there").expect_err("it has been applied");
        assert!(why.contains("in/one"), "{why}");
    }

    #[test]
    fn a_patch_lists_its_files_and_whether_it_is_applied() {
        let (folder, patch) = (repository(), Path::new("patch"));
        let root = folder.path();
        assert_eq!(changed_by(root, patch).expect("a patch"), [Path::new("in/one")]);
        assert!(!is_applied(root, patch).expect("git is there"));
        fs::write(root.join("in/one"), "two\n").expect("a file");
        assert!(is_applied(root, patch).expect("git is there"));
    }

    #[test]
    fn changes_in_the_same_place_are_told_from_others() {
        let lines = |first, count| Lines { first, count, gone: 1 };
        let place = lines(10, 3);
        assert!([lines(10, 3), lines(9, 1), lines(11, 0), lines(12, 2)].iter().all(|one| one.are_beside(&place)));
        assert!([lines(8, 1), lines(10, 9), lines(20, 1)].iter().all(|one| !one.are_beside(&place)));
    }

    #[test]
    fn lines_are_described_in_words() {
        for (head, reported) in [
            ("12,3 +12,4 @@ fn f()", "lines 12 to 15"),
            ("12 +13 @@", "line 13"),
            ("12 +11,0 @@", "a line removed after line 11"),
            ("1,2 +0,0 @@", "2 lines removed at the start"),
        ] {
            assert_eq!(lines(head).expect(head).to_string(), reported);
        }
        assert!(lines("x +1 @@").is_err());
    }
}
