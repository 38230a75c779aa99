//! `make book-pdf`: the whole book as one file for paper, printed by Chromium from mdBook's page for print.
//!
//! How it looks on paper is said in `book/theme/paper.css`. Here it gets a cover with the contents.

use crate::build;
use crate::html::escaped;
use anyhow::{Context, Result, bail};
use machine::workspace::Workspace;
use serde::Deserialize;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The page that is printed, while it is; it lies beside the others, for their styles.
const PAGE: &str = "paper.html";
/// How much time the page has for its scripts, in milliseconds of its own clock: they colour the listings.
const MOST_TIME: &str = "--virtual-time-budget=60000";
/// What every PDF begins with.
const MAGIC: &[u8] = b"%PDF-";
/// Where the page's own content begins, and the script by which it asks a browser to print it.
const CONTENT: &str = "<main>";
const PRINTS_ITSELF: &str = "window.print";

/// `book.toml`, as far as the cover has it.
#[derive(Deserialize)]
struct Config {
    book: Cover,
}

#[derive(Deserialize)]
struct Cover {
    title: String,
    description: String,
}

/// Prints the book that was built; returns where the file is.
pub fn print(workspace: &Workspace) -> Result<PathBuf> {
    let folder = build::folder(workspace);
    let config = fs::read_to_string(workspace.root.join("book/book.toml")).context("book/book.toml cannot be read")?;
    let config: Config = toml::from_str(&config).context("book/book.toml is no configuration")?;
    let summary =
        fs::read_to_string(workspace.root.join("book/src/SUMMARY.md")).context("SUMMARY.md cannot be read")?;
    let page = fs::read_to_string(folder.join("print.html")).context("the page for print was not built")?;
    let page = with_cover(&page, &config.book, &summary).context("the page for print is not what it was")?;
    fs::write(folder.join(PAGE), page)?;
    let file = workspace.target.join("book.pdf");
    let printed = by_chromium(&folder.join(PAGE), &file);
    fs::remove_file(folder.join(PAGE))?;
    printed.map(|()| file)
}

/// The page with a cover in front of everything.
fn with_cover(page: &str, cover: &Cover, summary: &str) -> Option<String> {
    let (before, after) = page.split_once(CONTENT)?;
    let Cover { title, description } = cover;
    let contents: String = summary.lines().filter_map(entry).collect();
    let cover = format!(
        "{CONTENT}\n<section class=\"cover\">\n<p class=\"title\">{}</p>\n<p>{}</p>\n<ul>\n{contents}</ul>\n</section>\n",
        escaped(title),
        escaped(description)
    );
    Some(format!("{before}{cover}{after}").replace(PRINTS_ITSELF, "Boolean"))
}

/// A line of the contents: the name of a page, or of a part.
fn entry(line: &str) -> Option<String> {
    let line = line.trim();
    if let Some((name, _)) = line.split_once("](") {
        return Some(format!("<li>{}</li>\n", escaped(name.trim_start_matches(['-', ' ', '[']))));
    }
    let part = line.strip_prefix("# ").filter(|part| *part != "Summary")?;
    Some(format!("<li class=\"part\">{}</li>\n", escaped(part)))
}

/// Has Chromium print a page into a file. It makes a profile of its own for that, and leaves none.
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
        // Its sandbox refuses to work for root, who in a container is the usual user.
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

    #[test]
    fn the_cover_comes_first_and_the_page_no_longer_prints_itself() {
        let page = "<html><main>\n<h1>A</h1></main><script>window.setTimeout(window.print, 1)</script></html>";
        let cover = Cover { title: "A & B".into(), description: "C".into() };
        let summary = "# Summary\n\n[A](index.md)\n\n# Parts\n\n- [1. <B>](01.md)\n";
        let page = with_cover(page, &cover, summary).expect("a page");
        let list = "<ul>\n<li>A</li>\n<li class=\"part\">Parts</li>\n<li>1. &lt;B&gt;</li>\n</ul>";
        let places = ["<main>\n<section class=\"cover\">", "A &amp; B", list, "<h1>A</h1>"].map(|part| page.find(part));
        assert!(places.iter().all(Option::is_some) && places.is_sorted(), "{page}");
        assert!(!page.contains(PRINTS_ITSELF), "{page}");
        assert!(with_cover("<body>", &cover, summary).is_none());
    }
}
