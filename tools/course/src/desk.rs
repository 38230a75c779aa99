//! A student's desk: her working tree, in which some exercises are open.
//!
//! An exercise is open if its holes differ from the right answer (in a chapter), or from the blank one (in a crate of its
//! own). Her answer may be equal to the chapter, so `make start` also notes that she has begun. What the project was
//! before is a commit. All of this is kept in the folder `.course`, so that `make clean` does not remove it.

use crate::judge::Judgement;
use crate::tree::{self, Answer, Pristine};
use anyhow::{Context, Result, bail};
use machine::workspace::Workspace;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::{fs, io};
use trials::exercise::{Exercise, Kind};
use trials::git;

/// The folder of what belongs to the student and not to the project.
const FOLDER: &str = ".course";
/// In it, the commit from which everything but her answers comes, and her newest commit when that was written.
const EDITION: &str = "edition";
/// In it, the best result of each exercise, how many hints she has read, and whether it is open.
const PROGRESS: &str = "progress.json";
/// In it, what a command locks while it changes that.
const LOCK: &str = "lock";
/// In it, her work on exercises that she has put away.
const ASIDE: &str = "aside";

/// The working tree and the exercises.
pub struct Desk<'a> {
    /// The project.
    pub workspace: &'a Workspace,
    /// Everything but her answers.
    pub pristine: Pristine,
    /// The exercises, by number.
    pub exercises: Vec<Exercise>,
    /// What she has reached.
    pub progress: BTreeMap<String, Progress>,
}

/// What a student has reached in one exercise.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize)]
pub struct Progress {
    /// The most points that a check has given.
    pub points: Option<u32>,
    /// How many hints she has read.
    pub hints: usize,
    /// Whether she has begun it, and not put it away.
    #[serde(default)]
    pub is_open: bool,
    /// Whether she has seen the right answer, so that her points say little.
    #[serde(default)]
    pub has_seen_answer: bool,
}

/// What is in the holes of an exercise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// What the project has: the exercise is not begun.
    Untouched,
    /// What `make start` leaves.
    Blank,
    /// Something of her own.
    Begun,
    /// The right answer, which `make solution` may have put there.
    Solved,
    /// A file cannot be read, or a hole is missing.
    Damaged,
}

/// Where her work is kept that she puts away for the first, second or a later time.
fn aside(exercise: &Exercise, number: usize) -> PathBuf {
    Path::new(FOLDER).join(ASIDE).join(format!("{}-{number}", exercise.name()))
}

/// What is kept about each exercise.
fn progress(root: &Path) -> Result<BTreeMap<String, Progress>> {
    match fs::read(root.join(FOLDER).join(PROGRESS)) {
        Ok(text) => serde_json::from_slice(&text).with_context(|| format!("{FOLDER}/{PROGRESS} is damaged")),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(BTreeMap::new()),
        Err(error) => Err(error).with_context(|| format!("{FOLDER}/{PROGRESS} cannot be read")),
    }
}

impl<'a> Desk<'a> {
    /// Reads the exercises, and what the student has reached.
    pub fn open(workspace: &'a Workspace) -> Result<Self> {
        let root = &workspace.root;
        let progress = progress(root)?;
        let is_any_open = progress.values().any(|progress| progress.is_open);
        let kept = fs::read_to_string(root.join(FOLDER).join(EDITION)).unwrap_or_default();
        let edition = edition(&kept, is_any_open, &git::commit(root, "HEAD")?).to_owned();
        let pristine = Pristine::of_commit(root, &edition)
            .with_context(|| format!("{FOLDER}/{EDITION} names the commit with the original files, {edition}"))?;
        let exercises = Exercise::all(root.as_path())?;
        Ok(Self { workspace, pristine, exercises, progress })
    }

    /// The exercise that a person names.
    pub fn exercise(&self, word: Option<&str>) -> Result<&Exercise> {
        let Some(word) = word.filter(|word| !word.is_empty()) else {
            bail!("Say which exercise, as in EXERCISE=5.2. `make exercises` lists them.");
        };
        Exercise::find(&self.exercises, word)
    }

