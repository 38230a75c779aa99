//! `make test-course`: the exercises themselves are tested.
//!
//! Of every exercise, the right answer must get all points. What a student begins with must fail every test with the
//! hole's own message, and without a hang. Every wrong answer must lose the tests that it names, and no others.

use crate::exercise::{Exercise, Kind};
use crate::holes;
use crate::judge::{Judge, Judgement, USUAL_SEED, Verdict};
use crate::tree::{Answer, Copy, Pristine, read};
use anyhow::{Context, Result, bail, ensure};
use book::defects::{self, Defect};
use checks::git;
use clap::Args;
use machine::tally::Tally;
use machine::workspace::{Chapter, Workspace};
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

/// The options of `make test-course`.
#[derive(Args)]
pub struct Options {
    /// Number or title of the only exercise; all of them if not given.
    #[arg(long)]
    exercise: Option<String>,
}

/// Tests the exercises; the last line is the count.
pub fn test_course(workspace: &Workspace, options: &Options) -> Result<ExitCode> {
    let mut exercises = Exercise::all(&workspace.root, Path::new(crate::exercise::FOLDER))?;
    if let Some(word) = &options.exercise {
        let name = Exercise::find(&exercises, word)?.name();
        exercises.retain(|exercise| exercise.name() == name);
    }
    let tally = Tally::default();
    let pristine = Pristine::of_working_tree(&workspace.root)?;
    let copy = Copy::open(workspace)?;
    for exercise in &exercises {
        test(workspace, &copy, &pristine, exercise, &tally)?;
    }
    Ok(tally.conclude())
}

fn test(workspace: &Workspace, copy: &Copy, pristine: &Pristine, exercise: &Exercise, tally: &Tally) -> Result<()> {
    let note = |what: &str, start: Instant, outcome: std::result::Result<(), String>| {
        tally.note(&format!("exercise {}: {what}", exercise.title()), outcome, start.elapsed());
    };
    let start = Instant::now();
    let judge = match Judge::new(copy, pristine, exercise, USUAL_SEED) {
        Ok(judge) => judge,
        Err(error) => {
            note("the right answer", start, Err(format!("{error:#}")));
            return Ok(());
        }
    };
    note("the right answer is built and run", start, Ok(()));
    let judged = |what: &str, answer: &Answer, check: &dyn Fn(&Judgement) -> std::result::Result<(), String>| {
        let start = Instant::now();
        let outcome = judge.judge(answer).map(|judgement| check(&judgement));
        note(what, start, outcome.unwrap_or_else(|error| Err(format!("{error:#}"))));
    };
    note("its crate begins blank", Instant::now(), begins_blank(pristine, exercise));
    let right = pristine.answer(exercise)?;
    let rules = pristine.check(exercise, &right);
    judged("the right answer gets all points", &right, &|judgement| {
        rules.clone()?;
        loses(judgement, &[])
    });
    judged("the blank one fails with a message", &pristine.blank(exercise)?, &|judgement| {
        fails_by_its_hole(exercise, judgement)
    });
    for wrong in &exercise.wrong {
        let what = format!("the wrong answer {}", wrong.name);
        match patched(copy, pristine, exercise, &workspace.root.join(&wrong.patch))? {
            Ok(answer) => judged(&what, &answer, &|judgement| loses(judgement, &wrong.loses)),
            Err(why) => note(&what, Instant::now(), Err(why)),
        }
    }
    let known = known_mistakes(workspace, pristine, exercise)?;
    for name in exercise.about.mistakes.keys().filter(|name| !known.iter().any(|(title, _)| title == *name)) {
        note(name, Instant::now(), Err("There is no such mistake, or it lies outside the holes.".into()));
    }
    for (title, answer) in known {
        let what = format!("the known mistake {title}");
        match exercise.about.mistakes.get(&title) {
            Some(tests) => judged(&what, &answer, &|judgement| loses(judgement, tests)),
            None => {
                note(&what, Instant::now(), Err("It lies inside the holes, and exercise.toml does not name it.".into()))
            }
        }
    }
    Ok(())
}

/// Whether an extension's own file has the blank bodies, and differs from the answer in nothing else.
fn begins_blank(pristine: &Pristine, exercise: &Exercise) -> std::result::Result<(), String> {
    let check = || -> Result<()> {
        if exercise.about.kind == Kind::Rebuild {
            return Ok(());
        }
        for (file, filled) in pristine.fill(&pristine.answer(exercise)?)? {
            ensure!(
                filled == pristine.text(&exercise.answer_to(&file))?,
                "{} and the answer differ outside the holes",
                file.display()
            );
        }
        for (file, filled) in pristine.fill(&pristine.blank(exercise)?)? {
            ensure!(holes::is_same(&filled, pristine.text(&file)?), "the holes of {} are not blank", file.display());
        }
        Ok(())
    };
    check().map_err(|error| error.to_string())
}

/// Whether a judgement loses exactly these tests.
fn loses(judgement: &Judgement, tests: &[String]) -> std::result::Result<(), String> {
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

fn reasons(judgement: &Judgement) -> String {
    let reason = |judged: &crate::judge::Judged| match &judged.verdict {
        Verdict::Failed(failure) => {
            Some(format!("{}: {}: {}\n{}", judged.name, failure.run, failure.reason, failure.log))
        }
        _ => None,
    };
    judgement.tests.iter().filter_map(reason).collect::<Vec<_>>().join("\n")
}

/// Whether every test fails by the message of a hole. With a neutral body there is no message.
fn fails_by_its_hole(exercise: &Exercise, judgement: &Judgement) -> std::result::Result<(), String> {
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
        }
    }
    Ok(())
}

/// The answer that a patch makes of the right answer; or why it does not apply.
fn patched(
    copy: &Copy,
    pristine: &Pristine,
    exercise: &Exercise,
    patch: &Path,
) -> Result<std::result::Result<Answer, String>> {
    let files = pristine.with(&pristine.answer(exercise)?)?;
    copy.restore(&files)?;
    let root = &copy.workspace().root;
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
