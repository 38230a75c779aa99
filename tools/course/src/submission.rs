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
use walkdir::{DirEntry, WalkDir};

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
    let holes = exercise.about.holes.keys();
    match place(exercise, submission)? {
        Place::File(file) => {
            let whole = text(bytes_of(&file)?)?;
            if whole.trim().is_empty() {
                return Err(NoAnswer::Refused("The file is empty.".into()));
            }
            holes.map(|path| Ok((path.clone(), part(exercise, &whole, path).map_err(NoAnswer::Refused)?))).collect()
        }
        Place::Project(folder) => {
            let named = |path: &Path, why| format!("{}: {why}", path.display());
            let text = |path: &PathBuf| match bytes_in(&folder, path).and_then(text) {
                Ok(text) => Ok((path.clone(), text)),
                Err(NoAnswer::Refused(why)) => Err(NoAnswer::Refused(named(path, why))),
                Err(NoAnswer::Infrastructure(why)) => Err(NoAnswer::Infrastructure(named(path, why))),
            };
            holes.map(text).collect()
        }
    }
}

/// SHA-256 of what was handed in: of the one file; of several files with holes, of all of them; and of what cannot be read,
/// of the reason.
pub fn digest(exercise: &Exercise, submission: &Path) -> String {
    let bytes = |bytes: Result<Vec<u8>, NoAnswer>| match bytes {
        Ok(bytes) => bytes,
        Err(NoAnswer::Refused(why) | NoAnswer::Infrastructure(why)) => why.into(),
    };
    let files: Vec<Vec<u8>> = match place(exercise, submission) {
        Ok(Place::File(file)) => vec![bytes(bytes_of(&file))],
        Ok(Place::Project(folder)) => exercise.about.holes.keys().map(|path| bytes(bytes_in(&folder, path))).collect(),
        Err(why) => vec![bytes(Err(why))],
    };
    if let [one] = files.as_slice() {
        return hex(&Sha256::digest(one));
    }
    let mut digest = Sha256::new();
    for file in files {
        digest.update(format!("{}\n", file.len()));
        digest.update(file);
    }
    hex(&digest.finalize())
}

/// What can be said about a submission before it is judged.
pub fn submitted(exercise: &Exercise, pristine: &Pristine, student: &str, path: &Path) -> Submitted {
    let alike = || {
        let answer = alike::digest(&read(exercise, pristine, path).ok()?)?;
        // Those who have not worked on it have not copied.
        let blank = alike::digest(&pristine.blank(exercise).ok()?)?;
        (answer != blank).then_some(answer)
    };
    // A mistake in the parser must not stop a batch.
    let answer = panic::catch_unwind(AssertUnwindSafe(alike)).ok().flatten();
    Submitted { student: student.into(), submission: digest(exercise, path), answer }
}

/// Where the files with holes are.
enum Place {
    /// In the one file that was handed in.
    File(PathBuf),
    /// In this folder, which is the whole project.
    Project(PathBuf),
}

/// Finds the whole project, or else the one file, in what was handed in. Both may lie in folders, as a zip or a learning
/// platform makes them.
fn place(exercise: &Exercise, submission: &Path) -> Result<Place, NoAnswer> {
    let about = fs::symlink_metadata(submission).map_err(|error| of_host(&error))?;
    if !about.is_dir() {
        return Ok(Place::File(submission.into()));
    }
    // Some systems put files beside others whose names begin with a dot.
    let is_hidden = |entry: &DirEntry| entry.depth() > 0 && entry.file_name().as_encoded_bytes().starts_with(b".");
    let entries = WalkDir::new(submission).sort_by_file_name().into_iter().filter_entry(|entry| !is_hidden(entry));
    let entries = entries.collect::<Result<Vec<DirEntry>, _>>().map_err(|error| of_host(&error.into()))?;
    let is_project =
        |folder: &Path| exercise.about.holes.keys().any(|file| fs::symlink_metadata(folder.join(file)).is_ok());
    let outer = || entries.iter().filter(|entry| entry.depth() <= 1 && entry.file_type().is_dir());
    let projects: Vec<&Path> = outer().map(DirEntry::path).filter(|folder| is_project(folder)).collect();
    let is_code = |path: &&Path| path.extension().is_some_and(|ending| ending == "rs");
    let code = entries.iter().filter(|entry| !entry.file_type().is_dir()).map(DirEntry::path).filter(is_code);
    // A second file of this name, which a browser calls `05-frames (1).rs`, may be the newer one.
    let name = exercise.name();
    let is_named = |path: &&Path| path.file_name().unwrap_or_default().as_encoded_bytes().starts_with(name.as_bytes());
    let (named, others): (Vec<&Path>, Vec<&Path>) = code.partition(is_named);
    match (projects.as_slice(), named.as_slice(), others.as_slice()) {
        // A project may have other copies of itself in it.
        ([project], ..) => Ok(Place::Project(project.to_path_buf())),
        ([first, ..], ..) if *first == submission => Ok(Place::Project(submission.into())),
        ([], [file], _) | ([], [], [file]) => Ok(Place::File(file.to_path_buf())),
        ([], [], []) => Err(NoAnswer::Refused(format!("Nothing was handed in: the folder has no file {name}.rs."))),
        ([one, other, ..], ..) | ([], [one, other, ..], _) | ([], [], [one, other, ..]) => {
            let inner = |path: &Path| path.strip_prefix(submission).unwrap_or(path).display().to_string();
            let (one, other) = (inner(one), inner(other));
            Err(NoAnswer::Refused(format!("There are several files, and one is expected: {one} and {other}.")))
        }
    }
}

