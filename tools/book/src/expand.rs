//! Expands a page's directives into the Markdown that mdBook reads.

use crate::fault::Fault;
use crate::html::{escaped, link};
use crate::include::{Include, Lack};
use crate::listing_order::fence_around;
use crate::page::{Directive, Fence, MARK, Page, Piece, Span, directive};
use crate::sources::{GLOSSARY, PAGES, Sources, number};
use crate::{exercises, listing_order, map, mistakes, picture, speed, whats_new};
use std::ops::Range;

/// The folders whose files the pages name by path.
const FOLDERS: [&str; 5] = ["chapters/", "common/", "harness/", "tools/", "book/"];

/// Languages whose text always comes from a file, because text typed into a page can become untrue.
const TAKEN: [&str; 4] = ["rust", "asm", "ld", "text"];
/// Languages for what a reader types; the output always comes from a file.
const TYPED: [&str; 2] = ["console", "gdb"];
const PROMPTS: [&str; 2] = ["$ ", "(gdb) "];
/// The word after such a language for text that is neither kernel code nor kernel output.
const DRAWN: &str = "drawn";

/// A page while its directives are expanded.
struct Expansion<'a> {
    sources: &'a Sources,
    name: &'a str,
    text: &'a str,
    edits: Vec<(Range<usize>, String)>,
    faults: Vec<Fault>,
    /// All paths that the listing of files contains.
    listed: Vec<String>,
}

/// The page of this name with all directives expanded, and what is wrong with it.
pub fn expand(sources: &Sources, name: &str, text: &str) -> (String, Vec<Fault>) {
    let (edits, faults, listed) = (Vec::new(), Vec::new(), listing_order::paths(sources));
    let mut expansion = Expansion { sources, name, text, edits, faults, listed };
    let page = Page::parse(text);
    page.fences.iter().for_each(|fence| expansion.fence(fence));
    page.spans.iter().for_each(|span| expansion.span(span));
    page.directives.iter().for_each(|directive| expansion.directive(directive));
    if name == GLOSSARY {
        expansion.terms(&page);
    }
    for line in page.strays {
        expansion.fault(
            line,
            format!("A directive must be alone on its line, and only an include may be in a fence: {MARK}"),
        );
    }
    expansion.finish()
}