    /// Her answer: what is in the holes of her files. The error is a sentence.
    pub fn answer(&self, exercise: &Exercise) -> std::result::Result<Answer, String> {
        let text_of = |path: &Path| tree::text_of(&self.workspace.root.join(path));
        tree::read(exercise, |path| text_of(path).unwrap_or_else(|error| Err(format!("It cannot be read: {error}."))))
    }

    /// What is in the holes.
    pub fn state(&self, exercise: &Exercise) -> Result<State> {
        let Ok(answer) = self.answer(exercise) else { return Ok(State::Damaged) };
        let is_blank = tree::is_same(&answer, &self.pristine.blank(exercise)?);
        let is_right =
            exercise.has_answer(self.pristine.files()) && tree::is_same(&answer, &self.pristine.answer(exercise)?);
        let is_as_before = match exercise.about.kind {
            Kind::Rebuild => is_right,
            Kind::Extend => is_blank,
        };
        Ok(match (is_blank, is_right) {
            _ if is_as_before && !self.progress(exercise).is_open => State::Untouched,
            (true, _) => State::Blank,
            (_, true) => State::Solved,
            _ => State::Begun,
        })
    }

    /// Puts an answer into the holes of her files, and leaves everything else in them as it is.
    pub fn put(&self, answer: &Answer) -> Result<()> {
        let mut new = Vec::new();
        for (path, filling) in answer {
            let path = self.workspace.root.join(path);
            let text = match filling {
                tree::Filling::Whole(text) => text.clone(),
                tree::Filling::Bodies(bodies) => {
                    let text = fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
                    crate::holes::fill(&text, bodies).map_err(|why| anyhow::anyhow!("{}: {why}", path.display()))?
                }
            };
            new.push((path, text));
        }
        // Every file is ready before the first one changes.
        for (path, text) in new {
            fs::write(&path, text).with_context(|| format!("writing {}", path.display()))?;
        }
        Ok(())
    }

    /// From now on, the original files are those of this commit: while an exercise is open, whatever she commits, and then
    /// until her next commit. Her newest one may have her answers in it.
    pub fn keep_edition(&self, commit: &str) -> Result<()> {
        let folder = self.workspace.root.join(FOLDER);
        fs::create_dir_all(&folder)?;
        let newest = git::commit(&self.workspace.root, "HEAD")?;
        fs::write(folder.join(EDITION), format!("{commit} {newest}\n")).context("the edition could not be kept")
    }

    /// Where her work on an exercise is kept, from the first time that she put it away to the last one.
    pub fn aside(&self, exercise: &Exercise) -> Vec<PathBuf> {
        let is_there = |folder: &PathBuf| self.workspace.root.join(folder).exists();
        (1..).map(|number| aside(exercise, number)).take_while(is_there).collect()
    }

    /// Keeps her files with the holes of an exercise, and returns the folder.
    pub fn put_aside(&self, exercise: &Exercise) -> Result<PathBuf> {
        let folder = aside(exercise, self.aside(exercise).len() + 1);
        for file in exercise.about.holes.keys() {
            let target = self.workspace.root.join(&folder).join(file.file_name().unwrap_or_default());
            fs::create_dir_all(self.workspace.root.join(&folder))?;
            fs::copy(self.workspace.root.join(file), target).context("your work could not be kept")?;
        }
        Ok(folder)
    }

    /// What she has reached in an exercise.
    pub fn progress(&self, exercise: &Exercise) -> Progress {
        self.progress.get(&exercise.about.number).copied().unwrap_or_default()
    }

    /// Notes the result of a check, and returns the best one so far.
    pub fn note(&mut self, judgement: &Judgement) -> Result<Option<u32>> {
        let points = judgement.points();
        self.change(&judgement.exercise, |progress| {
            progress.points = progress.points.max(points);
            progress.points
        })
    }

    /// Notes that she has begun an exercise, or has put it away.
    pub fn note_open(&mut self, number: &str, is_open: bool) -> Result<()> {
        self.change(number, |progress| progress.is_open = is_open)
    }

