//! Grades a class that is made up, to test `make grade`: right answers, wrong ones, cheats and broken files. The command
//! is killed in the middle and started again, and interrupted by Ctrl-C; then every record has to be there and right.

use crate::cheats;
use crate::judge::USUAL_SEED;
use crate::records::RECORDS;
use crate::result::{Graded, Status};
use crate::self_check::patched;
use crate::submission;
use crate::tree::{Answer, Copy, Pristine};
use anyhow::{Context, Result, anyhow, bail, ensure};
use machine::interrupt;
use machine::workspace::Workspace;
use rustix::process::{Pid, Signal, kill_process_group};
use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant, SystemTime};
use std::{env, fs, thread};
use trials::exercise::Exercise;

/// The exercise: the one with cheats.
const EXERCISE: &str = "5.1";
/// How long to wait before looking again at how many records there are.
const PAUSE: Duration = Duration::from_millis(100);
/// Grading takes less for each submission, even on a busy machine.
const MOST_TIME: Duration = Duration::from_secs(120);

/// How large it is.
pub struct Size {
    /// How many submissions.
    pub submissions: usize,
    /// How often the command is killed.
    pub kills: usize,
    /// How many submissions are judged at the same time.
    pub workers: usize,
}

/// What must come out for a submission.
#[derive(Clone)]
enum Expected {
    /// All points.
    Right,
    /// All but those of these tests.
    Loses(Vec<String>),
    /// No points, and these words.
    Nothing(String),
}

/// Makes up a class, grades it, and checks the records.
pub fn rehearse(workspace: &Workspace, pristine: &Pristine, size: &Size) -> Result<()> {
    let exercises = pristine.exercises()?;
    let exercise = Exercise::find(&exercises, EXERCISE)?;
    let place = tempfile::tempdir()?;
    let (handed_in, results) = (place.path().join("handed-in"), place.path().join("results"));
    fs::create_dir(&handed_in)?;
    let expected = make_up(workspace, pristine, exercise, &handed_in, size.submissions)?;
    let start = Instant::now();
    let grade = |submissions: &Path, seed: u32| {
        // `make test` is another program in the same folder.
        let mut command = Command::new(env::current_exe()?.with_file_name("course"));
        command.args(["grade", "--exercise", &exercise.about.number, "--seed", &seed.to_string()]);
        command.args(["--working-tree", "--workers", &size.workers.to_string()]);
        command.arg("--submissions").arg(submissions).arg("--results").arg(&results);
        command.current_dir(&workspace.root).stdout(Stdio::null());
        anyhow::Ok(command)
    };
    let command = || grade(&handed_in, USUAL_SEED + 1);
    let mut kept = BTreeMap::new();
    for kill in 1..=size.kills + 1 {
        let wanted = size.submissions * kill / (size.kills + 2);
        let mut command = command()?;
        if kill > size.kills {
            command.process_group(0);
        }
        let mut child = command.spawn().context("make grade could not be started")?;
        // Ctrl-C comes while QEMU runs: some tests of a submission are judged, and others are not.
        let is_partial = || records(&results).any(|(_, graded)| graded.status == Status::Partial);
        let is_time = || finished(&results).len() >= wanted && (kill <= size.kills || is_partial());
        while !is_time() && child.try_wait()?.is_none() && !interrupt::happened() {
            ensure!(start.elapsed() < MOST_TIME * size.submissions as u32, "grading makes no progress");
            thread::sleep(PAUSE);
        }
        if kill <= size.kills {
            child.kill()?;
            child.wait()?;
        } else {
            // As a terminal does, Ctrl-C goes to the compiler and QEMU too.
            kill_process_group(Pid::from_child(&child), Signal::INT)?;
            let status = child.wait()?.code();
            // It may have been done by then.
            ensure!(
                [Some(0), Some(interrupt::STATUS.into())].contains(&status),
                "after Ctrl-C, make grade ends with status {status:?}"
            );
            let blamed = records(&results).find(|(_, graded)| graded.status == Status::InfraError);
            ensure!(blamed.is_none(), "after Ctrl-C, a record has a failure of this machine: {blamed:?}");
        }
        if interrupt::happened() {
            bail!("Interrupted.");
        }
        kept.extend(finished(&results));
    }
    let output = command()?.output().context("make grade could not be started")?;
    ensure!(output.status.success(), "make grade fails: {}", String::from_utf8_lossy(&output.stderr));
    let now = finished(&results);
    let repeated = kept.iter().find(|(path, time)| now.get(*path) != Some(time));
    ensure!(repeated.is_none(), "what was graded before a kill was graded again: {repeated:?}");
    let text = fs::read_to_string(results.join("results.jsonl"))?;
    let graded = text.lines().map(|line| Ok(serde_json::from_str(line)?)).collect::<Result<Vec<Graded>>>()?;
    let students: Vec<&str> = graded.iter().map(|one| one.student.as_str()).collect();
    let wanted: Vec<&str> = expected.iter().map(|(student, _)| student.as_str()).collect();
    ensure!(students == wanted, "the rows are those of {students:?}, and must be those of {wanted:?}");
    for (one, (student, expected)) in graded.iter().zip(&expected) {
        is_right(one, expected).with_context(|| format!("the grade of {student}"))?;
    }
    let late = place.path().join("late");
    fs::create_dir(&late)?;
    fs::copy(handed_in.join("student-000.rs"), late.join("zoe.rs"))?;
    ensure!(grade(&late, USUAL_SEED + 1)?.output()?.status.success(), "a late submission is not graded");
    ensure!(!grade(&late, USUAL_SEED + 2)?.output()?.status.success(), "another seed is accepted");
    let rows = fs::read_to_string(results.join("results.jsonl"))?.lines().count();
    let pages = fs::read_dir(results.join("pages"))?.count();
    ensure!(
        (rows, pages) == (size.submissions + 1, size.submissions + 1),
        "after a late submission, there are {rows} rows and {pages} pages for {} students",
        size.submissions + 1
    );
    Ok(())
}

