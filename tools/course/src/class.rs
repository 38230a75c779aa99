//! A class: a folder in which each file or folder is the submission of one student. Its name is hers.

use crate::run;
use anyhow::{Context, Result, ensure};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::{fs, io};

/// One student's submission.
pub struct Submission {
    /// The student.
    pub student: String,
    /// Her file or folder.
    pub path: PathBuf,
}

/// The submissions in a folder, by the names of the students. Names that begin with a dot are none.
pub fn submissions(folder: &Path) -> Result<Vec<Submission>> {
    let read = || -> io::Result<Vec<PathBuf>> { fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect() };
    let mut paths = read().with_context(|| format!("The submissions cannot be read: {}", folder.display()))?;
    paths.sort();
    let mut students = BTreeSet::new();
    let mut all = Vec::new();
    for path in paths {
        let is_file = path.extension().is_some_and(|ending| ending == "rs" || ending == "txt");
        let name = if is_file { path.file_stem() } else { path.file_name() };
        let student = run::harmless(&name.unwrap_or_default().to_string_lossy()).replace('\n', "\u{FFFD}");
        if student.starts_with('.') {
            println!("({student} in {} is no submission.)", folder.display());
            continue;
        }
        ensure!(
            students.insert(student.to_lowercase()),
            "There are two submissions of {student} in {}: apart from their endings, or from capital letters, their names \
             are the same.",
            folder.display()
        );
        all.push(Submission { student, path });
    }
    ensure!(!all.is_empty(), "There are no submissions in {}.", folder.display());
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_student_is_a_file_or_a_folder() {
        let folder = tempfile::tempdir().expect("there is room");
        fs::write(folder.path().join("bob.rs"), "").expect("a new file");
        fs::write(folder.path().join(".DS_Store"), "").expect("a new file");
        fs::create_dir(folder.path().join("alice.b")).expect("a new folder");
        let names = |folder: &Path| {
            submissions(folder).map(|all| all.into_iter().map(|one| one.student).collect::<Vec<String>>())
        };
        fs::write(folder.path().join("smith.jane"), "").expect("a new file");
        assert_eq!(names(folder.path()).expect("three students"), ["alice.b", "bob", "smith.jane"]);
        fs::create_dir(folder.path().join("Bob")).expect("a new folder");
        assert!(names(folder.path()).expect_err("there are two").to_string().contains("two submissions of"));
    }

    #[test]
    fn a_folder_without_submissions_is_reported() {
        let folder = tempfile::tempdir().expect("there is room");
        assert!(submissions(folder.path()).is_err());
        assert!(submissions(&folder.path().join("missing")).is_err());
    }
}
