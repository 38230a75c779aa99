//! The verdict on an answer: builds it, runs every test with the same seed as the right answer, and compares.

use crate::compare::{self, Difference};
use crate::host;
use crate::run::{self, End, Infrastructure, MOST_SIGHTS, PATIENCE, Run, Seen, Spaces};
use crate::tree::{Answer, Built, Copy, NotBuilt, Pristine};
use anyhow::{Context, Result, anyhow, bail};
use machine::boot::Boot;
use machine::ending::Ending;
use machine::interrupt;
use machine::listing::{self, Listed};
use machine::watch::{Orders, Typist};
use rayon::prelude::*;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};
use std::{fs, io};
use trials::exercise::{Exercise, Test};

/// The seed of a check that a student makes, unless she chooses another.
pub const USUAL_SEED: u32 = 1;

/// A run may take this many times as many instructions as that of the right answer, and this many more.
const TIMES: u64 = 3;
const MORE: u64 = 3_000_000;
/// The limit for the right answer itself.
const LIMIT_OF_RIGHT: u64 = 2_000_000_000;
/// How long a kernel may take to list its tests.
const MOST_TIME_TO_LIST: Duration = Duration::from_secs(60);

/// The verdict on one answer.
#[derive(Clone, Debug, Deserialize, JsonSchema, Serialize)]
pub struct Judgement {
    /// The exercise's number.
    pub exercise: String,
    /// The commit from which everything but the answer comes. If the exercise has files of an instructor's own, the word
    /// `with` and the beginning of their SHA-256 follow.
    pub edition: String,
    /// The seed of all random inputs.
    pub seed: u32,
    /// Why it was not judged at all, as a sentence.
    pub refused: Option<String>,
    /// The tests, in the exercise's order.
    pub tests: Vec<Judged>,
    /// How long it took, in seconds.
    pub seconds: f32,
}

/// The verdict on one test.
#[derive(Clone, Debug, Deserialize, JsonSchema, Serialize)]
pub struct Judged {
    /// The test's name.
    pub name: String,
    /// The property that it checks.
    pub says: String,
    /// What it is worth.
    pub points: u32,
    /// Whether only an instructor sees it.
    pub hidden: bool,
    /// What was found.
    pub verdict: Verdict,
}

/// What was found.
#[derive(Clone, Debug, Deserialize, JsonSchema, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The property holds.
    Passed,
    /// It does not, for this reason.
    Failed(Failure),
    /// The host could not find out. That is not the answer's fault, and is no grade.
    InfraError(String),
    /// Not all of its runs have ended.
    Pending,
}

/// Why a test failed.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, Serialize)]
pub struct Failure {
    /// What kind of failure it is.
    pub cause: Cause,
    /// Which of its runs failed; empty if none was begun.
    pub run: String,
    /// One sentence.
    pub reason: String,
    /// The kernel's log, with function and line behind every address.
    pub log: String,
    /// The same for a kernel that hangs. It depends on when exactly the host noticed that, so it is no part of the result.
    #[serde(skip)]
    pub log_of_hang: String,
    /// Where address spaces are wrong: the right ones, and those of the answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub spaces: Option<(Spaces, Spaces)>,
}

/// What kind of failure it is.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// The rules refuse the answer.
    Refused,
    /// The compiler rejects it.
    NotCompiled,
    /// The run did not come to its end: the kernel crashed, hangs, or left the test.
    NoEnd,
    /// It came to its end, and something is wrong.
    #[default]
    Wrong,
}

impl Cause {
    /// Whether no run was begun.
    pub fn is_before_any_run(self) -> bool {
        matches!(self, Self::Refused | Self::NotCompiled)
    }
}

impl Judgement {
    /// That of an answer that the host could not judge.
    pub fn failed(exercise: &Exercise, pristine: &Pristine, seed: u32, why: &str) -> Self {
        let verdicts = vec![Verdict::InfraError(why.into()); exercise.about.tests.len()];
        Self { tests: judged(exercise, verdicts), ..Self::nothing(exercise, pristine, seed) }
    }

    fn nothing(exercise: &Exercise, pristine: &Pristine, seed: u32) -> Self {
        Self {
            exercise: exercise.about.number.clone(),
            edition: pristine.edition_of(exercise),
            seed,
            refused: None,
            tests: Vec::new(),
            seconds: 0.0,
        }
    }

