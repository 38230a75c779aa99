//! The known defects of the classic tutorial, each in a file from which it can be put back.
//!
//! Each chapter keeps the defects that it must avoid in its folder `mutants`. A file's name begins with the defect's
//! number in the list of defects and then describes it: `27-shrinking-unmaps-pages-in-use.patch`. A defect that shows
//! in several ways has several files. A file starts with prose. Then follows a patch for `git apply`, in the format of
//! `git diff`, which makes the same mistake in today's code.
//!
//! ```text
//! What is wrong, in a sentence or two, and then as much explanation as it needs.
//!
//! A reader would see: the consequence, in one line.
//! Caught by: the name of the test that fails, or "the compiler", if that rejects the code
//! Live: where to look, in one line, when the book's page runs the demonstration with this mistake
//!
//! diff --git a/chapters/06-heap/src/global.rs b/chapters/06-heap/src/global.rs
//! ...
//! ```
//!
//! Only a mistake that shows in the chapter's demonstration has the line `Live: `. Words between quotation marks there are
//! words of the broken kernel's log.
//!
//! A defect that the design makes impossible has a file that ends in `.md`. It has no patch, and a line
//! `Impossible here: ` with the reason in place of what a reader would see. A defect that can be made but that no test
//! under QEMU can notice has such a file too; its line begins with `No test can notice this here: `.

use anyhow::{Context, Result, anyhow};
use machine::workspace::{Chapter, Workspace};
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::{fmt, fs};

/// The numbers of the known defects that these chapters must avoid.
const NUMBERS: [RangeInclusive<u32>; 3] = [1..=36, 42..=50, 54..=54];

/// The folder within a chapter.
const FOLDER: &str = "mutants";

const WOULD_SEE: &str = "A reader would see: ";
const CAUGHT_BY: &str = "Caught by: ";
const LIVE: &str = "Live: ";
const THE_COMPILER: &str = "the compiler";
/// What a kernel that prints nothing fails at.
pub const LIST_OF_TESTS: &str = "list of tests";
/// The start of the name of each run of a demonstration.
pub const DEMONSTRATION: &str = "demonstration ";
const IMPOSSIBLE: &str = "Impossible here: ";
const UNNOTICED: &str = "No test can notice this here: ";

/// One file.
#[derive(Clone, Debug, PartialEq)]
pub struct Defect {
    /// The name of the chapter's folder.
    pub chapter: String,
    /// The name of the file, without its ending.
    pub name: String,
    /// The number of the defect.
    pub number: u32,
    /// What to do with it.
    pub kind: Kind,
    /// What is wrong, in paragraphs.
    pub prose: String,
    /// What a reader would see; or why the defect is impossible, or why no test can notice it.
    pub outcome: String,
    /// The test that catches it, if it can be put back.
    pub caught_by: Option<String>,
    /// Where to look when the chapter's demonstration runs with it; `None` if it does not show there.
    pub live: Option<String>,
}

/// What can be done with a defect here.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    /// It can be put back.
    Patch,
    /// It can be written, but the compiler rejects it.
    Refused,
    /// It cannot even be written.
    Impossible,
    /// It could be written, but makes no difference on the machine that the tests run on.
    Unnoticed,
}

