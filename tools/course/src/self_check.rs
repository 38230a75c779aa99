//! `make test-course`: the exercises themselves are tested.
//!
//! Of every exercise, the right answer must get all points. What a student begins with must fail every test with the
//! hole's own message, and without a hang. Every wrong answer must lose the tests that it names, and no other public ones.
//! Which of them an instructor's hidden tests catch is printed.

use crate::cheats;
use crate::holes;
use crate::journal::Journal;
use crate::judge::{Judge, Judged, Judgement, USUAL_SEED, Verdict};
use crate::question;
use crate::rehearsal::{self, Size};
use crate::student::BETWEEN_HINTS;
use crate::tree::{self, Answer, Copy, Filling, Pristine, Private, read};
use anyhow::{Context, Result, anyhow, bail, ensure};
use clap::Args;
use machine::interrupt;
use machine::tally::Tally;
use machine::workspace::{Chapter, Workspace};
use std::cell::{LazyCell, RefCell};
use std::collections::hash_map::DefaultHasher;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::hash::{Hash, Hasher};
use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;
use trials::defects::{self, Defect};
use trials::exercise::{Exercise, Kind};
use trials::git;
use trials::scratch::Original;

/// An exercise has at least so many hints, and so many wrong answers.
const LEAST_HINTS: usize = 3;
const LEAST_WRONG: usize = 2;
/// How many other exercises are checked while one is blank.
const OTHERS: usize = 2;

/// The options of `make test-course`.
#[derive(Args)]
pub struct Options {
    /// Number or title of the only exercise; all of them if not given.
    #[arg(long)]
    exercise: Option<String>,
    /// Which other exercises are checked while one is blank.
    #[arg(long, default_value_t = USUAL_SEED)]
    seed: u32,
    /// Check again what passed in an earlier run.
    #[arg(long)]
    fresh: bool,
    #[command(flatten)]
    private: Private,
    /// Also grade a class of so many, killing the command twice.
    #[arg(long)]
    class: Option<usize>,
    /// How many of the class to judge at the same time.
    #[arg(long, default_value_t = 1)]
    workers: usize,
}

/// Tests the exercises; the last line is the count.
pub fn test_course(workspace: &Workspace, options: &Options) -> Result<ExitCode> {
    let tally = Tally::default();
    let check = SelfCheck::new(workspace, &tally, options.private.folder(), options.fresh)?;
    let mut exercises = check.pristine.exercises()?;
    if let Some(word) = &options.exercise {
        let name = options.private.find(&exercises, word)?.name();
        exercises.retain(|exercise| exercise.name() == name);
    }
    check.leave_out_those_without_answer(&mut exercises);
    let mut all = check.pristine.exercises()?;
    all.retain(|exercise| exercise.has_answer(check.pristine.files()));
    check.files(&exercises, &all);
    for exercise in &exercises {
        check.exercise(exercise, true)?;
        check.beside_others(exercise, &all, options.seed)?;
    }
    if options.exercise.is_none() {
        check.questions();
    }
    let known = check.known.borrow().len();
    if known > 0 {
        println!("{known} checks passed in an earlier run, and nothing that they depend on has changed.");
    }
    if let Some(submissions) = options.class {
        class(workspace, &tally, check, &Size { submissions, kills: 2, workers: options.workers });
    }
    Ok(tally.conclude())
}

/// The short form, for `make test`: one exercise of each chapter, without its wrong answers.
pub fn test_in_short(workspace: &Workspace, tally: &Tally) -> Result<()> {
    let check = SelfCheck::new(workspace, tally, None, true)?;
    let mut all = check.pristine.exercises()?;
    let is_starter = all.iter().any(|exercise| exercise.is_handed_out(check.pristine.files()));
    check.leave_out_those_without_answer(&mut all);
    check.files(&all, &all);
    let mut chapters = BTreeSet::new();
    for exercise in all.iter().filter(|exercise| chapters.insert(exercise.about.chapter.as_str())) {
        check.exercise(exercise, false)?;
    }
    // What a class is made up of is not handed out.
    if !is_starter {
        class(workspace, tally, check, &Size { submissions: 12, kills: 1, workers: 1 });
    }
    Ok(())
}

