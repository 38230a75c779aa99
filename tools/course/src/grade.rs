//! `make grade`: judges every submission in a folder.
//!
//! Each submission has a record of its own, which is written anew whenever more is known. So a run that is interrupted
//! loses nothing, the next one goes on, and several machines can share the work: their records only have to come into
//! one folder.

use crate::alike;
use crate::judge::{Judge, Judgement};
use crate::result::{Graded, Submitted};
use crate::run;
use crate::submission::{self, NoAnswer, Texts};
use crate::tables;
use crate::tree::{Copy, Pristine, Private, hex};
use anyhow::{Context, Result, anyhow, bail, ensure};
use clap::Args;
use machine::interrupt;
use machine::workspace::Workspace;
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;
use std::fs::Permissions;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::panic::{self, AssertUnwindSafe};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::str::FromStr;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, Instant};
use std::{env, fs, io, thread};
use trials::exercise::Exercise;

/// Where results are kept if the instructor names no folder.
const RESULTS: &str = "grades";
/// The folder with the records, within that of the results.
pub const RECORDS: &str = "results";
/// What the host could not judge is judged again so many times.
const TIMES: usize = 2;
/// A longer name is shortened, because some file systems take no longer ones.
const MOST_BYTES_OF_NAME: usize = 200;

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

/// One of several equal parts of the submissions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shard {
    /// Counts from 1.
    number: usize,
    of: usize,
}

/// One student's submission.
struct Submission {
    student: String,
    path: PathBuf,
}

/// Judges the submissions, and writes the tables.
pub fn grade(workspace: &Workspace, options: &Options) -> Result<ExitCode> {
    let pristine = match options.working_tree {
        true => Pristine::of_working_tree(&workspace.root)?,
        false => Pristine::of_commit(&workspace.root, "HEAD")?,
    };
    let pristine = pristine.with_private(options.private.folder())?;
    let exercises = pristine.exercises()?;
    let Some(word) = &options.exercise else { bail!("Say which exercise, as in EXERCISE=5.2.") };
    let exercise = Exercise::find(&exercises, word)?;
    let Some(folder) = &options.submissions else {
        bail!("Say where the submissions are, as in SUBMISSIONS=handed-in.");
    };
    let Some(seed) = options.seed else {
        bail!(
            "Choose a seed, as in SEED=4711. All submissions get the same random inputs. Students cannot know them \
             before, because `make check` usually takes another seed."
        );
    };
    let submissions = submissions(folder)?;
    let results = options.results.clone().unwrap_or_else(|| Path::new(RESULTS).join(exercise.name()));
    let shard = options.shard.map_or_else(Shard::of_environment, |shard| Ok(Some(shard)))?;
    let class = Class { workspace, pristine: &pristine, exercise, seed, records: results.join(RECORDS) };
    fs::create_dir_all(&class.records).with_context(|| format!("{} cannot be created", class.records.display()))?;

    let is_ours = |place: usize| shard.is_none_or(|shard| shard.has(place));
    let ours: Vec<&Submission> =
        submissions.iter().enumerate().filter(|(at, _)| is_ours(*at)).map(|(_, one)| one).collect();
    println!(
        "Exercise {}: {} submissions{}, seed {seed}, edition {}",
        exercise.title(),
        ours.len(),
        shard.map_or(String::new(), |shard| format!(
            " of {} (part {} of {})",
            submissions.len(),
            shard.number,
            shard.of
        )),
        pristine.edition
    );
    class.refuse_others(&ours, &results)?;
    let mut outcome = Ok(());
    for _ in 0..TIMES {
        let missing = class.missing(&ours);
        if missing.is_empty() || outcome.is_err() {
            break;
        }
        let done = ours.len() - missing.len();
        if done > 0 {
            println!("{done} of them are graded already.");
        }
        outcome = class.judge_all(&missing, usize::from(options.workers));
    }
    if interrupt::happened() {
        return outcome.map(|()| ExitCode::FAILURE);
    }
    let graded: Vec<Graded> = ours.iter().map(|submission| class.row(submission)).collect();
    if shard.is_none() {
        tables::write(&results, &pristine, exercise, &graded)?;
        println!("\n{}\nThe tables are in {}.", tables::summary(exercise, &graded), results.display());
    }
    outcome?;
    let missing = graded.iter().filter(|graded| !graded.is_final()).count();
    if missing > 0 {
        println!(
            "This machine could not judge {missing} of the submissions, so they have no grade. The records say why. \
             The same command judges them again."
        );
        return Ok(ExitCode::FAILURE);
    }
    Ok(ExitCode::SUCCESS)
}

