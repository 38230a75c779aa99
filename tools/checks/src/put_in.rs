//! What is put into the working tree for a while, such as a known mistake, and taken out again.
//!
//! While it is in, a folder in `target` says what it is, and keeps each file that it changed twice: as it was before,
//! and as it was made. Between those two lies what was put in. So that alone is taken out, and what a person
//! has changed in the same files meanwhile stays: git merges the three, as it merges branches. Where she has changed
//! the same lines, only she can tell what they should be, and no file is touched.

use crate::git;
use anyhow::{Context, Result, bail};
use machine::reminder::{FOLDER, RECORD};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use std::{fs, io};

/// Where the folder is made that then gets its name. It lies in the tree itself, wherever Cargo builds: another tree
/// has a state of its own.
const NEW_FOLDER: &str = "target/put-in.new";

/// Within that folder.
const BEFORE: &str = "before";
const AFTER: &str = "after";

/// What is in the tree.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub struct PutIn {
    /// What a person calls it, such as `09/no-exit`.
    pub name: String,
    /// The files that it changed, by their paths from the project's folder on.
    pub files: Vec<PathBuf>,
}

/// The path of a file, from the project's folder on, and what is to be in it.
pub type Contents = (PathBuf, Vec<u8>);

/// What has to be done to a file so that nothing of what was put in is left in it.
enum Mending {
    /// Nothing: it is out already.
    Nothing,
    /// To write this.
    Write(Vec<u8>),
    /// What only a person can do.
    ByHand,
}

/// What is in the tree, if anything is.
pub fn find(root: &Path) -> Result<Option<PutIn>> {
    let record = root.join(FOLDER).join(RECORD);
    let text = match fs::read(&record) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error).with_context(|| format!("{} could not be read", record.display())),
    };
    serde_json::from_slice(&text)
        .map(Some)
        .with_context(|| format!("{} is damaged; the files as they were lie in {FOLDER}/{BEFORE}", record.display()))
}

/// Refuses a tree that something is in already: what came second might have to go first.
pub fn make_room(root: &Path) -> Result<()> {
    match find(root)? {
        Some(other) if other.is_in(root)? => {
            bail!("{} is in the tree. Take it out first, with `make mend`.", other.name)
        }
        // It was undone by other means, such as `git checkout`.
        Some(other) => other.forget(root),
        None => Ok(()),
    }
}

/// Writes these files, and keeps what they were.
pub fn put(root: &Path, name: &str, files: &[Contents]) -> Result<PutIn> {
    make_room(root)?;
    let put_in = PutIn { name: name.into(), files: files.iter().map(|(path, _)| path.clone()).collect() };
    // The record is complete before the first file is changed: whatever interrupts this, all can be taken out.
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
    keep().context("the files could not be kept as they are, so none was changed")?;
    for (path, after) in files {
        fs::write(root.join(path), after).with_context(|| format!("{} could not be written", path.display()))?;
    }
    Ok(put_in)
}

impl PutIn {
    /// Takes it out of every file, or, if a person has to help with one, out of none. Says of each file what was done.
    pub fn take_out(&self, root: &Path) -> Result<Vec<(&Path, &'static str)>> {
        let mendings: Vec<(&Path, Mending)> = self.mendings(root)?;
        let by_hand: Vec<String> = mendings
            .iter()
            .filter(|(_, mending)| matches!(mending, Mending::ByHand))
            .map(|(path, _)| told(path))
            .collect();
        if !by_hand.is_empty() {
            bail!(
                "{} was not taken out, and no file was touched: since it was put in, the same lines have been changed, or \
                the file is gone. That is so in\n{}\nAs they were before, these files lie in {FOLDER}/{BEFORE}: \
                make those lines in yours as they are there, and mend again.\n\
                If yours are right as they are, `make mend KEEP=1` leaves them so, and forgets {}.",
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
                        if is_as_before { "as it was before" } else { "mended, and your changes are kept" }
                    }
                    _ => "not touched: it was out already",
                },
            ));
        }
        self.forget(root)?;
        Ok(done)
    }

    /// Leaves the files as they are, and knows no more of what was put in.
    pub fn forget(&self, root: &Path) -> Result<()> {
        remove(&root.join(FOLDER)).with_context(|| format!("{FOLDER} could not be removed"))
    }

    /// Which lines of each file it changed, as the file was right after that.
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

    fn kept(&self, root: &Path, when: &str, path: &Path) -> PathBuf {
        root.join(FOLDER).join(when).join(path)
    }
}