/// Grades a class that is made up.
fn class(workspace: &Workspace, tally: &Tally, check: SelfCheck, size: &Size) {
    // Grading needs the copy, in which much is built already.
    let SelfCheck { pristine, copy, .. } = check;
    drop(copy);
    let start = Instant::now();
    let outcome = rehearsal::rehearse(workspace, &pristine, size).map_err(|error| format!("{error:#}"));
    let each = start.elapsed().as_secs_f32() / size.submissions as f32;
    let name = format!("a class of {} is graded, {each:.1} s for each", size.submissions);
    tally.note(&name, outcome, start.elapsed());
}

/// The exercises as they are in the working tree.
struct SelfCheck<'a> {
    workspace: &'a Workspace,
    tally: &'a Tally,
    pristine: Pristine,
    copy: Copy,
    journal: RefCell<Journal>,
    /// What was known to pass, and not checked again.
    known: RefCell<Vec<String>>,
    is_fresh: bool,
}

/// Whether something is as it must be; if not, a sentence.
type Outcome = std::result::Result<(), String>;

impl<'a> SelfCheck<'a> {
    fn new(workspace: &'a Workspace, tally: &'a Tally, private: Option<&Path>, is_fresh: bool) -> Result<Self> {
        let pristine = Pristine::of_working_tree(&workspace.root)?.with_private(private)?;
        let copy = Copy::open(workspace)?;
        let journal = Journal::open(&workspace.target.join(tree::FOLDER), pristine.files())?;
        let (journal, known) = (RefCell::new(journal), RefCell::default());
        Ok(Self { workspace, tally, pristine, copy, journal, known, is_fresh })
    }

    /// Students have exercises without right answers, which cannot be tested.
    fn leave_out_those_without_answer(&self, exercises: &mut Vec<Exercise>) {
        let before = exercises.len();
        exercises.retain(|exercise| exercise.has_answer(self.pristine.files()));
        let left_out = before - exercises.len();
        if left_out > 0 {
            println!("Exercises that are left out, because their answers are not here: {left_out}.");
        }
    }

    /// Does a check, unless it is known to pass.
    fn check(&self, exercise: &Exercise, what: &str, check: impl FnOnce() -> Result<Outcome>) -> Result<()> {
        let key = self.journal.borrow().key(self.pristine.files(), exercise, what);
        // What hidden tests catch is printed each time.
        let is_fresh = self.is_fresh || exercise.about.tests.iter().any(|test| test.hidden);
        if !is_fresh && self.journal.borrow().has(&key) {
            self.known.borrow_mut().push(key);
            return Ok(());
        }
        let start = Instant::now();
        let outcome = check().unwrap_or_else(|error| Err(format!("{error:#}")));
        if interrupt::happened() {
            bail!("Interrupted.");
        }
        if outcome.is_ok() {
            self.journal.borrow_mut().note(key)?;
        }
        self.tally.note(&format!("exercise {}: {what}", exercise.title()), outcome, start.elapsed());
        Ok(())
    }

