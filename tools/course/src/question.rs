//! Questions: a reader predicts what a kernel will do, and the machine says whether she is right.
//!
//! `exercises/questions.toml` has them. A seed chooses the number in a question, and the answer is not written anywhere:
//! the kernel of the question is built and run.

use crate::desk::Desk;
use crate::judge::USUAL_SEED;
use crate::tree::{Copy, Pristine};
use anyhow::{Context, Result, bail, ensure};
use book::exercise;
use clap::Args;
use machine::boot::Boot;
use machine::kernels;
use machine::listing::Listed;
use machine::vm::COUNTED_TIME;
use machine::watch::{Orders, Typist};
use machine::workspace::Workspace;
use serde::Deserialize;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

const FILE: &str = "questions.toml";
/// In a question, this stands for the number that the seed chooses.
const NUMBER: &str = "{n}";
const MOST_TIME: Duration = Duration::from_secs(120);

/// The options of `make question`.
#[derive(Args)]
pub struct Options {
    /// Number or name of the chapter; the last one if not given.
    #[arg(long)]
    chapter: Option<String>,
    /// Which question of the chapter, if it has several.
    #[arg(long, default_value_t = 1)]
    question: usize,
    /// Which number the question is about.
    #[arg(long, default_value_t = USUAL_SEED)]
    seed: u32,
    /// The answer. Without one, the question is printed.
    #[arg(long)]
    answer: Option<String>,
}

/// The contents of the file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    question: Vec<Question>,
}

/// One question.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Question {
    /// The chapter's number or name.
    chapter: String,
    /// The question, with `{n}` for the number.
    text: String,
    /// What the number may be.
    n: Range<u32>,
    /// The number is a multiple of this.
    #[serde(default = "one")]
    step: u32,
    /// What to change in the kernel's sources.
    #[serde(default)]
    change: Vec<Change>,
    /// The memory of the machine, in MiB.
    #[serde(default)]
    memory: Option<String>,
    /// The answer is the rest of the log's line that begins like this.
    line: String,
    /// How many lines before the answer begin in the same way.
    #[serde(default)]
    skip: usize,
    /// The answer is the line after that one instead.
    #[serde(default)]
    next_line: bool,
}

fn one() -> u32 {
    1
}

/// A change of a source: each `old` becomes `new`, which may contain `{n}`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Change {
    file: PathBuf,
    old: String,
    new: String,
}

/// Asks a question, or checks the answer to it.
pub fn question(workspace: &Workspace, options: &Options) -> Result<ExitCode> {
    let chapter = workspace.chapter(options.chapter.as_deref())?;
    let pristine = Desk::open(workspace)?.pristine;
    let all = read(&pristine)?;
    let is_its =
        |question: &&Question| workspace.chapter(Some(&question.chapter)).is_ok_and(|other| other.name == chapter.name);
    let mut its: Vec<&Question> = all.iter().filter(is_its).collect();
    ensure!(!its.is_empty(), "{} has no question.", chapter.name);
    ensure!(
        (1..=its.len()).contains(&options.question),
        "{} has {} questions: QUESTION=1 to {1}.",
        chapter.name,
        its.len()
    );
    let several = its.len() > 1;
    let question = its.swap_remove(options.question - 1);
    let number = question.number(options.seed);
    let Some(answer) = &options.answer else {
        println!("{}", question.text.replace(NUMBER, &number.to_string()).trim());
        let place = chapter.name.split('-').next().unwrap_or_default().trim_start_matches('0');
        let which = if several { format!(" QUESTION={}", options.question) } else { String::new() };
        println!("\nTo check your answer: make question CHAPTER={place}{which} SEED={} ANSWER='…'", options.seed);
        return Ok(ExitCode::SUCCESS);
    };
    let right = question.answer(&Copy::open(workspace)?, &pristine, number)?;
    if is_same(answer, &right) {
        println!("Right. The kernel prints: {right}");
        return Ok(ExitCode::SUCCESS);
    }
    println!(
        "The kernel says something else. Think again, or see it: the question can be tried by hand, with `make run`."
    );
    Ok(ExitCode::FAILURE)
}