impl Defect {
    /// Parses one file; the error is a message that says what is wrong with it.
    fn parse(chapter: &str, file: &str, text: &str) -> Result<Self, String> {
        let (name, ending) = file.rsplit_once('.').ok_or("Its name has no ending.")?;
        let number = name.split_once('-').and_then(|(number, _)| number.parse().ok());
        let number = number.ok_or("Its name does not begin with a number and a dash.")?;
        if !NUMBERS.iter().any(|numbers| numbers.contains(&number)) {
            return Err(format!("There is no defect {number} that these chapters must be right about."));
        }
        let (prose, diff) = text.split_at(text.find("\ndiff --git ").unwrap_or(text.len()));
        let starts = [WOULD_SEE, CAUGHT_BY, LIVE, IMPOSSIBLE, UNNOTICED, "diff --git "];
        if prose.lines().next().is_none_or(|line| line.is_empty() || starts.iter().any(|start| line.starts_with(start)))
        {
            return Err("It does not begin with a sentence about what is wrong.".into());
        }
        let says =
            |start: &str| prose.lines().find_map(|line| line.strip_prefix(start)).filter(|rest| !rest.is_empty());
        let lacks = |start: &str| format!("It has no line \"{start}...\".");
        let (kind, outcome, caught_by) = match ending {
            "patch" if diff.is_empty() => return Err("It has no patch.".into()),
            "patch" if !is_found_again(diff) => {
                return Err(
                    "A part of it has fewer than three lines before it, so it may be taken out elsewhere.".into()
                );
            }
            "patch" => {
                let outcome = says(WOULD_SEE).ok_or_else(|| lacks(WOULD_SEE))?;
                let caught_by = says(CAUGHT_BY).ok_or_else(|| lacks(CAUGHT_BY))?;
                let kind = if caught_by == THE_COMPILER { Kind::Refused } else { Kind::Patch };
                (kind, outcome, Some(caught_by.into()))
            }
            "md" if !diff.is_empty() => return Err("It has a patch, so its name should end in .patch.".into()),
            "md" => match (says(IMPOSSIBLE), says(UNNOTICED)) {
                (Some(why), _) => (Kind::Impossible, why, None),
                (None, Some(why)) => (Kind::Unnoticed, why, None),
                (None, None) => return Err(format!("It has no line \"{IMPOSSIBLE}...\" or \"{UNNOTICED}...\".")),
            },
            _ => return Err("Its name ends neither in .patch nor in .md.".into()),
        };
        let live = says(LIVE).map(String::from);
        if live.is_some() && kind != Kind::Patch {
            return Err(format!("It has a line \"{LIVE}...\", and no kernel has this mistake."));
        }
        let paragraphs = prose.lines().take_while(|line| !starts.iter().any(|start| line.starts_with(start)));
        let prose = paragraphs.collect::<Vec<_>>().join("\n").trim().into();
        let (chapter, name, outcome) = (chapter.into(), name.into(), outcome.into());
        Ok(Self { chapter, name, number, kind, prose, outcome, caught_by, live })
    }

    /// Whether `word`, as typed on the command line, means this defect: its number, its title, or a part of its name.
    pub fn answers_to(&self, word: &str) -> bool {
        match word.parse::<u32>() {
            Ok(number) => number == self.number,
            Err(_) => !word.is_empty() && (self.name.contains(word) || self.title() == word),
        }
    }

    /// The test that catches it; `None` if the compiler does, or if it cannot be put back.
    pub fn test(&self) -> Option<&str> {
        self.caught_by.as_deref().filter(|_| self.kind == Kind::Patch)
    }

    /// What to type for it: its chapter's number, and its name without the defect's number.
    pub fn title(&self) -> String {
        format!("{}/{}", self.chapter.split('-').next().unwrap_or_default(), self.short_name())
    }

    /// Its name without its number. Other defects may have the same number.
    pub fn short_name(&self) -> &str {
        self.name.split_once('-').map_or(&self.name, |(_, name)| name)
    }

    /// The commands that show it once it is put in; empty if it cannot be put in.
    pub fn shown_by(&self) -> Vec<String> {
        let chapter = self.chapter.split('-').next().unwrap_or_default().trim_start_matches('0');
        let run = format!("make run CHAPTER={chapter}");
        match self.test() {
            None if self.has_patch() => vec![run],
            None => Vec::new(),
            // The kernel prints nothing, or the wrong text: `make run` shows that.
            Some(test) if test == LIST_OF_TESTS || test.starts_with(DEMONSTRATION) => vec![run],
            Some(test) => {
                let name = test.rsplit("::").next().unwrap_or(test);
                let is_shown = self.outcome.contains("demonstration") && !self.outcome.starts_with("nothing");
                let run = is_shown.then_some(run);
                run.into_iter().chain([format!("make test CHAPTER={chapter} TEST={name}")]).collect()
            }
        }
    }

    /// Whether there is a patch to put back.
    pub fn has_patch(&self) -> bool {
        matches!(self.kind, Kind::Patch | Kind::Refused)
    }

    /// The path of the file, relative to the project's folder.
    pub fn path(&self) -> PathBuf {
        let ending = if self.has_patch() { "patch" } else { "md" };
        Path::new("chapters").join(&self.chapter).join(FOLDER).join(format!("{}.{ending}", self.name))
    }
}

