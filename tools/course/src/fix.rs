//! `make fix FROM=edition-2026.1 EXERCISE="5.2 9.2"`: a correction in the middle of a term, as a patch of what students
//! have. [`crate::apply`] is the other half.
//!
//! A fix changes none of the functions that students write: those of the exercises that the instructor names, or of all.
//! So no work is lost, and an answer from before the fix is still an answer.

use crate::holes;
use crate::starter::{Starter, What, titles};
use crate::tree::{Copy, Pristine};
use anyhow::{Context, Result, anyhow, bail, ensure};
use clap::Args;
use machine::workspace::Workspace;
use std::ffi::OsStr;
use std::fs;
use std::path::Path;
use std::process::ExitCode;
use trials::exercise::{self, Exercise, Files};
use trials::git;
use trials::scratch::Original;

/// The name of the patch, in the project's folder.
const PATCH: &str = "fix.patch";
/// Within an exercise's folder, what the right answer shows.
const EXPECTED: &str = "expected";

/// The options of `make fix`.
#[derive(Args)]
pub struct Options {
    #[command(flatten)]
    what: What,
    /// What students have: a commit or tag such as edition-2026.1, or the folder of a starter.
    #[arg(long, default_value = "")]
    from: String,
}

/// Writes the patch, and prints where it is.
pub fn fix(workspace: &Workspace, options: &Options) -> Result<ExitCode> {
    let (root, from) = (&workspace.root, options.from.as_str());
    ensure!(!from.is_empty(), "Say which edition students have, as in FROM=edition-2026.1.");
    let patch = root.join(PATCH);
    ensure!(!patch.exists(), "There is a file {PATCH} already. Rename or remove it first.");
    let copy = Copy::open(workspace)?;
    let folder = Path::new(from);
    let handed_out = folder.join(".git").exists().then(|| Starter::handed_out(folder)).transpose()?;
    let what = what(root, from, handed_out.as_ref(), &options.what)?;
    let mut new = Starter::of(root, "HEAD", &what, &copy)?;
    let mut old = match handed_out {
        Some(starter) => starter,
        None => Starter::of(root, from, &what, &copy).with_context(|| format!("In {from}"))?,
    };
    let numbers = |starter: &Starter| -> Vec<String> {
        starter.exercises.iter().map(|exercise| exercise.about.number.clone()).collect()
    };
    ensure!(
        numbers(&old) == numbers(&new),
        "{from} has the exercises {}. Name the same ones, as in EXERCISE=\"{}\".",
        numbers(&old).join(", "),
        numbers(&old).join(" ")
    );
    // What the right answer shows may depend on how it was compiled. So a fix always has it anew.
    old.files.retain(|path| !is_expected(path));
    refuse_touched(&old, &new, from)?;
    let is_same = old.files.files().eq(new.files.files());
    ensure!(!is_same, "Nothing that students have differs between {from} and HEAD.");
    new = new.with_expected(root, &what, &copy)?;
    fs::write(&patch, difference(&old, &new)?).with_context(|| format!("writing {}", patch.display()))?;
    let files = git::changed_by(root, &patch)?;
    println!(
        "The fix is in {PATCH}, for students who have {}. It changes {} files:",
        titles(&new.exercises),
        files.len()
    );
    files.iter().for_each(|file| println!("  {}", file.display()));
    println!("A student puts that file into her project's folder and types: make apply FIX={PATCH}");
    Ok(ExitCode::SUCCESS)
}

/// What students have: the exercises that the instructor names. If she names none, those of the starter that was handed
/// out, or all of the commit, so that no function is forgotten that some student writes.
fn what(root: &Path, from: &str, handed_out: Option<&Starter>, named: &What) -> Result<What> {
    named.or(|private| match handed_out {
        Some(starter) => Ok(starter.exercises.clone()),
        None => Pristine::of_commit(root, from)?.with_private(private.folder())?.exercises(),
    })
}