/// The submissions in a folder, by the names of the students. Names that begin with a dot are none.
fn submissions(folder: &Path) -> Result<Vec<Submission>> {
    let read = || -> io::Result<Vec<PathBuf>> { fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect() };
    let mut paths = read().with_context(|| format!("The submissions cannot be read: {}", folder.display()))?;
    paths.sort();
    let mut students = BTreeSet::new();
    let mut all = Vec::new();
    for path in paths {
        let is_file = path.extension().is_some_and(|ending| ending == "rs" || ending == "txt");
        let name = if is_file { path.file_stem() } else { path.file_name() };
        let student = run::harmless(&name.unwrap_or_default().to_string_lossy()).replace('\n', "\u{FFFD}");
        if student.starts_with('.') {
            println!("({student} in {} is no submission.)", folder.display());
            continue;
        }
        ensure!(
            students.insert(student.to_lowercase()),
            "There are two submissions of {student} in {}: apart from their endings, or from capital letters, their names \
             are the same.",
            folder.display()
        );
        all.push(Submission { student, path });
    }
    ensure!(!all.is_empty(), "There are no submissions in {}.", folder.display());
    Ok(all)
}

/// One exercise, and where its records are.
struct Class<'a> {
    workspace: &'a Workspace,
    pristine: &'a Pristine,
    exercise: &'a Exercise,
    seed: u32,
    records: PathBuf,
}

impl Class<'_> {
    /// Stops if the records are those of another exercise, which would be lost.
    fn refuse_others(&self, submissions: &[&Submission], results: &Path) -> Result<()> {
        let records = submissions.iter().filter_map(|submission| self.record(submission));
        for graded in records {
            ensure!(
                graded.judgement.exercise == self.exercise.about.number,
                "{} has the results of exercise {}. Name another folder, as in RESULTS=folder.",
                results.display(),
                graded.title
            );
        }
        Ok(())
    }

    /// Those that have no grade.
    fn missing<'s>(&self, submissions: &[&'s Submission]) -> Vec<&'s Submission> {
        let is_missing = |submission: &&&Submission| self.grade_of(submission).is_none_or(|graded| !graded.is_final());
        submissions.iter().filter(is_missing).copied().collect()
    }

    /// The record of exactly this submission, seed and edition.
    fn grade_of(&self, submission: &Submission) -> Option<Graded> {
        let graded = self.record(submission)?;
        let is_of_this = graded.judgement.seed == self.seed && graded.judgement.edition == self.pristine.edition;
        (is_of_this && graded.submission == handed_in(self.exercise, &submission.path).1).then_some(graded)
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
        let progress = Progress::new(submissions.len());
        let (next, error) = (AtomicUsize::new(0), Mutex::new(None));
        // Opened one after the other, so that the right answer is built once.
        let copies = (0..workers.min(submissions.len())).map(|_| Copy::open_another(self.workspace));
        let copies = copies.collect::<Result<Vec<Copy>>>()?;
        Judge::new(&copies[0], self.pristine, self.exercise, self.seed)?;
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
        let tell = |known: Judgement| drop(self.keep(&graded(known)));
        let judgement = judge_one(judge, self.exercise, self.pristine, &submission.path, &tell);
        if interrupt::happened() {
            bail!("Interrupted. The same command goes on.");
        }
        let graded = graded(judgement);
        self.keep(&graded)?;
        Ok(graded)
    }

    /// The record of a student, if there is a good one.
    fn record(&self, submission: &Submission) -> Option<Graded> {
        let text = fs::read(self.path(&submission.student)).ok()?;
        serde_json::from_slice(&text).ok()
    }

    /// Writes a record, whole or not at all.
    fn keep(&self, graded: &Graded) -> Result<()> {
        let path = self.path(&graded.student);
        let keep = || -> Result<()> {
            // Another run may be writing the same record.
            let new = tempfile::Builder::new().permissions(readable()).tempfile_in(&self.records)?;
            fs::write(new.path(), serde_json::to_vec_pretty(graded)?)?;
            new.persist(&path)?;
            Ok(())
        };
        keep().with_context(|| format!("writing {}", path.display()))
    }

    fn path(&self, student: &str) -> PathBuf {
        self.records.join(format!("{}.json", file_name(student)))
    }
}

