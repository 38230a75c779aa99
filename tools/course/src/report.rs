//! What a student reads after a check.

use crate::judge::{Failure, Judgement, Verdict};
use crate::picture;
use crate::tree::Copy;
use anyhow::Result;
use book::exercise::Exercise;
use std::fmt::Write;
use std::fs;
use std::path::PathBuf;

/// How much of a log is printed.
const MOST_LINES_OF_LOG: usize = 12;

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
            Verdict::InfraError(_) => ("not judged", "?".into()),
        };
        line(format_args!("\n{word:8} {points} of {}: {}", judged.points, judged.says));
        match &judged.verdict {
            Verdict::Passed => {}
            Verdict::InfraError(why) => line(format_args!("         This machine could not judge it: {why}")),
            // Several tests may fail for the same reason, which is printed once.
            Verdict::Failed(failure) if shown.contains(&&failure.reason) => {
                line(format_args!("         For the same reason: {}", failure.reason));
            }
            Verdict::Failed(failure) => {
                shown.push(&failure.reason);
                line(format_args!("         In {}: {}", failure.run, failure.reason));
                let lines: Vec<&str> = failure.log.lines().filter(|line| !line.trim().is_empty()).collect();
                let left_out = lines.len().saturating_sub(MOST_LINES_OF_LOG);
                if !lines.is_empty() {
                    line(format_args!("         {}:", if left_out > 0 { "The end of its log" } else { "Its log" }));
                }
                lines[left_out..].iter().for_each(|log| line(format_args!("           {log}")));
            }
        }
    }
    let passed = |judged: &&crate::judge::Judged| matches!(judged.verdict, Verdict::Passed);
    let public: Vec<_> = judgement.tests.iter().filter(|judged| !judged.hidden).collect();
    let hidden = exercise.about.tests.iter().filter(|test| test.hidden).count();
    let (good, all) = (public.iter().filter(|judged| passed(judged)).count(), public.len());
    line(format_args!("\n{good} of {all} {}", if hidden > 0 { "public tests" } else { "tests" }));
    if hidden > 0 {
        line(format_args!("{hidden} more are judged after the deadline."));
    }
    if let Some(points) = judgement.points() {
        line(format_args!("{points} of {} points", exercise.points()));
    }
    text
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