/// Whether each part of a patch has enough context before it that `git apply -R` finds its place again: three lines, or
/// all lines that come before it in the file.
fn is_found_again(diff: &str) -> bool {
    let parts = diff.split("\n@@ -").skip(1);
    parts.into_iter().all(|part| {
        let start = part.split(',').next().and_then(|number| number.parse().ok()).unwrap_or(0);
        let before = part.lines().skip(1).take_while(|line| line.starts_with(' ') || line.is_empty()).count();
        before >= 3.min(start.max(1) - 1)
    })
}

impl fmt::Display for Defect {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{} {}", self.chapter, self.name)
    }
}

/// All defects of these chapters, by chapter and name. The error names a file that is not a valid defect.
pub fn of_chapters(workspace: &Workspace, chapters: &[&Chapter]) -> Result<Vec<Defect>> {
    let of_one = |chapter: &&Chapter| of_chapter(&workspace.root, &chapter.name);
    let defects: Vec<Vec<Defect>> = chapters.iter().map(of_one).collect::<Result<_>>()?;
    Ok(defects.concat())
}

/// The defects in the folder of one chapter, by name.
pub fn of_chapter(root: &Path, chapter: &str) -> Result<Vec<Defect>> {
    let folder = root.join("chapters").join(chapter).join(FOLDER);
    let mut defects = Vec::new();
    if folder.is_dir() {
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            let text = fs::read_to_string(&path).with_context(|| format!("{} could not be read", path.display()))?;
            let file = path.file_name().unwrap_or_default().to_string_lossy();
            let defect = Defect::parse(chapter, &file, &text);
            defects.push(defect.map_err(|error| anyhow!("{}: {error}", path.display()))?);
        }
    }
    defects.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(defects)
}

