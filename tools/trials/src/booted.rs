//! Runs the tests that boot, each on a machine of its own.

use crate::defects::LIST_OF_TESTS;
use anyhow::Result;
use machine::boot::{Boot, Run};
use machine::cargo::Profile;
use machine::ending::Ending;
use machine::kernels::{self, Kind};
use machine::listing::{self, Expected, Listed};
use machine::tally::Tally;
use machine::watch::{Orders, Typist};
use machine::workspace::{Chapter, Workspace};
use rayon::prelude::*;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// How long a test that must hang runs: long enough to boot.
const SHORT: Duration = Duration::from_secs(3);

/// Boots every test of these chapters, as many at once as there are processors.
pub fn test(workspace: &Workspace, chapters: &[&Chapter], timeout: Duration, tally: &Tally) -> Result<()> {
    let (with, without): (Vec<&Chapter>, Vec<&Chapter>) =
        chapters.iter().copied().partition(|chapter| chapter.has_booted_tests);
    for chapter in without {
        tally.note(
            &chapter.name,
            Err("This chapter has no tests that boot: tests/kernel.rs is missing.".into()),
            Duration::ZERO,
        );
    }
    let suites = build(workspace, &with, Kind::Tests, Profile::Kernel, timeout)?;
    run(&suites, &[], tally)
}

/// Boots every test of these kernels, those that `first` names before the others.
pub fn run(suites: &[Suite], first: &[String], tally: &Tally) -> Result<()> {
    let mut tests = list(suites, tally)?;
    tests.sort_by_key(|(_, test)| first.iter().position(|name| *name == test.name).unwrap_or(usize::MAX));
    boot(tests, tally)
}

/// Boots these tests, in this order.
pub fn boot(tests: Vec<(&Suite, Listed)>, tally: &Tally) -> Result<()> {
    tests.into_iter().par_bridge().try_for_each(|(suite, test)| -> Result<()> {
        if tally.has_enough() {
            return Ok(());
        }
        let start = Instant::now();
        let outcome = match suite.boot(&test, SHORT)? {
            // A busy host may have needed the short time to boot. And where one failure decides, a busy host must not
            // cause it. So the test gets the full time, unless it has had that already.
            Err(_) if never_ends(&test) || (tally.is_until_a_failure() && start.elapsed() < suite.timeout) => {
                suite.boot(&test, suite.timeout)?
            }
            outcome => outcome,
        };
        let outcome = outcome.map_err(|reason| format!("{reason}\n{}", how_to_go_back(suite, &test, "")));
        tally.note(&format!("{} {}", suite.chapter.name, test.name), outcome, start.elapsed());
        Ok(())
    })
}

/// Builds the kernels of this kind, which contain the tests of these chapters.
pub fn build<'a>(
    workspace: &'a Workspace,
    chapters: &[&'a Chapter],
    kind: Kind,
    profile: Profile,
    timeout: Duration,
) -> Result<Vec<Suite<'a>>> {
    if chapters.is_empty() {
        return Ok(Vec::new());
    }
    let kernels = kernels::build(workspace, chapters, kind, profile)?;
    let suites = chapters.iter().zip(kernels).map(|(chapter, kernel)| Suite { workspace, chapter, kernel, timeout });
    Ok(suites.collect())
}

/// Asks each kernel which tests it has. The tally counts a failure for each that does not answer.
pub fn list<'a, 'b>(suites: &'b [Suite<'a>], tally: &Tally) -> Result<Vec<(&'b Suite<'a>, Listed)>> {
    let lists: Vec<_> = suites.par_iter().map(|suite| Ok((suite, suite.list()?))).collect::<Result<_>>()?;
    let mut tests = Vec::new();
    for (suite, list) in lists {
        match list {
            Ok(list) => tests.extend(list.into_iter().map(|test| (suite, test))),
            Err(reason) => tally.note(&format!("{} {LIST_OF_TESTS}", suite.chapter.name), Err(reason), Duration::ZERO),
        }
    }
    tests.sort_by_key(|(suite, _)| &suite.chapter.name);
    Ok(tests)
}

/// The test kernel of one chapter.
pub struct Suite<'a> {
    /// The project.
    pub workspace: &'a Workspace,
    /// The chapter.
    pub chapter: &'a Chapter,
    /// None if it could not be built.
    pub kernel: Option<PathBuf>,
    /// The time that a test may take.
    timeout: Duration,
}

/// What a test returned, or why it failed. The outer `Result` is for failures of the tools.
type Outcome<T> = Result<Result<T, String>>;

impl Suite<'_> {
    /// Asks the kernel which tests it has.
    fn list(&self) -> Outcome<Vec<Listed>> {
        let Some(kernel) = &self.kernel else {
            return Ok(Err("The kernel could not be built; the reason is printed above.".into()));
        };
        let run = self.watch(kernel, &Listed::table(), self.timeout)?;
        Ok(if run.ending == Ending::Good {
            listing::parse(&run.text)
        } else {
            Err(format!("{}\n{}", run.ending, run.story()))
        })
    }

    /// Boots one test, and checks that it ends as it must. A test that must hang runs for the time `hang`.
    fn boot(&self, test: &Listed, hang: Duration) -> Outcome<()> {
        let kernel = self.kernel.as_deref().expect("only a kernel that was built lists tests");
        let timeout = if never_ends(test) { hang.min(self.timeout) } else { self.timeout };
        Ok(self.watch(kernel, test, timeout)?.judge(test))
    }

    /// Boots the kernel for `test`.
    fn watch(&self, kernel: &Path, test: &Listed, timeout: Duration) -> Result<Run> {
        watch(self.workspace, kernel, &format!("'test={}'", test.name), test, timeout)
    }
}

/// The command that replays a test under gdb; `words` are further arguments.
pub fn how_to_go_back(suite: &Suite, test: &Listed, words: &str) -> String {
    let number = suite.chapter.name.split('-').next().unwrap_or_default().trim_start_matches('0');
    format!("To step through it in gdb, also backwards: make debug CHAPTER={number} TEST={}{words} REPLAY=1", test.name)
}

/// Whether the test ends only when its time is up.
fn never_ends(test: &Listed) -> bool {
    matches!(test.expected, Expected::Hang | Expected::NotLoaded)
}

/// Boots a kernel with this command line, on the machine that `test` asks for.
pub fn watch(workspace: &Workspace, kernel: &Path, words: &str, test: &Listed, timeout: Duration) -> Result<Run> {
    let orders = Orders { timeout, typist: Typist::Letters(&test.types) };
    let flags: Vec<String> = test.flags.split_ascii_whitespace().map(String::from).collect();
    Boot { workspace, kernel, words, test, orders, flags: &flags }.watch(io::sink())
}
