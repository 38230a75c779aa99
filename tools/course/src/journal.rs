//! What `make test-course` has found already, so that after an interruption it goes on where it was.
//!
//! A result is remembered for exactly the files that it depends on. So after a change, only what the change concerns is
//! checked again.

use crate::tree;
use anyhow::{Context, Result};
use std::collections::BTreeSet;
use std::collections::hash_map::DefaultHasher;
use std::fs::{self, OpenOptions};
use std::hash::{Hash, Hasher};
use std::io::Write;
use std::path::{Path, PathBuf};
use trials::exercise::Exercise;
use trials::scratch::Original;

/// The folders that every result depends on.
const OF_ALL: [&str; 9] = [
    "chapters",
    "common",
    "harness",
    "tools/course",
    "tools/machine",
    "tools/probe",
    "tools/trials",
    "i686.json",
    "linker.ld",
];

/// The checks that have passed.
pub struct Journal {
    path: PathBuf,
    passed: BTreeSet<String>,
    of_all: u64,
}

impl Journal {
    /// Reads the journal of earlier runs, or begins an empty one.
    pub fn open(folder: &Path, files: &Original) -> Result<Self> {
        let path = folder.join("passed");
        let text = fs::read_to_string(&path).unwrap_or_default();
        let of_all = hash(files, |path| OF_ALL.iter().any(|part| path.starts_with(part)));
        Ok(Self { path, passed: text.lines().map(String::from).collect(), of_all })
    }

    /// The key of a check of one exercise.
    pub fn key(&self, files: &Original, exercise: &Exercise, what: &str) -> String {
        let own = hash(files, |path| tree::is_of_chapter(exercise, path));
        format!("{:016x} {} {what}", self.of_all ^ own.rotate_left(1), exercise.name())
    }

    /// Whether this check has passed before.
    pub fn has(&self, key: &str) -> bool {
        self.passed.contains(key)
    }

    /// Notes that it has passed.
    pub fn note(&mut self, key: String) -> Result<()> {
        let file = OpenOptions::new().create(true).append(true).open(&self.path);
        let mut file = file.with_context(|| format!("{} cannot be written", self.path.display()))?;
        writeln!(file, "{key}")?;
        self.passed.insert(key);
        Ok(())
    }
}

fn hash(files: &Original, is_part: impl Fn(&Path) -> bool) -> u64 {
    let mut hasher = DefaultHasher::new();
    files.files().filter(|(path, _)| is_part(path)).for_each(|file| file.hash(&mut hasher));
    hasher.finish()
}
