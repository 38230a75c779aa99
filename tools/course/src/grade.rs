//! `make grade`: judges every submission in a folder.
//!
//! Each submission has a record of its own, which is written anew whenever more is known. So a run that is interrupted
//! loses nothing, the next one goes on, and several machines can share the work: their records only have to come into
//! one folder. The tables are made of all records there. So a folder with one late submission adds a row to those of
//! the class, and no run removes one.

use crate::class::{self, Submission};
use crate::judge::{Judge, Judgement};
use crate::progress::Progress;
use crate::records::{RECORDS, Records};
use crate::result::Graded;
use crate::shard::Shard;
use crate::submission::{self, NoAnswer, submitted};
use crate::tables;
use crate::tree::{Copy, Pristine, Private};
use anyhow::{Result, bail, ensure};
use clap::Args;
use machine::interrupt;
use machine::workspace::Workspace;
use std::panic::{self, AssertUnwindSafe};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Instant;
use std::{env, thread};
use trials::exercise::Exercise;

/// Where results are kept if the instructor names no folder.
const RESULTS: &str = "grades";
/// What the host could not judge is judged again so many times.
const TIMES: usize = 2;

/// The options of `make grade`.
#[derive(Args)]
pub struct Options {
    /// The number or title of the exercise.
    #[arg(long)]
    exercise: Option<String>,
    /// The folder with the submissions. Each file or folder in it is that of one student.
    #[arg(long)]
    submissions: Option<PathBuf>,
    /// The seed of all random inputs.
    #[arg(long)]
    seed: Option<u32>,
    /// The folder for the results.
    #[arg(long)]
    results: Option<PathBuf>,
    /// Which part of the submissions to judge, such as 1/20.
    #[arg(long)]
    shard: Option<Shard>,
    /// How many submissions to judge at the same time.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..))]
    workers: u16,
    #[command(flatten)]
    private: Private,
    /// Judge with the project's files as they are now, to test this command. Such a grade cannot be repeated.
    #[arg(long, hide = true)]
    working_tree: bool,
}