    /// Checks what needs no machine: the files of these exercises, and that the holes of one can be read while those of
    /// any other are blank.
    fn files(&self, exercises: &[Exercise], all: &[Exercise]) {
        let start = Instant::now();
        let outcome = || -> Result<()> {
            for exercise in exercises {
                begins_blank(&self.pristine, exercise).map_err(|why| anyhow!("{}: {why}", exercise.title()))?;
                let text = |name| exercise.text(self.pristine.files(), name);
                ensure!(
                    text("task.md").starts_with(&format!("# {}\n", exercise.title())),
                    "{}: task.md does not begin with \"# {0}\"",
                    exercise.title()
                );
                let hints = text("hints.md").split(BETWEEN_HINTS).count();
                ensure!(
                    hints >= LEAST_HINTS,
                    "{}: hints.md has {hints} hints, and {LEAST_HINTS} are wanted",
                    exercise.title()
                );
                // Students have no wrong answers, and not all of the other exercises.
                if !exercise.is_handed_out(self.pristine.files()) {
                    let wrong = exercise.wrong.len() + exercise.about.mistakes.len();
                    ensure!(
                        wrong >= LEAST_WRONG,
                        "{}: there are {wrong} wrong answers, and {LEAST_WRONG} are wanted",
                        exercise.title()
                    );
                    for number in &exercise.about.depends {
                        Exercise::find(all, number)?;
                    }
                }
                self.copy.workspace().chapter(Some(&exercise.about.chapter))?;
                let right = self.pristine.answer(exercise)?;
                for other in all.iter().filter(|other| other.name() != exercise.name()) {
                    if shares_a_hole(exercise, other) {
                        continue;
                    }
                    let files = self.pristine.with(&self.pristine.blank(other)?)?;
                    let read = self.read(exercise, &files)?;
                    let is_right = exercise.about.kind == Kind::Extend || tree::is_same(&read, &right);
                    ensure!(is_right, "{} is not itself while {} is blank", exercise.title(), other.title());
                }
            }
            Ok(())
        };
        let outcome = outcome().map_err(|error| format!("{error:#}"));
        self.tally.note("files of the exercises, and each beside each other one", outcome, start.elapsed());
    }

    /// Checks that every question has an answer.
    fn questions(&self) {
        let start = Instant::now();
        let outcome = question::check(&self.copy, &self.pristine).map(|_| ()).map_err(|error| format!("{error:#}"));
        self.tally.note("questions", outcome, start.elapsed());
    }

    /// What is in the holes of an exercise in these files.
    fn read(&self, exercise: &Exercise, files: &Original) -> Result<Answer> {
        let text = |path: &Path| {
            let bytes = files.get(path).ok_or("It is missing.")?;
            String::from_utf8(bytes.to_vec()).map_err(|_| "It is not valid UTF-8.".into())
        };
        tree::read(exercise, text).map_err(|why| anyhow!(why))
    }

    /// Checks one exercise. With `all`, its wrong answers too.
    fn exercise(&self, exercise: &Exercise, all: bool) -> Result<()> {
        let pristine = &self.pristine;
        let judge = LazyCell::new(|| Judge::new(&self.copy, pristine, exercise, USUAL_SEED));
        let judged = |answer: &Answer| -> Result<Judgement> {
            judge.as_ref().map_err(|error| anyhow!("{error:#}"))?.judge(answer)
        };
        self.check(exercise, "the right answer gets all points", || {
            let right = pristine.answer(exercise)?;
            if let Err(why) = pristine.check(exercise, &right) {
                return Ok(Err(why));
            }
            let nothing = judge.as_ref().map_err(|error| anyhow!("{error:#}"))?.tests_that_show_nothing();
            if let Some(test) = nothing.first() {
                return Ok(Err(format!("The test {test} gives points, and none of its runs shows anything.")));
            }
            Ok(loses(&judged(&right)?, &[]))
        })?;
        self.check(exercise, "the blank one fails with a message", || {
            Ok(fails_by_its_hole(exercise, &judged(&pristine.blank(exercise)?)?))
        })?;
        if !all {
            return Ok(());
        }
        self.check(exercise, "the time that a check takes", || {
            let judge = judge.as_ref().map_err(|error| anyhow!("{error:#}"))?;
            self.measure(exercise, judge).map(Ok)
        })?;
        let mut caught: BTreeMap<String, Vec<&str>> = BTreeMap::new();
        for wrong in &exercise.wrong {
            self.check(exercise, &format!("the wrong answer {}", wrong.name), || {
                match patched(&self.copy, pristine, exercise, &wrong.patch)? {
                    Ok(answer) => {
                        let judgement = judged(&answer)?;
                        for test in judgement.lost() {
                            caught.entry(test.into()).or_default().push(&wrong.name);
                        }
                        Ok(loses_in_public(&judgement, &wrong.loses))
                    }
                    Err(why) => Ok(Err(why)),
                }
            })?;
        }
        let known = known_mistakes(self.workspace, pristine, exercise)?;
        for (title, answer) in &known {
            self.check(exercise, &format!("the known mistake {title}"), || match exercise.about.mistakes.get(title) {
                Some(tests) => {
                    let judgement = judged(answer)?;
                    for test in judgement.lost() {
                        caught.entry(test.into()).or_default().push(title);
                    }
                    Ok(loses_in_public(&judgement, tests))
                }
                None => Ok(Err("It lies inside the holes, and exercise.toml does not name it.".into())),
            })?;
        }
        for name in exercise.about.mistakes.keys().filter(|name| !known.iter().any(|(title, _)| title == *name)) {
            let why = "There is no such mistake, or it lies outside the holes.";
            self.check(exercise, &format!("the known mistake {name}"), || Ok(Err(why.into())))?;
        }
        for test in exercise.about.tests.iter().filter(|test| test.hidden) {
            let wrong = caught.get(&test.name).map_or("none of the wrong answers".into(), |names| names.join(", "));
            println!("The hidden test {} catches: {wrong}", test.name);
        }
        let place = tempfile::tempdir()?;
        for cheat in cheats::of_exercise(&self.workspace.root, pristine, exercise, place.path())? {
            self.check(exercise, &format!("the cheat {}", cheat.name), || {
                let judge = judge.as_ref().map_err(|error| anyhow!("{error:#}"))?;
                Ok(cheat.is_caught(judge, pristine, exercise, place.path()).map_err(|error| error.to_string()))
            })?;
        }
        Ok(())
    }