    /// The points of the tests that passed; `None` if the host could not find out about all of them.
    pub fn points(&self) -> Option<u32> {
        self.tests.iter().map(Judged::reached).sum()
    }

    /// The names of the tests that failed.
    pub fn lost(&self) -> Vec<&str> {
        let failed = self.tests.iter().filter(|judged| matches!(judged.verdict, Verdict::Failed(_)));
        failed.map(|judged| judged.name.as_str()).collect()
    }
}

impl Judged {
    /// What kind of failure it is, if it failed.
    pub fn cause(&self) -> Option<Cause> {
        match &self.verdict {
            Verdict::Failed(failure) => Some(failure.cause),
            _ => None,
        }
    }

    /// The points that the answer gets for it; `None` if the host could not find out, or not yet.
    pub fn reached(&self) -> Option<u32> {
        match self.verdict {
            Verdict::Passed => Some(self.points),
            Verdict::Failed(_) => Some(0),
            Verdict::InfraError(_) | Verdict::Pending => None,
        }
    }
}

/// Judges answers of one exercise. What right answers show is found out once.
pub struct Judge<'a> {
    copy: &'a Copy,
    pristine: &'a Pristine,
    exercise: &'a Exercise,
    seed: u32,
    right: Right,
}

/// What the right answer shows, by the names of the tests.
#[derive(Deserialize, Serialize)]
struct Right {
    own: BTreeMap<String, (Listed, Seen)>,
    #[serde(default)]
    hidden: BTreeMap<String, (Listed, Seen)>,
    chapter: BTreeMap<String, (Listed, Seen)>,
}

/// The kernel that has a test.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Whose {
    Own,
    /// The kernel with the exercise's hidden tests.
    Hidden,
    Chapter,
}

impl Whose {
    /// The kernel that has the tests that a property names.
    fn of(test: &Test) -> Self {
        if test.hidden { Self::Hidden } else { Self::Own }
    }
}

impl<'a> Judge<'a> {
    /// Builds the right answer, and runs its tests, unless that has been done before. A student may have no right answer,
    /// but what it shows.
    pub fn new(copy: &'a Copy, pristine: &'a Pristine, exercise: &'a Exercise, seed: u32) -> Result<Self> {
        let right = if exercise.has_answer(pristine.files()) {
            Right::find_out(copy, pristine, exercise, seed)
        } else {
            Right::as_it_came(pristine, exercise, seed)
        };
        let right = right.with_context(|| format!("Exercise {}", exercise.title()))?;
        Ok(Self { copy, pristine, exercise, seed, right })
    }

    /// What the right answer shows in the tests that a student has, for [`expected`].
    pub fn expected(&self) -> Result<Vec<u8>> {
        let Right { own, chapter, hidden: _ } = &self.right;
        Ok(serde_json::to_vec(&serde_json::json!({ "own": own, "chapter": chapter }))?)
    }

    /// How many tests are run.
    pub fn runs(&self) -> usize {
        self.right.own.len() + self.right.hidden.len() + self.right.chapter.len()
    }

    /// Judges an answer.
    pub fn judge(&self, answer: &Answer) -> Result<Judgement> {
        self.judge_and_tell(answer, &|_| {})
    }

    /// Judges an answer. `tell` gets what is known, whenever more is.
    pub fn judge_and_tell(&self, answer: &Answer, tell: &(dyn Fn(Judgement) + Sync)) -> Result<Judgement> {
        let start = Instant::now();
        let judgement = |verdicts| {
            let seconds = start.elapsed().as_secs_f32();
            Judgement { tests: judged(self.exercise, verdicts), seconds, ..self.nothing() }
        };
        let files = self.pristine.with(answer)?;
        let verdicts = match self.copy.build(self.exercise, &files) {
            Ok(built) => self.run_all(&built, &|verdicts| tell(judgement(verdicts)))?,
            Err(not_built) => {
                let verdict = match not_built {
                    NotBuilt::Infrastructure(why) => Verdict::InfraError(why),
                    NotBuilt::DoesNotCompile(log) => {
                        let (cause, reason) = (Cause::NotCompiled, "It does not compile.".into());
                        Verdict::Failed(Failure { cause, reason, log, ..Failure::default() })
                    }
                };
                vec![verdict; self.exercise.about.tests.len()]
            }
        };
        if interrupt::happened() {
            bail!("Interrupted.");
        }
        Ok(judgement(verdicts))
    }

