//! `make book-pdf`: the whole book as a PDF, printed by Chromium from mdBook's print page.
//!
//! `book/theme/paper.css` defines its layout. This module adds a cover and a table of contents with page numbers. The
//! sources are an appendix, which can be left out.

use crate::build;
use crate::html::escaped;
use crate::sources::LISTING;
use anyhow::{Context, Result, bail};
use machine::workspace::Workspace;
use serde::Deserialize;
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The temporary page that is printed; it lies beside the others so that it finds their styles.
const PAGE: &str = "paper.html";
/// The time that the page's scripts have to color the listings, in milliseconds of its virtual clock.
const MOST_TIME: &str = "--virtual-time-budget=60000";
/// The first bytes of every PDF.
const MAGIC: &[u8] = b"%PDF-";
/// Where the page's own content begins and ends, what mdBook puts between two pages, and the script by which the page
/// asks a browser to print it.
const CONTENT: [&str; 2] = ["<main>", "</main>"];
const BREAK: &str = "<div style=\"break-before: page; page-break-before: always;\"></div>";
const PRINTS_ITSELF: &str = "window.print";
/// The placeholder in the contents while a page's number is unknown.
const NO_NUMBER: &str = "000";

/// The part of `book.toml` that the cover needs.
#[derive(Deserialize)]
struct Config {
    book: Cover,
}

#[derive(Deserialize)]
struct Cover {
    title: String,
    description: String,
}

/// A line of the contents.
#[derive(Debug, PartialEq)]
enum Entry {
    /// The title of the part to which the pages below belong.
    Part(String),
    /// A page.
    Page {
        name: String,
        file: String,
        /// Whether it is a subpage of the page before, as a chapter's page of mistakes is.
        is_inner: bool,
    },
}

/// Prints the built book, with or without the appendix of files; returns the path of the PDF.
pub fn print(workspace: &Workspace, with_files: bool) -> Result<PathBuf> {
    let folder = build::folder(workspace);
    let config = fs::read_to_string(workspace.root.join("book/book.toml")).context("book/book.toml cannot be read")?;
    let config: Config = toml::from_str(&config).context("book/book.toml is no configuration")?;
    let summary =
        fs::read_to_string(workspace.root.join("book/src/SUMMARY.md")).context("SUMMARY.md cannot be read")?;
    let entries: Vec<Entry> = summary.lines().filter_map(Entry::parse).collect();
    let page = fs::read_to_string(folder.join("print.html")).context("the page for print was not built")?;
    let file = workspace.target.join("book.pdf");
    let print = |numbers: &[usize]| -> Result<Vec<usize>> {
        let page = for_paper(&page, &config.book, &entries, with_files, numbers);
        fs::write(folder.join(PAGE), page.context("the page for print is not what it was")?)?;
        let printed = by_chromium(&folder.join(PAGE), &file);
        fs::remove_file(folder.join(PAGE))?;
        printed?;
        numbers_of_pages(&fs::read(&file)?).context("Chromium does not write PDFs as it did: no page is found")
    };
    // A browser cannot look up page numbers for the contents. So a first print finds the numbers for the second.
    let numbers = print(&[])?;
    if print(&numbers)? != numbers {
        bail!("The numbers in the contents have moved the pages.");
    }
    Ok(file)
}