impl Expansion<'_> {
    fn fault(&mut self, line: usize, what: impl Into<String>) {
        self.faults.push(Fault::new(&format!("{PAGES}/{}", self.name), line, what));
    }

    /// Reports what is missing. In a draft, a note in the page replaces what has only to be captured.
    fn lack(&mut self, range: Range<usize>, line: usize, lack: Lack) {
        match lack {
            Lack::Untaken(what) if self.sources.is_draft => {
                let note = format!("> [!WARNING]\n> Not taken yet: {what}");
                self.put(range, &note);
            }
            Lack::Untaken(what) | Lack::Wrong(what) => self.fault(line, what),
        }
    }

    /// Replaces lines by others and keeps their indentation.
    fn put(&mut self, range: Range<usize>, lines: &str) {
        let prefix = self.prefix(range.start);
        let lines = lines.trim_end().replace('\n', &format!("\n{prefix}"));
        self.edits.push((range, lines));
    }

    /// The prefix of every line in the same list item or quotation as this place.
    fn prefix(&self, place: usize) -> String {
        let start = self.text[..place].rfind('\n').map_or(0, |at| at + 1);
        self.text[start..place].chars().map(|c| if c == '>' { c } else { ' ' }).collect()
    }

    fn fence(&mut self, piece: &Piece<Fence>) {
        let Piece { range, line, what: Fence { words, text } } = piece;
        if !text.contains(MARK) {
            if let Some(what) = fault_of_typed(words, text) {
                self.fault(*line, what);
            }
            return;
        }
        let include = directive(text.trim()).filter(|directive| directive.name == "include");
        let Some(Directive { argument, .. }) = include else {
            return self.fault(line + 1, "A fence with an include holds nothing else.");
        };
        let taken =
            Include::parse(&argument).and_then(|include| include.text(self.sources).map(|text| (include, text)));
        match taken {
            Ok((include, text)) => {
                let caption = self.caption(&include);
                // mdBook would include the text by itself, but without the indentation that a list needs, and without
                // regard to fences in the text.
                let (fence, words, text) = (fence_around(&text), words.join(","), text.trim_end());
                let head = format!("<figure class=\"listing\">\n<figcaption>{caption}</figcaption>");
                self.put(range.clone(), &format!("{head}\n\n{fence}{words}\n{text}\n{fence}\n\n</figure>\n"));
            }
            Err(lack) => self.lack(range.clone(), line + 1, lack),
        }
    }

    /// The caption that names the source of a listing.
    fn caption(&self, include: &Include) -> String {
        let path = &include.path;
        let file = path.rsplit('/').next().unwrap_or_default();
        let logged = file.strip_suffix("-log.txt").filter(|_| include.is_taken());
        if let Some(chapter) = logged {
            let number = number(chapter);
            return format!("From the log of <code>make run CHAPTER={number}</code>, as it was captured");
        }
        if include.is_taken() && file.contains("-gdb-") {
            return "From a session under gdb, as it was captured".into();
        }
        let code = format!("<code>{}</code>", escaped(path));
        if self.listed.contains(path) { link(&listing_order::link(path), &code) } else { code }
    }

    /// A path in backticks: the file must exist, and the path becomes a link if the listing has the file.
    fn span(&mut self, piece: &Piece<Span>) {
        let Piece { range, line, what: Span { text, is_linkable } } = piece;
        if self.listed.contains(text) {
            if *is_linkable {
                let link = format!("[{}]({})", &self.text[range.clone()], listing_order::link(text));
                self.edits.push((range.clone(), link));
            }
        } else if is_path(text) && !self.sources.has(text) {
            self.fault(*line, format!("There is no file {text}."));
        }
    }

    fn directive(&mut self, piece: &Piece<Directive>) {
        let Piece { range, line, what: Directive { name, argument } } = piece;
        let chapter = self.sources.chapter_of(self.name);
        let lines = match (name.as_str(), argument.as_str(), chapter) {
            ("picture", name, _) if !name.is_empty() => picture::expand(self.sources, name),
            ("new", "", Some(chapter)) => whats_new::expand(self.sources, chapter).map_err(Lack::Wrong),
            ("defect", name, Some(chapter)) if !name.is_empty() => {
                mistakes::expand(self.sources, chapter, name).map_err(Lack::Wrong)
            }
            ("exercises", "", Some(chapter)) => exercises::expand(self.sources, chapter).map_err(Lack::Wrong),
            ("exercises", "table", Some(chapter)) => exercises::table(self.sources, chapter).map_err(Lack::Wrong),
            ("defects", "", _) => mistakes::table(self.sources).map_err(Lack::Wrong),
            ("bench", "", _) => speed::table(self.sources),
            ("bench", "beside", _) => speed::beside(self.sources),
            ("growth", "", _) => speed::charts(self.sources),
            ("map", "", _) => map::expand(self.sources).map_err(Lack::Wrong),
            ("files", "", _) => listing_order::expand(self.sources).map_err(|fault| Lack::Wrong(fault.what)),
            ("new" | "defect" | "exercises", _, None) => {
                Err(Lack::Wrong(format!("{MARK}{name}}}}} is for the page of a chapter.")))
            }
            ("index", words, _) if !words.is_empty() => Ok(index_terms(words)),
            ("include", ..) => Err(Lack::Wrong("An include must be in a fence.".into())),
            ("picture" | "defect" | "index", "", _) => {
                Err(Lack::Wrong(format!("{MARK}{name}}}}} needs a name, or words.")))
            }
            _ => Err(Lack::Wrong(format!("There is no directive {MARK}{name} {argument}}}}}."))),
        };
        match lines {
            // Empty lines around it make it a separate block, whatever the neighboring lines are.
            Ok(lines) => self.edits.push((range.clone(), format!("\n{lines}\n"))),
            Err(lack) => self.lack(range.clone(), *line, lack),
        }
    }

    /// Turns the terms of a page's definition lists into headings, because mdBook's search indexes headings and the
    /// text below each.
    fn terms(&mut self, page: &Page) {
        for term in &page.terms {
            self.edits.push((term.start..term.start, "## ".into()));
            self.edits.push((term.end..term.end, " { .term }".into()));
        }
        self.edits.extend(page.colons.iter().map(|colon| (colon.clone(), String::new())));
    }

    fn finish(mut self) -> (String, Vec<Fault>) {
        self.edits.sort_by_key(|(range, _)| range.start);
        let mut text = String::new();
        let mut end = 0;
        for (range, edit) in &self.edits {
            text += &self.text[end..range.start];
            text += edit;
            end = range.end;
        }
        text += &self.text[end..];
        (text, self.faults)
    }
}

/// Words by which the search finds a section that does not use them. `hidden` removes them from the page for all
/// readers, including those with a screen reader; mdBook's search index still contains them.
fn index_terms(words: &str) -> String {
    format!("<p hidden>{}</p>\n", escaped(words))
}

/// What is wrong with a fence that holds no include.
fn fault_of_typed(words: &[String], text: &str) -> Option<String> {
    let language = words.first().map_or("", String::as_str);
    let is_drawn = words.iter().any(|word| word == DRAWN);
    let is_prompted =
        |line: &str| line.trim().is_empty() || PROMPTS.iter().any(|prompt| line.trim().starts_with(prompt));
    if words.is_empty() {
        Some("A fence has to say what is in it, as in ```console.".into())
    } else if TAKEN.contains(&language) && !is_drawn {
        Some(format!(
            "A fence of {language} holds an include, for what is typed may be untrue. \
            What is no part of the kernel, nor of what it prints, is marked: ```{language},{DRAWN}"
        ))
    } else if TYPED.contains(&language) && !text.lines().all(is_prompted) {
        Some(format!("In a fence of {language} each line is a command, behind {}.", PROMPTS.join("or ").trim()))
    } else {
        None
    }
}

/// Whether words in backticks look like the path of a file of this project.
fn is_path(text: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._-".contains(c);
    FOLDERS.iter().any(|folder| text.starts_with(folder)) && text.chars().all(is_plain)
}

#[cfg(test)]
mod tests;
