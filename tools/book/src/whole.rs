//! Checks on the whole book: no source is left out, and nothing is shown twice.

use crate::anchors;
use crate::fault::Fault;
use crate::include::Include;
use crate::mistakes;
use crate::page::{Page, directive};
use crate::prose;
use crate::sources::{FIGURES, PAGES, Sources, page_of_mistakes};
use std::collections::BTreeMap;
use std::ops::Range;

/// The file that a reader sees first.
const README: &str = "README.md";

/// The parts of a chapter's page, in their order.
const PARTS: [&str; 8] =
    ["In short", "What is new", "The idea", "The code", "When it does not work", "Questions", "Exercises", "Further"];

/// The parsed pages.
struct Book<'a> {
    sources: &'a Sources,
    texts: &'a [(String, String)],
    pages: Vec<(String, Page)>,
}

/// What is wrong with the book as a whole.
pub fn faults(sources: &Sources, texts: &[(String, String)]) -> Vec<Fault> {
    let pages = texts.iter().map(|(name, text)| (name.clone(), Page::parse(text))).collect();
    let book = Book { sources, texts, pages };
    let checks = [
        Book::contents,
        Book::parts,
        Book::lengths,
        Book::anchors,
        Book::defects,
        Book::figures,
        Book::addresses,
        Book::readme,
    ];
    checks.iter().flat_map(|check| check(&book)).collect()
}

fn file_of(page: &str) -> String {
    format!("{PAGES}/{page}")
}

