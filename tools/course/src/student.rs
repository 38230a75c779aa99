//! What a student types: `make exercises`, `start`, `check`, `hint`, `solution`, `mend` and `submission`.

use crate::desk::{Desk, State};
use crate::hunt;
use crate::judge::{Judge, USUAL_SEED};
use crate::report;
use crate::submission::{self, NoAnswer};
use crate::tree::{Answer, Copy, Filling};
use anyhow::{Context, Result, bail};
use clap::Args;
use machine::interrupt;
use machine::workspace::Workspace;
use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;
use std::{fs, thread};
use trials::exercise::{Exercise, Kind};

/// How long to wait before looking again whether a file has changed.
const PAUSE: Duration = Duration::from_millis(500);
/// In `hints.md`, what separates two hints.
pub const BETWEEN_HINTS: &str = "\n---\n";
/// Where the file to hand in is written.
const SUBMISSIONS: &str = "submissions";

/// Names an exercise.
#[derive(Args)]
pub struct Options {
    /// The number or title of the exercise.
    #[arg(long)]
    exercise: Option<String>,
}

/// The options of `make check`.
#[derive(Args)]
pub struct CheckOptions {
    /// The number or title of the exercise.
    #[arg(long)]
    exercise: Option<String>,
    /// The seed of all random inputs.
    #[arg(long, default_value_t = USUAL_SEED)]
    seed: u32,
    /// Check again whenever the file changes.
    #[arg(long)]
    watch: bool,
}

/// The options of `make solution`.
#[derive(Args)]
pub struct SolutionOptions {
    /// The number or title of the exercise.
    #[arg(long)]
    exercise: Option<String>,
    /// Put the right answer into the files, after keeping what is there.
    #[arg(long)]
    put: bool,
}

/// Lists all exercises, with the student's points.
pub fn exercises(workspace: &Workspace) -> Result<ExitCode> {
    let desk = Desk::open(workspace)?;
    let mut chapter = "";
    let (mut sum, mut all) = (0, 0);
    for exercise in &desk.exercises {
        if exercise.about.chapter != chapter {
            chapter = &exercise.about.chapter;
            println!("\n{chapter}");
        }
        let progress = desk.progress(exercise);
        let points = progress.points.map_or("-".to_owned(), |points| points.to_string());
        let state = match desk.state(exercise)? {
            State::Untouched => "",
            State::Blank => "open",
            State::Begun => "begun",
            State::Solved => "solved",
            State::Damaged => "damaged: `make check` says why",
        };
        let about = &exercise.about;
        let seen = if progress.has_seen_answer { ", answer seen" } else { "" };
        println!(
            "  {:4} {:26} {:9} {:7} {:>3} min  {points:>2} of {:2} points{seen}  {state}",
            about.number,
            about.title,
            about.grade.name(),
            about.kind.name(),
            about.minutes,
            exercise.points()
        );
        sum += progress.points.unwrap_or(0);
        all += exercise.points();
    }
    println!("\n{sum} of {all} points. To begin one: make start EXERCISE={}", desk.exercises[0].about.number);
    Ok(ExitCode::SUCCESS)
}

/// Blanks the holes of an exercise in the student's files, and prints the task.
pub fn start(workspace: &Workspace, options: &Options) -> Result<ExitCode> {
    let mut desk = Desk::open(workspace)?;
    let exercise = &desk.exercise(options.exercise.as_deref())?.clone();
    let number = &exercise.about.number;
    match (exercise.about.kind, desk.state(exercise)?) {
        (Kind::Rebuild, State::Untouched) => {
            let changes = desk.other_changes(exercise)?;
            if let Some(file) = changes.iter().find(|file| exercise.about.holes.contains_key(*file)) {
                bail!(
                    "You have changed {0} outside the holes of this exercise. `git diff {0}` shows how. `git stash` puts \
                     these changes aside, and `git restore {0}` removes them.",
                    file.display()
                );
            }
            desk.keep_edition(&desk.pristine.edition)?;
            desk.put(&desk.pristine.blank(exercise)?)?;
        }
        (Kind::Extend, State::Untouched) => desk.keep_edition(&desk.pristine.edition)?,
        (_, State::Damaged) => bail!("{}", desk.answer(exercise).err().unwrap_or_default()),
        (_, State::Blank | State::Begun | State::Solved) => println!(
            "(Exercise {} is open already, and your files stay as they are. To begin again, put it away first: \
             make mend EXERCISE={number})\n",
            exercise.title()
        ),
    }
    desk.note_open(number, true)?;
    println!("{}", for_terminal(exercise.text(workspace.root.as_path(), "task.md").trim()));
    println!("\nYou write:");
    for (file, holes) in &exercise.about.holes {
        let holes = if holes.is_empty() { "the whole file".into() } else { holes.join(", ") };
        println!("  {}: {holes}", file.display());
    }
    println!("Only what is inside these is judged, so put your helper functions and `use` lines there too.");
    if let Some(earlier) = desk.aside(exercise).last() {
        println!("Your earlier work is in {}.", earlier.display());
    }
    if exercise.about.kind == Kind::Rebuild {
        println!("(`git diff` and the marks in your editor would show the answer, because the chapter has it.)");
    }
    println!("\nTo check it:      make check EXERCISE={number}");
    println!("For a hint:       make hint EXERCISE={number}");
    println!("To put it away:   make mend EXERCISE={number}");
    Ok(ExitCode::SUCCESS)
}

