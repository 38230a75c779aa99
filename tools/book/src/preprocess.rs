//! `tools preprocess`: mdBook calls it to expand the pages before it builds anything.
//!
//! mdBook calls it twice: first with the words `supports html`, then with the whole book as JSON on standard input. It
//! answers with the expanded book (mdBook's guide, "Preprocessors").

use crate::expand::expand;
use crate::fault::{self, Fault};
use crate::sources::{ALLOWED, BOOK, Sources};
use anyhow::{Context, Result};
use clap::{Args, Subcommand};
use mdbook_preprocessor::book::Book;
use mdbook_preprocessor::{MDBOOK_VERSION, parse_input};
use std::io;
use std::path::Path;
use std::process::ExitCode;

/// The arguments that mdBook passes.
#[derive(Args)]
pub struct Options {
    #[command(subcommand)]
    question: Option<Question>,
}

#[derive(Subcommand)]
enum Question {
    /// Asks whether the pages can be made for this renderer.
    Supports {
        /// Such as `html`.
        renderer: String,
    },
}

/// Answers mdBook.
pub fn preprocess(options: &Options) -> Result<ExitCode> {
    if let Some(Question::Supports { renderer }) = &options.question {
        return Ok(if renderer == "html" { ExitCode::SUCCESS } else { ExitCode::FAILURE });
    }
    let (context, mut book) = parse_input(io::stdin().lock())?;
    if context.mdbook_version != MDBOOK_VERSION {
        eprintln!(
            "mdBook is {}, and these tools are for {MDBOOK_VERSION}; `make doctor` says more.",
            context.mdbook_version
        );
    }
    let root = context.root.canonicalize().context("the book's folder cannot be found")?;
    let root = root.parent().with_context(|| format!("the folder {BOOK} lies in the project's folder"))?;
    let sources = Sources::of(root, &std::env::var(ALLOWED).unwrap_or_default());
    let mut faults = fill(&sources, &mut book);
    fault::print(&mut faults);
    if !faults.is_empty() && !sources.is_lenient {
        return Ok(ExitCode::FAILURE);
    }
    serde_json::to_writer(io::stdout().lock(), &book)?;
    Ok(ExitCode::SUCCESS)
}

/// Expands all pages; returns their faults, which are also noted at the top of each page.
fn fill(sources: &Sources, book: &mut Book) -> Vec<Fault> {
    let mut faults = Vec::new();
    book.for_each_chapter_mut(|chapter| {
        let name = chapter.path.as_deref().unwrap_or(Path::new("")).display().to_string();
        let (text, more) = expand(sources, &name, &chapter.content);
        let notes: String = more.iter().map(|fault| format!("> [!CAUTION]\n> `{fault}`\n\n")).collect();
        chapter.content = format!("{notes}{text}");
        faults.extend(more);
    });
    faults
}

#[cfg(test)]
mod tests {
    use super::super::sources::tests::project;
    use super::*;
    use mdbook_preprocessor::book::Chapter;

    #[test]
    fn all_pages_are_made_and_all_faults_reported() {
        let (_folder, sources) = project(&[("chapters/01-a/src/lib.rs", "//! A.\n")]);
        let page = |name: &str, text: &str| Chapter::new(name, text.into(), format!("{name}.md"), Vec::new()).into();
        let mut book = Book::new_with_items(vec![page("a", "`chapters/01-a/src/lib.rs`"), page("b", "\n{{#x}}")]);
        let faults = fill(&sources, &mut book);
        let texts: Vec<&str> = book.chapters().map(|chapter| chapter.content.as_str()).collect();
        assert!(texts[1].starts_with("> [!CAUTION]\n> `book/src/b.md:2: "), "{}", texts[1]);
        assert_eq!(texts[0], "[`chapters/01-a/src/lib.rs`](files.md#chapters-01-a-src-lib-rs)");
        assert_eq!(faults.iter().map(|fault| (&*fault.file, fault.line)).collect::<Vec<_>>(), [("book/src/b.md", 2)]);
    }
}
