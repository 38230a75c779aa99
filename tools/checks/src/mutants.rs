//! `make mutants`: puts in the known mistakes, one by one, to see that the tests catch each.
//!
//! Each mistake is put into a copy of the project. The test that its file names runs first; if that passes, the other
//! tests of the chapter run. A mistake that survives fails the run, because a test is missing. So does one that only
//! other tests catch.
//!
//! Before that, the copy must pass without any mistake: otherwise every mistake would seem to be caught. If all
//! mistakes are tried, whole chapters must pass. If one is asked for, only its test must, which takes seconds.
//! `defects.rs` in the crate `book` says what the files of the mistakes look like.

use anyhow::{Result, bail};
use clap::Args;
use machine::tally::Tally;
use machine::workspace::{Chapter, Workspace};
use std::process::ExitCode;
use std::time::{Duration, Instant};
use trials::defects::{self, Defect, Kind};
use trials::git;
use trials::scratch::{Original, Scratch};
use trials::trial::{self, Verdict};

/// The options of `make mutants`.
#[derive(Args)]
pub struct Options {
    /// Try only the mistakes of this chapter, by number or name.
    #[arg(long)]
    chapter: Option<String>,
    /// Try only these mistakes: a number, a chapter and name such as `09/no-exit`, or a part of a name.
    #[arg(long)]
    mutant: Option<String>,
    /// Treat a test as hung after this many seconds.
    #[arg(long, default_value_t = 20)]
    timeout: u64,
}

