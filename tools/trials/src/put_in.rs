//! Puts a change, such as a known mistake, into the reader's files for a while, and takes it out again.
//!
//! While the change is in, a folder in `target` has its name, and two versions of every file that it changed: before
//! and after. The difference between them is what was put in, so exactly that can be taken out. What the reader has
//! changed in the same files since then stays: git merges the three versions, as it merges branches. If she has changed
//! the same lines, only she knows what they should be, and no file is touched.

use crate::git;
use anyhow::{Context, Result, bail};
use machine::reminder::{FOLDER, RECORD};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use std::{fs, io};

/// The name of that folder until it is complete. It is always inside the project, even if Cargo builds elsewhere,
/// because another copy of the project has a state of its own.
const NEW_FOLDER: &str = "target/put-in.new";

/// Inside that folder, the files before the change, and after it.
const BEFORE: &str = "before";
const AFTER: &str = "after";

/// What is in the files.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub struct PutIn {
    /// Its name for a person, such as `09/no-exit`.
    pub name: String,
    /// The files that it changed, by their paths relative to the project's folder.
    pub files: Vec<PathBuf>,
}

/// The path of a file, relative to the project's folder, and its new contents.
pub type Contents = (PathBuf, Vec<u8>);

/// What must be done to a file to take out of it what was put in.
enum Mending {
    /// Nothing: it is out already.
    Nothing,
    /// Write this.
    Write(Vec<u8>),
    /// A person must decide.
    ByHand,
}

/// What is in the files, if anything is.
pub fn find(root: &Path) -> Result<Option<PutIn>> {
    let record = root.join(FOLDER).join(RECORD);
    let text = match fs::read(&record) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error).with_context(|| format!("{} could not be read", record.display())),
    };
    serde_json::from_slice(&text)
        .map(Some)
        .with_context(|| format!("{} is damaged; {FOLDER}/{BEFORE} has the files as they were", record.display()))
}

/// Fails if something is in the files already: of two changes, the second might have to be taken out first.
pub fn make_room(root: &Path) -> Result<()> {
    match find(root)? {
        Some(other) if other.is_in(root)? => {
            bail!("{} is in your files. Take it out first, with `make mend`.", other.name)
        }
        // It was undone by other means, such as `git checkout`.
        Some(other) => other.forget(root),
        None => Ok(()),
    }
}

/// Writes these files, and keeps their old contents.
pub fn put(root: &Path, name: &str, files: &[Contents]) -> Result<PutIn> {
    make_room(root)?;
    let put_in = PutIn { name: name.into(), files: files.iter().map(|(path, _)| path.clone()).collect() };
    // The record is complete before the first file changes, so that after any interruption all can be taken out.
    let keep = || -> Result<()> {
        let new = root.join(NEW_FOLDER);
        remove(&new)?;
        for (path, after) in files {
            write(&new.join(BEFORE).join(path), &fs::read(root.join(path))?)?;
            write(&new.join(AFTER).join(path), after)?;
        }
        write(&new.join(RECORD), &serde_json::to_vec_pretty(&put_in)?)?;
        Ok(fs::rename(new, root.join(FOLDER))?)
    };
    keep().context("the old contents of the files could not be kept, so none was changed")?;
    for (path, after) in files {
        fs::write(root.join(path), after).with_context(|| format!("{} could not be written", path.display()))?;
    }
    Ok(put_in)
}

impl PutIn {
    /// Takes it out of every file; or out of none, if a person must decide about one. Returns what was done to each
    /// file.
    pub fn take_out(&self, root: &Path) -> Result<Vec<(&Path, &'static str)>> {
        let mendings: Vec<(&Path, Mending)> = self.mendings(root)?;
        let by_hand: Vec<String> = mendings
            .iter()
            .filter(|(_, mending)| matches!(mending, Mending::ByHand))
            .map(|(path, _)| listed(path))
            .collect();
        if !by_hand.is_empty() {
            bail!(
                "{} was not taken out, and no file was touched. Since it was put in, you have changed the same lines, or \
                removed the file:\n{}\n{FOLDER}/{BEFORE} has these files as they were before. Change those lines in \
                yours back to what they are there, and type `make mend` again.\n\
                If yours are right as they are, `make mend KEEP=1` leaves them alone, and forgets {}.",
                self.name,
                by_hand.join("\n"),
                self.name
            );
        }
        let mut done = Vec::new();
        for (path, mending) in mendings {
            done.push((
                path,
                match mending {
                    Mending::Write(bytes) => {
                        let file = root.join(path);
                        let is_as_before = bytes == fs::read(self.kept(root, BEFORE, path))?;
                        fs::write(file, bytes).with_context(|| format!("{} could not be written", path.display()))?;
                        if is_as_before { "as it was before" } else { "taken out; your changes are kept" }
                    }
                    _ => "unchanged: it was out already",
                },
            ));
        }
        self.forget(root)?;
        Ok(done)
    }