/// The numbers that none of `defects` has.
pub fn unanswered(defects: &[Defect]) -> Vec<u32> {
    let is_missing = |number: &u32| !defects.iter().any(|defect| defect.number == *number);
    NUMBERS.into_iter().flatten().filter(is_missing).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATCH: &str = "It is wrong.\nVery.\n\nIt is.\n\nA reader would see: nothing.\nCaught by: a_test\n\n\
        diff --git a/x b/x\n--- a/x\n+++ b/x\n";
    const REASON: &str = "It is wrong.\n\nImpossible here: it is.\n";

    fn parse(file: &str, text: &str) -> Result<Defect, String> {
        Defect::parse("06-heap", file, text)
    }

    #[test]
    fn the_kind_of_a_file_follows_from_its_name_and_content() {
        let defect = parse("27-it-is-wrong.patch", PATCH).expect("a patch");
        assert_eq!((defect.number, defect.name.as_str(), defect.kind), (27, "27-it-is-wrong", Kind::Patch));
        assert_eq!(defect.path(), Path::new("chapters/06-heap/mutants/27-it-is-wrong.patch"));
        let defect = parse("01-it.md", REASON).expect("a reason");
        assert_eq!((defect.number, defect.kind), (1, Kind::Impossible));
        assert_eq!(defect.path(), Path::new("chapters/06-heap/mutants/01-it.md"));
        let unnoticed = REASON.replace("Impossible here", "No test can notice this here");
        assert_eq!(parse("01-it.md", &unnoticed).expect("a reason").kind, Kind::Unnoticed);
        let changes = "@@ -9,5 +9,4 @@\n a\n b\n c\n-y\n z\n@@ -2,2 +2,1 @@\n a\n-y\n";
        assert!(parse("27-it.patch", &format!("{PATCH}{changes}")).is_ok());
        let refused = PATCH.replace("a_test", "the compiler");
        assert_eq!(parse("27-it.patch", &refused).expect("a patch").kind, Kind::Refused);
    }

    #[test]
    fn prose_outcome_and_test_are_separated() {
        let defect = parse("27-it.patch", PATCH).expect("a patch");
        assert_eq!((&*defect.prose, &*defect.outcome), ("It is wrong.\nVery.\n\nIt is.", "nothing."));
        assert_eq!(defect.caught_by.as_deref(), Some("a_test"));
        let defect = parse("01-it.md", REASON).expect("a reason");
        assert_eq!((&*defect.prose, &*defect.outcome, defect.caught_by), ("It is wrong.", "it is.", None));
    }

    #[test]
    fn only_a_mistake_that_a_kernel_can_have_is_shown_live() {
        assert_eq!(parse("27-it.patch", PATCH).expect("a patch").live, None);
        let live = PATCH.replace("a_test\n", "a_test\nLive: the end.\n");
        let defect = parse("27-it.patch", &live).expect("a patch");
        assert_eq!((defect.live.as_deref(), defect.caught_by.as_deref()), (Some("the end."), Some("a_test")));
        for (file, text) in [
            ("27-it.patch", live.replace("a_test", "the compiler")),
            ("27-it.md", REASON.replace("it is.\n", "it is.\nLive: the end.\n")),
        ] {
            let error = parse(file, &text).expect_err(file);
            assert!(error.contains("no kernel has this mistake"), "{file}: {error}");
        }
    }

    #[test]
    fn missing_parts_of_a_file_are_reported() {
        for (file, text, lack) in [
            ("27-it", PATCH, "no ending"),
            ("27.patch", PATCH, "a number and a dash"),
            ("it-is.patch", PATCH, "a number and a dash"),
            ("0-it.patch", PATCH, "no defect 0"),
            ("37-it.patch", PATCH, "no defect 37"),
            ("27-it.txt", PATCH, "neither"),
            ("27-it.md", PATCH, "should end in .patch"),
            ("27-it.patch", REASON, "no patch"),
            ("27-it.patch", &PATCH.replace("nothing.", ""), "no line \"A reader would see"),
            ("27-it.patch", &PATCH.replace("a_test", ""), "no line \"Caught by"),
            ("27-it.md", &REASON.replace("it is.", ""), "no line \"Impossible here"),
            ("27-it.patch", &format!("{PATCH}@@ -9,3 +9,2 @@\n x\n-y\n z\n"), "fewer than three lines"),
            ("27-it.md", "", "does not begin"),
            ("27-it.patch", &PATCH["It is wrong.\nVery.".len()..], "does not begin"),
            ("27-it.patch", &PATCH[PATCH.find("A reader").expect("it is there")..], "does not begin"),
        ] {
            let error = parse(file, text).expect_err(file);
            assert!(error.contains(lack), "{file}: {error}");
        }
    }

    #[test]
    fn a_defect_answers_to_its_number_and_to_parts_of_its_name() {
        let defect = parse("06-hex-printed-twice.patch", PATCH).expect("a patch");
        for (word, is_meant) in [
            ("6", true),
            ("06", true),
            ("hex", true),
            ("06/hex-printed-twice", true),
            ("16", false),
            ("0", false),
            ("heap", false),
            ("", false),
        ] {
            assert_eq!(defect.answers_to(word), is_meant, "{word}");
        }
    }

    #[test]
    fn each_defect_has_a_title_and_the_commands_that_show_it() {
        let shown_by = |test: &str, outcome: &str| {
            let text = PATCH.replace("a_test", test).replace("nothing.", outcome);
            parse("27-it-is-wrong.patch", &text).expect("a patch").shown_by()
        };
        assert_eq!(parse("27-it-is-wrong.patch", PATCH).expect("a patch").title(), "06/it-is-wrong");
        let test = "make test CHAPTER=6 TEST=a_test";
        assert_eq!(shown_by("a_test", "nothing in the demonstration."), [test]);
        assert_eq!(shown_by("list::tests::a_test", "a fault."), [test]);
        assert_eq!(shown_by("a_test", "\"x\" in the demonstration."), ["make run CHAPTER=6", test]);
        for test in ["list of tests", "demonstration with 16 MiB", "the compiler"] {
            assert_eq!(shown_by(test, "nothing."), ["make run CHAPTER=6"], "{test}");
        }
        assert!(parse("01-it.md", REASON).expect("a reason").shown_by().is_empty());
    }

    #[test]
    fn every_number_needs_a_file() {
        let one = parse("27-it.patch", PATCH).expect("a patch");
        let defect = |number| Defect { number, ..one.clone() };
        let mut defects: Vec<Defect> = NUMBERS.into_iter().flatten().map(defect).collect();
        assert!(unanswered(&defects).is_empty());
        defects.retain(|defect| defect.number != 27);
        assert_eq!(unanswered(&defects), [27]);
    }
}