impl Book<'_> {
    /// Every include, page by page.
    fn includes(&self) -> impl Iterator<Item = Include> {
        let fences = self.pages.iter().flat_map(|(_, page)| &page.fences);
        let directives = fences.filter_map(|fence| directive(fence.what.text.trim()));
        directives.filter(|found| found.name == "include").filter_map(|found| Include::parse(&found.argument).ok())
    }

    /// The directives of this name, with their pages, lines and arguments.
    fn directives(&self, name: &str) -> impl Iterator<Item = (&str, usize, &str)> {
        let all =
            self.pages.iter().flat_map(|(page, content)| content.directives.iter().map(move |found| (page, found)));
        all.filter(move |(_, found)| found.what.name == name)
            .map(|(page, found)| (page.as_str(), found.line, found.what.argument.as_str()))
    }

    /// Every page is in the table of contents, and every chapter has a page.
    fn contents(&self) -> Vec<Fault> {
        let summary = self.sources.read(&file_of("SUMMARY.md")).unwrap_or_default();
        let unlisted = self.pages.iter().filter(|(name, _)| !summary.contains(&format!("]({name})")));
        let unlisted = unlisted.map(|(name, _)| Fault::of(&file_of(name), "SUMMARY.md does not list this page."));
        let chapters = self.sources.chapters.iter().map(|chapter| format!("{chapter}.md"));
        let unwritten = chapters.filter(|name| !self.pages.iter().any(|(page, _)| page == name));
        let unwritten = unwritten.map(|name| Fault::of(&file_of(&name), "This chapter has no page."));
        unlisted.chain(unwritten).collect()
    }

    /// A chapter's page has exactly its eight parts, in order.
    fn parts(&self) -> Vec<Fault> {
        let is_chapter = |name: &str| self.sources.chapters.iter().any(|chapter| format!("{chapter}.md") == name);
        let chapters = self.pages.iter().filter(|(name, _)| is_chapter(name));
        let fault = |(name, page): &(String, Page)| {
            let parts = page.headings.iter().filter(|heading| heading.what.level == 2);
            let parts: Vec<(usize, &str)> = parts.map(|heading| (heading.line, &*heading.what.text)).collect();
            let place = (0..parts.len().max(PARTS.len()))
                .find(|at| parts.get(*at).map(|part| part.1) != PARTS.get(*at).copied())?;
            let (line, found) = parts.get(place).copied().unwrap_or((0, "the end of the page"));
            let wanted = PARTS.get(place).copied().unwrap_or("the end of the page");
            let what = format!(
                "The headings ## of a chapter's page are {}; here is \"{found}\" instead of \"{wanted}\".",
                PARTS.join(", ")
            );
            Some(Fault::new(&file_of(name), line, what))
        };
        chapters.filter_map(fault).collect()
    }

    /// A chapter's own page is short enough to read in one sitting.
    fn lengths(&self) -> Vec<Fault> {
        let lengths = prose::lengths(self.sources, self.texts).into_iter().filter(prose::Length::is_too_long);
        let fault = |prose::Length { page, words, .. }| {
            let most = prose::MOST_WORDS;
            Fault::of(&file_of(&page), format!("It has {words} words of prose, and may have {most}: see `make words`."))
        };
        lengths.map(fault).collect()
    }

    /// The files that may have anchors: every file that goes into a kernel.
    fn anchored(&self) -> impl Iterator<Item = String> {
        let files = ["common", "harness", "chapters"].into_iter().flat_map(|folder| self.sources.files_in(folder));
        let files = files.filter(|path| !path.contains("/mutants/"));
        files.chain(["Cargo.toml", "linker.ld", "i686.json", "rust-toolchain.toml"].map(String::from))
    }

    /// Every anchor is well formed, and some page shows it.
    fn anchors(&self) -> Vec<Fault> {
        let shown: Vec<(String, String)> =
            self.includes().filter_map(|include| Some((include.path.clone(), include.anchor()?.to_owned()))).collect();
        let mut faults = Vec::new();
        for path in self.anchored() {
            let Ok(text) = self.sources.read(&path) else { continue };
            faults.extend(anchors::faults(&text).into_iter().map(|(line, what)| Fault::new(&path, line, what)));
            for (line, name) in anchors::names(&text) {
                if !shown.iter().any(|(file, anchor)| *file == path && anchor == name) {
                    faults.push(Fault::new(&path, line, format!("No page shows the anchor \"{name}\".")));
                }
            }
        }
        faults
    }

    /// Every defect is shown exactly once on its chapter's page of mistakes.
    fn defects(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        for chapter in &self.sources.chapters {
            let page = page_of_mistakes(chapter);
            let mut shown: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
            for (_, line, name) in self.directives("defect").filter(|(other, ..)| *other == page) {
                shown.entry(name).or_default().push(line);
            }
            match mistakes::of_chapter(self.sources, chapter) {
                Ok(defects) => {
                    faults.extend(defects.iter().filter(|defect| !shown.contains_key(&*defect.name)).map(|defect| {
                        Fault::of(&file_of(&page), format!("It does not show the defect {}.", defect.name))
                    }))
                }
                Err(error) => faults.push(Fault::of(&file_of(&page), error)),
            }
            for (name, lines) in shown.into_iter().filter(|(_, lines)| lines.len() > 1) {
                faults.push(Fault::new(&file_of(&page), lines[1], format!("It shows the defect {name} twice.")));
            }
        }
        faults
    }

    /// Some page shows each picture, log and session captured from running kernels.
    fn figures(&self) -> Vec<Fault> {
        let pictures: Vec<&str> = self.directives("picture").map(|(.., name)| name).collect();
        let included: Vec<String> = self.includes().map(|include| include.path).collect();
        let is_shown = |path: &String| match path.rsplit('/').next().unwrap_or_default().rsplit_once('.') {
            Some((name, "svg")) => pictures.contains(&name),
            Some((_, "txt")) => included.contains(path),
            Some(("bench", "json")) => self.directives("bench").count() > 0 && self.directives("growth").count() > 0,
            _ => true,
        };
        let figures = self.sources.files_in(FIGURES).into_iter();
        figures.filter(|path| !is_shown(path)).map(|path| Fault::of(&path, "No page shows this.")).collect()
    }

    /// The output that README shows, after the command in its first fence, consists of lines of the last chapter's log.
    fn readme(&self) -> Vec<Fault> {
        let Ok(text) = self.sources.read(README) else { return Vec::new() };
        let Some(log) = self.sources.chapters.last().and_then(|last| last.split('-').next()) else { return Vec::new() };
        let log = self.sources.read(&format!("{FIGURES}/{log}-log.txt")).unwrap_or_default();
        let lines = (1..).zip(text.lines()).skip_while(|(_, line)| !line.starts_with("```")).skip(1);
        let shown = lines.take_while(|(_, line)| !line.starts_with("```"));
        let is_said = |line: &str| line == "..." || line.starts_with("$ ") || log.lines().any(|said| said == line);
        let untrue = shown.filter(|(_, line)| !is_said(line));
        untrue.map(|(line, _)| Fault::new(README, line, "No line of the last chapter's log is this one.")).collect()
    }

    /// Every address that a chapter's page states occurs in what was captured from its kernel. Addresses move with
    /// every change of a kernel, but those typed into a page stay.
    fn addresses(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        for (page, text) in self.texts {
            let Some((number, _)) = self.sources.chapter_of(page).and_then(|chapter| chapter.split_once('-')) else {
                continue;
            };
            let start = format!("{FIGURES}/{number}-");
            let files = self.sources.files_in(FIGURES).into_iter().filter(|path| path.starts_with(&start));
            let taken: String = files.filter_map(|path| self.sources.read(&path).ok()).collect();
            for (line, words) in (1..).zip(text.lines()) {
                for address in addresses(words).filter(|address| !is_in(&taken, address)) {
                    let what = format!("Nothing that was taken from this chapter's kernel shows {address}.");
                    faults.push(Fault::new(&file_of(page), line, what));
                }
            }
        }
        faults
    }
}

/// The memory that the kernels occupy, and the memory after them that they allocate.
const MEMORY: Range<u32> = 0x0010_0000..0x0100_0000;
/// The addresses of kernel stacks.
const STACKS: Range<u32> = 0xD000_0000..0xE000_0000;

/// Whether the captured text contains an address: with all its digits, as the kernels print it, or without leading
/// zeros, as gdb prints it.
fn is_in(taken: &str, address: &str) -> bool {
    let short = address.to_lowercase().replace("0x0", "0x").replace("0x0", "0x");
    taken.contains(&address.to_lowercase()) || taken.contains(&short)
}

/// The addresses in a line that have all their digits.
fn addresses(line: &str) -> impl Iterator<Item = &str> {
    let words = line.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| word.len() == "0x00000000".len());
    words.filter(|word| {
        let number = word.strip_prefix("0x").and_then(|digits| u32::from_str_radix(digits, 16).ok());
        number.is_some_and(|number| MEMORY.contains(&number) || STACKS.contains(&number))
    })
}

#[cfg(test)]
mod tests;
