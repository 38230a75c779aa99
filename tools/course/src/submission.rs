//! What a student hands in: one file, or her whole project.
//!
//! Only the files with holes are read, and only as text.

use crate::student::HEADING;
use crate::tree::{self, Answer, Pristine};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::{fs, io};
use trials::exercise::Exercise;

/// The files with holes, as they were handed in.
pub type Texts = BTreeMap<PathBuf, String>;

/// Why there is no answer to be judged.
#[derive(Debug)]
pub enum NoAnswer {
    /// The rules refuse what was handed in. The sentence is for its author.
    Refused(String),
    /// The host could not read it.
    Infrastructure(String),
}

/// Takes an answer out of what was handed in, and checks it by the rules.
pub fn read(exercise: &Exercise, pristine: &Pristine, submission: &Path) -> Result<Answer, NoAnswer> {
    let texts = texts(exercise, submission)?;
    answer(exercise, pristine, &texts).map_err(NoAnswer::Refused)
}

/// Takes an answer out of the files with holes, and checks it by the rules. The error is a sentence for its author.
pub fn answer(exercise: &Exercise, pristine: &Pristine, texts: &Texts) -> Result<Answer, String> {
    let answer = tree::read(exercise, |path| Ok(texts[path].clone()))?;
    pristine.check(exercise, &answer)?;
    Ok(answer)
}

/// The files with holes.
pub fn texts(exercise: &Exercise, submission: &Path) -> Result<Texts, NoAnswer> {
    let about = look(submission)?;
    let whole = if about.is_dir() { file_in(exercise, submission)? } else { Some(submission.to_owned()) };
    let whole = whole.map(|file| text_of(&file)).transpose()?;
    let text = |path: &PathBuf| {
        let text = match &whole {
            Some(whole) => part(whole, path).map_err(NoAnswer::Refused),
            None => text_in(submission, path),
        };
        let named = |why| format!("{}: {why}", path.display());
        let text = text.map_err(|why| match why {
            NoAnswer::Refused(why) => NoAnswer::Refused(named(why)),
            NoAnswer::Infrastructure(why) => NoAnswer::Infrastructure(named(why)),
        })?;
        Ok((path.clone(), text))
    };
    exercise.about.holes.keys().map(text).collect()
}

/// In a folder that is not the whole project: the one file that was handed in.
fn file_in(exercise: &Exercise, folder: &Path) -> Result<Option<PathBuf>, NoAnswer> {
    let is_project = exercise.about.holes.keys().any(|file| fs::symlink_metadata(folder.join(file)).is_ok());
    if is_project {
        return Ok(None);
    }
    let entries = fs::read_dir(folder).map_err(|error| of_host(&error))?;
    let files = entries.map(|entry| entry.map(|entry| entry.path())).collect::<io::Result<Vec<PathBuf>>>();
    let mut files = files.map_err(|error| of_host(&error))?;
    files.retain(|file| file.extension().is_some_and(|ending| ending == "rs"));
    match files.as_slice() {
        [_] => Ok(files.pop()),
        _ => Ok(None),
    }
}

/// The text of a file in a folder. No part of its path may be a link, which could lead anywhere.
fn text_in(folder: &Path, path: &Path) -> Result<String, NoAnswer> {
    let mut whole = PathBuf::from(folder);
    for part in path {
        whole.push(part);
        if fs::symlink_metadata(&whole).is_ok_and(|about| about.is_symlink()) {
            return Err(NoAnswer::Refused("It is a symbolic link, or lies behind one.".into()));
        }
    }
    text_of(&whole)
}

/// The text of a file.
fn text_of(path: &Path) -> Result<String, NoAnswer> {
    // Opening anything else, such as a pipe, may wait forever.
    if look(path)?.is_file()
        && let Err(error) = fs::File::open(path)
    {
        return Err(of_host(&error));
    }
    tree::text_of(path).map_err(NoAnswer::Refused)
}

/// What a file or folder is.
fn look(path: &Path) -> Result<fs::Metadata, NoAnswer> {
    fs::symlink_metadata(path).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => {
            NoAnswer::Refused("Nothing was handed in: there is no such file.".into())
        }
        _ => of_host(&error),
    })
}

/// The author of a file is not to blame if it cannot be read.
fn of_host(error: &io::Error) -> NoAnswer {
    NoAnswer::Infrastructure(format!("It cannot be read: {error}."))
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
            let why = text_in(folder.path(), Path::new(path));
            assert!(matches!(why, Err(NoAnswer::Refused(why)) if why.contains("symbolic link")));
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