/// Judges the submissions, and writes the tables.
pub fn grade(workspace: &Workspace, options: &Options) -> Result<ExitCode> {
    let pristine = match options.working_tree {
        true => Pristine::of_working_tree(&workspace.root)?,
        false => Pristine::of_commit(&workspace.root, "HEAD")?,
    };
    let uncommitted = if options.working_tree { Vec::new() } else { pristine.uncommitted(&workspace.root)? };
    let pristine = pristine.with_private(options.private.folder())?;
    let exercises = pristine.exercises()?;
    let Some(word) = &options.exercise else { bail!("Say which exercise, as in EXERCISE=5.2.") };
    let exercise = options.private.find(&exercises, word)?;
    let Some(folder) = &options.submissions else {
        bail!("Say where the submissions are, as in SUBMISSIONS=handed-in.");
    };
    let Some(seed) = options.seed else {
        bail!(
            "Choose a seed, as in SEED=4711. All submissions get the same random inputs. Students cannot know them \
             before, because `make check` usually takes another seed."
        );
    };
    let submissions = class::submissions(folder)?;
    let results = options.results.clone().unwrap_or_else(|| Path::new(RESULTS).join(exercise.name()));
    let of_environment = || Shard::from(|name| env::var(name).ok());
    let shard = options.shard.map_or_else(of_environment, |shard| Ok(Some(shard)))?;
    let records = Records::open(&results)?;
    let edition = pristine.edition_of(exercise);
    let grading = Grading { workspace, pristine: &pristine, exercise, seed, edition, records };
    let ours: Vec<&Submission> = match shard {
        Some(shard) => shard.part(&submissions).collect(),
        None => submissions.iter().collect(),
    };
    println!(
        "Exercise {}: {}{}, seed {seed}, edition {}",
        exercise.title(),
        count(ours.len(), "submission"),
        shard.map_or(String::new(), |shard| format!(" of {} ({shard})", submissions.len())),
        grading.edition
    );
    if let Some(file) = uncommitted.first() {
        let number = count(uncommitted.len(), "file");
        println!("What is not committed does not count: {number}, such as {}.", file.display());
    }
    let others = grading.records.of_others(&submissions)?;
    let again: Vec<Graded> = submissions.iter().filter_map(|one| grading.records.of(&one.student)).collect();
    let of_run = (exercise, seed, grading.edition.as_str());
    refuse_to_mix(of_run, &again, &others, &results)?;
    let older = again.iter().filter(|graded| graded.judgement.edition != grading.edition).count();
    if older > 0 {
        println!("{} of another edition will be judged again.", count(older, "result"));
    }
    let mut outcome = Ok(());
    for _ in 0..TIMES {
        let missing = grading.missing(&ours);
        if missing.is_empty() || outcome.is_err() {
            break;
        }
        let done = ours.len() - missing.len();
        if done > 0 {
            println!("{done} of them are graded already.");
        }
        outcome = grading.judge_all(&missing, usize::from(options.workers));
    }
    if interrupt::happened() {
        let kept = ours.len() - grading.missing(&ours).len();
        println!(
            "\nInterrupted. {kept} of {} are graded and kept. The same command goes on with the others.",
            ours.len()
        );
        return outcome.map(|()| ExitCode::FAILURE);
    }
    let mut graded: Vec<Graded> = ours.iter().map(|submission| grading.row(submission)).collect();
    println!("\n{}", tables::summary(&graded));
    if shard.is_none() {
        if !others.is_empty() {
            println!(
                "The tables also have {} whose records are in {} and whose submissions are not in {}. To take a student \
                 out, remove her record.",
                count(others.len(), "student"),
                results.join(RECORDS).display(),
                folder.display()
            );
            graded.extend(others);
            graded.sort_by(|one, other| one.student.cmp(&other.student));
        }
        tables::write(&results, &pristine, exercise, &graded)?;
        println!("The tables are in {}.", results.display());
    }
    outcome?;
    let is_whole = graded.iter().all(Graded::is_final);
    Ok(if is_whole { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// So many of something, as a person says it.
fn count(number: usize, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}

/// One exercise, and where its records are.
struct Grading<'a> {
    workspace: &'a Workspace,
    pristine: &'a Pristine,
    exercise: &'a Exercise,
    seed: u32,
    edition: String,
    records: Records,
}

impl Grading<'_> {
    /// Those that have no grade.
    fn missing<'s>(&self, submissions: &[&'s Submission]) -> Vec<&'s Submission> {
        let is_missing = |submission: &&&Submission| self.grade_of(submission).is_none_or(|graded| !graded.is_final());
        submissions.iter().filter(is_missing).copied().collect()
    }

    /// The record of exactly this submission, seed and edition.
    fn grade_of(&self, submission: &Submission) -> Option<Graded> {
        let graded = self.records.of(&submission.student)?;
        let is_of_this = graded.judgement.seed == self.seed && graded.judgement.edition == self.edition;
        (is_of_this && graded.submission == submission::digest(self.exercise, &submission.path)).then_some(graded)
    }

    /// The row of a submission in the tables. Each has one, even if its record is lost.
    fn row(&self, submission: &Submission) -> Graded {
        self.grade_of(submission).unwrap_or_else(|| {
            let why = "There is no record of this submission, seed and edition.";
            let judgement = Judgement::failed(self.exercise, self.pristine, self.seed, why);
            Graded::new(
                self.exercise,
                submitted(self.exercise, self.pristine, &submission.student, &submission.path),
                judgement,
            )
        })
    }

    /// Judges submissions, several at a time. An error is one after which no further submission could be judged.
    fn judge_all(&self, submissions: &[&Submission], workers: usize) -> Result<()> {
        let (next, error) = (AtomicUsize::new(0), Mutex::new(None));
        // Opened one after the other, so that the right answer is built once.
        let copies = (0..workers.min(submissions.len())).map(|_| Copy::open_another(self.workspace));
        let copies = copies.collect::<Result<Vec<Copy>>>()?;
        Judge::new(&copies[0], self.pristine, self.exercise, self.seed)?;
        let progress = Progress::new(submissions.len());
        thread::scope(|scope| {
            for copy in &copies {
                scope.spawn(|| {
                    let work = || -> Result<()> {
                        let judge = Judge::new(copy, self.pristine, self.exercise, self.seed)?;
                        while let Some(submission) = submissions.get(next.fetch_add(1, Relaxed)) {
                            let start = Instant::now();
                            let graded = self.judge(&judge, submission)?;
                            progress.tell(&graded, start.elapsed());
                        }
                        Ok(())
                    };
                    if let Err(why) = work() {
                        // The others need not go on.
                        next.store(submissions.len(), Relaxed);
                        error.lock().expect("no thread panics while it has this").get_or_insert(why);
                    }
                });
            }
        });
        error.into_inner().expect("no thread has panicked").map_or(Ok(()), Err)
    }

    /// Judges one submission, and keeps the record.
    fn judge(&self, judge: &Judge, submission: &Submission) -> Result<Graded> {
        let submitted = submitted(self.exercise, self.pristine, &submission.student, &submission.path);
        let graded = |judgement| Graded::new(self.exercise, submitted.clone(), judgement);
        // If what is known by then cannot be written, the last time tells.
        let tell = |known: Judgement| {
            // The terminal sends Ctrl-C to QEMU too, and that QEMU has ended is not this machine's fault then.
            if !interrupt::happened() {
                drop(self.records.keep(&graded(known)));
            }
        };
        let judgement = judge_one(judge, self.exercise, self.pristine, &submission.path, &tell);
        if interrupt::happened() {
            bail!("Interrupted.");
        }
        let graded = graded(judgement);
        self.records.keep(&graded)?;
        Ok(graded)
    }
}