    /// The judgement on an answer that the host could not judge.
    pub fn fail(&self, why: &str) -> Judgement {
        Judgement::failed(self.exercise, self.pristine, self.seed, why)
    }

    /// The names of the tests whose own runs show nothing with a right answer. A kernel that only claims to pass would
    /// pass these.
    pub fn tests_that_show_nothing(&self) -> Vec<&str> {
        let shows = |test: &Test, run: &String| {
            let (_, seen) = &self.right.of(Whose::of(test))[run];
            !seen.shown.is_empty() || !seen.sights.is_empty()
        };
        let tests = self.exercise.about.tests.iter().filter(|test| !test.boots.iter().any(|run| shows(test, run)));
        tests.map(|test| test.name.as_str()).collect()
    }

    /// Boots all tests as `make test` does, without looking at what they do, to compare how long that takes.
    pub fn boot_plainly(&self, built: &Built) -> Result<()> {
        let own = self.right.own.values().map(|(test, _)| (Some(&built.kernel), test));
        let hidden = self.right.hidden.values().map(|(test, _)| (built.hidden.as_ref(), test));
        let chapter = self.right.chapter.values().map(|(test, _)| (built.chapter.as_ref(), test));
        let boots: Vec<_> = own.chain(hidden).chain(chapter).collect();
        boots.into_par_iter().try_for_each(|(kernel, test)| {
            let kernel = kernel.context("it was not built")?;
            let folder = tempfile::tempdir()?;
            let flags = run::flags(test, folder.path());
            let orders = Orders { timeout: PATIENCE, typist: Typist::Letters(&test.types) };
            let words = run::words(test, self.seed);
            let boot = Boot { workspace: self.copy.workspace(), kernel, words: &words, test, orders, flags: &flags };
            boot.watch(io::sink()).map(|_| ())
        })
    }

    /// The judgement on an answer that is refused.
    pub fn refuse(&self, why: String) -> Judgement {
        let failure = Failure { cause: Cause::Refused, reason: why.clone(), ..Failure::default() };
        let verdicts = vec![Verdict::Failed(failure); self.exercise.about.tests.len()];
        Judgement { refused: Some(why), tests: judged(self.exercise, verdicts), ..self.nothing() }
    }

    fn nothing(&self) -> Judgement {
        Judgement::nothing(self.exercise, self.pristine, self.seed)
    }

    /// Runs every test, each once even if several properties need it. After each run, `tell` gets the verdicts that are
    /// known by then.
    fn run_all(&self, built: &Built, tell: &(dyn Fn(Vec<Verdict>) + Sync)) -> Result<Vec<Verdict>> {
        let tests = &self.exercise.about.tests;
        let runs: BTreeSet<(Whose, &String)> = tests
            .iter()
            .flat_map(|test| {
                let own = test.boots.iter().map(|name| (Whose::of(test), name));
                own.chain(test.chapter_boots.iter().map(|name| (Whose::Chapter, name)))
            })
            .collect();
        let hosted = host::run(self.copy, self.exercise)?;
        let outcomes = Mutex::new(BTreeMap::new());
        let verdicts = |outcomes: &BTreeMap<(Whose, &String), Verdict>| -> Vec<Verdict> {
            let outcome = |run| outcomes.get(&run).cloned().unwrap_or(Verdict::Pending);
            let verdicts = tests.iter().map(|test| {
                let own = test.boots.iter().map(|name| outcome((Whose::of(test), name)));
                let chapter = test.chapter_boots.iter().map(|name| outcome((Whose::Chapter, name)));
                let on_host = test.host.iter().map(|name| hosted.verdict(name));
                own.chain(chapter).chain(on_host).fold(Verdict::Passed, Verdict::and)
            });
            verdicts.collect()
        };
        runs.into_par_iter().for_each(|run| {
            let (whose, name) = run;
            let outcome = self.run(built, whose, name);
            let mut outcomes = outcomes.lock().unwrap_or_else(PoisonError::into_inner);
            outcomes.insert(run, outcome);
            tell(verdicts(&outcomes));
        });
        let outcomes = outcomes.into_inner().unwrap_or_else(PoisonError::into_inner);
        Ok(verdicts(&outcomes))
    }

