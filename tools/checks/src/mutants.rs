//! `make mutants`: the known defects put back, one by one, to see that the tests catch each.
//!
//! Each is put back in a copy of the project, where the test runs first that its file names, and then, until that fails,
//! the others of its chapter. What survives fails the run, for then a test is missing; and so does what only others catch. First the copy has to pass without any defect, or
//! everything would seem to be caught: whole chapters if all is tried, the one test if one defect is asked for, so that this takes
//! seconds. `defects.rs` says what the files look like that hold the defects.

use crate::git;
use crate::scratch::{Original, Scratch};
use crate::trial::{self, Verdict};
use anyhow::{Result, bail};
use book::defects::{self, Defect, Kind};
use clap::Args;
use machine::tally::Tally;
use machine::workspace::{Chapter, Workspace};
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// What `make mutants` can be told.
#[derive(Args)]
pub struct Options {
    /// Number or name of the only chapter; all of them if not given.
    #[arg(long)]
    chapter: Option<String>,
    /// Number of a defect, its chapter and name such as `09/no-exit`, or a part of its name; all of them if not given.
    #[arg(long)]
    mutant: Option<String>,
    /// Seconds after which a test that has not ended is said to hang.
    #[arg(long, default_value_t = 20)]
    timeout: u64,
}

/// Puts the defects back, and tells what caught each; the last line is the count.
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
        bail!("There is no such defect; they are the files in chapters/*/mutants.");
    }

    let trials = Trials::new(workspace, Duration::from_secs(options.timeout))?;
    println!("First without any defect, in a copy. The first time ever, it is built for that: a matter of minutes.");
    if options.mutant.is_some() {
        for defect in defects.iter().filter(|defect| defect.has_patch()) {
            let start = Instant::now();
            let what = trials.test_without_defect(defect, workspace.chapter(Some(&defect.chapter))?)?;
            println!("{} without any defect: {what} ({:.1} s)", defect.chapter, start.elapsed().as_secs_f32());
        }
    } else {
        for chapter in chapters {
            let start = Instant::now();
            trials.without_defect(chapter)?;
            println!("{} without any defect: all tests pass ({:.1} s)", chapter.name, start.elapsed().as_secs_f32());
        }
    }
    let (mut caught, mut not_caught, mut not_tried) = (0, 0, 0);
    for defect in &defects {
        let start = Instant::now();
        let (count, what) = match trials.with_defect(defect, workspace.chapter(Some(&defect.chapter))?)? {
            None if defect.kind == Kind::Unnoticed => (&mut not_tried, "not to be noticed here".into()),
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

/// The short form, for `make test`: every known defect has an answer, and every patch can be applied.
pub fn check(workspace: &Workspace, tally: &Tally) -> Result<()> {
    let start = Instant::now();
    let chapters: Vec<&Chapter> = workspace.chapters.iter().collect();
    let complaints = match defects::of_chapters(workspace, &chapters) {
        Ok(defects) => complaints(workspace, &defects)?,
        Err(error) => vec![format!("{error:#}")],
    };
    let outcome = if complaints.is_empty() { Ok(()) } else { Err(complaints.join("\n")) };
    tally.note("known defects that can be put back", outcome, start.elapsed());
    Ok(())
}

fn complaints(workspace: &Workspace, defects: &[Defect]) -> Result<Vec<String>> {
    let unanswered = defects::unanswered(defects).into_iter();
    let mut complaints: Vec<String> = unanswered.map(|number| format!("No file is about defect {number}.")).collect();
    for defect in defects.iter().filter(|defect| defect.has_patch()) {
        if let Err(why) = git::applies(&workspace.root, &defect.path())? {
            complaints.push(format!("{} does not apply any more:\n{why}", defect.path().display()));
        }
    }
    Ok(complaints)
}

/// The scratch copy, and what it is mended by.
struct Trials {
    scratch: Scratch,
    original: Original,
    timeout: Duration,
}

impl Trials {
    fn new(workspace: &Workspace, timeout: Duration) -> Result<Self> {
        Ok(Self { scratch: Scratch::new(workspace)?, original: Original::read(&workspace.root)?, timeout })
    }

    /// Refuses a chapter whose tests fail without any defect.
    fn without_defect(&self, chapter: &Chapter) -> Result<()> {
        self.scratch.mend(&self.original)?;
        match trial::run(&self.scratch.workspace, chapter, self.timeout, None)? {
            Verdict::Passed => Ok(()),
            Verdict::DoesNotCompile => bail!("Without any defect, {} does not compile.", chapter.name),
            Verdict::Failed(test) => bail!("Without any defect, {} fails already: {test}.", chapter.name),
        }
    }

    /// Refuses a defect whose test fails without any. Says what was seen.
    fn test_without_defect(&self, defect: &Defect, chapter: &Chapter) -> Result<String> {
        self.scratch.mend(&self.original)?;
        let workspace = &self.scratch.workspace;
        let (verdict, what) = match defect.test() {
            None => (Some(trial::compile(workspace, chapter)?), "it compiles".into()),
            Some(test) => (trial::one(workspace, chapter, self.timeout, test)?, format!("{test} passes")),
        };
        match verdict {
            Some(Verdict::Passed) => Ok(what),
            Some(Verdict::DoesNotCompile) => bail!("Without any defect, {} does not compile.", chapter.name),
            Some(Verdict::Failed(test)) => bail!("Without any defect, {} fails already: {test}.", chapter.name),
            None => bail!("{} names a test that {} does not have.", defect.path().display(), chapter.name),
        }
    }

    /// Runs the chapter's tests with this defect; returns what caught it, or that nothing did, if there is a patch.
    fn with_defect(&self, defect: &Defect, chapter: &Chapter) -> Result<Option<Result<String, String>>> {
        if !defect.has_patch() {
            return Ok(None);
        }
        self.scratch.mend(&self.original)?;
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

/// What caught a defect of this kind, if the tests came to this verdict; or that nothing did.
fn judge(kind: Kind, wanted: Option<&str>, verdict: Verdict) -> Result<String, String> {
    match (kind, verdict) {
        (Kind::Refused, Verdict::DoesNotCompile) => Ok("the compiler".into()),
        (Kind::Refused, _) => Err("SURVIVED: the compiler was to refuse it, and does not".into()),
        (_, Verdict::DoesNotCompile) => Err("NOT TRIED, because it does not compile".into()),
        (_, Verdict::Failed(test)) => match wanted {
            Some(wanted) if test != wanted => {
                Err(format!("caught by {test}, and NOT BY {wanted}, which its file names"))
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
    fn only_what_a_test_catches_is_caught_unless_the_compiler_was_to_refuse_it() {
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
