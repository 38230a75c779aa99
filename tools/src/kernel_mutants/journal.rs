//! What has been tried, written down at once: a run that is ended goes on where it was when it is started again.
//!
//! The journal is a file of JSON, a line for each thing that has come out. A line that was being written when the run
//! ended is no line yet, and its mutant is tried again.

use super::mutant::Mutant;
use crate::trial::Verdict;
use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use std::fs::{self, File};
use std::io::Write;
use std::path::Path;

/// A thing that has come out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Line {
    /// These mutants are drawn, which is a number made of the seed and of all that they are drawn from.
    Drawn(u64),
    /// All tests of this chapter pass without a mistake.
    Passed { chapter: String, build: u64 },
    /// A mutant has been tried.
    Tried(Tried),
}

/// What came of a mutant.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Tried {
    /// The mutant.
    pub mutant: Mutant,
    /// What came of it.
    pub verdict: Verdict,
    /// How long that took.
    pub seconds: f32,
    /// All that kernels and their tests are built from, as a number.
    pub build: u64,
}

/// The journal of one drawing.
pub struct Journal {
    file: File,
    lines: Vec<Line>,
    build: u64,
}

impl Journal {
    /// Opens the journal, and begins a new one where there is none of this drawing. `build` stands for all that
    /// kernels and their tests are built from now.
    pub fn open(path: &Path, drawn: u64, build: u64) -> Result<Self> {
        let old = fs::read_to_string(path).unwrap_or_default();
        let lines = Some(lines(&old)).filter(|lines| lines.first() == Some(&Line::Drawn(drawn)));
        let lines = lines.unwrap_or_else(|| vec![Line::Drawn(drawn)]);
        let open = || {
            fs::create_dir_all(path.parent().unwrap_or(Path::new("")))?;
            // Beside it first: whatever happens meanwhile, one of the two is good.
            let new = path.with_extension("new");
            let text: String = lines.iter().map(written).collect();
            fs::write(&new, text)?;
            fs::rename(new, path)?;
            File::options().append(true).open(path)
        };
        let file = open().with_context(|| format!("{} could not be written", path.display()))?;
        Ok(Self { file, lines, build })
    }

    /// What has come of a mutant, if that still holds. A test may have been added since for one that survived.
    pub fn tried(&self, mutant: &Mutant) -> Option<&Tried> {
        self.lines.iter().rev().find_map(|line| match line {
            Line::Tried(tried) if tried.mutant == *mutant => {
                Some(tried).filter(|tried| tried.verdict != Verdict::Passed || tried.build == self.build)
            }
            _ => None,
        })
    }

    /// Notes what has come of a mutant.
    pub fn note_tried(&mut self, mutant: &Mutant, verdict: Verdict, seconds: f32) -> Result<()> {
        self.note(Line::Tried(Tried { mutant: mutant.clone(), verdict, seconds, build: self.build }))
    }

    /// Whether all tests of this chapter pass without a mistake, as they are now.
    pub fn has_passed(&self, chapter: &str) -> bool {
        self.lines.contains(&Line::Passed { chapter: chapter.into(), build: self.build })
    }

    /// Notes that all tests of this chapter pass without a mistake.
    pub fn note_passed(&mut self, chapter: &str) -> Result<()> {
        self.note(Line::Passed { chapter: chapter.into(), build: self.build })
    }

    fn note(&mut self, line: Line) -> Result<()> {
        self.file.write_all(written(&line).as_bytes()).context("what came out could not be written down")?;
        self.lines.push(line);
        Ok(())
    }
}

/// The lines of a journal, up to one that is not whole.
fn lines(text: &str) -> Vec<Line> {
    let whole = text.split_inclusive('\n').take_while(|line| line.ends_with('\n'));
    whole.map_while(|line| serde_json::from_str(line).ok()).collect()
}

fn written(line: &Line) -> String {
    serde_json::to_string(line).expect("names and numbers can be written") + "\n"
}

#[cfg(test)]
mod tests {
    use super::super::mutant::tests::mutants;
    use super::*;
    use std::path::PathBuf;
    use tempfile::TempDir;

    fn journal() -> (TempDir, PathBuf) {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("inner/journal.jsonl");
        (folder, path)
    }

    fn open(path: &Path, drawn: u64, build: u64) -> Journal {
        Journal::open(path, drawn, build).expect("a journal")
    }

    fn verdict(journal: &Journal, mutant: &Mutant) -> Option<Verdict> {
        journal.tried(mutant).map(|tried| tried.verdict.clone())
    }

    #[test]
    fn what_was_noted_is_known_after_a_new_start() {
        let (_folder, path) = journal();
        let mutants = mutants("a.s", "cli\nhlt\n");
        let caught = Verdict::Failed("a_test".into());
        let mut first = open(&path, 1, 2);
        first.note_passed("01-boot").expect("room");
        first.note_tried(&mutants[0], caught.clone(), 1.5).expect("room");
        drop(first);
        let again = open(&path, 1, 2);
        assert_eq!(verdict(&again, &mutants[0]), Some(caught));
        assert_eq!(verdict(&again, &mutants[1]), None);
        assert!(again.has_passed("01-boot") && !again.has_passed("02-screen"));
    }

    #[test]
    fn a_line_that_is_not_whole_is_lost_alone() {
        let (_folder, path) = journal();
        let mutants = mutants("a.s", "cli\n");
        let mut first = open(&path, 1, 2);
        for mutant in &mutants {
            first.note_tried(mutant, Verdict::DoesNotCompile, 1.0).expect("room");
        }
        drop(first);
        let text = fs::read_to_string(&path).expect("a journal");
        fs::write(&path, &text[..text.len() - 10]).expect("a shorter journal");
        let mut again = open(&path, 1, 2);
        assert_eq!(verdict(&again, &mutants[0]), Some(Verdict::DoesNotCompile));
        assert_eq!(verdict(&again, &mutants[1]), None);
        again.note_tried(&mutants[1], Verdict::DoesNotCompile, 1.0).expect("room");
        drop(again);
        assert_eq!(verdict(&open(&path, 1, 2), &mutants[1]), Some(Verdict::DoesNotCompile));
    }

    #[test]
    fn another_drawing_begins_anew() {
        let (_folder, path) = journal();
        let mutants = mutants("a.s", "cli\n");
        open(&path, 1, 2).note_tried(&mutants[0], Verdict::DoesNotCompile, 1.0).expect("room");
        assert_eq!(verdict(&open(&path, 2, 2), &mutants[0]), None);
    }

    #[test]
    fn a_survivor_is_tried_again_once_anything_is_built_anew() {
        let (_folder, path) = journal();
        let mutants = mutants("a.s", "cli\n");
        let mut first = open(&path, 1, 2);
        first.note_passed("01-boot").expect("room");
        first.note_tried(&mutants[0], Verdict::Passed, 1.0).expect("room");
        first.note_tried(&mutants[1], Verdict::DoesNotCompile, 1.0).expect("room");
        assert_eq!(verdict(&first, &mutants[0]), Some(Verdict::Passed));
        drop(first);
        let mut again = open(&path, 1, 3);
        assert!(!again.has_passed("01-boot"));
        assert_eq!(verdict(&again, &mutants[0]), None);
        assert_eq!(verdict(&again, &mutants[1]), Some(Verdict::DoesNotCompile));
        again.note_tried(&mutants[0], Verdict::Failed("new".into()), 1.0).expect("room");
        assert_eq!(verdict(&again, &mutants[0]), Some(Verdict::Failed("new".into())));
    }
}
