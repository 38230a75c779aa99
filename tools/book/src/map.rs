//! `{{#map}}`: the whole kernel in two tables, made from the last chapter's kernel and from the manifests.
//!
//! The first table lists what that kernel sets up, line by line. The second lists the libraries and what each depends
//! on, in this project and outside it.

use crate::html::{self, escaped, link};
use crate::listing_order as listing;
use crate::sources::{Sources, number};
use crate::whats_new::{kernel, libraries, setup, table};
use serde::Deserialize;
use std::collections::BTreeMap;

/// The package that belongs to no chapter.
const COMMON: &str = "common";

/// Both tables.
pub fn expand(sources: &Sources) -> Result<String, String> {
    let libraries = libraries(sources)?;
    Ok(init_table(sources, &libraries)? + &libraries_table(sources, &libraries)?)
}

/// What the last kernel sets up, the purpose of each line, and the chapter that explains it.
fn init_table(sources: &Sources, libraries: &[(String, String)]) -> Result<String, String> {
    let last = sources.chapters.last().ok_or("There is no chapter.")?;
    let path = format!("chapters/{last}/src/main.rs");
    let lines = kernel(&sources.read(&path)?).ok_or_else(|| format!("{path} has no `fn kernel`."))?;
    let mut rows = String::new();
    for line in lines.iter().filter(|line| setup(line).is_some()) {
        let (code, comment) = line.split_once(" // ").expect("a line that sets something up has a comment");
        let chapter = chapter_of(sources, code.trim(), libraries)?;
        let page = link(&format!("{chapter}.md"), number(&chapter));
        rows += &format!("<tr><td>{page}</td><td>{}</td><td>{}</td></tr>\n", html::name(code.trim()), escaped(comment));
    }
    let caption =
        format!("What the kernel of {} sets up", link(&listing::link(&path), &format!("<code>{last}</code>")));
    Ok(table(&caption, &["chapter", "line", "what for"], &rows))
}

/// The chapter whose library a line calls, found by the first name in the call: a library or a module.
fn chapter_of(sources: &Sources, code: &str, libraries: &[(String, String)]) -> Result<String, String> {
    let call = code.rsplit(" = ").next().unwrap_or(code);
    let first = call.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or_default();
    let of_name = libraries.iter().find(|(name, _)| name == first);
    // `handover`, what the boot loader passes on, belongs to chapter 1; other names are modules.
    let has_module = |chapter: &str| {
        let file = format!("/{first}.rs");
        sources.files_in(&format!("chapters/{chapter}/src")).iter().any(|path| path.ends_with(&file))
    };
    let of_module = || libraries.iter().rev().find(|(_, chapter)| has_module(chapter));
    let handed_over = || libraries.first().filter(|_| first == "handover");
    let found = of_name.or_else(handed_over).or_else(of_module);
    found
        .map(|(_, chapter)| chapter.clone())
        .ok_or_else(|| format!("No chapter has `{first}`, of which `{code}` speaks."))
}

#[derive(Deserialize)]
struct Manifest {
    #[serde(default)]
    dependencies: BTreeMap<String, toml::Value>,
}

/// Every library and its dependencies.
fn libraries_table(sources: &Sources, libraries: &[(String, String)]) -> Result<String, String> {
    let mut rows = String::new();
    let common = (COMMON.to_owned(), COMMON.to_owned());
    for (name, chapter) in [&common].into_iter().chain(libraries) {
        let is_common = *name == COMMON;
        let path = if is_common { "common/Cargo.toml".into() } else { format!("chapters/{chapter}/Cargo.toml") };
        let manifest: Manifest = toml::from_str(&sources.read(&path)?).map_err(|error| format!("{path}: {error}"))?;
        let used: Vec<&String> = manifest.dependencies.keys().collect();
        let of_chapters = libraries.iter().map(|(name, _)| name).chain([&common.0]).filter(|name| used.contains(name));
        let of_others =
            used.iter().filter(|name| **name != COMMON && !libraries.iter().any(|(library, _)| library == **name));
        let (ours, others) = (codes(of_chapters), codes(of_others.copied()));
        let place = if is_common { "all".into() } else { link(&format!("{chapter}.md"), number(chapter)) };
        rows += &format!("<tr><td>{place}</td><td><code>{name}</code></td><td>{ours}</td><td>{others}</td></tr>\n");
    }
    Ok(table("The libraries, and what each stands on", &["chapter", "library", "of this project", "of others"], &rows))
}

fn codes<'a>(names: impl Iterator<Item = &'a String>) -> String {
    names.map(|name| format!("<code>{name}</code>")).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::super::sources::tests::project;
    use super::*;

    const MANIFEST: &str =
        "[workspace.dependencies]\nsecond = { path = 'chapters/02-b' }\nfirst = { path = 'chapters/01-a' }\n";
    const MAIN: &str = "fn kernel() -> ! {\n    first::init(); // the a\n    let x = handover.x(); // told\n    input::init(); // b < c\n    show();\n}\n";

    fn expanded(main: &str) -> Result<String, String> {
        let files = [
            ("Cargo.toml", MANIFEST),
            ("common/Cargo.toml", "[dependencies]\nspin.workspace = true\n"),
            ("chapters/01-a/Cargo.toml", "[dependencies]\ncommon.workspace = true\n"),
            ("chapters/02-b/Cargo.toml", "[dependencies]\nfirst.workspace = true\nx86.workspace = true\n"),
            ("chapters/02-b/src/waiting/input.rs", ""),
            ("chapters/02-b/src/main.rs", main),
        ];
        let (_folder, sources) = project(&files);
        expand(&sources)
    }

    #[test]
    fn every_line_has_its_chapter() {
        let map = expanded(MAIN).expect("a map");
        for row in [
            "<td><a href=\"01-a.md\">1</a></td><td><code>first::<wbr>init();</code></td><td>the a</td>",
            "<td><a href=\"01-a.md\">1</a></td><td><code>let x = handover.x();</code></td><td>told</td>",
            "<td><a href=\"02-b.md\">2</a></td><td><code>input::<wbr>init();</code></td><td>b &lt; c</td>",
        ] {
            assert!(map.contains(row), "{row}\n{map}");
        }
        assert!(!map.contains("show"), "{map}");
    }

    #[test]
    fn every_library_lists_its_dependencies() {
        let map = expanded(MAIN).expect("a map");
        let row = "<td><code>second</code></td><td><code>first</code></td><td><code>x86</code></td>";
        assert!(map.contains(row), "{map}");
        assert!(map.contains("<td>all</td><td><code>common</code></td><td></td><td><code>spin</code></td>"), "{map}");
    }

    #[test]
    fn a_line_without_a_chapter_is_a_fault() {
        let fault = expanded("fn kernel() {\n    unknown::init(); // ?\n}\n").expect_err("no such chapter");
        assert!(fault.contains("`unknown`"), "{fault}");
    }
}