/// Stops if something differs that students write in one of their exercises.
fn refuse_touched(old: &Starter, new: &Starter, from: &str) -> Result<()> {
    for exercise in &new.exercises {
        let before = old.exercises.iter().find(|before| before.about.number == exercise.about.number);
        let before = before.with_context(|| format!("{from} has no exercise {}.", exercise.title()))?;
        if let Some(what) = touched(exercise, &new.files, before, &old.files)? {
            bail!(
                "Since {from}, {what} has changed, which students write in exercise {}. A fix cannot change that: it would \
                 mix with their work. Undo it, or hand out a new edition. If your students do not have this exercise, name \
                 those that they have, as in EXERCISE=\"5.2 9.2\".",
                exercise.title()
            );
        }
    }
    Ok(())
}

/// Whether a file has what the right answer of an exercise shows.
pub fn is_expected(path: &Path) -> bool {
    path.starts_with(exercise::FOLDER) && path.parent().is_some_and(|folder| folder.ends_with(EXPECTED))
}

/// What students write in this exercise and what differs between two states of the project; `None` if nothing does.
fn touched(
    exercise: &Exercise,
    files: &Original,
    before: &Exercise,
    files_before: &Original,
) -> Result<Option<String>> {
    if exercise.about.holes != before.about.holes {
        return Ok(Some("the list of functions".into()));
    }
    for (file, holes) in &exercise.about.holes {
        let text = |files: &Original, exercise: &Exercise, file: &Path| -> Result<String> {
            // Of a whole file, students have only the blank one to begin with.
            let path = if holes.is_empty() { exercise.blank_file() } else { file.to_owned() };
            files.text(&path)
        };
        let (now, then) = (text(files, exercise, file)?, text(files_before, before, file)?);
        if holes.is_empty() {
            if now != then || files.get(file) != files_before.get(file) {
                return Ok(Some(file.display().to_string()));
            }
            continue;
        }
        let functions = |text: &str| holes::functions(text, holes).map_err(|why| anyhow!("{}: {why}", file.display()));
        let (now, then) = (functions(&now)?, functions(&then)?);
        if let Some((hole, _)) = now.iter().find(|(hole, function)| then.get(*hole) != Some(function)) {
            return Ok(Some(format!("the function {hole} in {}", file.display())));
        }
    }
    Ok(None)
}