    fn run(&self, built: &Built, whose: Whose, name: &str) -> Verdict {
        let kernel = match whose {
            Whose::Own => Some(built.kernel.as_path()),
            Whose::Hidden => built.hidden.as_deref(),
            Whose::Chapter => built.chapter.as_deref(),
        };
        let (kernel, (test, right)) = (kernel.expect("it was built"), &self.right.of(whose)[name]);
        let limit = right.instructions * TIMES + MORE;
        let (workspace, seed, most_sights) = (self.copy.workspace(), self.seed, right.sights.len());
        let run = Run { workspace, kernel, test, seed, limit, most_sights };
        match run.see() {
            Ok(seen) => verdict(name, test, right, seen),
            Err(Infrastructure(why)) => Verdict::InfraError(why),
        }
    }
}

/// The verdict on a run, of which a right answer would show this.
fn verdict(name: &str, test: &Listed, right: &Seen, seen: Seen) -> Verdict {
    let failed = |cause, Difference { sentence, spaces }, Seen { end, log, .. }: Seen| {
        let (log, log_of_hang) = match end {
            End::Hang | End::Sleep => (String::new(), log),
            _ => (log, String::new()),
        };
        Verdict::Failed(Failure { cause, run: name.to_owned(), reason: sentence, log, log_of_hang, spaces })
    };
    match seen.accepts(test) {
        Err(sentence) => {
            let cause = if seen.end == End::Over { Cause::Wrong } else { Cause::NoEnd };
            failed(cause, Difference { sentence, spaces: None }, seen)
        }
        Ok(()) => match compare::first(right, &seen) {
            None => Verdict::Passed,
            Some(difference) => failed(Cause::Wrong, difference, seen),
        },
    }
}

/// The tests of an exercise with these verdicts.
fn judged(exercise: &Exercise, verdicts: Vec<Verdict>) -> Vec<Judged> {
    let judged = |(test, verdict): (&Test, Verdict)| Judged {
        name: test.name.clone(),
        says: test.says.clone(),
        points: test.points,
        hidden: test.hidden,
        verdict,
    };
    exercise.about.tests.iter().zip(verdicts).map(judged).collect()
}

impl Verdict {
    /// The verdict on two runs that must both be good. A failure is certain, even if the host failed elsewhere.
    fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Failed(failure), _) | (_, Self::Failed(failure)) => Self::Failed(failure),
            (Self::InfraError(why), _) | (_, Self::InfraError(why)) => Self::InfraError(why),
            (Self::Pending, _) | (_, Self::Pending) => Self::Pending,
            (Self::Passed, Self::Passed) => Self::Passed,
        }
    }
}

/// Where an exercise that comes without its answer has what the right answer shows.
pub fn expected(exercise: &Exercise, seed: u32) -> PathBuf {
    exercise.folder.join("expected").join(format!("seed-{seed}.json"))
}

impl Right {
    fn find_out(copy: &Copy, pristine: &Pristine, exercise: &Exercise, seed: u32) -> Result<Self> {
        let (folder, built) = copy.right(exercise, pristine)?;
        let path = folder.join(format!("seed-{seed}.json"));
        if let Some(right) = fs::read(&path).ok().and_then(|text| serde_json::from_slice(&text).ok()) {
            return Ok(right);
        }
        let right = Self::of_answer(copy, exercise, &built, seed)?;
        let new = tempfile::NamedTempFile::new_in(&folder)?;
        fs::write(new.path(), serde_json::to_vec(&right)?)?;
        new.persist(&path)?;
        Ok(right)
    }

    fn as_it_came(pristine: &Pristine, exercise: &Exercise, seed: u32) -> Result<Self> {
        match pristine.text(&expected(exercise, seed)) {
            Ok(text) => Ok(serde_json::from_str(text)?),
            Err(_) => {
                bail!("Here, it can be checked only without a SEED, or with one of those in its folder `expected`.")
            }
        }
    }