    /// Prints how long a check takes when everything but the answer is built, beside a build and plain boots. The machine
    /// may be busy, so it fails for no time.
    fn measure(&self, exercise: &Exercise, judge: &Judge) -> Result<()> {
        let right = self.pristine.answer(exercise)?;
        let start = Instant::now();
        let built = self.copy.build(exercise, &self.pristine.with(&commented(&right, "one"))?);
        let build = start.elapsed();
        judge.boot_plainly(&built.map_err(|why| anyhow!("{why:?}"))?)?;
        let plain = start.elapsed();
        let start = Instant::now();
        judge.judge(&commented(&right, "another"))?;
        let check = start.elapsed();
        println!(
            "A check takes {:.1} s: {:.1} times as long as building (in {:.1} s) and booting (in {:.1} s).",
            check.as_secs_f32(),
            check.as_secs_f32() / plain.as_secs_f32(),
            build.as_secs_f32(),
            (plain - build).as_secs_f32()
        );
        Ok(())
    }

    /// While one exercise is blank, others still get all points.
    fn beside_others(&self, exercise: &Exercise, all: &[Exercise], seed: u32) -> Result<()> {
        let mut others: Vec<&Exercise> =
            all.iter().filter(|other| other.name() != exercise.name() && !shares_a_hole(exercise, other)).collect();
        for turn in 0..OTHERS.min(others.len()) {
            let mut hasher = DefaultHasher::new();
            (seed, exercise.name(), turn).hash(&mut hasher);
            let other = others.swap_remove((hasher.finish() % others.len() as u64) as usize);
            self.check(exercise, &format!("while it is blank, {} gets all points", other.title()), || {
                let mut files = self.pristine.with(&self.pristine.blank(exercise)?)?;
                for (path, text) in self.pristine.fill(&self.pristine.answer(other)?)? {
                    files.put(&path, text.into_bytes());
                }
                // Where both have holes in one file, the other's answer goes into the file with the blank ones.
                let answer = self.read(other, &files)?;
                Ok(loses(&Judge::new(&self.copy, &self.pristine, other, USUAL_SEED)?.judge(&answer)?, &[]))
            })?;
        }
        Ok(())
    }
}

