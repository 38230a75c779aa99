//! `make words`: how long the book's pages are, and how often a few words are used that name no actor.
//!
//! "The scheduler" and "the caller" are what a reader wants to know; a pronoun for all the world hides them.

use anyhow::Result;
use book::prose::Length;
use machine::tally::Tally;
use machine::workspace::Workspace;
use std::fs;
use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;
use trials::git;

/// The words, in two parts: so this file does not use them itself.
const WORDS: [(&str, &str); 5] =
    [("no", "body"), ("some", "body"), ("who", "ever"), ("every", "body"), ("for ", "ever")];
/// How many of them there may be, all together.
const MOST: usize = 10;
/// Where a text may lie that the book answers, and did not write.
const QUOTED: &str = "seed/";

/// One of the words, at its place.
struct Place {
    file: String,
    line: usize,
    word: usize,
}

/// Prints the words of each page, and the places of those words. Fails if there are too many of either.
pub fn words(workspace: &Workspace) -> Result<ExitCode> {
    let lengths = book::lengths(workspace)?;
    println!("Words of prose, without code, tables and what is folded:");
    lengths.iter().for_each(|length| println!("{}", row(length)));
    let places = places(&workspace.root)?;
    println!("\nWords that name no actor, in all files:");
    for (word, (start, end)) in WORDS.iter().enumerate() {
        let count = places.iter().filter(|place| place.word == word).count();
        println!("{count:>7} {start}{end}");
    }
    println!("{:>7} all together, of at most {MOST}", places.len());
    places.iter().for_each(|place| println!("        {}", place.described()));
    let is_good = places.len() <= MOST && !lengths.iter().any(Length::is_too_long);
    Ok(if is_good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn row(length: &Length) -> String {
    let Length { page, words, most } = length;
    let most = most.map_or(String::new(), |most| format!(", of at most {most}"));
    let verdict = if length.is_too_long() { "   TOO LONG" } else { "" };
    format!("{words:>7} {page}{most}{verdict}")
}

/// For `make lint`: there are not too many of those words. Where git does not know the files, they are not counted.
pub fn check(workspace: &Workspace, tally: &Tally) {
    let start = Instant::now();
    match places(&workspace.root) {
        Ok(places) => tally.note("words that name no actor", outcome(&places), start.elapsed()),
        Err(error) if std::env::var_os("CI").is_none() => println!("The words were not counted: {error:#}"),
        Err(error) => tally.note("words that name no actor", Err(format!("{error:#}")), start.elapsed()),
    }
}

fn outcome(places: &[Place]) -> Result<(), String> {
    if places.len() <= MOST {
        return Ok(());
    }
    let described: Vec<String> = places.iter().map(Place::described).collect();
    Err(format!("There are {} of them, and at most {MOST} are allowed:\n{}", places.len(), described.join("\n")))
}

impl Place {
    fn described(&self) -> String {
        let (start, end) = WORDS[self.word];
        format!("{}:{}: {start}{end}", self.file, self.line)
    }
}

/// All places in the texts of the project.
fn places(root: &Path) -> Result<Vec<Place>> {
    let mut files = git::files(root)?;
    files.sort();
    let mut places = Vec::new();
    for path in files.iter().filter(|path| !path.starts_with(QUOTED)) {
        // What is no text has no words.
        if let Ok(text) = fs::read_to_string(root.join(path)) {
            let file = path.display().to_string();
            places.extend(found(&text).into_iter().map(|(line, word)| Place { file: file.clone(), line, word }));
        }
    }
    Ok(places)
}

/// The lines in which one of the words begins, and which word it is.
fn found(text: &str) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    let mut last: Option<(&str, usize, usize)> = None;
    let (mut line, mut counted) = (1, 0);
    for (start, token) in tokens(text) {
        line += text[counted..start].matches('\n').count();
        counted = start;
        let is_word = |(first, second): &(&str, &str)| match first.strip_suffix(' ') {
            None => joined(first, second, token),
            Some(first) => last.is_some_and(|(before, end, _)| {
                before.eq_ignore_ascii_case(first)
                    && token.eq_ignore_ascii_case(second)
                    && text[end..start].chars().all(is_between)
            }),
        };
        if let Some(word) = WORDS.iter().position(is_word) {
            let is_pair = WORDS[word].0.ends_with(' ');
            found.push((last.filter(|_| is_pair).map_or(line, |(.., line)| line), word));
        }
        last = Some((token, start + token.len(), line));
    }
    found
}

/// Whether a token is these two parts.
fn joined(first: &str, second: &str, token: &str) -> bool {
    let parts = token.split_at_checked(first.len());
    parts.is_some_and(|(start, end)| start.eq_ignore_ascii_case(first) && end.eq_ignore_ascii_case(second))
}

/// What may stand between two words that are read as one: spaces, and the marks of a comment's next line.
fn is_between(c: char) -> bool {
    c.is_whitespace() || "/!*#;>".contains(c)
}

/// The runs of letters, with their places.
fn tokens(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let place = |part: &str| part.as_ptr() as usize - text.as_ptr() as usize;
    let parts = text.split(|c: char| !c.is_alphabetic()).filter(|part| !part.is_empty());
    parts.map(move |part| (place(part), part))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The words in a text in which they are written with a plus inside.
    fn of(text: &str) -> Vec<(usize, usize)> {
        found(&text.replace('+', ""))
    }

    #[test]
    fn each_word_is_found_in_its_line() {
        let text = "No+body, and\n`some+body_waits`: who+ever\nEVERY+BODY's\nfor+ ever";
        assert_eq!(of(text), [(1, 0), (2, 1), (2, 2), (3, 3), (4, 4)]);
    }

    #[test]
    fn a_line_may_end_between_two_words() {
        for text in
            ["a\nhalts for+\never", "a\n/// halts for+\n    /// ever", "a\n * for+\n * ever", "a\n# for+\n# ever"]
        {
            assert_eq!(of(text), [(2, 4)], "{text}");
        }
    }

    #[test]
    fn other_words_are_not_found() {
        for text in
            ["bodyno", "no body", "nobodys+x", "forever", "for each, ever", "(\"for+ \", \"ever\")", "ever for", ""]
        {
            assert_eq!(of(text), [], "{text}");
        }
    }

    #[test]
    fn ten_are_too_few_to_fail() {
        let places = |count: usize| -> Vec<Place> {
            (1..=count).map(|line| Place { file: "a.rs".into(), line, word: 0 }).collect()
        };
        assert_eq!(outcome(&places(10)), Ok(()));
        let described = outcome(&places(11)).expect_err("too many");
        assert!(
            described.starts_with("There are 11 ") && described.ends_with(&format!("a.rs:11: no{}", "body")),
            "{described}"
        );
    }

    #[test]
    fn quoted_texts_and_binary_files_are_left_out() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let root = folder.path();
        let made = std::process::Command::new("git").args(["init", "--quiet"]).current_dir(root).status();
        assert!(made.expect("git is there").success());
        fs::write(root.join(".gitignore"), "/target\n").expect("a new file");
        let word = format!("no{}", "body");
        for name in ["seed/a.md", "target/a.md", "in/a.md"] {
            fs::create_dir_all(root.join(name).parent().expect("a folder")).expect("a folder");
            fs::write(root.join(name), &word).expect("a file");
        }
        fs::write(root.join("in/b"), [word.as_bytes(), &[0xFF]].concat()).expect("a file");
        let described: Vec<String> = places(root).expect("a list").iter().map(Place::described).collect();
        assert_eq!(described, [format!("in/a.md:1: {word}")]);
    }
}