    fn of_answer(copy: &Copy, exercise: &Exercise, built: &Built, seed: u32) -> Result<Self> {
        let tests = || exercise.about.tests.iter();
        let own = tests().filter(|test| !test.hidden).flat_map(|test| &test.boots);
        let hidden = tests().filter(|test| test.hidden).flat_map(|test| &test.boots);
        let chapter = tests().flat_map(|test| &test.chapter_boots);
        Ok(Self {
            own: right(copy, Some(&built.kernel), own, seed)?,
            hidden: right(copy, built.hidden.as_deref(), hidden, seed)?,
            chapter: right(copy, built.chapter.as_deref(), chapter, seed)?,
        })
    }

    fn of(&self, whose: Whose) -> &BTreeMap<String, (Listed, Seen)> {
        match whose {
            Whose::Own => &self.own,
            Whose::Hidden => &self.hidden,
            Whose::Chapter => &self.chapter,
        }
    }
}

/// Runs tests of the right answer, which have to pass.
fn right<'a>(
    copy: &Copy,
    kernel: Option<&Path>,
    names: impl Iterator<Item = &'a String>,
    seed: u32,
) -> Result<BTreeMap<String, (Listed, Seen)>> {
    let Some(kernel) = kernel else { return Ok(BTreeMap::new()) };
    let mut listed = list(copy, kernel)?;
    let mut tests = BTreeMap::new();
    for name in names {
        if let Some(place) = listed.iter().position(|test| test.name == *name) {
            tests.insert(name.clone(), listed.swap_remove(place));
        } else if !tests.contains_key(name) {
            bail!("The kernel has no test \"{name}\".");
        }
    }
    let see = |(name, test): (String, Listed)| {
        let (workspace, limit, most_sights) = (copy.workspace(), LIMIT_OF_RIGHT, MOST_SIGHTS);
        let run = Run { workspace, kernel, test: &test, seed, limit, most_sights };
        let seen = run.see().map_err(|Infrastructure(why)| anyhow!("{name}: {why}"))?;
        let fails = |why| anyhow!("The right answer fails in {name}: {why}\n{}", seen.log);
        seen.accepts(&test).map_err(fails)?;
        Ok((name, (test, seen)))
    };
    tests.into_par_iter().map(see).collect()
}

/// Asks a kernel with a right answer which tests it has.
fn list(copy: &Copy, kernel: &Path) -> Result<Vec<Listed>> {
    let (test, orders) = (Listed::table(), Orders { timeout: MOST_TIME_TO_LIST, typist: Typist::Letters("") });
    let boot = Boot { workspace: copy.workspace(), kernel, words: "'test=?'", test: &test, orders, flags: &[] };
    let run = boot.watch(io::sink())?;
    if run.ending != Ending::Good {
        bail!("The kernel does not list its tests. {}\n{}", run.ending, run.story());
    }
    listing::parse(&run.text).map_err(|why| anyhow!(why))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::Shown;
    use machine::listing::Expected;

    /// A run that ended like this, and showed this value.
    fn seen(end: End, value: u32, log: &str) -> Seen {
        let shown = vec![Shown { label: "frame".into(), value }];
        Seen { end, shown, sights: Vec::new(), instructions: 1, log: log.into() }
    }

    fn cause(expected: Expected, seen: Seen) -> Option<Cause> {
        let test = Listed { expected, ..Listed::table() };
        match verdict("a test", &test, &self::seen(End::Over, 1, ""), seen) {
            Verdict::Failed(failure) => Some(failure.cause),
            _ => None,
        }
    }

    #[test]
    fn a_run_without_its_end_is_told_from_one_that_shows_something_wrong() {
        let stop = || Expected::Stop("no memory".into());
        assert_eq!(cause(Expected::Good, seen(End::Over, 1, "")), None);
        assert_eq!(cause(stop(), seen(End::Stopped, 1, "PANIC: no memory")), None);
        // What a kernel prints decides nothing.
        assert_eq!(cause(Expected::Good, seen(End::Over, 2, "PANIC: why")), Some(Cause::Wrong));
        assert_eq!(cause(stop(), seen(End::Over, 1, "PANIC: no memory")), Some(Cause::Wrong));
        for end in [End::Stopped, End::TripleFault, End::Hang, End::Sleep, End::Lost("Frame: right is 5.".into())] {
            assert_eq!(cause(Expected::Good, seen(end.clone(), 1, "")), Some(Cause::NoEnd), "{end:?}");
        }
    }
}
