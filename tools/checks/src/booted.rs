//! The tests that boot: every behaviour of every chapter, one machine for each.

use anyhow::Result;
use book::defects::LIST_OF_TESTS;
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

/// What hangs on purpose is not waited for any longer than it takes to boot.
const SHORT: Duration = Duration::from_secs(3);

/// Boots every test of these chapters, as many at once as there are processors.
pub fn test(workspace: &Workspace, chapters: &[&Chapter], timeout: Duration, tally: &Tally) -> Result<()> {
    let (with, without): (Vec<&Chapter>, Vec<&Chapter>) =
        chapters.iter().copied().partition(|chapter| chapter.has_booted_tests);
    for chapter in without {
        tally.note(&chapter.name, Err("This chapter has no tests that boot: tests/kernel.rs.".into()), Duration::ZERO);
    }
    let suites = build(workspace, &with, Kind::Tests, Profile::Kernel, timeout)?;
    run(&suites, &[], tally)
}

/// Boots every test of these kernels, those of these names before the others.
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
            // A busy host may take all of that time to boot. Where one failure decides, it must not be the host's either;
            // but what has had all its time hangs.
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

/// Builds the kernels of this kind, which hold the tests of these chapters.
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

/// Asks each kernel which tests it has; of those that do not answer, the tally is told.
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

/// What a test did, or that it did not pass and why. The outer `Result` is for failures of our own.
type Outcome<T> = Result<Result<T, String>>;

impl Suite<'_> {
    /// Asks the kernel which tests it has.
    fn list(&self) -> Outcome<Vec<Listed>> {
        let Some(kernel) = &self.kernel else {
            return Ok(Err("The kernel could not be built; the reason stands above.".into()));
        };
        let run = self.watch(kernel, &Listed::table(), self.timeout)?;
        Ok(if run.ending == Ending::Good {
            listing::parse(&run.text)
        } else {
            Err(format!("{}\n{}", run.ending, run.story()))
        })
    }

    /// Boots one test, and holds it to the end that it has to come to. If that is a hang, so long is waited for it.
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

/// The command that shows a test again, with these words of its own.
pub fn how_to_go_back(suite: &Suite, test: &Listed, words: &str) -> String {
    let number = suite.chapter.name.split('-').next().unwrap_or_default().trim_start_matches('0');
    format!("To go through it in gdb, backwards too: make debug CHAPTER={number} TEST={}{words} REPLAY=1", test.name)
}

/// Whether only time can tell how the test ends.
fn never_ends(test: &Listed) -> bool {
    matches!(test.expected, Expected::Hang | Expected::NotLoaded)
}

/// Boots a kernel with these words, on the machine that `test` asks for.
pub fn watch(workspace: &Workspace, kernel: &Path, words: &str, test: &Listed, timeout: Duration) -> Result<Run> {
    let orders = Orders { timeout, typist: Typist::Letters(&test.types) };
    let flags: Vec<String> = test.flags.split_ascii_whitespace().map(String::from).collect();
    Boot { workspace, kernel, words, test, orders, flags: &flags }.watch(io::sink())
}