/// mdBook's print page with a cover, a table of contents, and an element around each of the book's pages. `numbers` has
/// the page numbers, or is empty as long as they are unknown.
fn for_paper(page: &str, cover: &Cover, entries: &[Entry], with_files: bool, numbers: &[usize]) -> Option<String> {
    let (before, rest) = page.split_once(CONTENT[0])?;
    let (content, after) = rest.split_once(CONTENT[1])?;
    let mut texts: Vec<&str> = content.split(BREAK).collect();
    let mut entries: Vec<&Entry> = entries.iter().collect();
    let pages = |entries: &[&Entry]| entries.iter().filter(|entry| matches!(entry, Entry::Page { .. })).count();
    if pages(&entries) != texts.len() {
        return None;
    }
    let is_listing = |entry: &Entry| matches!(entry, Entry::Page { file, .. } if file == LISTING);
    let listing = entries.pop_if(|entry| !with_files && is_listing(entry)).and_then(|_| texts.pop());
    let mut at = 0;
    let (mut contents, mut sections) = (String::new(), String::new());
    for entry in entries {
        match entry {
            Entry::Part(name) => contents += &format!("<li class=\"part\">{}</li>\n", escaped(name)),
            Entry::Page { name, is_inner, .. } => {
                let number = numbers.get(at).map_or(NO_NUMBER.into(), usize::to_string);
                let class = if *is_inner { "inner" } else { "outer" };
                let appendix = if is_listing(entry) { "Appendix: " } else { "" };
                contents += &format!(
                    "<li class=\"{class}\"><a href=\"#{}\"><span>{appendix}{}</span><span class=\"number\">{number}</span></a></li>\n",
                    id(at),
                    escaped(name)
                );
                sections += &format!("<section class=\"{class}\" id=\"{}\">{}</section>\n", id(at), texts[at]);
                at += 1;
            }
        }
    }
    let sections = without_links_to(&sections, listing.unwrap_or_default());
    let Cover { title, description } = cover;
    let page = format!(
        "{before}{}\n<section class=\"cover\">\n<p class=\"title\">{}</p>\n<p>{}</p>\n</section>\n\
        <section class=\"contents\">\n<p class=\"title\">Contents</p>\n<ul>\n{contents}</ul>\n</section>\n{sections}{}{after}",
        CONTENT[0],
        escaped(title),
        escaped(description),
        CONTENT[1]
    );
    // Paper cannot be unfolded.
    Some(page.replace(PRINTS_ITSELF, "Boolean").replace("<details>", "<details open>"))
}

/// The id of a page, from its place among all pages.
fn id(at: usize) -> String {
    format!("on-paper-{at}")
}

/// The pages without the links into the part left out; the words of these links stay.
fn without_links_to(pages: &str, left_out: &str) -> String {
    let ids: BTreeSet<&str> = left_out.split(" id=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    let mut parts = pages.split(" href=\"#");
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        match part.split_once('"') {
            Some((id, rest)) if ids.contains(id) => text += rest,
            _ => text += &format!(" href=\"#{part}"),
        }
    }
    text
}

impl Entry {
    /// Parses a line of SUMMARY.md.
    fn parse(line: &str) -> Option<Self> {
        if let Some((name, file)) = line.split_once("](") {
            return Some(Self::Page {
                name: name.trim_start_matches(['-', ' ', '[']).into(),
                file: file.trim_end().trim_end_matches(')').into(),
                is_inner: line.starts_with(' '),
            });
        }
        line.strip_prefix("# ").filter(|part| *part != "Summary").map(|part| Self::Part(part.into()))
    }
}

/// The numbers of the sheets on which the book's pages begin. Chromium compresses none of this: each sheet is an
/// object, in order, and a link target is a line of a table, such as `/on-paper-3 [8 0 R /XYZ 6 776.25 0]`.
fn numbers_of_pages(pdf: &[u8]) -> Option<Vec<usize>> {
    let text = String::from_utf8_lossy(pdf);
    let starts = text.match_indices(" 0 obj\n<</Type /Page\n").map(|(at, _)| &text[..at]);
    let sheets: Vec<&str> = starts.filter_map(|before| before.rsplit('\n').next()).collect();
    let number = |at| {
        let (_, place) = text.split_once(&format!("/{} [", id(at)))?;
        let sheet = place.split(' ').next()?;
        Some(sheets.iter().position(|object| *object == sheet)? + 1)
    };
    Some((0..).map_while(number).collect()).filter(|numbers: &Vec<usize>| !numbers.is_empty())
}

