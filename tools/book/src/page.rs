//! Parses a page as its author wrote it into fences, directives, paths and headings.
//!
//! It uses mdBook's own Markdown parser, so that both see the same structure.

use mdbook_markdown::pulldown_cmark::{CodeBlockKind, Event, HeadingLevel, Tag, TagEnd};
use mdbook_markdown::{MarkdownOptions, new_cmark_parser};
use std::ops::Range;

/// The start of every directive.
pub const MARK: &str = "{{#";

/// An element of the page, with its place.
#[derive(Debug, PartialEq)]
pub struct Piece<T> {
    /// Its place, in bytes.
    pub range: Range<usize>,
    /// Its line number, from 1.
    pub line: usize,
    /// The element.
    pub what: T,
}

/// A fenced code block: the words after its backticks, and its lines.
#[derive(Debug, PartialEq)]
pub struct Fence {
    /// The words, such as `rust` and `ignore`.
    pub words: Vec<String>,
    /// The lines in it.
    pub text: String,
}

/// A line `{{#name argument}}` outside of fences.
#[derive(Debug, PartialEq)]
pub struct Directive {
    /// What to put here.
    pub name: String,
    /// Which one, if there are several.
    pub argument: String,
}

/// A few words in backticks.
#[derive(Debug, PartialEq)]
pub struct Span {
    /// The words.
    pub text: String,
    /// Whether it may become a link; in headings and inside other links it may not.
    pub is_linkable: bool,
}

/// A heading.
#[derive(Debug, PartialEq)]
pub struct Heading {
    /// Its level: 1 is the page's title.
    pub level: u8,
    /// Its words.
    pub text: String,
}

/// The elements of a page that this program uses.
#[derive(Debug, Default)]
pub struct Page {
    /// The fences, in page order.
    pub fences: Vec<Piece<Fence>>,
    /// The directives outside of fences.
    pub directives: Vec<Piece<Directive>>,
    /// The words in backticks.
    pub spans: Vec<Piece<Span>>,
    /// The headings.
    pub headings: Vec<Piece<Heading>>,
    /// The places of the terms of definition lists, without the ends of the lines.
    pub terms: Vec<Range<usize>>,
    /// The colons at which definitions begin, each with the spaces after it.
    pub colons: Vec<Range<usize>>,
    /// The lines with a directive that does not have the line to itself.
    pub strays: Vec<usize>,
}

impl Page {
    /// Reads a page.
    pub fn parse(text: &str) -> Self {
        let mut page = Self::default();
        // How many headings and links are open.
        let mut full = 0;
        for (event, range) in new_cmark_parser(text, &MarkdownOptions::default()).into_offset_iter() {
            let line = line_at(text, range.start);
            match event {
                Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(info))) => {
                    let words = info.split([',', ' ']).filter(|word| !word.is_empty()).map(String::from).collect();
                    page.fences.push(Piece { range, line, what: Fence { words, text: String::new() } });
                }
                Event::Start(Tag::Heading { level, .. }) => {
                    full += 1;
                    let level = level as u8 - HeadingLevel::H1 as u8 + 1;
                    page.headings.push(Piece { range, line, what: Heading { level, text: String::new() } });
                }
                Event::Start(Tag::DefinitionListTitle) => {
                    page.terms.push(range.start..range.start + text[range].trim_end().len());
                }
                Event::Start(Tag::DefinitionListDefinition) => {
                    let mark = text[range.clone()].trim_start_matches([':', ' ']);
                    page.colons.push(range.start..range.end - mark.len());
                }
                Event::Start(Tag::Link { .. }) => full += 1,
                Event::End(TagEnd::Heading(_) | TagEnd::Link) => full -= 1,
                Event::Text(words) | Event::Code(words) if page.is_in_heading(&range) => {
                    let heading = page.headings.last_mut().expect("it is in one");
                    heading.what.text += &words;
                    if text[range.clone()].starts_with('`') {
                        page.spans.push(Piece { range, line, what: Span { text: words.into(), is_linkable: false } });
                    }
                }
                Event::Text(words) => {
                    if let Some(fence) = page.fences.last_mut().filter(|fence| fence.range.contains(&range.start)) {
                        fence.what.text += &words;
                    }
                }
                Event::Code(words) => {
                    let what = Span { text: words.into(), is_linkable: full == 0 };
                    page.spans.push(Piece { range, line, what });
                }
                _ => {}
            }
        }
        page.find_directives(text);
        page
    }

    fn is_in_heading(&self, range: &Range<usize>) -> bool {
        self.headings.last().is_some_and(|heading| heading.range.contains(&range.start))
    }

    /// Finds directives, each on a line of its own, however Markdown parses these lines.
    fn find_directives(&mut self, text: &str) {
        let mut start = 0;
        for (at, line) in text.split_inclusive('\n').enumerate() {
            let range = start..start + line.len();
            start = range.end;
            let is_fenced = self.fences.iter().any(|fence| fence.range.contains(&range.start));
            if is_fenced || !line.contains(MARK) {
                continue;
            }
            match directive(line.trim()) {
                Some(what) => self.directives.push(Piece { range, line: at + 1, what }),
                None => self.strays.push(at + 1),
            }
        }
    }
}

