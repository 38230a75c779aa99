//! `make stress`: for minutes what tests do for moments; and the same in short, for `make test`.
//!
//! All that a long test decides comes from one seed, and its machine's clock counts instructions instead of
//! time. So the same seed does the same again, however busy the host is. Only what is typed comes when it
//! comes.

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

/// How long a test may take, in full and in short.
const MOST_TIME: Duration = Duration::from_secs(300);
const MOST_TIME_IN_SHORT: Duration = Duration::from_secs(60);
/// In short, one of so many rounds is done.
const SHORTER: u32 = 200;
/// Of a longer story, only so many lines at its beginning and at its end are told.
const MOST_LINES: usize = 20;

/// The seed of `make test`: tests shall not pass today and fail tomorrow.
pub const USUAL_SEED: u32 = 1;

/// What `make stress` can be told.
#[derive(Args)]
pub struct Options {
    /// Number or name of the only chapter; all if not given.
    #[arg(long)]
    chapter: Option<String>,
    /// What all random numbers come from; another one each time if not given.
    #[arg(long)]
    seed: Option<u32>,
}

/// Boots every chapter on many machines and in Bochs, and lets the long tests run in short and in full.
pub fn stress(workspace: &Workspace, options: &Options) -> Result<ExitCode> {
    let seed = options.seed.unwrap_or_else(|| {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        now.map_or(USUAL_SEED, |now| now.as_secs() as u32)
    });
    let chapters: Vec<&Chapter> = match &options.chapter {
        None => workspace.chapters.iter().collect(),
        Some(word) => vec![workspace.chapter(Some(word))?],
    };
    println!("Everything comes from the seed {seed}.");
    let tally = Tally::default();
    demonstrations::sweep(workspace, &chapters, seed, MOST_TIME_IN_SHORT, &tally)?;
    bochs::compare(workspace, &chapters, MOST_TIME_IN_SHORT, &tally)?;
    test_in_short(workspace, &chapters, seed, &tally)?;
    run(workspace, &chapters, seed, &tally, Length::Full)?;
    Ok(tally.conclude())
}

/// Lets the long tests of these chapters run in short, each twice, to see whether it does the same again.
pub fn test_in_short(workspace: &Workspace, chapters: &[&Chapter], seed: u32, tally: &Tally) -> Result<()> {
    run(workspace, chapters, seed, tally, Length::Short)
}

/// How far to go.
#[derive(Clone, Copy)]
enum Length {
    Short,
    Full,
}

/// How many rounds were done, and why that did not pass if it did not. The outer `Result` is for failures
/// of our own.
type Outcome = Result<(u32, Result<(), String>)>;

/// Runs the long tests of these chapters.
fn run(workspace: &Workspace, chapters: &[&Chapter], seed: u32, tally: &Tally, length: Length) -> Result<()> {
    let chapters: Vec<&Chapter> = chapters.iter().copied().filter(|chapter| chapter.has_long_tests).collect();
    let suites = booted::build(workspace, &chapters, Kind::LongTests, Profile::Kernel, MOST_TIME_IN_SHORT)?;
    let progress = Progress::default();
    // The last chapter's take longest.
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
            // What is typed comes when it comes.
            Ok(log) if wanted::is_anything(&log) => Ok(()),
            Ok(log) => boot()?.and_then(|again| match difference::between(("one run", &log), ("the other", &again)) {
                None => Ok(()),
                Some(lines) => Err(format!("With the same seed, two runs differ:\n{lines}")),
            }),
            Err(reason) => Err(reason),
        };
        Ok((rounds, outcome))
    }

    /// Boots the test for so many rounds; returns the log, or why it did not pass.
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

/// The first and the last lines of a story: where it happened, and how it came to that.
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
    fn a_long_story_keeps_both_its_ends() {
        let story: Vec<String> = (0..1000).map(|line| line.to_string()).collect();
        let told = without_middle(&story.join("\n"));
        assert!(told.starts_with("0\n1\n") && told.ends_with("\n998\n999") && !told.contains("500"));
        assert_eq!(without_middle("0\n1\n"), "0\n1\n");
    }
}
