//! Records every result at once, so that an interrupted run continues where it was.
//!
//! The journal is a file with one line of JSON for each result. If a run was interrupted while it wrote a line, that
//! line is dropped, and its mutant is tried again.

use super::mutant::Mutant;
use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use trials::trial::Verdict;

/// One result.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Line {
    /// All tests of this chapter pass without a mutant.
    Passed { chapter: String, build: u64 },
    /// A mutant has been tried.
    Tried(Tried),
}

/// The result of a mutant.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Tried {
    /// The mutant.
    pub mutant: Mutant,
    /// The chapter whose tests ran last.
    pub chapter: String,
    /// The verdict of the tests.
    pub verdict: Verdict,
    /// How long they took.
    pub seconds: f32,
    /// The state of the files in which it was tried.
    pub state: State,
}

/// The state of the files in which a mutant is tried: a hash for each group of them.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct State {
    /// The file that the mutant breaks.
    pub source: u64,
    /// All files from which the kernels with the tests are built.
    pub build: u64,
}

/// All results that were ever recorded here, with any seed.
pub struct Journal {
    file: File,
    lines: Vec<Line>,
}

impl Journal {
    /// Opens the journal, or begins one if there is none.
    pub fn open(path: &Path) -> Result<Self> {
        let lines = lines(&fs::read_to_string(path).unwrap_or_default());
        let open = || {
            fs::create_dir_all(path.parent().unwrap_or(Path::new("")))?;
            // Written beside the old one first: if this is interrupted, one of the two is complete.
            let new = path.with_extension("new");
            let text: String = lines.iter().map(written).collect();
            fs::write(&new, text)?;
            fs::rename(new, path)?;
            File::options().append(true).open(path)
        };
        let file = open().with_context(|| format!("{} could not be written", path.display()))?;
        Ok(Self { file, lines })
    }

    /// The result of a mutant, if it still holds. If the mutant survived, a test may have been added since.
    pub fn tried(&self, mutant: &Mutant, state: State) -> Option<&Tried> {
        let holds = |tried: &&Tried| {
            tried.state.source == state.source && (tried.verdict != Verdict::Passed || tried.state.build == state.build)
        };
        self.latest().filter(|tried| tried.mutant == *mutant).find(holds)
    }

    /// The tests that have caught mutants, each with its chapter: those of the same file first, and the latest first.
    pub fn catchers(&self, mutant: &Mutant) -> Vec<(String, String)> {
        let caught = self.latest().filter_map(|tried| match &tried.verdict {
            Verdict::Failed(test) => Some((&tried.mutant.file, (tried.chapter.clone(), test.clone()))),
            _ => None,
        });
        let (here, elsewhere): (Vec<_>, Vec<_>) = caught.partition(|(file, _)| **file == mutant.file);
        here.into_iter().chain(elsewhere).map(|(_, catcher)| catcher).collect()
    }

    /// All results of mutants, the latest first.
    fn latest(&self) -> impl Iterator<Item = &Tried> {
        self.lines.iter().rev().filter_map(|line| match line {
            Line::Tried(tried) => Some(tried),
            Line::Passed { .. } => None,
        })
    }

    /// Records the result of a mutant.
    pub fn note_tried(&mut self, tried: Tried) -> Result<()> {
        self.note(Line::Tried(tried))
    }

    /// Whether all tests of this chapter pass without a mutant, as they are now.
    pub fn has_passed(&self, chapter: &str, build: u64) -> bool {
        self.lines.contains(&Line::Passed { chapter: chapter.into(), build })
    }

    /// Records that all tests of this chapter pass without a mutant.
    pub fn note_passed(&mut self, chapter: &str, build: u64) -> Result<()> {
        self.note(Line::Passed { chapter: chapter.into(), build })
    }

    fn note(&mut self, line: Line) -> Result<()> {
        self.file.write_all(written(&line).as_bytes()).context("the result could not be recorded")?;
        self.lines.push(line);
        Ok(())
    }
}