    /// Notes that she has seen the right answer.
    pub fn note_answer(&mut self, number: &str) -> Result<()> {
        self.change(number, |progress| progress.has_seen_answer = true)
    }

    /// Notes that she has read one more hint of `all`, and returns how many she had read before.
    pub fn note_hint(&mut self, number: &str, all: usize) -> Result<usize> {
        self.change(number, |progress| {
            let before = progress.hints;
            progress.hints = all.min(before + 1);
            before
        })
    }

    /// Changes what is kept about one exercise. Another command may be running beside this one, such as a long check.
    fn change<T>(&mut self, number: &str, change: impl FnOnce(&mut Progress) -> T) -> Result<T> {
        let folder = self.workspace.root.join(FOLDER);
        fs::create_dir_all(&folder)?;
        let lock = fs::File::create(folder.join(LOCK))?;
        lock.lock().with_context(|| format!("{FOLDER}/{LOCK} cannot be locked"))?;
        self.progress = progress(&self.workspace.root)?;
        let changed = change(self.progress.entry(number.to_owned()).or_default());
        let (path, new) = (folder.join(PROGRESS), folder.join(format!("{PROGRESS}.new")));
        fs::write(&new, serde_json::to_vec_pretty(&self.progress)?)
            .and_then(|()| fs::rename(&new, &path))
            .with_context(|| format!("{FOLDER}/{PROGRESS} cannot be written"))?;
        Ok(changed)
    }

    /// What she has changed outside the holes: files, by their paths. It works on her machine, and is not judged.
    pub fn other_changes(&self, exercise: &Exercise) -> Result<Vec<PathBuf>> {
        let root = &self.workspace.root;
        let mut changed = Vec::new();
        for (path, original) in self.pristine.files().files() {
            let is_part = ["chapters", "common", "harness"].iter().any(|part| path.starts_with(part));
            if !is_part && !path.starts_with(&exercise.folder) {
                continue;
            }
            let Ok(now) = fs::read(root.join(path)) else {
                changed.push(path.to_owned());
                continue;
            };
            if now != original && !self.is_only_in_holes(path, &String::from_utf8_lossy(&now))? {
                changed.push(path.to_owned());
            }
        }
        Ok(changed)
    }

    /// Whether a file differs from the original only in holes of exercises.
    pub fn is_only_in_holes(&self, path: &Path, now: &str) -> Result<bool> {
        let original = self.pristine.text(path)?;
        let with_it = |one: &&Exercise| one.about.holes.contains_key(path);
        let holes: Vec<String> =
            self.exercises.iter().filter(with_it).flat_map(|one| one.about.holes[path].clone()).collect();
        let is_whole = self.exercises.iter().filter(with_it).any(|one| one.about.holes[path].is_empty());
        if is_whole {
            return Ok(true);
        }
        let Ok(bodies) = crate::holes::bodies(original, &holes) else { return Ok(false) };
        Ok(crate::holes::fill(now, &bodies).is_ok_and(|filled| crate::holes::is_same(&filled, original)))
    }
}

/// The commit with the original files: the one that is kept, while an exercise is open or until she commits; otherwise the
/// newest one.
fn edition<'a>(kept: &'a str, is_any_open: bool, newest: &'a str) -> &'a str {
    let mut words = kept.split_whitespace();
    match (words.next(), words.next()) {
        (Some(edition), _) if is_any_open => edition,
        (Some(edition), Some(then)) if then == newest => edition,
        _ => newest,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_edition_is_kept_while_an_exercise_is_open_and_until_the_next_commit() {
        for (kept, is_any_open, expected) in [
            ("", false, "new"),
            ("", true, "new"),
            ("old\n", true, "old"),
            ("old\n", false, "new"),
            ("fixed new\n", false, "fixed"),
            ("fixed old\n", false, "new"),
            ("fixed old\n", true, "fixed"),
        ] {
            assert_eq!(edition(kept, is_any_open, "new"), expected, "{kept} {is_any_open}");
        }
    }
}