/// The records, and where each is.
fn records(results: &Path) -> impl Iterator<Item = (PathBuf, Graded)> {
    let entries = fs::read_dir(results.join(RECORDS)).into_iter().flatten().flatten();
    let record = |path: PathBuf| Some((serde_json::from_slice(&fs::read(&path).ok()?).ok()?, path));
    entries.filter_map(move |entry| record(entry.path())).map(|(graded, path)| (path, graded))
}

/// The records that are final, and when each was written.
fn finished(results: &Path) -> BTreeMap<PathBuf, SystemTime> {
    let time = |path: &Path| fs::metadata(path).and_then(|about| about.modified()).ok();
    let finished = records(results).filter(|(_, graded)| graded.is_final());
    finished.filter_map(|(path, _)| Some((path.clone(), time(&path)?))).collect()
}

fn is_right(one: &Graded, expected: &Expected) -> Result<()> {
    let lost: BTreeSet<&str> = one.judgement.lost().into_iter().collect();
    ensure!(matches!(one.status, Status::Graded | Status::Refused), "its status is {:?}", one.status);
    match expected {
        Expected::Right => ensure!(lost.is_empty(), "it loses {lost:?}"),
        Expected::Loses(tests) => {
            let wanted: BTreeSet<&str> = tests.iter().map(String::as_str).collect();
            ensure!(lost == wanted, "it loses {lost:?}, and must lose {wanted:?}");
        }
        Expected::Nothing(says) => {
            cheats::gets_nothing(&one.judgement, says)?;
        }
    }
    Ok(())
}

/// Writes the submissions, and returns for each student in their order what must come out.
fn make_up(
    workspace: &Workspace,
    pristine: &Pristine,
    exercise: &Exercise,
    handed_in: &Path,
    count: usize,
) -> Result<Vec<(String, Expected)>> {
    let copy = Copy::open_another(workspace)?;
    let right = pristine.answer(exercise)?;
    let mut wrong = Vec::new();
    for one in &exercise.wrong {
        let answer = patched(&copy, pristine, exercise, &one.patch)?.map_err(|why| anyhow!(why))?;
        wrong.push((answer, Expected::Loses(one.loses.clone())));
    }
    let (mut students, mut round) = (Vec::new(), Vec::new());
    for number in 0..count {
        if round.is_empty() {
            let place = tempfile::tempdir_in(handed_in.parent().context("a folder lies in another")?)?.keep();
            round = one_of_each(workspace, pristine, exercise, &wrong, &place)?;
        }
        let student = format!("student-{number:03}");
        // Right answers in between, as in a class.
        let (text, expected) = match number % 3 {
            0 => (one_file(pristine, &right)?, Expected::Right),
            _ => {
                // From all over the round, so that a small class has something of everything.
                let (made, expected) = round.remove(number * 7 % round.len());
                let ending = if made.is_dir() { "" } else { ".rs" };
                fs::rename(made, handed_in.join(format!("{student}{ending}")))?;
                students.push((student, expected));
                continue;
            }
        };
        fs::write(handed_in.join(format!("{student}.rs")), text)?;
        students.push((student, expected));
    }
    Ok(students)
}

/// One submission of each kind but the right one, in a folder.
fn one_of_each(
    workspace: &Workspace,
    pristine: &Pristine,
    exercise: &Exercise,
    wrong: &[(Answer, Expected)],
    place: &Path,
) -> Result<Vec<(PathBuf, Expected)>> {
    let nothing = |says: &str| Expected::Nothing(says.into());
    let mut all = Vec::new();
    let mut file = |bytes: Vec<u8>, expected| -> Result<()> {
        let path = place.join(format!("file-{}", all.len()));
        fs::write(&path, bytes)?;
        all.push((path, expected));
        Ok(())
    };
    for (answer, expected) in wrong {
        file(one_file(pristine, answer)?.into(), expected.clone())?;
    }
    let blank = one_file(pristine, &pristine.blank(exercise)?)?;
    file(blank.replace("panic!", "no_such_macro!").into(), nothing("does not compile"))?;
    file(format!("{blank}}}").into(), nothing("not valid Rust"))?;
    file(blank.into(), nothing(&format!("exercise {}: write", exercise.about.number)))?;
    file(Vec::new(), nothing("The file is empty."))?;
    file(vec![0xFF; 100], nothing("UTF-8"))?;
    let empty = place.join("empty");
    fs::create_dir(&empty)?;
    all.push((empty, nothing("Nothing was handed in")));
    let cheats = cheats::of_exercise(&workspace.root, pristine, exercise, place)?;
    let cheats = cheats.into_iter().filter(|cheat| cheat.submission.exists());
    all.extend(cheats.map(|cheat| (cheat.submission, Expected::Nothing(cheat.says))));
    Ok(all)
}

/// An answer as the one file that a student hands in.
fn one_file(pristine: &Pristine, answer: &Answer) -> Result<String> {
    Ok(submission::one_file(pristine.fill(answer)?))
}
