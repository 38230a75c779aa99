//! What a student reads after a check.

use crate::judge::{COMPILER, Failure, Judgement, RULES, Verdict};
use crate::picture;
use crate::tree::Copy;
use anyhow::{Context, Result};
use book::exercise::Exercise;
use std::fmt::Write;
use std::fs;
use std::path::PathBuf;

/// How much of a kernel's log is printed, from its end.
const MOST_LINES_OF_LOG: usize = 12;
/// How much of the compiler's errors is printed. The first error explains the others.
const MOST_LINES_OF_ERRORS: usize = 40;

/// The judgement, as lines for a terminal.
pub fn text(exercise: &Exercise, judgement: &Judgement) -> String {
    let mut text = String::new();
    let mut line = |words: std::fmt::Arguments| writeln!(text, "{words}").expect("a text takes all");
    line(format_args!("Exercise {} ({} points), seed {}", exercise.title(), exercise.points(), judgement.seed));
    let mut shown = Vec::new();
    for judged in judgement.tests.iter().filter(|judged| !judged.hidden) {
        let (word, points) = match &judged.verdict {
            Verdict::Passed => ("passed", judged.points.to_string()),
            Verdict::Failed(_) => ("failed", "0".into()),
            Verdict::InfraError(_) | Verdict::Pending => ("not judged", "?".into()),
        };
        line(format_args!("\n{word:8} {points} of {}: {}", judged.points, judged.says));
        match &judged.verdict {
            Verdict::Passed | Verdict::Pending => {}
            Verdict::InfraError(why) => line(format_args!("         This machine could not judge it: {why}")),
            // Several tests may fail for the same reason, which is printed once.
            Verdict::Failed(failure) if shown.contains(&&failure.reason) => {
                line(format_args!("         For the same reason: {}", failure.reason));
            }
            Verdict::Failed(failure) => {
                shown.push(&failure.reason);
                let is_run = failure.run != COMPILER && failure.run != RULES;
                let place = if is_run { format!("In {}: ", failure.run) } else { String::new() };
                line(format_args!("         {place}{}", failure.reason));
                let log = if failure.log.is_empty() { &failure.log_of_hang } else { &failure.log };
                let lines: Vec<&str> = log.lines().filter(|line| !line.trim().is_empty()).collect();
                let (part, name) = part(&lines, is_run);
                if !part.is_empty() {
                    line(format_args!("         {name}:"));
                }
                part.iter().for_each(|log| line(format_args!("           {log}")));
            }
        }
    }
    let passed = |judged: &&crate::judge::Judged| matches!(judged.verdict, Verdict::Passed);
    let public: Vec<_> = judgement.tests.iter().filter(|judged| !judged.hidden).collect();
    let hidden = exercise.hidden().tests;
    let (good, all) = (public.iter().filter(|judged| passed(judged)).count(), public.len());
    line(format_args!("\n{good} of {all} {}", if hidden > 0 { "public tests passed" } else { "tests passed" }));
    if hidden > 0 {
        line(format_args!("{hidden} more are judged after the deadline."));
    }
    if let Some(points) = judgement.points() {
        line(format_args!("{points} of {} points", exercise.points()));
    }
    text
}

/// The part of a log that a student needs, and what it is called. A kernel's log says at its end why it stopped.
fn part<'a, 'b>(lines: &'a [&'b str], is_run: bool) -> (&'a [&'b str], &'static str) {
    match is_run {
        true if lines.len() > MOST_LINES_OF_LOG => (&lines[lines.len() - MOST_LINES_OF_LOG..], "The end of its log"),
        true => (lines, "Its log"),
        false if lines.len() > MOST_LINES_OF_ERRORS => (&lines[..MOST_LINES_OF_ERRORS], "The first errors"),
        false => (lines, "The errors"),
    }
}

/// Keeps the judgement as JSON, for other programs.
pub fn save(copy: &Copy, exercise: &Exercise, judgement: &Judgement) -> Result<()> {
    fs::create_dir_all(copy.folder())?;
    let file = copy.folder().join(format!("{}.json", exercise.name()));
    fs::write(&file, serde_json::to_vec_pretty(judgement)?).with_context(|| format!("writing {}", file.display()))
}

/// Draws the page tables of the tests that failed because of them, and returns the files.
pub fn pictures(copy: &Copy, exercise: &Exercise, judgement: &Judgement) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for judged in &judgement.tests {
        if let Verdict::Failed(Failure { spaces: Some((right, seen)), .. }) = &judged.verdict {
            let folder = copy.folder().join(exercise.name());
            fs::create_dir_all(&folder)?;
            let file = folder.join(format!("{}.svg", judged.name));
            svg::save(&file, &picture::draw(right, seen))?;
            files.push(file);
        }
    }
    Ok(files)
}
