//! `make stress`: runs random tests for minutes, and in a short form for `make test`.
//!
//! All decisions of a long test come from one seed, and the clock of its machine counts instructions instead of time.
//! So the same seed repeats the same run, however busy the host is. The exception is typed input, which arrives at no
//! fixed moment.

use crate::booted::{self, Suite};
use crate::progress::Progress;
use crate::{bochs, demonstrations, difference};
use anyhow::Result;
use clap::Args;
use machine::boot::Boot;
use machine::cargo::Profile;
use machine::kernels::Kind;
use machine::listing::Listed;
use machine::tally::Tally;
use machine::vm::{COUNTED_TIME, CPU_OF_COUNTED_TIME};
use machine::wanted::{self, Wanted};
use machine::watch::{Orders, Typist};
use machine::workspace::{Chapter, Workspace};
use rayon::iter::{ParallelBridge, ParallelIterator};
use std::process::ExitCode;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// How long a test may take, in full and in its short form.
const MOST_TIME: Duration = Duration::from_secs(300);
const MOST_TIME_IN_SHORT: Duration = Duration::from_secs(60);
/// In its short form, a test's number of rounds is divided by this.
const SHORTER: u32 = 200;
/// Of a longer report, this many lines at its beginning and at its end are printed.
const MOST_LINES: usize = 20;

/// The seed of `make test`. It is fixed, because tests should not pass today and fail tomorrow.
pub const USUAL_SEED: u32 = 1;

/// The options of `make stress`.
#[derive(Args)]
pub struct Options {
    /// Test only this chapter, by number or name.
    #[arg(long)]
    chapter: Option<String>,
    /// Use this seed for all random numbers; a new one each time by default.
    #[arg(long)]
    seed: Option<u32>,
}

/// Boots every chapter on many machines and in Bochs, and runs the long tests, in their short form and in full.
pub fn stress(workspace: &Workspace, options: &Options) -> Result<ExitCode> {
    let seed = options.seed.unwrap_or_else(|| {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        now.map_or(USUAL_SEED, |now| now.as_secs() as u32)
    });
    let chapters: Vec<&Chapter> = match &options.chapter {
        None => workspace.chapters.iter().collect(),
        Some(word) => vec![workspace.chapter(Some(word))?],
    };
    println!("The seed is {seed}; SEED={seed} repeats this run.");
    let tally = Tally::default();
    demonstrations::sweep(workspace, &chapters, seed, MOST_TIME_IN_SHORT, &tally)?;
    bochs::compare(workspace, &chapters, MOST_TIME_IN_SHORT, &tally)?;
    test_in_short(workspace, &chapters, seed, &tally)?;
    run(workspace, &chapters, seed, &tally, Length::Full)?;
    Ok(tally.conclude())
}

/// Runs the short form of these chapters' long tests, each twice, to check that both runs are the same.
pub fn test_in_short(workspace: &Workspace, chapters: &[&Chapter], seed: u32, tally: &Tally) -> Result<()> {
    run(workspace, chapters, seed, tally, Length::Short)
}

/// How much of a long test to run.
#[derive(Clone, Copy)]
enum Length {
    Short,
    Full,
}

/// How many rounds were done, and the reason if the test failed. The outer `Result` is for failures of the tools.
type Outcome = Result<(u32, Result<(), String>)>;

/// Runs the long tests of these chapters.
fn run(workspace: &Workspace, chapters: &[&Chapter], seed: u32, tally: &Tally, length: Length) -> Result<()> {
    let chapters: Vec<&Chapter> = chapters.iter().copied().filter(|chapter| chapter.has_long_tests).collect();
    let suites = booted::build(workspace, &chapters, Kind::LongTests, Profile::Kernel, MOST_TIME_IN_SHORT)?;
    let progress = Progress::default();
    // The tests of the last chapter take longest, so they come first.
    booted::list(&suites, tally)?.into_iter().rev().par_bridge().try_for_each(|(suite, test)| -> Result<()> {
        let step = Step { suite, test: Listed { cpu: CPU_OF_COUNTED_TIME.into(), ..test }, seed, progress: &progress };
        let start = Instant::now();
        let (rounds, outcome) = match length {
            Length::Short => step.in_short()?,
            Length::Full => step.in_full()?,
        };
        let what = format!("{} {}: {rounds} rounds, seed {seed}", suite.chapter.name, step.test.name);
        let outcome = outcome.map_err(|reason| format!("{reason}\n{}", step.how_to_repeat(rounds)));
        progress.give_way(|| tally.note(&what, outcome, start.elapsed()));
        Ok(())
    })
}

/// One long test.
struct Step<'a> {
    suite: &'a Suite<'a>,
    test: Listed,
    seed: u32,
    progress: &'a Progress,
}

impl Step<'_> {
    fn in_full(&self) -> Outcome {
        let rounds = self.test.rounds;
        Ok((rounds, self.boot(rounds, MOST_TIME)?.map(drop)))
    }

    fn in_short(&self) -> Outcome {
        let rounds = (self.test.rounds / SHORTER).max(1);
        let boot = || self.boot(rounds, MOST_TIME_IN_SHORT);
        let outcome = match boot()? {
            // Typed input arrives at no fixed moment, so two runs may differ.
            Ok(log) if wanted::is_anything(&log) => Ok(()),
            Ok(log) => boot()?.and_then(|again| match difference::between(("one run", &log), ("the other", &again)) {
                None => Ok(()),
                Some(lines) => Err(format!("With the same seed, two runs differ:\n{lines}")),
            }),
            Err(reason) => Err(reason),
        };
        Ok((rounds, outcome))
    }

    /// Boots the test for this many rounds. Returns the log, or why it failed.
    fn boot(&self, rounds: u32, timeout: Duration) -> Result<Result<String, String>> {
        let (suite, test) = (self.suite, &self.test);
        let kernel = suite.kernel.as_deref().expect("only a kernel that was built lists tests");
        let words = format!("test={} seed={} rounds={rounds}", test.name, self.seed);
        let orders = Orders { timeout, typist: Typist::Wanted(Wanted::default()) };
        let flags = COUNTED_TIME.map(String::from);
        let boot = Boot { workspace: suite.workspace, kernel, words: &words, test, orders, flags: &flags };
        let run = boot.watch(self.progress.follow(&test.name))?;
        Ok(run.judge(test).map(|()| run.text).map_err(|reason| without_middle(&reason)))
    }

    fn how_to_repeat(&self, rounds: u32) -> String {
        let words = format!(" SEED={} ROUNDS={rounds}", self.seed);
        let back = booted::how_to_go_back(self.suite, &self.test, &words);
        format!("To see it again: make stress CHAPTER={} SEED={}\n{back}", self.suite.chapter.name, self.seed)
    }
}

/// The first and the last lines of a report: where it happened, and what led to it.
fn without_middle(story: &str) -> String {
    let lines: Vec<&str> = story.lines().collect();
    if lines.len() <= 2 * MOST_LINES {
        return story.into();
    }
    [&lines[..MOST_LINES], &["..."], &lines[lines.len() - MOST_LINES..]].concat().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_report_keeps_its_first_and_last_lines() {
        let story: Vec<String> = (0..1000).map(|line| line.to_string()).collect();
        let reported = without_middle(&story.join("\n"));
        assert!(reported.starts_with("0\n1\n") && reported.ends_with("\n998\n999") && !reported.contains("500"));
        assert_eq!(without_middle("0\n1\n"), "0\n1\n");
    }
}
