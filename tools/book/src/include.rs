//! Checks where a listing comes from: `{{#include ../../chapters/05-paging/src/page.rs:frame}}`.
//!
//! mdBook itself would leave the listing out, or leave it empty, and report success.

use crate::anchors;
use crate::sources::{FIGURES, PAGES, Sources, resolve};

/// A file, or a part of it.
#[derive(Debug, PartialEq)]
pub struct Include {
    /// Relative to the project's folder.
    pub path: String,
    part: Part,
}

#[derive(Debug, PartialEq)]
enum Part {
    Whole,
    Anchor(String),
    /// The first and the last line, both included, counted from 1.
    Lines(usize, usize),
}

/// Why there is nothing to show.
#[derive(Debug, PartialEq)]
pub enum Lack {
    /// It has yet to be captured from a running kernel.
    Untaken(String),
    /// The page or the source is wrong.
    Wrong(String),
}

impl Include {
    /// Parses the argument of `include`.
    pub fn parse(argument: &str) -> Result<Self, Lack> {
        let wrong = |why: &str| Lack::Wrong(format!("\"{argument}\" cannot be included: {why}."));
        let (path, part) = argument.split_once(':').unwrap_or((argument, ""));
        let path = resolve(PAGES, path).ok_or_else(|| wrong("it leads out of the project"))?;
        let number = |text: &str| text.parse::<usize>().ok().filter(|number| *number > 0);
        let part = match (part, part.split_once(':')) {
            ("", _) => Part::Whole,
            (_, Some((from, to))) => match (number(from), number(to)) {
                (Some(from), Some(to)) if from <= to => Part::Lines(from, to),
                _ => return Err(wrong("lines are asked for by two numbers, the first and the last")),
            },
            (name, None) => match number(name) {
                Some(line) => Part::Lines(line, line),
                None => Part::Anchor(name.into()),
            },
        };
        Ok(Self { path, part })
    }

    /// Whether this was captured from a running kernel.
    pub fn is_taken(&self) -> bool {
        self.path.starts_with(FIGURES)
    }

    /// The name of the anchor, if the include names one.
    pub fn anchor(&self) -> Option<&str> {
        if let Part::Anchor(name) = &self.part { Some(name) } else { None }
    }

    /// The lines that the page will show; never empty.
    pub fn text(&self, sources: &Sources) -> Result<String, Lack> {
        let path = &self.path;
        if !sources.has(path) {
            let message = format!("There is no file {path}.");
            let untaken = format!("{message} `make figures` takes it.");
            return Err(if self.is_taken() { Lack::Untaken(untaken) } else { Lack::Wrong(message) });
        }
        let text = sources.read(path).map_err(Lack::Wrong)?;
        self.part_of(&text).map_err(|what| Lack::Wrong(format!("{path} {what}.")))
    }

    fn part_of(&self, text: &str) -> Result<String, String> {
        match &self.part {
            Part::Anchor(name) => anchors::between(text, name),
            Part::Whole if text.trim().is_empty() => Err("is empty".into()),
            Part::Whole if !anchors::names(text).is_empty() => {
                Err("has anchors, which a page would show; ask for one of them".into())
            }
            Part::Whole => Ok(text.into()),
            Part::Lines(..) if !self.is_taken() => Err("is a source: ask for an anchor in it, for lines move".into()),
            Part::Lines(from, to) => {
                let lines: Vec<&str> = text.lines().collect();
                let lines = lines.get(from - 1..*to).ok_or(format!("has only {} lines", lines.len()))?;
                let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
                if text.trim().is_empty() { Err("has nothing in these lines".into()) } else { Ok(text) }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::sources::tests::project;
    use super::*;

    fn text(argument: &str) -> Result<String, Lack> {
        let source = "// ANCHOR: a\nb\n// ANCHOR_END: a\n";
        let files = [
            ("common/a.rs", source),
            ("common/b.rs", "b\n"),
            ("common/c.rs", "\n"),
            ("book/figures/1.txt", "1\n2\n3\n\n"),
        ];
        let (_folder, sources) = project(&files);
        Include::parse(argument)?.text(&sources)
    }

    #[test]
    fn parts_of_files_are_taken() {
        for (argument, expected) in [
            ("../../common/a.rs:a", "b\n"),
            ("../../common/b.rs", "b\n"),
            ("../figures/1.txt:2:3", "2\n3\n"),
            ("../figures/1.txt:3", "3\n"),
            ("../figures/1.txt", "1\n2\n3\n\n"),
        ] {
            assert_eq!(text(argument).as_deref(), Ok(expected), "{argument}");
        }
    }

    #[test]
    fn impossible_includes_are_reported() {
        for (argument, lack) in [
            ("../../../a.rs", "out of the project"),
            ("../../common/x.rs:a", "There is no file common/x.rs."),
            ("../../common/a.rs:b", "no anchor"),
            ("../../common/a.rs", "has anchors"),
            ("../../common/b.rs:1", "lines move"),
            ("../../common/c.rs", "is empty"),
            ("../figures/1.txt:2:9", "only 4 lines"),
            ("../figures/1.txt:4", "nothing in these"),
            ("../figures/1.txt:3:2", "two numbers"),
            ("../figures/1.txt:0:2", "two numbers"),
        ] {
            let Err(Lack::Wrong(message)) = text(argument) else { panic!("{argument}") };
            assert!(message.contains(lack), "{argument}: {message}");
        }
        assert!(matches!(text("../figures/2.txt"), Err(Lack::Untaken(_))));
    }
}