/// The patch between what two starters have.
fn difference(old: &Starter, new: &Starter) -> Result<Vec<u8>> {
    let folder = tempfile::tempdir()?;
    let repository = folder.path().join("repository");
    git::run(folder.path(), &[], &["init", "--quiet", "--bare", "repository"])?;
    let tree = |starter: &Starter, name: &str| -> Result<String> {
        let files = folder.path().join(name);
        fs::create_dir(&files)?;
        starter.write(&files)?;
        let variables = [("GIT_DIR", repository.as_os_str()), ("GIT_WORK_TREE", files.as_os_str())];
        git::run(&files, &variables, &["add", "--all", "--force"])?;
        let tree = git::run(&files, &variables, &["write-tree"])?;
        Ok(String::from_utf8_lossy(&tree).trim().to_owned())
    };
    let (old, new) = (tree(old, "old")?, tree(new, "new")?);
    let options = ["diff", "--binary", "--full-index", "--no-renames", "--no-color", "--no-ext-diff"].map(OsStr::new);
    git::run(&repository, &[], &[&options[..], &[old.as_ref(), new.as_ref()]].concat())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::starter::tests::{CHAPTER, git as in_git, project, put};

    const FILE: &str = "chapters/01-a/src/lib.rs";

    /// What the project has now and before a change of the chapter.
    fn changed(chapter: &str) -> (Original, Original, Exercise) {
        let folder = project();
        let before = Original::read(folder.path()).expect("files");
        put(folder.path(), &[(FILE, chapter)]);
        let now = Original::read(folder.path()).expect("files");
        let exercise = Exercise::all(&now).expect("two").swap_remove(0);
        (now, before, exercise)
    }

    #[test]
    fn a_change_of_what_students_write_is_noticed() {
        for (chapter, expected) in [
            (CHAPTER.to_owned(), None),
            (CHAPTER.replace("1\n", "2\n"), None),
            (CHAPTER.replace("pub fn hole", "/// Doc.\npub fn hole"), None),
            (CHAPTER.replace("other()\n", "other() + 1\n"), Some("the function hole in chapters/01-a/src/lib.rs")),
            (CHAPTER.replace("hole() -> u32", "hole() -> u16"), Some("the function hole in chapters/01-a/src/lib.rs")),
        ] {
            let (now, before, exercise) = changed(&chapter);
            let found = touched(&exercise, &now, &exercise, &before).expect("both can be read");
            assert_eq!(found.as_deref(), expected, "{chapter}");
        }
    }

    #[test]
    fn other_holes_are_a_change_too() {
        let (now, before, exercise) = changed(CHAPTER);
        let mut other = exercise.clone();
        other.about.holes.insert("a.rs".into(), Vec::new());
        assert!(touched(&other, &now, &exercise, &before).expect("both can be read").is_some());
    }

    /// The options of a person who types this.
    fn named(words: &[&str]) -> What {
        #[derive(clap::Parser)]
        struct Typed {
            #[command(flatten)]
            what: What,
        }
        <Typed as clap::Parser>::parse_from([&["fix"], words].concat()).what
    }

    #[test]
    fn without_a_list_students_have_all_exercises() {
        let folder = project();
        let (starter, root) = (Starter::handed_out(folder.path()).expect("a repository"), folder.path());
        let exercises = |handed_out: Option<&Starter>, words: &[&str]| {
            let what = what(root, "HEAD", handed_out, &named(words)).expect("there are two");
            what.exercise
        };
        assert_eq!(exercises(None, &[]), "1.1 1.2");
        assert_eq!(exercises(Some(&starter), &[]), "1.1 1.2");
        assert_eq!(exercises(Some(&starter), &["--exercise=1.2"]), "1.2");
    }

    #[test]
    fn a_fix_of_a_function_is_refused_if_some_students_write_it() {
        let (old, new) = (project(), project());
        put(new.path(), &[(FILE, &CHAPTER.replace("other()\n", "other() + 1\n"))]);
        in_git(new.path(), &["commit", "--all", "--quiet", "--message", "Change"]);
        let starter = |folder: &Path| Starter::handed_out(folder).expect("a repository");
        let refused = |new: &Starter| refuse_touched(&starter(old.path()), new, "edition-1");
        let why = refused(&starter(new.path())).expect_err("the hole of 1.1 has changed").to_string();
        assert!(why.contains("which students write in exercise 1.1 T.") && why.contains("name those"), "{why}");
        let mut only = starter(new.path());
        only.exercises.remove(0);
        refused(&only).expect("no student writes it");
    }

    #[test]
    fn the_patch_makes_the_new_starter_of_the_old_one() {
        let (old, new) = (project(), project());
        put(new.path(), &[(FILE, "// Ä\n"), ("new", "n")]);
        fs::remove_file(new.path().join(".ci/run")).expect("it is there");
        in_git(new.path(), &["add", "--all"]);
        in_git(new.path(), &["commit", "--quiet", "--message", "Change"]);
        let starter = |folder: &Path| Starter::handed_out(folder).expect("a repository");
        let patch = difference(&starter(old.path()), &starter(new.path())).expect("git is there");
        let file = tempfile::NamedTempFile::new().expect("a new file");
        fs::write(file.path(), patch).expect("a new file");
        assert_eq!(git::apply(old.path(), file.path()).expect("git is there"), Ok(()));
        let files = |folder: &Path| Original::read(folder).expect("files");
        assert!(files(old.path()).files().eq(files(new.path()).files()));
    }

    #[test]
    fn what_a_right_answer_shows_is_known_by_its_folder() {
        assert!(is_expected(Path::new("exercises/01-two/expected/seed-1.json")));
        assert!(!is_expected(Path::new("exercises/01-two/src/expected.rs")) && !is_expected(Path::new("expected/a")));
    }
}