/// The same answer with a comment, so that it has to be built again.
fn commented(answer: &Answer, word: &str) -> Answer {
    let comment = format!("/* {word} */");
    let commented = |filling: &Filling| match filling {
        Filling::Whole(text) => Filling::Whole(format!("{text}\n{comment}\n")),
        Filling::Bodies(bodies) => {
            Filling::Bodies(bodies.iter().map(|(hole, body)| (hole.clone(), format!("{body}{comment}"))).collect())
        }
    };
    answer.iter().map(|(path, filling)| (path.clone(), commented(filling))).collect()
}

/// Whether two exercises have a hole in common, so that one cannot be done while the other is open.
fn shares_a_hole(one: &Exercise, other: &Exercise) -> bool {
    one.about.holes.iter().any(|(file, holes)| {
        other.about.holes.get(file).is_some_and(|others| {
            holes.is_empty() || others.is_empty() || holes.iter().any(|hole| others.contains(hole))
        })
    })
}

/// Whether an extension's own file has the blank bodies.
pub fn begins_blank(pristine: &Pristine, exercise: &Exercise) -> Outcome {
    let check = || -> Result<()> {
        if exercise.about.kind == Kind::Rebuild {
            return Ok(());
        }
        for (file, filled) in pristine.fill(&pristine.blank(exercise)?)? {
            ensure!(holes::is_same(&filled, pristine.text(&file)?), "the holes of {} are not blank", file.display());
        }
        Ok(())
    };
    check().map_err(|error| error.to_string())
}

/// Whether a judgement loses exactly these tests.
fn loses(judgement: &Judgement, tests: &[String]) -> Outcome {
    let lost: BTreeSet<&str> = judgement.lost().into_iter().collect();
    let wanted: BTreeSet<&str> = tests.iter().map(String::as_str).collect();
    let infra = judgement.tests.iter().find_map(|judged| match &judged.verdict {
        Verdict::InfraError(why) => Some(why),
        _ => None,
    });
    match infra {
        Some(why) => Err(format!("This machine could not judge it: {why}")),
        None if lost == wanted => Ok(()),
        None => Err(format!("It loses {lost:?}, and must lose {wanted:?}.\n{}", reasons(judgement))),
    }
}

/// Whether a judgement loses exactly these tests, apart from hidden ones that are not named. The wrong answers of the book
/// do not know an instructor's hidden tests.
fn loses_in_public(judgement: &Judgement, tests: &[String]) -> Outcome {
    let counts = |judged: &&Judged| !judged.hidden || tests.contains(&judged.name);
    let counted = judgement.tests.iter().filter(counts).cloned().collect();
    loses(&Judgement { tests: counted, ..judgement.clone() }, tests)
}

fn reasons(judgement: &Judgement) -> String {
    let reason = |judged: &Judged| match &judged.verdict {
        Verdict::Failed(failure) => {
            Some(format!("{}: {}: {}\n{}", judged.name, failure.run, failure.reason, failure.log))
        }
        _ => None,
    };
    judgement.tests.iter().filter_map(reason).collect::<Vec<_>>().join("\n")
}

/// Whether every test fails by the message of a hole. With a neutral body there is no message.
fn fails_by_its_hole(exercise: &Exercise, judgement: &Judgement) -> Outcome {
    let message = format!("exercise {}: write", exercise.about.number);
    for judged in &judgement.tests {
        match &judged.verdict {
            Verdict::Failed(failure) if failure.log.contains(&message) => {}
            Verdict::Failed(failure) if !exercise.about.neutral.is_empty() && !failure.reason.contains("hangs") => {}
            Verdict::Failed(failure) => {
                return Err(format!("{} fails otherwise: {}\n{}", judged.name, failure.reason, failure.log));
            }
            Verdict::Passed => return Err(format!("{} passes.", judged.name)),
            Verdict::InfraError(why) => return Err(why.clone()),
            Verdict::Pending => return Err(format!("{} was not judged.", judged.name)),
        }
    }
    Ok(())
}