/// A student's name as that of a file.
pub fn file_name(student: &str) -> String {
    if student.len() <= MOST_BYTES_OF_NAME {
        return student.into();
    }
    let digest = hex(&Sha256::digest(student)[..8]);
    format!("{}-{digest}", &student[..student.floor_char_boundary(MOST_BYTES_OF_NAME - 2 * digest.len())])
}

/// The rights of a file that others may read, as those that are not temporary.
fn readable() -> Permissions {
    Permissions::from_mode(0o666)
}

/// What can be said about a submission before it is judged.
pub fn submitted(exercise: &Exercise, pristine: &Pristine, student: &str, path: &Path) -> Submitted {
    let (texts, digest) = handed_in(exercise, path);
    let alike = || {
        let answer = submission::answer(exercise, pristine, &texts.ok()?).ok()?;
        alike::digest(&answer)
    };
    // A mistake in the parser must not stop a batch.
    let answer = panic::catch_unwind(AssertUnwindSafe(alike)).ok().flatten();
    Submitted { student: student.into(), submission: digest, answer }
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

/// The files with holes of a submission, and SHA-256 of them.
fn handed_in(exercise: &Exercise, path: &Path) -> (std::result::Result<Texts, NoAnswer>, String) {
    let texts = submission::texts(exercise, path);
    let mut digest = Sha256::new();
    match &texts {
        Ok(texts) => {
            for (path, text) in texts {
                digest.update(format!("{}\n{}\n{text}", path.display(), text.len()));
            }
        }
        Err(NoAnswer::Refused(why) | NoAnswer::Infrastructure(why)) => digest.update(why),
    }
    (texts, hex(&digest.finalize()))
}

impl Shard {
    /// Whether the submission at this place belongs to it.
    fn has(self, place: usize) -> bool {
        place % self.of == self.number - 1
    }

    /// The part that a SLURM array or a Kubernetes Indexed Job gives to this process.
    fn of_environment() -> Result<Option<Self>> {
        let number = |name: &str| match env::var(name) {
            Ok(text) => text.parse::<usize>().map(Some).map_err(|_| anyhow!("{name} is no number: {text}")),
            Err(_) => Ok(None),
        };
        let (task, first, of) = (number(SLURM[0])?, number(SLURM[1])?, number(SLURM[2])?);
        let (index, shards) = (number(KUBERNETES[0])?, number(KUBERNETES[1])?);
        match (task, of, index, shards) {
            (Some(task), Some(of), _, _) => Self::new(task + 1 - first.unwrap_or(0), of).map(Some),
            (_, _, Some(index), Some(of)) => Self::new(index + 1, of).map(Some),
            (_, _, Some(_), None) => {
                bail!("{} is set, and {} has to say how many parts there are.", KUBERNETES[0], KUBERNETES[1])
            }
            _ => Ok(None),
        }
    }

    fn new(number: usize, of: usize) -> Result<Self> {
        ensure!((1..=of).contains(&number), "There is no part {number} of {of}: SHARD=1/20 is the first of twenty.");
        Ok(Self { number, of })
    }
}

/// The environment of a task of a SLURM array: its number, the first number, and how many there are.
const SLURM: [&str; 3] = ["SLURM_ARRAY_TASK_ID", "SLURM_ARRAY_TASK_MIN", "SLURM_ARRAY_TASK_COUNT"];
/// The environment of a pod of an Indexed Job: its number, from 0. The job itself has to say how many there are.
const KUBERNETES: [&str; 2] = ["JOB_COMPLETION_INDEX", "SHARDS"];

impl FromStr for Shard {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self> {
        let numbers = text.split_once('/').and_then(|(number, of)| Some((number.parse().ok()?, of.parse().ok()?)));
        let (number, of) = numbers.context("A part is written as in SHARD=1/20.")?;
        Self::new(number, of)
    }
}

/// Tells how far a run is.
struct Progress {
    start: Instant,
    all: usize,
    done: AtomicUsize,
}

impl Progress {
    fn new(all: usize) -> Self {
        Self { start: Instant::now(), all, done: AtomicUsize::new(0) }
    }

    fn tell(&self, graded: &Graded, time: Duration) {
        let done = self.done.fetch_add(1, Relaxed) + 1;
        let left = self.start.elapsed() / done as u32 * (self.all - done) as u32;
        let points =
            graded.points.map_or("no grade".into(), |points| format!("{points} of {} points", graded.max_points));
        // The program that reads this may have ended.
        let _ = writeln!(
            io::stdout(),
            "{}: {points} ({:.1} s). {done} of {} done, {} left.",
            graded.student,
            time.as_secs_f32(),
            self.all,
            minutes(left)
        );
    }
}

/// A time, as a person says it.
fn minutes(time: Duration) -> String {
    match time.as_secs() {
        0 => "nothing".into(),
        seconds @ 1..120 => format!("{seconds} s"),
        seconds => format!("{} min", seconds.div_ceil(60)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_submission_belongs_to_one_shard() {
        let shards: Vec<Shard> = (1..=7).map(|number| Shard::new(number, 7).expect("one of seven")).collect();
        for place in 0..100 {
            assert_eq!(shards.iter().filter(|shard| shard.has(place)).count(), 1);
        }
    }

    #[test]
    fn a_shard_is_written_as_a_fraction() {
        assert_eq!("2/20".parse::<Shard>().ok(), Some(Shard { number: 2, of: 20 }));
        for bad in ["0/20", "21/20", "2", "2/", "a/b", "1/0"] {
            assert!(bad.parse::<Shard>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_student_is_a_file_or_a_folder() {
        let folder = tempfile::tempdir().expect("there is room");
        fs::write(folder.path().join("bob.rs"), "").expect("a new file");
        fs::write(folder.path().join(".DS_Store"), "").expect("a new file");
        fs::create_dir(folder.path().join("alice.b")).expect("a new folder");
        let names = |folder: &Path| {
            submissions(folder).map(|all| all.into_iter().map(|one| one.student).collect::<Vec<String>>())
        };
        fs::write(folder.path().join("smith.jane"), "").expect("a new file");
        assert_eq!(names(folder.path()).expect("three students"), ["alice.b", "bob", "smith.jane"]);
        fs::create_dir(folder.path().join("Bob")).expect("a new folder");
        assert!(names(folder.path()).expect_err("there are two").to_string().contains("two submissions of"));
    }

    #[test]
    fn a_folder_without_submissions_is_reported() {
        let folder = tempfile::tempdir().expect("there is room");
        assert!(submissions(folder.path()).is_err());
        assert!(submissions(&folder.path().join("missing")).is_err());
    }

    #[test]
    fn long_names_become_short_and_stay_different() {
        let (one, other) = ("ü".repeat(120) + "a", "ü".repeat(120) + "b");
        assert_eq!(file_name("alice"), "alice");
        assert!(file_name(&one).len() <= MOST_BYTES_OF_NAME);
        assert_ne!(file_name(&one), file_name(&other));
    }

    #[test]
    fn times_are_said_as_a_person_does() {
        assert_eq!(minutes(Duration::from_secs(90)), "90 s");
        assert_eq!(minutes(Duration::from_secs(121)), "3 min");
    }
}
