//! The records of a class: a file for each student, which is written anew whenever more is known about her submission.

use crate::result::Graded;
use crate::tree::hex;
use anyhow::{Context, Result};
use sha2::{Digest, Sha256};
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
        self.folder.join(format!("{}.json", file_name(student)))
    }
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

    #[test]
    fn long_names_become_short_and_stay_different() {
        let (one, other) = ("ü".repeat(120) + "a", "ü".repeat(120) + "b");
        assert_eq!(file_name("alice"), "alice");
        assert!(file_name(&one).len() <= MOST_BYTES_OF_NAME);
        assert_ne!(file_name(&one), file_name(&other));
    }
}
