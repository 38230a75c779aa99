//! Runs a chapter's tests until one fails, or until a certain one does; or runs one test alone.
//!
//! One failure is the whole answer here, so nothing is printed about the other tests, and a test that hangs is given
//! up.

use crate::defects::{DEMONSTRATION, LIST_OF_TESTS};
use crate::library::{Library, Ran};
use crate::{booted, demonstrations, stress};
use anyhow::{Result, bail};
use machine::cargo::Profile;
use machine::kernels::{self, Kind};
use machine::tally::Tally;
use machine::workspace::{Chapter, Workspace};
use machine::{grub, interrupt};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// The result of a chapter's tests.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// All have passed.
    Passed,
    /// This one has failed.
    Failed(String),
    /// The code does not compile, so there is nothing to test.
    DoesNotCompile,
}

/// What to run.
struct Trial<'a> {
    workspace: &'a Workspace,
    chapter: &'a Chapter,
    timeout: Duration,
    /// The test that should fail; without one, any failure is enough.
    wanted: Option<&'a str>,
    /// The tests to boot before the others, in this order, because they are likely to fail.
    first: &'a [String],
}

/// Runs the tests of one chapter until one fails: the wanted test, if one is named, which then runs first. If only
/// others fail, the verdict names the first of them.
pub fn run(workspace: &Workspace, chapter: &Chapter, timeout: Duration, wanted: Option<&str>) -> Result<Verdict> {
    if let Some(wanted) = wanted
        && let Some(verdict) = one(workspace, chapter, timeout, wanted)?
        && verdict != Verdict::Passed
    {
        return Ok(verdict);
    }
    let trial = Trial { workspace, chapter, timeout, wanted, first: &[] };
    trial.run(&[Trial::library, Trial::kernel, Trial::demonstration, Trial::long_tests])
}

/// Runs only the test of this name, if there is one.
pub fn one(workspace: &Workspace, chapter: &Chapter, timeout: Duration, name: &str) -> Result<Option<Verdict>> {
    let trial = Trial { workspace, chapter, timeout, wanted: Some(name), first: &[] };
    let verdict = if name.starts_with(DEMONSTRATION) {
        Some(trial.demonstration()?)
    } else if name.contains("::") {
        trial.one_of_library(name)?
    } else {
        trial.one_of_kernel(name)?
    };
    if interrupt::happened() {
        bail!("Interrupted.");
    }
    Ok(verdict)
}

/// Whether the chapter compiles, for the host and for the kernels' target: `Passed` or `DoesNotCompile`.
pub fn compile(workspace: &Workspace, chapter: &Chapter) -> Result<Verdict> {
    let compiles = Library::build(workspace, chapter)?.is_some()
        && kernels::build(workspace, &[chapter], Kind::Tests, Profile::Kernel)?[0].is_some();
    Ok(if compiles { Verdict::Passed } else { Verdict::DoesNotCompile })
}

/// Runs only what boots, the tests in `first` before the others, until one fails. This is for code that the tests on
/// the host do not contain.
pub fn boot(workspace: &Workspace, chapter: &Chapter, timeout: Duration, first: &[String]) -> Result<Verdict> {
    let trial = Trial { workspace, chapter, timeout, wanted: None, first };
    trial.run(&[Trial::kernel, Trial::demonstration, Trial::long_tests])
}