    /// Leaves the files as they are, and removes the record of what was put in.
    pub fn forget(&self, root: &Path) -> Result<()> {
        remove(&root.join(FOLDER)).with_context(|| format!("{FOLDER} could not be removed"))
    }

    /// The lines of each file that it changed, by their numbers right after the change.
    pub fn lines(&self, root: &Path) -> Result<Vec<(&Path, Vec<git::Lines>)>> {
        let lines = |path: &Path| git::changed_lines(&self.kept(root, BEFORE, path), &self.kept(root, AFTER, path));
        self.files.iter().map(|path| Ok((path.as_path(), lines(path)?))).collect()
    }

    /// Whether anything of it is left.
    fn is_in(&self, root: &Path) -> Result<bool> {
        Ok(self.mendings(root)?.iter().any(|(_, mending)| !matches!(mending, Mending::Nothing)))
    }

    fn mendings(&self, root: &Path) -> Result<Vec<(&Path, Mending)>> {
        self.files.iter().map(|path| Ok((path.as_path(), self.mending(root, path)?))).collect()
    }

    fn mending(&self, root: &Path, path: &Path) -> Result<Mending> {
        let file = root.join(path);
        if !file.is_file() {
            return Ok(Mending::ByHand);
        }
        let without = git::merge(&file, &self.kept(root, AFTER, path), &self.kept(root, BEFORE, path))?;
        Ok(match without {
            None => Mending::ByHand,
            Some(bytes) if bytes == fs::read(file)? => Mending::Nothing,
            Some(bytes) => Mending::Write(bytes),
        })
    }

    /// A copy of a file as it was right after the change.
    pub fn after(&self, root: &Path, path: &Path) -> PathBuf {
        self.kept(root, AFTER, path)
    }

    fn kept(&self, root: &Path, when: &str, path: &Path) -> PathBuf {
        root.join(FOLDER).join(when).join(path)
    }
}

fn listed(path: &Path) -> String {
    format!("  {}", path.display())
}

fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    fs::create_dir_all(path.parent().unwrap_or(path))?;
    fs::write(path, bytes)
}

