//! What a student hands in: one file, or her whole project.
//!
//! Only the files with holes are read, and only as text.

use crate::alike;
use crate::result::Submitted;
use crate::tree::{self, Answer, Pristine, hex};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::panic::{self, AssertUnwindSafe};
use std::path::{Path, PathBuf};
use std::{fs, io};
use trials::exercise::Exercise;

/// In the one file that is handed in, the line before each of the files with holes.
const HEADING: &str = "//// ";

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
    let about = fs::symlink_metadata(submission).map_err(|error| of_host(&error))?;
    let whole = if about.is_dir() { file_in(exercise, submission)? } else { Some(submission.to_owned()) };
    let whole = whole.map(|file| text_of(&file)).transpose()?;
    let text = |path: &PathBuf| {
        let text = match &whole {
            Some(whole) => part(exercise, whole, path).map_err(NoAnswer::Refused),
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

/// The files with holes of a submission, and SHA-256 of them.
pub fn handed_in(exercise: &Exercise, path: &Path) -> (Result<Texts, NoAnswer>, String) {
    let texts = texts(exercise, path);
    let mut digest = Sha256::new();
    match &texts {
        Ok(texts) => {
            for (path, text) in texts {
                digest.update(format!("{}\n{}\n{text}", path.display(), text.len()));
            }
        }
        Err(NoAnswer::Refused(why) | NoAnswer::Infrastructure(why)) => digest.update(why),
    }
    (texts, hex(&digest.finalize()))
}

/// What can be said about a submission before it is judged.
pub fn submitted(exercise: &Exercise, pristine: &Pristine, student: &str, path: &Path) -> Submitted {
    let (texts, digest) = handed_in(exercise, path);
    let alike = || {
        let answer = alike::digest(&self::answer(exercise, pristine, &texts.ok()?).ok()?)?;
        // Those who have not worked on it have not copied.
        let blank = alike::digest(&pristine.blank(exercise).ok()?)?;
        (answer != blank).then_some(answer)
    };
    // A mistake in the parser must not stop a batch.
    let answer = panic::catch_unwind(AssertUnwindSafe(alike)).ok().flatten();
    Submitted { student: student.into(), submission: digest, answer }
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
    // Some systems put files beside others whose names begin with a dot.
    let is_hidden = |file: &Path| file.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
    files.retain(|file| file.extension().is_some_and(|ending| ending == "rs") && !is_hidden(file));
    files.sort();
    match files.as_slice() {
        [] => Ok(None),
        [_] => Ok(files.pop()),
        [one, other, ..] => Err(NoAnswer::Refused(format!(
            "There are several files, and one is expected: {} and {}.",
            one.file_name().unwrap_or_default().display(),
            other.file_name().unwrap_or_default().display()
        ))),
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
    tree::text_of(path).map_err(|error| of_host(&error))?.map_err(NoAnswer::Refused)
}

/// The author of a file is to blame if it is not there, and not if it cannot be read.
fn of_host(error: &io::Error) -> NoAnswer {
    match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => {
            NoAnswer::Refused("Nothing was handed in: there is no such file.".into())
        }
        _ => NoAnswer::Infrastructure(format!("It cannot be read: {error}.")),
    }
}

/// The files with holes as the one file to hand in: each after a line with its name.
pub fn one_file(texts: impl IntoIterator<Item = (PathBuf, String)>) -> String {
    let mut whole = String::new();
    for (path, text) in texts {
        let end = if text.is_empty() || text.ends_with('\n') { "" } else { "\n" };
        whole += &format!("{}\n{text}{end}", heading(&path));
    }
    whole
}

fn heading(path: &Path) -> String {
    format!("{HEADING}{}", path.display())
}

/// The part of a submission's one file that belongs to this path.
fn part(exercise: &Exercise, text: &str, path: &Path) -> Result<String, String> {
    let wanted = heading(path);
    let mut lines = text.split_inclusive('\n').skip_while(|line| line.trim_end() != wanted);
    if lines.next().is_none() {
        return Err(format!("The file has no line \"{wanted}\". `make submission` writes it."));
    }
    // A student may begin a comment of her own like a heading.
    let is_heading = |line: &str| exercise.about.holes.keys().any(|file| line.trim_end() == heading(file));
    Ok(lines.take_while(|line| !is_heading(line)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::starter::tests::project;
    use trials::exercise::Withheld;

    #[test]
    fn a_file_has_a_part_for_each_path() {
        let exercise = exercise(&["a/b.rs", "c.s"]);
        let texts = [("a/b.rs", "//// mine\nfn one() {}"), ("c.s", "ret\n")];
        let whole = one_file(texts.map(|(path, text)| (path.into(), text.into())));
        assert_eq!(part(&exercise, &whole, Path::new("a/b.rs")).as_deref(), Ok("//// mine\nfn one() {}\n"));
        assert_eq!(part(&exercise, &whole, Path::new("c.s")).as_deref(), Ok("ret\n"));
        assert!(part(&exercise, &whole, Path::new("d.rs")).unwrap_err().contains("no line \"//// d.rs\""));
    }

    #[test]
    fn a_blank_answer_equals_no_other_one() {
        let (folder, handed_in) = (project(), tempfile::NamedTempFile::new().expect("there is room"));
        let pristine = Pristine::of_commit(folder.path(), "HEAD").expect("a commit");
        let exercise = &pristine.exercises().expect("two")[1];
        let answer = |text: &str| {
            fs::write(handed_in.path(), text).expect("it can be written");
            submitted(exercise, &pristine, "alice", handed_in.path()).answer
        };
        let blank = one_file(pristine.fill(&pristine.blank(exercise).expect("a hole")).expect("a file"));
        assert_eq!(answer(&blank), None);
        assert_eq!(answer(&blank.replace("panic!", "// Later.\n    panic!")), None);
        assert!(answer(&blank.replace("panic!", "// Later.\n    todo!")).is_some());
    }

    #[test]
    fn a_folder_has_one_file() {
        let folder = tempfile::tempdir().expect("there is room");
        let write = |name: &str| fs::write(folder.path().join(name), "//// a.rs\nfn a() {}\n").expect("a new file");
        write("._alice.rs");
        write("alice.rs");
        let texts = || texts(&exercise(&["a.rs"]), folder.path());
        assert_eq!(texts().expect("it is there")[Path::new("a.rs")], "fn a() {}\n");
        write("bob.rs");
        assert!(matches!(texts(), Err(NoAnswer::Refused(why)) if why.contains("several files")));
    }

    /// An exercise with holes in these files.
    fn exercise(files: &[&str]) -> Exercise {
        let holes = files.iter().map(|file| format!("'{file}' = ['f']\n")).collect::<String>();
        let about = format!(
            "number = '1.1'\ntitle = 'T'\nkind = 'rebuild'\ngrade = 'warm-up'\nminutes = 1\nchapter = '01-a'\ntests = []\n\
             [holes]\n{holes}"
        );
        let about = toml::from_str(&about).expect("it describes an exercise");
        Exercise { folder: "exercises/01-a".into(), about, wrong: Vec::new(), withheld: Withheld::default() }
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
        let refused = |path: &Path| tree::text_of(path).expect("it can be read").expect_err("it is no text");
        let large = folder.path().join("large");
        fs::File::create(&large).and_then(|file| file.set_len(300 << 20)).expect("a sparse file");
        assert!(refused(&large).contains("314572800 bytes"));
        let other = folder.path().join("other");
        fs::write(&other, [0xFF, 0xFE]).expect("a new file");
        assert!(refused(&other).contains("UTF-8"));
    }
}
