//! Questions: a reader predicts what a kernel will do, and the machine says whether she is right.
//!
//! `exercises/questions.toml` has them. A seed chooses the number in a question, and the answer is not written anywhere:
//! the kernel of the question is built and run.

use crate::desk::Desk;
use crate::judge::USUAL_SEED;
use crate::tree::{Copy, Pristine};
use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use machine::boot::Boot;
use machine::ending::Ending;
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
use trials::exercise;

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
    /// The answer is the log's line that begins like this.
    line: String,
    /// Which numbers of that line are asked for, counted from 0; all, if none is named.
    #[serde(default)]
    numbers: Vec<usize>,
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
    let copy = Copy::open(workspace)?;
    if !copy.is_warm() {
        println!("(The first time, this builds everything once, which takes some minutes.)\n");
    }
    let right = question.answer(&copy, &pristine, number)?;
    let (wanted, given) = (question.wanted(&right)?, numbers(answer));
    if given == wanted {
        println!("Right. The kernel prints: {right}");
        return Ok(ExitCode::SUCCESS);
    }
    if given.len() == wanted.len() {
        println!(
            "The kernel prints something else. Think again, or see what it does: try it by hand, with `make run`."
        );
    } else {
        println!("The question asks for {} numbers, and your answer has {}.", wanted.len(), given.len());
    }
    Ok(ExitCode::FAILURE)
}

/// Checks for `make test-course` that every question has an answer.
pub fn check(copy: &Copy, pristine: &Pristine) -> Result<()> {
    for question in read(pristine)? {
        let answer = question.answer(copy, pristine, question.number(USUAL_SEED));
        let wanted = answer.and_then(|right| question.wanted(&right));
        wanted.with_context(|| format!("The question: {}", question.text))?;
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
        let run = boot.watch(io::sink())?;
        ensure!(
            !matches!(run.ending, Ending::Hang(..)),
            "This machine is too busy: the kernel did not end within {} seconds. Try it again later.",
            MOST_TIME.as_secs()
        );
        let text = run.text;
        let lines: Vec<&str> = text.lines().collect();
        let mut starts = (0..lines.len()).filter(|place| lines[*place].trim_start().starts_with(&self.line));
        let Some(place) = starts.nth(self.skip) else {
            bail!("The kernel prints no line \"{}\". Its log:\n{text}", self.line);
        };
        let line = if self.next_line { lines.get(place + 1).copied().unwrap_or_default() } else { lines[place] };
        Ok(line.trim().to_owned())
    }

    /// The numbers of the kernel's line that the question asks for.
    fn wanted(&self, right: &str) -> Result<Vec<String>> {
        let all = numbers(right);
        ensure!(!all.is_empty(), "The kernel's line has no number: {right}");
        if self.numbers.is_empty() {
            return Ok(all);
        }
        let number = |place: &usize| all.get(*place).cloned();
        let wanted: Option<Vec<String>> = self.numbers.iter().map(number).collect();
        wanted.with_context(|| format!("The kernel's line has only {} numbers: {right}", all.len()))
    }
}

/// The numbers of a line, decimal and without zeros before them. A unit may follow a number without a space.
fn numbers(text: &str) -> Vec<String> {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '.');
    words.filter_map(number).collect()
}

fn number(word: &str) -> Option<String> {
    if let Some(digits) = word.strip_prefix("0x").or_else(|| word.strip_prefix("0X")) {
        return u64::from_str_radix(digits.trim_end_matches('.'), 16).ok().map(|number| number.to_string());
    }
    let is_part = |c: char| c.is_ascii_digit() || c == '.';
    let digits = word.find(|c: char| !is_part(c)).map_or(word, |end| &word[..end]).trim_end_matches('.');
    let (whole, places) = digits.split_once('.').map_or((digits, None), |(whole, places)| (whole, Some(places)));
    let whole = whole.parse::<u64>().ok()?.to_string();
    Some(places.map_or(whole.clone(), |places| format!("{whole}.{places}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_count_and_words_do_not() {
        let right = "12288 bytes, 2 blocks in use with 8416 bytes, 1 free, the largest 3872";
        assert_eq!(numbers(right), ["12288", "2", "8416", "1", "3872"]);
        assert_eq!(numbers("12288 2 8416 1 3872"), numbers(right));
        assert_eq!(numbers("0x10, 15144KiB"), numbers("at 0x00000010: 015144 KiB."));
        assert_eq!(numbers("99.998 Hz: 1193182 Hz divided by 11932."), ["99.998", "1193182", "11932"]);
        assert_eq!(numbers("b8 and a1"), [""; 0]);
    }

    fn question(numbers: &[usize]) -> Question {
        let text =
            format!("chapter = '1'\ntext = ''\nline = ''\nnumbers = {numbers:?}\nn = {{ start = 1, end = 2 }}\n");
        toml::from_str(&text).expect("a question")
    }

    #[test]
    fn a_question_may_ask_for_some_of_the_numbers() {
        let line = "0x18: base 0x00010000, limit 0x00000fff, ring 0";
        assert_eq!(question(&[1, 2]).wanted(line).expect("it has four"), ["65536", "4095"]);
        assert_eq!(question(&[]).wanted(line).expect("it has four"), ["24", "65536", "4095", "0"]);
        assert!(question(&[4]).wanted(line).is_err());
    }
}