fn remove(folder: &Path) -> io::Result<()> {
    if folder.exists() { fs::remove_dir_all(folder) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tempfile::TempDir;

    const ONE: &str = "a\nb\nc\nd\ne\nf\ng\nh\n";
    const WRONG: &str = "a\nb\nWRONG\nd\ne\nf\ng\nh\n";
    const TWO: &str = "1\n2\n3\n";

    /// A project that is not a repository, with two files.
    fn tree() -> TempDir {
        let folder = tempfile::tempdir().expect("a temporary folder");
        set(&folder, "in/one", ONE);
        set(&folder, "in/two", TWO);
        folder
    }

    fn set(folder: &TempDir, path: &str, text: &str) {
        write(&folder.path().join(path), text.as_bytes()).expect("a new file");
    }

    fn get(folder: &TempDir, path: &str) -> String {
        fs::read_to_string(folder.path().join(path)).expect("a file")
    }

    /// Puts in a change of one line in one file, which also empties the other file.
    fn put_in(folder: &TempDir) -> Result<PutIn> {
        put(folder.path(), "05/it", &[("in/one".into(), WRONG.into()), ("in/two".into(), "".into())])
    }

    fn mend(folder: &TempDir) -> Result<Vec<String>> {
        let put_in = find(folder.path())?.expect("something is in");
        Ok(put_in.take_out(folder.path())?.into_iter().map(|(_, what)| what.into()).collect())
    }

    #[test]
    fn a_mistake_is_taken_out_exactly_and_forgotten() {
        let folder = tree();
        let put_in = put_in(&folder).expect("it is new");
        assert_eq!((get(&folder, "in/one"), get(&folder, "in/two")), (WRONG.into(), "".into()));
        assert_eq!(find(folder.path()).expect("a record"), Some(put_in));
        assert_eq!(mend(&folder).expect("all is as it was"), ["as it was before"; 2]);
        assert_eq!((get(&folder, "in/one"), get(&folder, "in/two")), (ONE.into(), TWO.into()));
        assert_eq!(find(folder.path()).expect("no record"), None);
        assert!(!folder.path().join(FOLDER).exists());
    }

    #[test]
    fn changes_to_other_lines_stay() {
        let folder = tree();
        set(&folder, "in/one", &ONE.replace('f', "uncommitted"));
        let before = get(&folder, "in/one");
        put(folder.path(), "05/it", &[("in/one".into(), before.replace('c', "WRONG").into())]).expect("it is new");
        set(&folder, "in/one", &format!("new\n{}", get(&folder, "in/one").replace('h', "mine")));
        assert_eq!(mend(&folder).expect("other lines"), ["taken out; your changes are kept"]);
        assert_eq!(get(&folder, "in/one"), "new\na\nb\nc\nd\ne\nuncommitted\ng\nmine\n");
    }

    #[test]
    fn changes_to_the_same_lines_leave_every_file_untouched() {
        let folder = tree();
        put_in(&folder).expect("it is new");
        set(&folder, "in/one", &WRONG.replace("WRONG", "mine"));
        let why = mend(&folder).expect_err("only a person can tell").to_string();
        assert!(why.contains("in/one") && !why.contains("in/two") && why.contains("KEEP=1"), "{why}");
        assert_eq!((get(&folder, "in/one"), get(&folder, "in/two")), (WRONG.replace("WRONG", "mine"), "".into()));
        set(&folder, "in/one", &get(&folder, "target/put-in/before/in/one"));
        assert_eq!(mend(&folder).expect("she helped"), ["unchanged: it was out already", "as it was before"]);
        assert_eq!((get(&folder, "in/one"), get(&folder, "in/two")), (ONE.into(), TWO.into()));
    }

    #[test]
    fn a_mistake_that_is_kept_is_forgotten() {
        let folder = tree();
        let put_in = put_in(&folder).expect("it is new");
        put_in.forget(folder.path()).expect("there is a record");
        assert_eq!(get(&folder, "in/one"), WRONG);
        assert_eq!(find(folder.path()).expect("no record"), None);
    }

    #[test]
    fn a_deleted_file_is_not_created_again() {
        let folder = tree();
        put_in(&folder).expect("it is new");
        fs::remove_file(folder.path().join("in/one")).expect("it is there");
        let why = mend(&folder).expect_err("only she knows why").to_string();
        assert!(why.contains("in/one") && why.contains("KEEP=1"), "{why}");
        assert_eq!(get(&folder, "in/two"), "");
    }

    #[test]
    fn only_one_is_in_unless_it_was_undone_by_other_means() {
        let folder = tree();
        put_in(&folder).expect("it is new");
        let why = put(folder.path(), "05/other", &[("in/two".into(), "x".into())]).expect_err("one is in").to_string();
        assert!(why.starts_with("05/it is in your files") && why.contains("make mend"), "{why}");
        assert_eq!(get(&folder, "in/two"), "");
        set(&folder, "in/one", &format!("{ONE}mine\n"));
        set(&folder, "in/two", TWO);
        put(folder.path(), "05/other", &[("in/two".into(), "x".into())]).expect("as after git checkout");
        assert_eq!(find(folder.path()).expect("a record").map(|put_in| put_in.name).as_deref(), Some("05/other"));
        mend(&folder).expect("all is as it was");
        assert_eq!((get(&folder, "in/one"), get(&folder, "in/two")), (format!("{ONE}mine\n"), TWO.into()));
    }

    #[test]
    fn a_half_applied_mistake_can_be_taken_out() {
        let folder = tree();
        put_in(&folder).expect("it is new");
        set(&folder, "in/two", TWO);
        mend(&folder).expect("as if an interruption had come between the two files");
        assert_eq!((get(&folder, "in/one"), get(&folder, "in/two")), (ONE.into(), TWO.into()));
    }

    #[test]
    fn a_missing_file_prevents_every_change() {
        let folder = tree();
        let files = [("in/one".into(), WRONG.into()), ("in/three".into(), Vec::new())];
        assert!(put(folder.path(), "05/it", &files).is_err());
        assert_eq!(get(&folder, "in/one"), ONE);
        assert_eq!(find(folder.path()).expect("no record"), None);
    }

    #[test]
    fn changed_lines_are_reported() {
        let folder = tree();
        let put_in = put_in(&folder).expect("it is new");
        let lines = put_in.lines(folder.path()).expect("two files");
        let listed: Vec<Vec<String>> =
            lines.iter().map(|(_, lines)| lines.iter().map(ToString::to_string).collect()).collect();
        assert_eq!(listed, [vec!["line 3".to_string()], vec!["3 lines removed at the start".to_string()]]);
    }
}
