//! Counts the words of prose on each page.
//!
//! Code, tables, HTML and text folded in `<details>` do not count: a reader looks at those when she wants to.

use crate::page::directive;
use crate::sources::Sources;
use mdbook_markdown::pulldown_cmark::{Event, Tag, TagEnd};
use mdbook_markdown::{MarkdownOptions, new_cmark_parser};

/// The most words of prose on a chapter's own page: as much as one can read in one sitting.
pub const MOST_WORDS: usize = 4_000;

/// A page and its length.
#[derive(Debug, PartialEq)]
pub struct Length {
    /// The name of its file.
    pub page: String,
    /// How many words of prose it has.
    pub words: usize,
    /// The limit, if it is a chapter's own page.
    pub most: Option<usize>,
}

impl Length {
    /// Whether the page has more words than its limit.
    pub fn is_too_long(&self) -> bool {
        self.most.is_some_and(|most| self.words > most)
    }
}

/// How long each page of the book is.
pub fn lengths(sources: &Sources, pages: &[(String, String)]) -> Vec<Length> {
    let is_chapter = |page: &str| sources.chapters.iter().any(|chapter| format!("{chapter}.md") == page);
    let length = |(page, text): &(String, String)| Length {
        page: page.clone(),
        words: words(text),
        most: is_chapter(page).then_some(MOST_WORDS),
    };
    pages.iter().map(length).collect()
}

/// How many words of prose a page has.
fn words(page: &str) -> usize {
    let lines: Vec<&str> = page.lines().map(|line| if directive(line.trim()).is_some() { "" } else { line }).collect();
    let page = lines.join("\n");
    let mut prose = String::new();
    // How many tables and fences are open, and how many `<details>`.
    let (mut set_apart, mut folded) = (0, 0);
    for event in new_cmark_parser(&page, &MarkdownOptions::default()) {
        match event {
            Event::Start(Tag::CodeBlock(_) | Tag::Table(_)) => set_apart += 1,
            Event::End(TagEnd::CodeBlock | TagEnd::Table) => set_apart -= 1,
            Event::Html(html) | Event::InlineHtml(html) => {
                folded += html.matches("<details").count();
                folded -= html.matches("</details").count().min(folded);
            }
            Event::Text(words) | Event::Code(words) if set_apart == 0 && folded == 0 => prose += &words,
            Event::SoftBreak | Event::HardBreak => prose.push('\n'),
            // A word may be half emphasized, and half in a link, but not half in the next paragraph.
            Event::End(TagEnd::Emphasis | TagEnd::Strong | TagEnd::Strikethrough | TagEnd::Link) => {}
            Event::End(_) => prose.push('\n'),
            _ => {}
        }
    }
    prose.split_whitespace().filter(|word| word.contains(char::is_alphanumeric)).count()
}

#[cfg(test)]
mod tests {
    use super::super::sources::tests::project;
    use super::*;

    #[test]
    fn prose_is_counted_word_by_word() {
        for (page, count) in [
            ("", 0),
            ("# A title\n\nThe reader's *very* own `let x` isn’t *half*a word - is it?\n", 13),
            ("One\ntwo.\n\n- three\n- four\n\n> five\n\nterm\n: six\n", 7),
            ("see [two words](a.md)[^1].\n\n[^1]: A note.\n", 5),
        ] {
            assert_eq!(words(page), count, "{page}");
        }
    }

    #[test]
    fn only_prose_is_counted() {
        for aside in [
            "```text,drawn\na b c\n```",
            "```rust\n{{#include ../a.rs:b}}\n```",
            "| a | b |\n|---|---|\n| c | d |",
            "{{#picture 05-map}}",
            "<div class=\"stepper\" role=\"group\">\n<section>",
            "<details>\n<summary>1. Why?</summary>\n\nBecause it is.\n\n- And so on.\n\n</details>",
            "<!-- a remark -->",
        ] {
            assert_eq!(words(&format!("one\n\n{aside}\n\ntwo\n")), 2, "{aside}");
        }
    }

    #[test]
    fn only_the_chapters_own_pages_have_a_limit() {
        let (_folder, sources) = project(&[("chapters/01-a/src/lib.rs", "")]);
        let pages = ["01-a.md", "01-why-it-breaks.md"].map(|page| (page.to_owned(), "word ".repeat(4_001)));
        let lengths = lengths(&sources, &pages);
        assert_eq!(lengths.iter().map(|length| length.words).collect::<Vec<_>>(), [4_001, 4_001]);
        assert_eq!(lengths.iter().map(Length::is_too_long).collect::<Vec<_>>(), [true, false]);
    }
}
