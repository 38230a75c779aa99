//! The kernel's files in reading order, and the place of each in the book's listing.

use crate::anchors;
use crate::fault::Fault;
use crate::sources::{LISTING, Sources};

/// The files that every kernel is built with and that are not Rust.
const FIRST: [&str; 2] = ["i686.json", "linker.ld"];

/// The paths of all files, in reading order.
pub fn paths(sources: &Sources) -> Vec<String> {
    let first = FIRST.map(String::from).into_iter().filter(|path| sources.has(path));
    let chapters = sources.chapters.iter().map(|chapter| format!("chapters/{chapter}"));
    let folders = ["common".into()].into_iter().chain(chapters).chain(["harness".into()]);
    first.chain(folders.flat_map(|folder| of_folder(sources, &format!("{folder}/src")))).collect()
}

/// `lib.rs`, `main.rs`, then the other files in the order in which `lib.rs` names them; tests come last.
pub fn of_folder(sources: &Sources, folder: &str) -> Vec<String> {
    let library = sources.read(&format!("{folder}/lib.rs")).unwrap_or_default();
    let mut paths = sources.files_in(folder);
    paths.sort_by_cached_key(|path| {
        let inner = path.strip_prefix(folder).unwrap_or(path).trim_start_matches('/');
        (is_test(path), place(&library, inner), path.clone())
    });
    paths
}

/// Whether a file contains only tests.
pub fn is_test(path: &str) -> bool {
    path.split('/').any(|part| part == "tests" || part == "tests.rs")
}

/// Where `lib.rs` first names a file, in its text or as a module; if it never does, where it first names the file's
/// folder.
fn place(library: &str, file: &str) -> usize {
    let parts = file.rsplit('/').map(|part| part.split('.').next().unwrap_or_default());
    let mut names = parts.filter(|name| *name != "tests").peekable();
    if names.peek().is_some_and(|name| ["lib", "main"].contains(name)) {
        return 0;
    }
    let found = names.find_map(|name| {
        let words = [format!("`{name}`"), format!("@{name}`"), format!("[`{name}::"), format!("mod {name};")];
        words.iter().filter_map(|words| library.find(words)).min()
    });
    found.map_or(usize::MAX, |place| place + 1)
}

/// The id of a file in the listing, whether or not the file is listed.
pub fn id(path: &str) -> String {
    path.chars().map(|c| if c.is_ascii_alphanumeric() || c == '_' { c } else { '-' }).collect()
}

/// A link to that place.
pub fn link(path: &str) -> String {
    format!("{LISTING}#{}", id(path))
}

/// The language of a fence with this file.
fn language(path: &str) -> &str {
    match path.rsplit_once('.') {
        Some((_, "rs")) => "rust,ignore",
        Some((_, "s")) => "asm",
        Some((_, "json")) => "json",
        Some((_, "ld")) => "ld",
        _ => "text",
    }
}

/// `{{#files}}`: each file under a heading.
pub fn expand(sources: &Sources) -> Result<String, Fault> {
    let mut page = String::new();
    let mut folder = String::new();
    for path in paths(sources) {
        let parts: Vec<&str> = path.split('/').collect();
        let here = match &parts[..] {
            ["chapters", chapter, ..] => format!("Chapter {}", crate::sources::number(chapter)),
            ["common", ..] => "What several chapters use".into(),
            ["harness", ..] => "How the tests boot".into(),
            _ => "What every kernel is linked by".into(),
        };
        if here != folder {
            page += &format!("## {here}\n\n");
            folder = here;
        }
        let text = sources.read(&path).map_err(|error| Fault::of(LISTING, error))?;
        let text = anchors::without(&text);
        let fence = fence_around(&text);
        page += &format!(
            "### `{path}` {{ #{} }}\n\n{fence}{}\n{}\n{fence}\n\n",
            id(&path),
            language(&path),
            text.trim_end()
        );
    }
    Ok(page)
}

/// A fence with enough backticks that nothing in the text ends it.
pub fn fence_around(text: &str) -> String {
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    "`".repeat(longest.max(2) + 1)
}

#[cfg(test)]
mod tests {
    use super::super::sources::tests::project;
    use super::*;

    const LIBRARY: &str =
        "//! [`mod@zero`] is first, [`two::X`] next.\n\nmod one;\nmod two;\nmod zero;\n#[cfg(test)]\nmod tests;\n";

    #[test]
    fn files_come_in_the_order_of_the_library() {
        let folder = "chapters/01-a/src";
        let names = ["main.rs", "lib.rs", "one.rs", "one/tests.rs", "tests.rs", "two.rs", "zero.rs", "zero.s"];
        let files: Vec<(String, &str)> = names
            .iter()
            .map(|name| (format!("{folder}/{name}"), if *name == "lib.rs" { LIBRARY } else { "" }))
            .collect();
        let mut files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (&**path, *text)).collect();
        files.extend([("linker.ld", ""), ("common/src/lib.rs", ""), ("harness/src/lib.rs", "")]);
        let (_folder, sources) = project(&files);
        let expected = ["lib.rs", "main.rs", "zero.rs", "zero.s", "two.rs", "one.rs", "one/tests.rs", "tests.rs"];
        let expected = expected.map(|name| format!("{folder}/{name}"));
        let paths = paths(&sources);
        assert_eq!(paths[..2], ["linker.ld", "common/src/lib.rs"]);
        assert_eq!(paths[2..paths.len() - 1], expected);
        assert_eq!(paths[paths.len() - 1], "harness/src/lib.rs");
    }

    #[test]
    fn files_in_folders_come_in_the_order_of_the_library() {
        let library = "//! [`a`] is a folder.\n\nmod a {\n    mod two;\n    mod one;\n}\nmod zero;\nmod tests;\n";
        let files = ["a/one.rs", "a/one/tests.rs", "a/two.rs", "a/two/tests.rs", "lib.rs", "tests.rs", "zero.rs"];
        let files = files.map(|name| (format!("src/{name}"), if name == "lib.rs" { library } else { "" }));
        let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (&**path, *text)).collect();
        let (_folder, sources) = project(&files);
        let expected = ["lib.rs", "a/two.rs", "a/one.rs", "zero.rs", "a/two/tests.rs", "a/one/tests.rs", "tests.rs"];
        assert_eq!(of_folder(&sources, "src"), expected.map(|name| format!("src/{name}")));
    }

    #[test]
    fn a_file_is_listed_without_its_anchors() {
        let source = "//! ```text\n// ANCHOR: a\na\n// ANCHOR_END: a\n";
        let (_folder, sources) = project(&[("chapters/01-a/src/lib.rs", source)]);
        let page = expand(&sources).expect("a page");
        let heading = "## Chapter 1\n\n### `chapters/01-a/src/lib.rs` { #chapters-01-a-src-lib-rs }\n\n";
        assert_eq!(page, format!("{heading}````rust,ignore\n//! ```text\na\n````\n\n"));
        assert_eq!(link("linker.ld"), "files.md#linker-ld");
    }
}
