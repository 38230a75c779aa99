//! What a student reads after a check.

use crate::judge::{Failure, Judged, Judgement, Verdict};
use crate::picture;
use crate::tree::Copy;
use anyhow::{Context, Result};
use std::fmt::Write;
use std::fs;
use std::path::PathBuf;
use trials::exercise::Exercise;

/// How much of a kernel's log is printed, from its end.
const MOST_LINES_OF_LOG: usize = 12;
/// How much of the compiler's errors is printed. The first error explains the others.
const MOST_LINES_OF_ERRORS: usize = 40;
/// The names of functions of the library may be far longer.
const MOST_BYTES_OF_LINE: usize = 160;

/// The judgement, as lines for a terminal.
pub fn text(exercise: &Exercise, judgement: &Judgement) -> String {
    let mut text = String::new();
    let mut line = |words: std::fmt::Arguments| writeln!(text, "{words}").expect("a text takes all");
    line(format_args!("Exercise {} ({} points), seed {}", exercise.title(), exercise.points(), judgement.seed));
    let public: Vec<&Judged> = judgement.tests.iter().filter(|judged| !judged.hidden).collect();
    let before = public.first().and_then(|judged| before_any_run(&judged.verdict));
    if let Some(failure) = before {
        line(format_args!("\nNothing was tested. {}", failure.reason));
        print_log(failure, &mut line);
    }
    let mut shown = Vec::new();
    for judged in &public {
        let word = match &judged.verdict {
            Verdict::Passed => "passed",
            Verdict::Failed(_) => "failed",
            Verdict::InfraError(_) | Verdict::Pending => "not judged",
        };
        let points = judged.reached().map_or("?".into(), |points| points.to_string());
        line(format_args!("\n{word:8} {points} of {}: {}", judged.points, judged.says));
        match &judged.verdict {
            Verdict::InfraError(why) => line(format_args!("         This machine could not judge it: {why}")),
            Verdict::Failed(failure) if before.is_none() => {
                line(format_args!("         In {}: {}", failure.run, failure.reason));
                // Several properties may need the same run.
                if !shown.contains(&&failure.run) {
                    shown.push(&failure.run);
                    print_log(failure, &mut line);
                }
            }
            Verdict::Passed | Verdict::Failed(_) | Verdict::Pending => {}
        }
    }
    let good = public.iter().filter(|judged| matches!(judged.verdict, Verdict::Passed)).count();
    let (all, hidden) = (public.len(), exercise.hidden().tests);
    line(format_args!("\n{good} of {all} {}", if hidden > 0 { "public tests passed" } else { "tests passed" }));
    if hidden > 0 {
        line(format_args!("{hidden} more {} judged after the deadline.", if hidden == 1 { "is" } else { "are" }));
    }
    if let Some(points) = judgement.points() {
        line(format_args!("{points} of {} points", exercise.points()));
    }
    text
}

/// Why no kernel was run, if that is so. It is the same for all tests.
fn before_any_run(verdict: &Verdict) -> Option<&Failure> {
    match verdict {
        Verdict::Failed(failure) if failure.cause.is_before_any_run() => Some(failure),
        _ => None,
    }
}

/// Prints the part of a log that a student needs.
fn print_log(failure: &Failure, line: &mut impl FnMut(std::fmt::Arguments)) {
    let log = if failure.log.is_empty() { &failure.log_of_hang } else { &failure.log };
    // The reason may be a line of the log, and was printed already.
    let is_new = |line: &&str| !line.trim().is_empty() && *line != failure.reason;
    let lines: Vec<&str> = log.lines().filter(is_new).collect();
    let (part, name) = part(&lines, !failure.cause.is_before_any_run());
    if !part.is_empty() {
        line(format_args!("         {name}:"));
    }
    for log in part {
        let end = log.floor_char_boundary(MOST_BYTES_OF_LINE);
        line(format_args!("           {}{}", &log[..end], if end < log.len() { "…" } else { "" }));
    }
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