/// Makes Chromium print a page into a file, with a temporary profile that is deleted afterwards.
fn by_chromium(page: &Path, file: &Path) -> Result<()> {
    let program = std::env::var_os("CHROMIUM").filter(|path| !path.is_empty());
    let profile = tempfile::tempdir()?;
    let mut command = Command::new(program.unwrap_or(OsString::from("chromium")));
    command.args([
        "--headless",
        "--disable-gpu",
        "--no-pdf-header-footer",
        "--generate-pdf-document-outline",
        MOST_TIME,
    ]);
    if rustix::process::getuid().is_root() {
        // Chromium's sandbox does not run as root, the usual user in a container.
        command.arg("--no-sandbox");
    }
    command.arg(format!("--user-data-dir={}", profile.path().display()));
    command.arg(format!("--print-to-pdf={}", file.display())).arg(format!("file://{}", page.display()));
    if file.exists() {
        fs::remove_file(file)?;
    }
    let output = command.stdin(Stdio::null()).output();
    let output = output.context("Chromium could not be started; `make book-pdf` installs it")?;
    let is_printed = fs::read(file).is_ok_and(|bytes| bytes.starts_with(MAGIC));
    if !is_printed {
        bail!("Chromium printed nothing. It said:\n{}", String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SUMMARY: &str =
        "# Summary\n\n[A](index.md)\n\n# Parts\n\n- [1. <B>](01.md)\n  - [Why](02.md)\n- [All](files.md)\n";

    fn paper(with_files: bool, numbers: &[usize]) -> Option<String> {
        let pages = [
            "\n<h1 id=\"a\">A</h1>\n<details>",
            "\n<h1 id=\"b\">B</h1><a href=\"#c\">C</a><a href=\"#a\">A</a>",
            "W",
            "\n<h1 id=\"c\">C</h1>\n",
        ];
        let pages = pages.join(BREAK);
        let page = format!("<html><main>{pages}</main><script>window.setTimeout(window.print, 1)</script></html>");
        let cover = Cover { title: "A & B".into(), description: "C".into() };
        let entries: Vec<Entry> = SUMMARY.lines().filter_map(Entry::parse).collect();
        for_paper(&page, &cover, &entries, with_files, numbers)
    }

    #[test]
    fn the_book_has_a_cover_and_contents_and_no_longer_prints_itself() {
        let page = paper(true, &[3, 4, 15, 16]).expect("a page");
        let line = |class: &str, at: usize, name: &str, number: usize| {
            format!(
                "<li class=\"{class}\"><a href=\"#on-paper-{at}\"><span>{name}</span><span class=\"number\">{number}</span></a></li>"
            )
        };
        let parts = [
            "<main>\n<section class=\"cover\">",
            "A &amp; B",
            "<section class=\"contents\">",
            &line("outer", 0, "A", 3),
            "<li class=\"part\">Parts</li>",
            &line("outer", 1, "1. &lt;B&gt;", 4),
            &line("inner", 2, "Why", 15),
            &line("outer", 3, "Appendix: All", 16),
            "<section class=\"outer\" id=\"on-paper-0\">\n<h1 id=\"a\">A</h1>\n<details open>",
            "<a href=\"#c\">C</a>",
            "<section class=\"inner\" id=\"on-paper-2\">W</section>",
            "<h1 id=\"c\">C</h1>",
            "</main>",
        ];
        let places = parts.map(|part| page.find(part));
        assert!(places.iter().all(Option::is_some) && places.is_sorted(), "{places:?} {page}");
        assert!(!page.contains(PRINTS_ITSELF), "{page}");
    }

    #[test]
    fn the_files_can_be_left_out_with_the_links_to_them() {
        let page = paper(false, &[]).expect("a page");
        assert!(!page.contains("Appendix") && !page.contains("id=\"c\""), "{page}");
        assert!(page.contains("<a>C</a><a href=\"#a\">A</a>") && page.contains(NO_NUMBER), "{page}");
    }

    #[test]
    fn a_page_for_print_with_other_pages_is_rejected() {
        let cover = Cover { title: String::new(), description: String::new() };
        let entries = [Entry::Part("P".into()), Entry::parse("[A](a.md)").expect("a page")];
        assert!(for_paper("<main>A</main>", &cover, &entries, true, &[]).is_some());
        assert!(for_paper(&format!("<main>A{BREAK}B</main>"), &cover, &entries, true, &[]).is_none());
        assert!(for_paper("<body>", &cover, &entries, true, &[]).is_none());
    }

    #[test]
    fn numbers_are_read_from_the_pdf() {
        let sheet = |object: usize| format!("{object} 0 obj\n<</Type /Page\n/Parent 1 0 R>>\nendobj\n");
        let places = "15 0 obj\n<</x [8 0 R /XYZ 6 7 0]\n/on-paper-0 [8 0 R /XYZ 6 7 0]\n/on-paper-1 [22 0 R /XYZ 6 7 0]>>\nendobj\n";
        let pdf = [b"%PDF-1.4\n\xFF\n".as_slice(), (sheet(2) + &sheet(8) + &sheet(22) + places).as_bytes()].concat();
        assert_eq!(numbers_of_pages(&pdf), Some(vec![2, 3]));
        assert_eq!(numbers_of_pages(b"%PDF-1.4\n"), None);
    }
}
