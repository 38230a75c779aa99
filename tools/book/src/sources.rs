//! The project as the book sees it: its files, and the chapters with their pages.
//!
//! This module does not ask Cargo, because mdBook may be started without Cargo, and from any folder.

use crate::fault::Fault;
use std::fs;
use std::path::{Path, PathBuf};
use trials::exercise;

/// The book's folder, and its folders of pages and of what was captured from running kernels.
pub const BOOK: &str = "book";
pub const PAGES: &str = "book/src";
pub const FIGURES: &str = "book/figures";

/// The page that lists all files.
pub const LISTING: &str = "files.md";
/// The page that explains terms, each in a definition list.
pub const GLOSSARY: &str = "glossary.md";

/// The environment variable that states what may be missing when mdBook calls: one of the constants below.
pub const ALLOWED: &str = "BOOK_MAY_LACK";
/// Nothing may be missing.
pub const WHOLE: &str = "";
/// What has yet to be captured from running kernels becomes a note in the page, not a fault.
pub const UNTAKEN: &str = "untaken";
/// Every fault is printed and noted in its page, but stops nothing, because an author is still writing.
pub const ANYTHING: &str = "anything";

/// The files that the pages are made from.
pub struct Sources {
    root: PathBuf,
    /// The folders of the chapters, such as `05-paging`, in reading order.
    pub chapters: Vec<String>,
    /// Whether a page may lack what was not captured yet.
    pub is_draft: bool,
    /// Whether it may have any other fault.
    pub is_lenient: bool,
}

impl Sources {
    /// The sources of the project in `root`; `allowed` states what may be missing.
    pub fn of(root: &Path, allowed: &str) -> Self {
        let (is_draft, is_lenient) = (allowed == UNTAKEN || allowed == ANYTHING, allowed == ANYTHING);
        let mut sources = Self { root: root.into(), chapters: Vec::new(), is_draft, is_lenient };
        sources.chapters = sources.names("chapters");
        sources
    }

    /// The names in a folder, sorted; empty if the folder does not exist.
    pub fn names(&self, folder: &str) -> Vec<String> {
        let entries = fs::read_dir(self.root.join(folder)).into_iter().flatten().flatten();
        let mut names: Vec<String> = entries.filter_map(|entry| entry.file_name().into_string().ok()).collect();
        names.sort();
        names
    }

    /// The files in a folder and its subfolders, by path relative to the project's folder, sorted.
    pub fn files_in(&self, folder: &str) -> Vec<String> {
        let paths = self.names(folder).into_iter().map(|name| format!("{folder}/{name}"));
        paths.flat_map(|path| if self.root.join(&path).is_dir() { self.files_in(&path) } else { vec![path] }).collect()
    }

    /// The text of a file; the error is a message.
    pub fn read(&self, path: &str) -> Result<String, String> {
        fs::read_to_string(self.root.join(path)).map_err(|error| format!("{path} cannot be read: {error}"))
    }

    /// Whether there is such a file or folder.
    pub fn has(&self, path: &str) -> bool {
        self.root.join(path).exists()
    }

    /// The project's folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The chapter that a page is about, such as `05-paging` for `05-paging.md`, `05-why-it-breaks.md` and
    /// `05-exercises.md`; `None` for
    /// any other page.
    pub fn chapter_of(&self, page: &str) -> Option<&str> {
        let name = page.strip_suffix(".md")?;
        let is_about =
            |chapter: &&str| *chapter == name || page == page_of_mistakes(chapter) || page == exercise::page(chapter);
        self.chapters.iter().map(String::as_str).find(is_about)
    }

    /// The texts of all pages by their names, or what is wrong with reading them.
    pub fn pages(&self) -> Result<Vec<(String, String)>, Fault> {
        let names = self.names(PAGES).into_iter().filter(|name| name.ends_with(".md") && name != "SUMMARY.md");
        let read = |name: String| match self.read(&format!("{PAGES}/{name}")) {
            Ok(text) => Ok((name, text)),
            Err(error) => Err(Fault::of(PAGES, error)),
        };
        names.map(read).collect()
    }
}

/// The page that shows the known mistakes of a chapter: `05-why-it-breaks.md` for `05-paging`.
pub fn page_of_mistakes(chapter: &str) -> String {
    format!("{}-why-it-breaks.md", chapter.split('-').next().unwrap_or_default())
}

/// The number of a chapter, such as `5` for `05-paging`.
pub fn number(chapter: &str) -> &str {
    chapter.split('-').next().unwrap_or_default().trim_start_matches('0')
}

/// Resolves `to` from the folder `from`; `from` and the result are relative to the project's folder. `None` if the path
/// leads out of the project.
pub fn resolve(from: &str, to: &str) -> Option<String> {
    let mut parts: Vec<&str> = from.split('/').collect();
    for part in to.split('/') {
        match part {
            "" | "." => {}
            ".." => _ = parts.pop()?,
            name => parts.push(name),
        }
    }
    Some(parts.join("/"))
}

#[cfg(test)]
pub mod tests {
    use super::*;
    use tempfile::TempDir;

    /// A temporary project with these files.
    pub fn project(files: &[(&str, &str)]) -> (TempDir, Sources) {
        let folder = tempfile::tempdir().expect("a folder");
        for (path, text) in files {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().expect("it lies in a folder")).expect("a folder");
            fs::write(path, text).expect("a file");
        }
        let sources = Sources::of(folder.path(), WHOLE);
        (folder, sources)
    }

    #[test]
    fn paths_are_followed() {
        let path = "chapters/05-paging/src/page.rs";
        assert_eq!(resolve(PAGES, "../../chapters/05-paging/src/page.rs").as_deref(), Some(path));
        assert_eq!(resolve(PAGES, "../../../x"), None);
        assert_eq!(resolve(PAGES, "./x").as_deref(), Some("book/src/x"));
    }

    #[test]
    fn chapters_and_pages_are_found() {
        let files = [
            ("chapters/02-b/src/a.rs", ""),
            ("chapters/01-a/x", ""),
            ("book/src/01-a.md", "A"),
            ("book/src/SUMMARY.md", ""),
        ];
        let (_folder, sources) = project(&files);
        assert_eq!(sources.chapters, ["01-a", "02-b"]);
        assert_eq!((sources.chapter_of("01-a.md"), sources.chapter_of("classic.md")), (Some("01-a"), None));
        assert_eq!(sources.chapter_of("01-why-it-breaks.md"), Some("01-a"));
        assert_eq!(sources.pages(), Ok(vec![("01-a.md".into(), "A".into())]));
        assert_eq!(sources.files_in("chapters"), ["chapters/01-a/x", "chapters/02-b/src/a.rs"]);
        assert_eq!((number("05-paging"), number("10-user-mode")), ("5", "10"));
    }
}