/// The answer that a patch makes of the right answer; or why it does not apply.
pub fn patched(
    copy: &Copy,
    pristine: &Pristine,
    exercise: &Exercise,
    patch: &Path,
) -> Result<std::result::Result<Answer, String>> {
    let files = pristine.with(&pristine.answer(exercise)?)?;
    copy.restore(&files)?;
    let root = &copy.workspace().root;
    let patch = &root.join(patch);
    if let Err(why) = git::apply(root, patch)? {
        return Ok(Err(format!("{} does not apply:\n{why}", patch.display())));
    }
    let text_of = |path: &Path| fs::read_to_string(root.join(path)).map_err(|error| error.to_string());
    let answer = read(exercise, text_of);
    // Of a submission, only the holes are taken. So a patch must change nothing else.
    let is_inside = |answer: &Answer| -> Result<bool> {
        for (path, text) in pristine.fill(answer)? {
            if fs::read_to_string(root.join(path))? != text {
                return Ok(false);
            }
        }
        Ok(git::changed_by(root, patch)?.iter().all(|path| exercise.about.holes.contains_key(path)))
    };
    Ok(match answer {
        Ok(answer) if is_inside(&answer)? => Ok(answer),
        Ok(_) => Err(format!("{} changes something outside the holes.", patch.display())),
        Err(why) => Err(why),
    })
}

/// The known mistakes that lie inside an exercise's holes, and the answers that they make.
fn known_mistakes(workspace: &Workspace, pristine: &Pristine, exercise: &Exercise) -> Result<Vec<(String, Answer)>> {
    let chapters: Vec<&Chapter> = workspace.chapters.iter().collect();
    let defects = defects::of_chapters(workspace, &chapters).context("the known mistakes")?;
    let mut known = Vec::new();
    for defect in defects.iter().filter(|defect| defect.has_patch()) {
        if let Some(answer) = inside(workspace, pristine, exercise, defect)? {
            known.push((defect.title(), answer));
        }
    }
    Ok(known)
}

/// The answer that a known mistake makes, if it lies inside the holes.
fn inside(workspace: &Workspace, pristine: &Pristine, exercise: &Exercise, defect: &Defect) -> Result<Option<Answer>> {
    let patch = workspace.root.join(defect.path());
    let paths = git::changed_by(&workspace.root, &patch)?;
    if !paths.iter().all(|path| exercise.about.holes.contains_key(path)) {
        return Ok(None);
    }
    let folder = tempfile::tempdir()?;
    for path in exercise.about.holes.keys() {
        let target = folder.path().join(path);
        fs::create_dir_all(target.parent().expect("a file in a folder"))?;
        fs::write(target, pristine.text(path)?)?;
    }
    if let Err(why) = git::apply(folder.path(), &patch)? {
        bail!("{} does not apply: {why}", patch.display());
    }
    let text = |path: &Path| fs::read_to_string(folder.path().join(path)).map_err(|error| error.to_string());
    let Ok(answer) = read(exercise, text) else { return Ok(None) };
    for (path, filled) in pristine.fill(&answer)? {
        if text(&path) != Ok(filled) {
            return Ok(None);
        }
    }
    Ok(Some(answer))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::export::samples;

    #[test]
    fn a_wrong_answer_may_lose_hidden_tests_that_it_does_not_name() {
        // It loses the hidden test `secret-order`, and passes the hidden test `order`.
        let judgement = samples::hidden().judgement;
        assert!(loses(&judgement, &[]).is_err(), "the right answer may not");
        assert_eq!(loses_in_public(&judgement, &[]), Ok(()));
        assert_eq!(loses_in_public(&judgement, &["secret-order".into()]), Ok(()));
        for named in ["order", "kept"] {
            assert!(loses_in_public(&judgement, &[named.into()]).is_err(), "{named}");
        }
        assert!(loses_in_public(&samples::partly().judgement, &["once".into()]).is_err(), "all-used is public");
    }
}