/// The bytes of a file in a folder. No part of its path may be a link, which could lead anywhere.
fn bytes_in(folder: &Path, path: &Path) -> Result<Vec<u8>, NoAnswer> {
    let mut whole = PathBuf::from(folder);
    for part in path {
        whole.push(part);
        if fs::symlink_metadata(&whole).is_ok_and(|about| about.is_symlink()) {
            return Err(NoAnswer::Refused("It is a symbolic link, or lies behind one.".into()));
        }
    }
    bytes_of(&whole)
}

/// The bytes of a file.
fn bytes_of(path: &Path) -> Result<Vec<u8>, NoAnswer> {
    tree::bytes_of(path).map_err(|error| of_host(&error))?.map_err(NoAnswer::Refused)
}

/// The text that these bytes are.
fn text(bytes: Vec<u8>) -> Result<String, NoAnswer> {
    tree::text(bytes).map_err(NoAnswer::Refused)
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
        return Err(format!(
            "The file has no line \"{wanted}\", which `make submission` writes before the code. If it is the code alone, put \
             this line before it."
        ));
    }
    // A student may begin a comment of her own like a heading.
    let is_heading = |line: &str| exercise.about.holes.keys().any(|file| line.trim_end() == heading(file));
    let part: String = lines.take_while(|line| !is_heading(line)).collect();
    Ok(tree::without_mark(&part).into())
}

#[cfg(test)]
pub(crate) mod tests {
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

    /// A folder with these files.
    fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().expect("there is room");
        for (name, text) in files {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().expect("a file in a folder")).expect("a new folder");
            fs::write(path, text).expect("a new file");
        }
        folder
    }

    /// What is handed in for `a.rs` in a folder with these files, or why nothing is.
    fn found(files: &[(&str, &str)]) -> Result<String, String> {
        match texts(&exercise(&["a.rs"]), folder(files).path()) {
            Ok(mut texts) => Ok(texts.remove(Path::new("a.rs")).expect("it is a hole's file")),
            Err(NoAnswer::Refused(why) | NoAnswer::Infrastructure(why)) => Err(why),
        }
    }

    #[test]
    fn the_file_is_found_wherever_it_lies_in_a_folder() {
        let one = "//// a.rs\nfn a() {}\n";
        for files in [
            [("alice.rs", one), ("._alice.rs", "junk")],
            [("submissions/01-a.rs", one), ("notes.txt", "junk")],
            [("submissions/01-a.rs", one), ("my/01-other.rs", "junk")],
            [("deep/deeper/answer (1).rs", one), (".git/b.rs", "junk")],
            [("a.rs", "fn a() {}\n"), ("submissions/01-a.rs", "old")],
            [("project-main/a.rs", "fn a() {}\n"), ("project-main/submissions/01-a.rs", "old")],
        ] {
            assert_eq!(found(&files).as_deref(), Ok("fn a() {}\n"), "{files:?}");
        }
        for (files, why) in [
            ([("alice.rs", one), ("bob.rs", one)], "several files, and one is expected: alice.rs and bob.rs"),
            ([("x/01-a.rs", one), ("y/01-a.rs", one)], "expected: x/01-a.rs and y/01-a.rs"),
            ([("01-a.rs", one), ("01-a (1).rs", one)], "expected: 01-a (1).rs and 01-a.rs"),
            ([("x/a.rs", one), ("y/a.rs", one)], "expected: x and y"),
            ([("notes.txt", one), (".b.rs", one)], "Nothing was handed in: the folder has no file 01-a.rs."),
        ] {
            assert!(found(&files).expect_err("there is no one file").contains(why), "{files:?}");
        }
    }

    #[test]
    fn a_byte_order_mark_is_no_part_of_a_file() {
        for text in ["\u{FEFF}//// a.rs\r\nfn a() {}\n", "//// a.rs\n\u{FEFF}fn a() {}\n"] {
            assert_eq!(found(&[("alice.rs", text)]).as_deref(), Ok("fn a() {}\n"));
        }
        assert_eq!(found(&[("a.rs", "\u{FEFF}fn a() {}\n")]).as_deref(), Ok("fn a() {}\n"));
    }

    #[test]
    fn what_cannot_be_read_is_refused_with_a_reason_that_helps() {
        assert_eq!(found(&[("alice.rs", " \r\n")]).expect_err("it has nothing"), "The file is empty.");
        let why = found(&[("lib.rs", "fn a() {}")]).expect_err("it has no heading");
        assert!(
            why.contains("which `make submission` writes before the code") && why.contains("\"//// a.rs\""),
            "{why}"
        );
    }

    #[test]
    fn the_digest_is_that_of_the_file() {
        let digest = |files: &[(&str, &str)]| digest(&exercise(&["a.rs"]), folder(files).path());
        // As `sha256sum` says.
        let of_abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(digest(&[("alice.rs", "abc")]), of_abc, "refused");
        assert_eq!(digest(&[("a.rs", "abc")]), of_abc, "in the whole project");
        assert_ne!(digest(&[("alice.rs", "abd")]), of_abc);
        let several =
            |one, other| super::digest(&exercise(&["a.rs", "b.rs"]), folder(&[("a.rs", one), ("b.rs", other)]).path());
        assert_ne!(several("a", "bc"), several("ab", "c"));
    }

    /// An exercise with holes in these files.
    pub fn exercise(files: &[&str]) -> Exercise {
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
        assert!(bytes_in(folder.path(), Path::new("real/a.rs")).is_ok());
        for path in ["linked/a.rs", "real/b.rs"] {
            let why = bytes_in(folder.path(), Path::new(path));
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