/// Judges the student's answer, and prints what was found.
pub fn check(workspace: &Workspace, options: &CheckOptions) -> Result<ExitCode> {
    if options.exercise.is_none()
        && let Some(status) = hunt::check(workspace)?
    {
        return Ok(status);
    }
    let mut desk = Desk::open(workspace)?;
    let exercise = desk.exercise(options.exercise.as_deref())?.clone();
    let copy = Copy::open(workspace)?;
    loop {
        let before = fingerprint(workspace, &exercise);
        let status = check_once(&mut desk, &copy, &exercise, options.seed)?;
        if !options.watch {
            return Ok(status);
        }
        println!("\n(Waiting until {} changes; Ctrl-C ends this.)", files(&exercise));
        while fingerprint(workspace, &exercise) == before {
            if interrupt::happened() {
                bail!("Interrupted.");
            }
            thread::sleep(PAUSE);
        }
        println!();
    }
}

fn check_once(desk: &mut Desk, copy: &Copy, exercise: &Exercise, seed: u32) -> Result<ExitCode> {
    match desk.state(exercise)? {
        State::Untouched if exercise.about.kind == Kind::Rebuild => {
            bail!("Exercise {} is not open. `make start EXERCISE={0}` begins it.", exercise.about.number);
        }
        _ => {}
    }
    if !copy.has_right(exercise, &desk.pristine)? {
        println!(
            "(The first check of an exercise builds the right answer too, and the first one of all builds everything."
        );
        println!("That takes some minutes.)\n");
    }
    let judge = Judge::new(copy, &desk.pristine, exercise, seed)?;
    let answer = desk.answer(exercise);
    let checked = answer.and_then(|answer| desk.pristine.check(exercise, &answer).map(|()| answer));
    let judgement = match checked {
        Ok(answer) => {
            println!("Building your kernel, and then running {} …\n", tests(judge.runs()));
            judge.judge(&answer)?
        }
        Err(why) => judge.refuse(why),
    };
    print!("{}", report::text(exercise, &judgement));
    report::save(copy, exercise, &judgement)?;
    for picture in report::pictures(copy, exercise, &judgement)? {
        println!("A picture of the page tables, yours beside the right ones: {}", picture.display());
    }
    let number = &exercise.about.number;
    match (desk.note(&judgement)?, judgement.points()) {
        (Some(best), Some(points)) if best > points => {
            println!("(Your best check so far gave {best} points, which stay.)")
        }
        (_, Some(points)) if points == exercise.public_points() => {
            println!("\nTo hand it in:    make submission EXERCISE={number}");
            println!("To put it away:   make mend EXERCISE={number}");
        }
        _ => {}
    }
    // If a file cannot be parsed, it is not known what lies outside.
    let changes = if judgement.refused.is_none() { desk.other_changes(exercise)? } else { Vec::new() };
    if !changes.is_empty() {
        println!("\nYou have changed these files outside the functions that you write. That is not judged:");
        changes.iter().for_each(|file| println!("  {}", file.display()));
    }
    let is_good = judgement.lost().is_empty() && judgement.points().is_some();
    Ok(if is_good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Prints the next hint.
pub fn hint(workspace: &Workspace, options: &Options) -> Result<ExitCode> {
    let mut desk = Desk::open(workspace)?;
    let exercise = desk.exercise(options.exercise.as_deref())?.clone();
    let text = exercise.text(workspace.root.as_path(), "hints.md");
    let hints: Vec<&str> = text.split(BETWEEN_HINTS).map(str::trim).filter(|hint| !hint.is_empty()).collect();
    let all = hints.len();
    let read = desk.note_hint(&exercise.about.number, all)?;
    match hints.get(read) {
        Some(hint) => println!("Hint {} of {all}\n\n{}", read + 1, for_terminal(hint)),
        None => {
            println!("You have read all {all} hints.\n");
            for (number, hint) in (1..).zip(&hints) {
                println!("Hint {number} of {all}\n\n{}\n", for_terminal(hint));
            }
            if exercise.has_answer(desk.pristine.files()) {
                println!("The answer: make solution EXERCISE={}", exercise.about.number);
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Prints the right answer, or puts it into the files.
pub fn solution(workspace: &Workspace, options: &SolutionOptions) -> Result<ExitCode> {
    let mut desk = Desk::open(workspace)?;
    let exercise = &desk.exercise(options.exercise.as_deref())?.clone();
    if !exercise.has_answer(desk.pristine.files()) {
        bail!("The answer to exercise {} is not among these files. Ask those who gave them to you.", exercise.title());
    }
    let answer = desk.pristine.answer(exercise)?;
    desk.note_answer(&exercise.about.number)?;
    if options.put {
        desk.keep_edition(&desk.pristine.edition)?;
        let aside = desk.put_aside(exercise)?;
        desk.put(&answer)?;
        desk.note_open(&exercise.about.number, true)?;
        println!("The right answer is in your files now. What was there is in {}.", aside.display());
        return Ok(ExitCode::SUCCESS);
    }
    println!("{}", shown(&answer));
    Ok(ExitCode::SUCCESS)
}

/// The bodies of an answer, for a person.
fn shown(answer: &Answer) -> String {
    let mut text = String::new();
    for (path, filling) in answer {
        text += &format!("{}\n", path.display());
        match filling {
            Filling::Whole(whole) => text += &format!("\n{whole}\n"),
            Filling::Bodies(bodies) => {
                for (hole, body) in bodies {
                    text += &format!("\n{hole}: {{{body}}}\n");
                }
            }
        }
        text.push('\n');
    }
    text.trim_end().to_owned()
}

/// Puts an exercise away: keeps the student's work, and makes her files what they were before she began.
pub fn mend(workspace: &Workspace, word: &str) -> Result<ExitCode> {
    let mut desk = Desk::open(workspace)?;
    let exercise = &desk.exercise(Some(word))?.clone();
    let state = desk.state(exercise)?;
    if state == State::Untouched {
        println!("Exercise {} is not open.", exercise.title());
        return Ok(ExitCode::SUCCESS);
    }
    let aside = if state == State::Blank { None } else { Some(desk.put_aside(exercise)?) };
    if state == State::Damaged {
        // The holes cannot be found, so the whole files come back.
        for file in exercise.about.holes.keys() {
            fs::write(workspace.root.join(file), desk.pristine.text(file)?)?;
        }
    } else {
        desk.put(&match exercise.about.kind {
            Kind::Rebuild => desk.pristine.answer(exercise)?,
            Kind::Extend => desk.pristine.blank(exercise)?,
        })?;
    }
    desk.keep_edition(&desk.pristine.edition)?;
    desk.note_open(&exercise.about.number, false)?;
    let kept = aside.map_or(String::new(), |aside| format!(" Your work is in {}.", aside.display()));
    println!("Exercise {} is put away.{kept}", exercise.title());
    for file in desk.other_changes(exercise)?.iter().filter(|file| exercise.about.holes.contains_key(*file)) {
        println!("What you have changed in {0} outside its holes stays; `git restore {0}` removes it.", file.display());
    }
    Ok(ExitCode::SUCCESS)
}

/// Prints which exercises are open, for a person who types `make mend` without one.
pub fn remind(workspace: &Workspace) -> Result<()> {
    let desk = Desk::open(workspace)?;
    for exercise in &desk.exercises {
        if desk.state(exercise)? != State::Untouched {
            println!(
                "Exercise {} is open: `make mend EXERCISE={}` puts it away.",
                exercise.title(),
                exercise.about.number
            );
        }
    }
    Ok(())
}

/// Writes the one file to hand in: the files with holes, each after a line with its name.
pub fn submission(workspace: &Workspace, options: &Options) -> Result<ExitCode> {
    let desk = Desk::open(workspace)?;
    let exercise = desk.exercise(options.exercise.as_deref())?;
    if desk.state(exercise)? == State::Untouched {
        bail!("Exercise {} is not open, so there is nothing to hand in.", exercise.title());
    }
    let text = |file: &PathBuf| {
        let path = workspace.root.join(file);
        let text = fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
        Ok((file.clone(), text))
    };
    let text = submission::one_file(exercise.about.holes.keys().map(text).collect::<Result<Vec<_>>>()?);
    let path = Path::new(SUBMISSIONS).join(format!("{}.rs", exercise.name()));
    fs::create_dir_all(workspace.root.join(SUBMISSIONS))?;
    fs::write(workspace.root.join(&path), text)?;
    if let Err(NoAnswer::Refused(why) | NoAnswer::Infrastructure(why)) =
        submission::read(exercise, &desk.pristine, &workspace.root.join(&path))
    {
        println!("(It would be refused: {why})");
    }
    println!("{}", path.display());
    Ok(ExitCode::SUCCESS)
}

/// Text as a terminal shows it well: paragraphs and items in lines of readable width, and files in place of links to
/// them. Code and tables stay as they are.
fn for_terminal(text: &str) -> String {
    const COLUMNS: usize = 100;
    let text = without_links(text);
    let (mut lines, mut is_code) = (Vec::<String>::new(), false);
    // What the further lines of the open paragraph begin with; `None` if none is open.
    let mut indent: Option<String> = None;
    for line in text.lines() {
        let is_fence = line.trim_start().starts_with("```");
        let mark = mark_of_item(line);
        let is_in_item = indent.as_ref().is_some_and(|indent| !indent.is_empty());
        let continues = indent.is_some() && mark == 0 && (!line.starts_with(' ') || is_in_item);
        let stays = line.is_empty() || line.starts_with(['|', '#']) || line.starts_with(' ') && !continues;
        if is_code || is_fence || stays {
            lines.push(line.into());
            is_code ^= is_fence;
            indent = None;
            continue;
        }
        if !continues {
            lines.push(String::new());
            indent = Some(" ".repeat(mark));
        }
        for word in line.split(' ').filter(|word| !word.is_empty()) {
            let last = lines.last_mut().expect("one was pushed");
            if last.is_empty() {
                last.push_str(word);
            } else if last.chars().count() + 1 + word.chars().count() <= COLUMNS {
                *last += &format!(" {word}");
            } else {
                lines.push(format!("{}{word}", indent.as_deref().unwrap_or_default()));
            }
        }
    }
    lines.join("\n")
}

/// How long the mark of an item is that begins in this line, such as `- ` or `12. `; 0 if none does.
fn mark_of_item(line: &str) -> usize {
    let digits = line.chars().take_while(char::is_ascii_digit).count();
    match digits {
        0 if line.starts_with("- ") => 2,
        0 => 0,
        _ if line[digits..].starts_with(". ") => digits + 2,
        _ => 0,
    }
}

/// A text in which `[words](../../path#part)` is `words (path)`.
fn without_links(text: &str) -> String {
    let mut read = String::new();
    let mut rest = text;
    while let Some((before, link)) = rest.split_once('[') {
        read += before;
        let parts = link.split_once("](").and_then(|(words, rest)| Some((words, rest.split_once(')')?)));
        match parts {
            Some((words, (target, after))) if !words.contains(['[', ']', '\n']) => {
                let path = target.split('#').next().unwrap_or_default().trim_start_matches("../");
                read += &if path.is_empty() { words.to_owned() } else { format!("{words} ({path})") };
                rest = after;
            }
            _ => {
                read.push('[');
                rest = link;
            }
        }
    }
    read + rest
}

/// A number of tests, in words.
fn tests(number: usize) -> String {
    if number == 1 { "one test".into() } else { format!("{number} tests") }
}

fn files(exercise: &Exercise) -> String {
    let names = exercise.about.holes.keys().map(|file| file.display().to_string());
    names.collect::<Vec<_>>().join(" or ")
}

/// A number that changes when a file with holes changes.
fn fingerprint(workspace: &Workspace, exercise: &Exercise) -> u64 {
    let mut hasher = DefaultHasher::new();
    for file in exercise.about.holes.keys() {
        fs::read(workspace.root.join(file)).ok().hash(&mut hasher);
    }
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paragraphs_are_wrapped_and_code_is_not() {
        let word = "fifteen-letters";
        let long = [word; 10].join(" ");
        let (six, four) = ([word; 6].join(" "), [word; 4].join(" "));
        assert_eq!(for_terminal(&format!("# T\n\n{long}\n")), format!("# T\n\n{six}\n{four}"));
        assert_eq!(for_terminal("one\ntwo\n\nthree"), "one two\n\nthree");
        assert_eq!(for_terminal("- one\n  and\n- two"), "- one and\n- two");
        assert_eq!(for_terminal("1. one\n   and\n10. two\nmore"), "1. one and\n10. two more");
        assert_eq!(for_terminal(&format!("- {long}")), format!("- {six}\n  {four}"));
        let code = format!("```\n{long}\n```");
        assert_eq!(for_terminal(&code), code);
        let table = format!("| {long} |");
        assert_eq!(for_terminal(&table), table);
    }

    #[test]
    fn links_name_the_files_that_they_lead_to() {
        let text = "Read \"A\" in [chapter 4](../../book/src/04-interrupts.md#a), and `a[1]` (see [b]).";
        let read = "Read \"A\" in chapter 4 (book/src/04-interrupts.md), and `a[1]` (see [b]).";
        assert_eq!(for_terminal(text), read);
    }
}