/// Puts in the mistakes, and prints what caught each; the last line is the count.
pub fn mutants(workspace: &Workspace, options: &Options) -> Result<ExitCode> {
    let start = Instant::now();
    let mut chapters: Vec<&Chapter> = match &options.chapter {
        None => workspace.chapters.iter().collect(),
        Some(word) => vec![workspace.chapter(Some(word))?],
    };
    let mut defects = defects::of_chapters(workspace, &chapters)?;
    defects.retain(|defect| options.mutant.as_ref().is_none_or(|word| defect.answers_to(word)));
    let is_needed = |defect: &Defect, chapter: &Chapter| defect.has_patch() && defect.chapter == chapter.name;
    chapters.retain(|chapter| defects.iter().any(|defect| is_needed(defect, chapter)));
    if defects.is_empty() {
        bail!("There is no such mistake. The mistakes are the files in chapters/*/mutants.");
    }

    let trials = Trials::new(workspace, Duration::from_secs(options.timeout))?;
    println!("First, without any mistake, in a copy of the project. The first time, building it takes minutes.");
    if options.mutant.is_some() {
        for defect in defects.iter().filter(|defect| defect.has_patch()) {
            let start = Instant::now();
            let what = trials.test_without_defect(defect, workspace.chapter(Some(&defect.chapter))?)?;
            println!("{} without any mistake: {what} ({:.1} s)", defect.chapter, start.elapsed().as_secs_f32());
        }
    } else {
        for chapter in chapters {
            let start = Instant::now();
            trials.without_defect(chapter)?;
            println!("{} without any mistake: all tests pass ({:.1} s)", chapter.name, start.elapsed().as_secs_f32());
        }
    }
    let (mut caught, mut not_caught, mut not_tried) = (0, 0, 0);
    for defect in &defects {
        let start = Instant::now();
        let (count, what) = match trials.with_defect(defect, workspace.chapter(Some(&defect.chapter))?)? {
            None if defect.kind == Kind::Unnoticed => (&mut not_tried, "cannot be noticed here".into()),
            None => (&mut not_tried, "impossible here".into()),
            Some(Ok(test)) => (&mut caught, format!("caught by {test}")),
            Some(Err(why_not)) => (&mut not_caught, why_not),
        };
        *count += 1;
        println!("{defect}: {what} ({:.1} s)", start.elapsed().as_secs_f32());
    }
    let seconds = start.elapsed().as_secs();
    println!("\n{caught} caught, {not_caught} not caught, {not_tried} impossible or unnoticed ({seconds} s)");
    Ok(if not_caught == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The short form, for `make test`: every known defect has a file about it, and every patch can be applied.
pub fn check(workspace: &Workspace, tally: &Tally) -> Result<()> {
    let start = Instant::now();
    let chapters: Vec<&Chapter> = workspace.chapters.iter().collect();
    let complaints = match defects::of_chapters(workspace, &chapters) {
        Ok(defects) => complaints(workspace, &defects)?,
        Err(error) => vec![format!("{error:#}")],
    };
    let outcome = if complaints.is_empty() { Ok(()) } else { Err(complaints.join("\n")) };
    tally.note("known mistakes can be put in", outcome, start.elapsed());
    Ok(())
}

fn complaints(workspace: &Workspace, defects: &[Defect]) -> Result<Vec<String>> {
    let unanswered = defects::unanswered(defects).into_iter();
    let mut complaints: Vec<String> = unanswered.map(|number| format!("No file is about defect {number}.")).collect();
    for defect in defects.iter().filter(|defect| defect.has_patch()) {
        if let Err(why) = git::applies(&workspace.root, &defect.path())? {
            complaints.push(format!("{} no longer applies:\n{why}", defect.path().display()));
        }
    }
    Ok(complaints)
}

/// The scratch copy, and the original from which it is restored.
struct Trials {
    scratch: Scratch,
    original: Original,
    timeout: Duration,
}

impl Trials {
    fn new(workspace: &Workspace, timeout: Duration) -> Result<Self> {
        Ok(Self { scratch: Scratch::new(workspace, "mutants")?, original: Original::read(&workspace.root)?, timeout })
    }

    /// Fails if the tests of a chapter fail without any mistake.
    fn without_defect(&self, chapter: &Chapter) -> Result<()> {
        self.scratch.restore(&self.original)?;
        match trial::run(&self.scratch.workspace, chapter, self.timeout, None)? {
            Verdict::Passed => Ok(()),
            Verdict::DoesNotCompile => bail!("{} does not compile even without a mistake.", chapter.name),
            Verdict::Failed(test) => bail!("{} fails even without a mistake: {test}.", chapter.name),
        }
    }

    /// Fails if the test of a mistake fails without the mistake. Returns what was seen.
    fn test_without_defect(&self, defect: &Defect, chapter: &Chapter) -> Result<String> {
        self.scratch.restore(&self.original)?;
        let workspace = &self.scratch.workspace;
        let (verdict, what) = match defect.test() {
            None => (Some(trial::compile(workspace, chapter)?), "it compiles".into()),
            Some(test) => (trial::one(workspace, chapter, self.timeout, test)?, format!("{test} passes")),
        };
        match verdict {
            Some(Verdict::Passed) => Ok(what),
            Some(Verdict::DoesNotCompile) => bail!("{} does not compile even without a mistake.", chapter.name),
            Some(Verdict::Failed(test)) => bail!("{} fails even without a mistake: {test}.", chapter.name),
            None => bail!("{} names a test that {} does not have.", defect.path().display(), chapter.name),
        }
    }

    /// Runs the chapter's tests with this mistake. Returns what caught it, or that nothing did; `None` if it has no
    /// patch.
    fn with_defect(&self, defect: &Defect, chapter: &Chapter) -> Result<Option<Result<String, String>>> {
        if !defect.has_patch() {
            return Ok(None);
        }
        self.scratch.restore(&self.original)?;
        if let Err(why) = git::apply(&self.scratch.workspace.root, &defect.path())? {
            return Ok(Some(Err(format!("NOT TRIED, because the patch does not apply: {why}"))));
        }
        let verdict = match defect.test() {
            None => trial::compile(&self.scratch.workspace, chapter)?,
            wanted => trial::run(&self.scratch.workspace, chapter, self.timeout, wanted)?,
        };
        Ok(Some(judge(defect.kind, defect.test(), verdict)))
    }
}

/// What caught a mistake of this kind, given the verdict of the tests; or that nothing did.
fn judge(kind: Kind, wanted: Option<&str>, verdict: Verdict) -> Result<String, String> {
    match (kind, verdict) {
        (Kind::Refused, Verdict::DoesNotCompile) => Ok("the compiler".into()),
        (Kind::Refused, _) => Err("SURVIVED: the compiler should reject it, and does not".into()),
        (_, Verdict::DoesNotCompile) => Err("NOT TRIED, because it does not compile".into()),
        (_, Verdict::Failed(test)) => match wanted {
            Some(wanted) if test != wanted => {
                Err(format!("caught by {test}, but NOT BY {wanted}, which its file names"))
            }
            _ => Ok(test),
        },
        (_, Verdict::Passed) => Err("SURVIVED: no test of the chapter fails".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_test_counts_unless_the_compiler_was_expected_to_reject() {
        let failed = || Verdict::Failed("a_test".into());
        let wanted = Some("a_test");
        assert_eq!(judge(Kind::Patch, wanted, failed()), Ok("a_test".into()));
        assert_eq!(judge(Kind::Refused, None, Verdict::DoesNotCompile), Ok("the compiler".into()));
        assert!(judge(Kind::Patch, wanted, Verdict::Passed).is_err());
        assert!(judge(Kind::Patch, wanted, Verdict::DoesNotCompile).is_err());
        assert!(judge(Kind::Patch, Some("another"), failed()).is_err());
        assert!(judge(Kind::Refused, None, Verdict::Passed).is_err());
        assert!(judge(Kind::Refused, None, failed()).is_err());
    }
}