/// The lines of a journal, up to the first that is not complete.
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

    fn open(path: &Path) -> Journal {
        Journal::open(path).expect("a journal")
    }

    const STATE: State = State { source: 1, build: 2 };

    fn note(journal: &mut Journal, mutant: &Mutant, verdict: Verdict) {
        let (mutant, chapter) = (mutant.clone(), "01-boot".into());
        journal.note_tried(Tried { mutant, chapter, verdict, seconds: 1.5, state: STATE }).expect("room");
    }

    fn verdict(journal: &Journal, mutant: &Mutant, state: State) -> Option<Verdict> {
        journal.tried(mutant, state).map(|tried| tried.verdict.clone())
    }

    fn caught_by(test: &str) -> Verdict {
        Verdict::Failed(test.into())
    }

    #[test]
    fn notes_survive_a_restart() {
        let (_folder, path) = journal();
        let mutants = mutants("a.s", "cli\nhlt\n");
        let mut first = open(&path);
        first.note_passed("01-boot", 2).expect("room");
        note(&mut first, &mutants[0], caught_by("a_test"));
        drop(first);
        let again = open(&path);
        assert_eq!(verdict(&again, &mutants[0], STATE), Some(caught_by("a_test")));
        assert_eq!(verdict(&again, &mutants[1], STATE), None);
        assert!(again.has_passed("01-boot", 2) && !again.has_passed("01-boot", 3) && !again.has_passed("02-screen", 2));
    }

    #[test]
    fn an_incomplete_line_is_skipped() {
        let (_folder, path) = journal();
        let mutants = mutants("a.s", "cli\n");
        let mut first = open(&path);
        mutants.iter().for_each(|mutant| note(&mut first, mutant, Verdict::DoesNotCompile));
        drop(first);
        let text = fs::read_to_string(&path).expect("a journal");
        fs::write(&path, &text[..text.len() - 10]).expect("a shorter journal");
        let mut again = open(&path);
        assert_eq!(verdict(&again, &mutants[0], STATE), Some(Verdict::DoesNotCompile));
        assert_eq!(verdict(&again, &mutants[1], STATE), None);
        note(&mut again, &mutants[1], Verdict::DoesNotCompile);
        drop(again);
        assert_eq!(verdict(&open(&path), &mutants[1], STATE), Some(Verdict::DoesNotCompile));
    }

    #[test]
    fn a_new_build_retries_survivors_and_a_changed_file_retries_all() {
        let (_folder, path) = journal();
        let mutants = mutants("a.s", "cli\n");
        let mut journal = open(&path);
        note(&mut journal, &mutants[0], Verdict::Passed);
        note(&mut journal, &mutants[1], Verdict::DoesNotCompile);
        let (new_test, new_source) = (State { build: 3, ..STATE }, State { source: 2, build: 3 });
        assert_eq!(verdict(&journal, &mutants[0], STATE), Some(Verdict::Passed));
        assert_eq!(verdict(&journal, &mutants[0], new_test), None);
        assert_eq!(verdict(&journal, &mutants[1], new_test), Some(Verdict::DoesNotCompile));
        assert_eq!(verdict(&journal, &mutants[1], new_source), None);
        note(&mut journal, &mutants[0], caught_by("a_new_test"));
        assert_eq!(verdict(&journal, &mutants[0], STATE), Some(caught_by("a_new_test")));
    }

    #[test]
    fn the_tests_that_caught_something_in_the_same_file_come_first_and_the_latest_of_them() {
        let (_folder, path) = journal();
        let (here, elsewhere) = (mutants("a.s", "cli\n"), mutants("b.s", "cli\n"));
        let mut journal = open(&path);
        for (mutant, test) in [(&here[0], "old"), (&here[1], "new"), (&elsewhere[0], "other")] {
            note(&mut journal, mutant, caught_by(test));
        }
        assert_eq!(journal.catchers(&here[0]), ["new", "old", "other"].map(|test| ("01-boot".into(), test.into())));
    }
}