/// Checks for `make test-course` that every question has an answer.
pub fn check(copy: &Copy, pristine: &Pristine) -> Result<()> {
    for question in read(pristine)? {
        let answer = question.answer(copy, pristine, question.number(USUAL_SEED));
        answer.with_context(|| format!("The question: {}", question.text))?;
    }
    Ok(())
}

fn read(pristine: &Pristine) -> Result<Vec<Question>> {
    let path = Path::new(exercise::FOLDER).join(FILE);
    let file: File =
        toml::from_str(pristine.text(&path)?).with_context(|| format!("{} has no questions", path.display()))?;
    Ok(file.question)
}

impl Question {
    /// The number that belongs to a seed.
    fn number(&self, seed: u32) -> u32 {
        let steps = (self.n.end - self.n.start).div_ceil(self.step);
        self.n.start + (seed.wrapping_mul(0x9E37_79B9) >> 8) % steps.max(1) * self.step
    }

    /// The answer, from the kernel.
    fn answer(&self, copy: &Copy, pristine: &Pristine, number: u32) -> Result<String> {
        let number = number.to_string();
        let mut files = pristine.files().clone();
        for Change { file, old, new } in &self.change {
            let text = files.get(file).with_context(|| format!("there is no file {}", file.display()))?;
            let text = String::from_utf8_lossy(text).into_owned();
            ensure!(text.contains(old), "{} does not contain \"{old}\"", file.display());
            files.put(file, text.replace(old, &new.replace(NUMBER, &number)).into_bytes());
        }
        copy.restore(&files)?;
        let chapter = copy.workspace().chapter(Some(&self.chapter))?;
        let kernel = kernels::build_one(copy.workspace(), chapter)?;
        let memory = self.memory.as_ref().map_or("16".into(), |memory| memory.replace(NUMBER, &number));
        let memory_mib = memory.parse().context("the memory is a number of MiB")?;
        let test = Listed { memory_mib, ..Listed::table() };
        let flags = COUNTED_TIME.map(String::from);
        let orders = Orders { timeout: MOST_TIME, typist: Typist::Letters("") };
        let boot =
            Boot { workspace: copy.workspace(), kernel: &kernel, words: "exit", test: &test, orders, flags: &flags };
        let text = boot.watch(io::sink())?.text;
        let lines: Vec<&str> = text.lines().collect();
        let mut starts = (0..lines.len()).filter(|place| lines[*place].trim_start().starts_with(&self.line));
        let Some(place) = starts.nth(self.skip) else {
            bail!("The kernel prints no line \"{}\". Its log:\n{text}", self.line);
        };
        let line = if self.next_line { lines.get(place + 1).copied().unwrap_or_default() } else { lines[place] };
        Ok(line.trim().to_owned())
    }
}

/// Whether an answer says what the kernel says. If the kernel's line has numbers, only they count.
fn is_same(answer: &str, right: &str) -> bool {
    let wanted = numbers(right);
    match wanted.is_empty() {
        true => answer.trim() == right,
        false => numbers(answer) == wanted,
    }
}

/// The numbers of a line.
fn numbers(text: &str) -> Vec<u64> {
    let is_part = |c: char| c.is_ascii_alphanumeric();
    let words = text.split(|c: char| !is_part(c)).filter(|word| word.starts_with(|c: char| c.is_ascii_digit()));
    let number = |word: &str| match word.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16).ok(),
        None => word.parse().ok(),
    };
    words.filter_map(number).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_count_and_words_do_not() {
        let right = "12288 bytes, 2 blocks in use with 8416 bytes, 1 free, the largest 3872";
        assert!(is_same("12288 2 8416 1 3872", right));
        assert!(is_same(right, right));
        assert!(!is_same("12288 2 8416 1 3873", right));
        assert!(is_same("0x10, 7", "at 0x00000010: 7"));
    }

    #[test]
    fn without_numbers_the_line_counts() {
        assert!(is_same(" AABB.. ", "AABB.."));
        assert!(!is_same("AABBB", "AABB.."));
    }
}
