//! What a student hands in: one file, or her whole project.
//!
//! Only the files with holes are read, and only as text.

use crate::student::HEADING;
use crate::tree::{self, Answer, Pristine};
use book::exercise::Exercise;
use std::fs;
use std::path::{Path, PathBuf};

/// Takes an answer out of what was handed in, and checks it by the rules. The error is a sentence for its author.
pub fn read(exercise: &Exercise, pristine: &Pristine, submission: &Path) -> Result<Answer, String> {
    let about = fs::symlink_metadata(submission).map_err(|error| format!("Nothing was handed in: {error}."))?;
    let answer = if about.is_dir() {
        tree::read(exercise, |path| text_in(submission, path))?
    } else {
        let text = tree::text_of(submission)?;
        tree::read(exercise, |path| part(&text, path))?
    };
    pristine.check(exercise, &answer)?;
    Ok(answer)
}

/// The text of a file in a folder. No part of its path may be a link, which could lead anywhere.
fn text_in(folder: &Path, path: &Path) -> Result<String, String> {
    let mut whole = PathBuf::from(folder);
    for part in path {
        whole.push(part);
        if fs::symlink_metadata(&whole).is_ok_and(|about| about.is_symlink()) {
            return Err("It is a symbolic link, or lies behind one.".into());
        }
    }
    tree::text_of(&whole)
}

/// The part of a submission's one file that belongs to this path.
fn part(text: &str, path: &Path) -> Result<String, String> {
    let heading = format!("{HEADING}{}", path.display());
    let mut parts = text.split_inclusive('\n').skip_while(|line| line.trim_end() != heading);
    if parts.next().is_none() {
        return Err(format!("The file has no line \"{heading}\". `make submission` writes it."));
    }
    Ok(parts.take_while(|line| !line.starts_with(HEADING)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_has_a_part_for_each_path() {
        let text = "//// a/b.rs\nfn one() {}\n//// c.s\nret\n";
        assert_eq!(part(text, Path::new("a/b.rs")).as_deref(), Ok("fn one() {}\n"));
        assert_eq!(part(text, Path::new("c.s")).as_deref(), Ok("ret\n"));
        assert!(part(text, Path::new("d.rs")).unwrap_err().contains("no line \"//// d.rs\""));
    }

    #[test]
    fn links_are_not_followed() {
        let folder = tempfile::tempdir().expect("there is room");
        fs::create_dir(folder.path().join("real")).expect("a new folder");
        fs::write(folder.path().join("real/a.rs"), "fn a() {}").expect("a new file");
        std::os::unix::fs::symlink("real", folder.path().join("linked")).expect("a new link");
        std::os::unix::fs::symlink("a.rs", folder.path().join("real/b.rs")).expect("a new link");
        assert!(text_in(folder.path(), Path::new("real/a.rs")).is_ok());
        for path in ["linked/a.rs", "real/b.rs"] {
            assert!(text_in(folder.path(), Path::new(path)).unwrap_err().contains("symbolic link"));
        }
    }

    #[test]
    fn a_large_file_and_one_that_is_not_text_are_refused() {
        let folder = tempfile::tempdir().expect("there is room");
        let large = folder.path().join("large");
        fs::File::create(&large).and_then(|file| file.set_len(300 << 20)).expect("a sparse file");
        assert!(tree::text_of(&large).unwrap_err().contains("314572800 bytes"));
        let other = folder.path().join("other");
        fs::write(&other, [0xFF, 0xFE]).expect("a new file");
        assert!(tree::text_of(&other).unwrap_err().contains("UTF-8"));
    }
}