impl Trial<'_> {
    fn run(&self, parts: &[fn(&Self) -> Result<Verdict>]) -> Result<Verdict> {
        let mut first = Verdict::Passed;
        for part in parts {
            let verdict = part(self)?;
            if interrupt::happened() {
                // A failure may come from the interruption.
                bail!("Interrupted.");
            }
            if self.has_enough(&verdict) {
                return Ok(verdict);
            }
            if first == Verdict::Passed {
                first = verdict;
            }
        }
        Ok(first)
    }

    fn has_enough(&self, verdict: &Verdict) -> bool {
        match (verdict, self.wanted) {
            (Verdict::Passed, _) => false,
            (Verdict::Failed(test), Some(wanted)) => test == wanted,
            (Verdict::Failed(_), None) | (Verdict::DoesNotCompile, _) => true,
        }
    }

    /// Runs the tests inside the library, on the host.
    fn library(&self) -> Result<Verdict> {
        let Some(library) = Library::build(self.workspace, self.chapter)? else {
            return Ok(Verdict::DoesNotCompile);
        };
        library.run(self.timeout, self.wanted).map(Verdict::from)
    }

    /// Runs only the test of this name inside the library, if there is one.
    fn one_of_library(&self, name: &str) -> Result<Option<Verdict>> {
        let Some(library) = Library::build(self.workspace, self.chapter)? else {
            return Ok(Some(Verdict::DoesNotCompile));
        };
        let is_there = library.tests()?.iter().any(|test| test == name);
        is_there.then(|| library.run_one(name, self.timeout).map(Verdict::from)).transpose()
    }

    /// Boots only the test of this name, if there is one.
    fn one_of_kernel(&self, name: &str) -> Result<Option<Verdict>> {
        let Self { workspace, chapter, timeout, .. } = *self;
        let suites = booted::build(workspace, &[chapter], Kind::Tests, Profile::Kernel, timeout)?;
        if suites[0].kernel.is_none() {
            return Ok(Some(Verdict::DoesNotCompile));
        }
        let tally = Tally::until_a_failure(None);
        let mut tests = booted::list(&suites, &tally)?;
        tests.retain(|(_, test)| test.name == name);
        if tests.is_empty() && name != LIST_OF_TESTS && tally.is_good() {
            return Ok(None);
        }
        booted::boot(tests, &tally)?;
        Ok(Some(verdict(chapter, &tally)))
    }

    /// Boots the chapter's tests.
    fn kernel(&self) -> Result<Verdict> {
        let Self { workspace, chapter, timeout, wanted, first } = *self;
        let suites = booted::build(workspace, &[chapter], Kind::Tests, Profile::Kernel, timeout)?;
        let Some(kernel) = &suites[0].kernel else { return Ok(Verdict::DoesNotCompile) };
        if !grub::accepts(kernel)? {
            return Ok(Verdict::Failed("GRUB, which finds no header".into()));
        }
        let tally = Tally::until_a_failure(wanted);
        booted::run(&suites, first, &tally)?;
        Ok(verdict(chapter, &tally))
    }

    /// Boots the chapter's demonstration.
    fn demonstration(&self) -> Result<Verdict> {
        let Self { workspace, chapter, timeout, wanted, .. } = *self;
        if kernels::build(workspace, &[chapter], Kind::Demonstration, Profile::Kernel)?[0].is_none() {
            return Ok(Verdict::DoesNotCompile);
        }
        let tally = Tally::until_a_failure(wanted);
        demonstrations::test(workspace, &[chapter], timeout, &tally)?;
        Ok(verdict(chapter, &tally))
    }

    /// Runs the chapter's long tests in their short form, if it has any. They have time limits of their own.
    fn long_tests(&self) -> Result<Verdict> {
        let Self { workspace, chapter, wanted, .. } = *self;
        if !chapter.has_long_tests {
            return Ok(Verdict::Passed);
        }
        if kernels::build(workspace, &[chapter], Kind::LongTests, Profile::Kernel)?[0].is_none() {
            return Ok(Verdict::DoesNotCompile);
        }
        let tally = Tally::until_a_failure(wanted);
        stress::test_in_short(workspace, &[chapter], stress::USUAL_SEED, &tally)?;
        Ok(verdict(chapter, &tally))
    }
}

fn verdict(chapter: &Chapter, tally: &Tally) -> Verdict {
    tally.failure().map_or(Verdict::Passed, |what| {
        Verdict::Failed(what.strip_prefix(&chapter.name).unwrap_or(&what).trim_start().into())
    })
}

impl From<Ran> for Verdict {
    fn from(ran: Ran) -> Self {
        ran.failed.map_or(Self::Passed, Self::Failed)
    }
}