/// Stops before this run would replace results that cannot be told from its own, or mix two kinds in one table.
/// `again` are the results of the students whose submissions are here, and `others` are all others.
fn refuse_to_mix(
    (exercise, seed, edition): (&Exercise, u32, &str),
    again: &[Graded],
    others: &[Graded],
    results: &Path,
) -> Result<()> {
    let here = results.display();
    for Graded { title, judgement, .. } in again.iter().chain(others) {
        ensure!(
            judgement.exercise == exercise.about.number,
            "{here} has the results of exercise {title}. Name another folder, as in RESULTS=folder."
        );
        ensure!(
            judgement.seed == seed,
            "{here} has results with the seed {0}, and a class has one seed. Type SEED={0}; or name another folder, as \
             in RESULTS=folder.",
            judgement.seed
        );
        ensure!(
            exercise.hidden().tests > 0 || !judgement.tests.iter().any(|judged| judged.hidden),
            "{here} has results with hidden tests, and this run has none. Type EXERCISES= and the folder that has them; \
             or name another folder, as in RESULTS=folder."
        );
    }
    let is_older = |graded: &&Graded| graded.judgement.edition != edition;
    let mut stay: Vec<&str> = others.iter().filter(is_older).map(|graded| graded.student.as_str()).collect();
    stay.sort();
    ensure!(
        stay.is_empty(),
        "{here} has results of another edition, and a class has one edition. These students' submissions are not here, \
         so they would keep it: {}. Grade a folder with the submissions of all; or remove their records from {}; or \
         name another folder, as in RESULTS=folder.",
        stay.join(", "),
        results.join(RECORDS).display()
    );
    Ok(())
}

/// Judges one submission. No submission may stop a batch, not even by a mistake in the judge. `tell` gets what is known,
/// whenever more is.
pub fn judge_one(
    judge: &Judge,
    exercise: &Exercise,
    pristine: &Pristine,
    path: &Path,
    tell: &(dyn Fn(Judgement) + Sync),
) -> Judgement {
    let judged = panic::catch_unwind(AssertUnwindSafe(|| {
        let answer = match submission::read(exercise, pristine, path) {
            Ok(answer) => answer,
            Err(NoAnswer::Refused(why)) => return judge.refuse(why),
            Err(NoAnswer::Infrastructure(why)) => return judge.fail(&why),
        };
        judge.judge_and_tell(&answer, tell).unwrap_or_else(|error| judge.fail(&format!("{error:#}")))
    }));
    judged.unwrap_or_else(|_| judge.fail("The judge itself failed. What it printed says where."))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::export::samples;
    use crate::submission::tests::exercise;
    use trials::exercise::Withheld;

    /// What stops a run with the seed and the edition of the samples, whose exercise has so many points in hidden tests.
    fn why(points: u32, again: &[Graded], others: &[Graded]) -> String {
        let mut exercise = exercise(&["a.rs"]);
        exercise.about.number = "5.2".into();
        exercise.withheld = Withheld { tests: points.min(1) as usize, points };
        let of_run = (&exercise, 4711, "0123456789abcdef with a1b2c3");
        refuse_to_mix(of_run, again, others, Path::new("grades")).err().map_or(String::new(), |why| why.to_string())
    }

    #[test]
    fn a_run_mixes_its_results_with_no_others() {
        let changed = |change: fn(&mut Judgement)| {
            let mut graded = samples::passed();
            change(&mut graded.judgement);
            [graded]
        };
        assert_eq!(why(0, &[samples::partly()], &[samples::passed()]), "", "one student of a class");
        let elsewhere = changed(|judgement| judgement.exercise = "5.1".into());
        let seed = changed(|judgement| judgement.seed = 99);
        let edition = changed(|judgement| judgement.edition = "another".into());
        for (results, part) in [(&elsewhere, "results of exercise 5.2 Frames. Name"), (&seed, "Type SEED=99; or")] {
            for why in [why(0, results, &[]), why(0, &[], results)] {
                assert!(why.contains(part), "{why}");
            }
        }
        assert_eq!(why(0, &edition, &[]), "", "it is judged again");
        assert!(why(0, &[samples::partly()], &edition).contains("so they would keep it: alice. Grade a folder"));
        assert!(why(0, &[samples::hidden()], &[]).contains("this run has none. Type EXERCISES="));
        assert_eq!(why(3, &[samples::hidden()], &[]), "");
    }
}