fn told(path: &Path) -> String {
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

    /// A tree that is no repository, with two files.
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

    /// Puts in what changes a line of one file, and takes all of the other's.
    fn put_in(folder: &TempDir) -> Result<PutIn> {
        put(folder.path(), "05/it", &[("in/one".into(), WRONG.into()), ("in/two".into(), "".into())])
    }

    fn mend(folder: &TempDir) -> Result<Vec<String>> {
        let put_in = find(folder.path())?.expect("something is in");
        Ok(put_in.take_out(folder.path())?.into_iter().map(|(_, what)| what.into()).collect())
    }

    #[test]
    fn what_was_put_in_is_taken_out_to_the_byte_and_forgotten() {
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
    fn changes_of_other_lines_stay() {
        let folder = tree();
        set(&folder, "in/one", &ONE.replace('f', "uncommitted"));
        let before = get(&folder, "in/one");
        put(folder.path(), "05/it", &[("in/one".into(), before.replace('c', "WRONG").into())]).expect("it is new");
        set(&folder, "in/one", &format!("new\n{}", get(&folder, "in/one").replace('h', "mine")));
        assert_eq!(mend(&folder).expect("other lines"), ["mended, and your changes are kept"]);
        assert_eq!(get(&folder, "in/one"), "new\na\nb\nc\nd\ne\nuncommitted\ng\nmine\n");
    }

    #[test]
    fn where_the_same_lines_were_changed_nothing_is_touched_until_a_person_has_decided() {
        let folder = tree();
        put_in(&folder).expect("it is new");
        set(&folder, "in/one", &WRONG.replace("WRONG", "mine"));
        let why = mend(&folder).expect_err("only a person can tell").to_string();
        assert!(why.contains("in/one") && !why.contains("in/two") && why.contains("KEEP=1"), "{why}");
        assert_eq!((get(&folder, "in/one"), get(&folder, "in/two")), (WRONG.replace("WRONG", "mine"), "".into()));
        set(&folder, "in/one", &get(&folder, "target/put-in/before/in/one"));
        assert_eq!(mend(&folder).expect("she helped"), ["not touched: it was out already", "as it was before"]);
        assert_eq!((get(&folder, "in/one"), get(&folder, "in/two")), (ONE.into(), TWO.into()));
    }

    #[test]
    fn what_she_keeps_is_forgotten() {
        let folder = tree();
        let put_in = put_in(&folder).expect("it is new");
        put_in.forget(folder.path()).expect("there is a record");
        assert_eq!(get(&folder, "in/one"), WRONG);
        assert_eq!(find(folder.path()).expect("no record"), None);
    }

    #[test]
    fn a_file_that_is_gone_is_not_made_anew() {
        let folder = tree();
        put_in(&folder).expect("it is new");
        fs::remove_file(folder.path().join("in/one")).expect("it is there");
        let why = mend(&folder).expect_err("only she knows why").to_string();
        assert!(why.contains("in/one") && why.contains("KEEP=1"), "{why}");
        assert_eq!(get(&folder, "in/two"), "");
    }

    #[test]
    fn there_is_one_at_a_time_unless_it_was_undone_by_other_means() {
        let folder = tree();
        put_in(&folder).expect("it is new");
        let why = put(folder.path(), "05/other", &[("in/two".into(), "x".into())]).expect_err("one is in").to_string();
        assert!(why.starts_with("05/it is in the tree") && why.contains("make mend"), "{why}");
        assert_eq!(get(&folder, "in/two"), "");
        set(&folder, "in/one", &format!("{ONE}mine\n"));
        set(&folder, "in/two", TWO);
        put(folder.path(), "05/other", &[("in/two".into(), "x".into())]).expect("as after git checkout");
        assert_eq!(find(folder.path()).expect("a record").map(|put_in| put_in.name).as_deref(), Some("05/other"));
        mend(&folder).expect("all is as it was");
        assert_eq!((get(&folder, "in/one"), get(&folder, "in/two")), (format!("{ONE}mine\n"), TWO.into()));
    }

    #[test]
    fn what_was_put_in_by_half_can_be_taken_out() {
        let folder = tree();
        put_in(&folder).expect("it is new");
        set(&folder, "in/two", TWO);
        mend(&folder).expect("as if an interruption had come between the two files");
        assert_eq!((get(&folder, "in/one"), get(&folder, "in/two")), (ONE.into(), TWO.into()));
    }

    #[test]
    fn if_a_file_is_missing_none_is_changed() {
        let folder = tree();
        let files = [("in/one".into(), WRONG.into()), ("in/three".into(), Vec::new())];
        assert!(put(folder.path(), "05/it", &files).is_err());
        assert_eq!(get(&folder, "in/one"), ONE);
        assert_eq!(find(folder.path()).expect("no record"), None);
    }

    #[test]
    fn the_lines_that_were_changed_are_told() {
        let folder = tree();
        let put_in = put_in(&folder).expect("it is new");
        let lines = put_in.lines(folder.path()).expect("two files");
        let told: Vec<Vec<String>> =
            lines.iter().map(|(_, lines)| lines.iter().map(ToString::to_string).collect()).collect();
        assert_eq!(told, [vec!["line 3".to_string()], vec!["3 lines gone at the start".to_string()]]);
    }
}
