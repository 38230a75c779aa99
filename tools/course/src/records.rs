//! The records of a class: a file for each student, which is written anew whenever more is known about her submission.

use crate::class::Submission;
use crate::result::Graded;
use crate::tree::hex;
use anyhow::{Context, Result};
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// The folder with the records, within that of the results.
pub const RECORDS: &str = "results";
/// A longer name is shortened, because some file systems take no longer ones.
const MOST_BYTES_OF_NAME: usize = 200;

/// The folder with the records.
pub struct Records {
    folder: PathBuf,
}

impl Records {
    /// Those within a folder for results, which may be a new one.
    pub fn open(results: &Path) -> Result<Self> {
        let folder = results.join(RECORDS);
        fs::create_dir_all(&folder).with_context(|| format!("{} cannot be created", folder.display()))?;
        Ok(Self { folder })
    }

    /// The record of a student, if there is a good one.
    pub fn of(&self, student: &str) -> Option<Graded> {
        let text = fs::read(self.path(student)).ok()?;
        serde_json::from_slice(&text).ok()
    }

    /// The records of all other students. One that cannot be read is an error, because nothing could take its place.
    pub fn of_others(&self, submissions: &[Submission]) -> Result<Vec<Graded>> {
        let ours: BTreeSet<OsString> = submissions.iter().map(|one| name(&one.student).into()).collect();
        let entries = fs::read_dir(&self.folder).with_context(|| format!("reading {}", self.folder.display()))?;
        let mut others = Vec::new();
        for entry in entries {
            let entry = entry?;
            let path = entry.path();
            if ours.contains(&entry.file_name()) || path.extension().is_none_or(|ending| ending != "json") {
                continue;
            }
            let read = || -> Result<Graded> { Ok(serde_json::from_slice(&fs::read(&path)?)?) };
            others.push(read().with_context(|| format!("{} is no record", path.display()))?);
        }
        Ok(others)
    }

    /// Writes a record, whole or not at all.
    pub fn keep(&self, graded: &Graded) -> Result<()> {
        let path = self.path(&graded.student);
        let keep = || -> Result<()> {
            // Another run may be writing the same record.
            let new = tempfile::Builder::new().permissions(readable()).tempfile_in(&self.folder)?;
            fs::write(new.path(), serde_json::to_vec_pretty(graded)?)?;
            new.persist(&path)?;
            Ok(())
        };
        keep().with_context(|| format!("writing {}", path.display()))
    }

    fn path(&self, student: &str) -> PathBuf {
        self.folder.join(name(student))
    }
}

/// The name of a student's record.
fn name(student: &str) -> String {
    format!("{}.json", file_name(student))
}

/// A student's name as that of a file.
pub fn file_name(student: &str) -> String {
    if student.len() <= MOST_BYTES_OF_NAME {
        return student.into();
    }
    let digest = hex(&Sha256::digest(student)[..8]);
    format!("{}-{digest}", &student[..student.floor_char_boundary(MOST_BYTES_OF_NAME - 2 * digest.len())])
}

/// The rights of a file that others may read, as those that are not temporary.
fn readable() -> Permissions {
    Permissions::from_mode(0o666)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::export::samples;

    #[test]
    fn the_records_of_others_are_those_without_a_submission() {
        let folder = tempfile::tempdir().expect("there is room");
        let records = Records::open(folder.path()).expect("a new folder");
        let long = Graded { student: "ü".repeat(120), ..samples::passed() };
        for graded in [&samples::passed(), &samples::partly(), &long] {
            records.keep(graded).expect("there is room");
        }
        let submission = |student: &str| Submission { student: student.into(), path: PathBuf::new() };
        let others = |students: &[&str]| {
            let all: Vec<Submission> = students.iter().map(|student| submission(student)).collect();
            records.of_others(&all).map(|others| others.into_iter().map(|one| one.student).collect::<Vec<_>>())
        };
        assert_eq!(others(&["alice", &long.student]).expect("it can be read"), ["bob"]);
        fs::write(folder.path().join(RECORDS).join("bob.json"), "{").expect("it can be written");
        assert!(others(&["alice"]).is_err_and(|why| why.to_string().contains("bob.json is no record")));
        assert_eq!(others(&["alice", "bob"]).expect("bob is judged again").len(), 1);
    }

    #[test]
    fn long_names_become_short_and_stay_different() {
        let (one, other) = ("ü".repeat(120) + "a", "ü".repeat(120) + "b");
        assert_eq!(file_name("alice"), "alice");
        assert!(file_name(&one).len() <= MOST_BYTES_OF_NAME);
        assert_ne!(file_name(&one), file_name(&other));
    }
}