/// Parses a line that is a directive and nothing else.
pub fn directive(line: &str) -> Option<Directive> {
    let inner = line.strip_prefix(MARK)?.strip_suffix("}}")?;
    if inner.contains("{{") || inner.contains("}}") {
        return None;
    }
    let (name, argument) = inner.trim().split_once(char::is_whitespace).unwrap_or((inner.trim(), ""));
    Some(Directive { name: name.into(), argument: argument.trim().into() })
}

fn line_at(text: &str, place: usize) -> usize {
    text[..place].matches('\n').count() + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = "# A `b`\n\nSee `c/d.rs` and [`e`](f.md).\n\n{{#picture x y}}\n<div>\n{{#new}}\n</div>\n\n\
        ```rust,ignore\n{{#include a:b}}\n```\n\n- one\n  ```text\n  two {{#x}}\n  ```\n\nText {{#new}} here.\n";

    #[test]
    fn everything_is_found_with_its_line() {
        let page = Page::parse(PAGE);
        let spans: Vec<_> =
            page.spans.iter().map(|span| (span.line, &*span.what.text, span.what.is_linkable)).collect();
        assert_eq!(spans, [(1, "b", false), (3, "c/d.rs", true), (3, "e", false)]);
        let directives = page.directives.iter().map(|piece| (piece.line, &*piece.what.name, &*piece.what.argument));
        assert_eq!(directives.collect::<Vec<_>>(), [(5, "picture", "x y"), (7, "new", "")]);
        let fences = page.fences.iter().map(|fence| (fence.line, fence.what.words.join(" "), &*fence.what.text));
        let expected = [(10, "rust ignore".into(), "{{#include a:b}}\n"), (15, "text".into(), "two {{#x}}\n")];
        assert_eq!(fences.collect::<Vec<_>>(), expected);
        assert_eq!((page.headings.len(), &*page.headings[0].what.text, page.headings[0].what.level), (1, "A b", 1));
        assert_eq!(page.strays, [19]);
    }

    #[test]
    fn terms_are_found_with_their_definitions() {
        let text = "# A\n\nOne `a`\n: The first.\n\nTwo\n:   The second,\n    of two.\n: Or not.\n";
        let page = Page::parse(text);
        let terms = page.terms.into_iter().map(|range| &text[range]);
        assert_eq!(terms.collect::<Vec<_>>(), ["One `a`", "Two"]);
        let behind = page.colons.iter().map(|range| (&text[range.clone()], &text[range.end..range.end + 3]));
        assert_eq!(behind.collect::<Vec<_>>(), [(": ", "The"), (":   ", "The"), (": ", "Or ")]);
    }

    #[test]
    fn a_directive_is_alone() {
        for line in ["{{#a}} b", "{{#a}}{{#b}}", "\\{{#a}}", "{{a}}"] {
            assert_eq!(directive(line), None, "{line}");
        }
        assert_eq!(directive("{{# a  b }}").map(|found| (found.name, found.argument)), Some(("a".into(), "b".into())));
    }
}
