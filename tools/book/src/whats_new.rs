//! `{{#new}}`: what a chapter adds to the one before, made from its sources.
//!
//! It lists the chapter's files with their taglines, the earlier libraries that its `use` lines name, and the changes
//! in the kernel's init list, as a diff against the chapter before.

use crate::html::{self, escaped, inline, link};
use crate::listing_order as listing;
use crate::sources::{Sources, number};
use serde::Deserialize;
use similar::{Algorithm, ChangeTag, TextDiff};
use std::collections::BTreeMap;

/// The part of a page that says what is new in this chapter.
pub fn expand(sources: &Sources, chapter: &str) -> Result<String, String> {
    let folder = format!("chapters/{chapter}/src");
    let paths: Vec<String> =
        listing::of_folder(sources, &folder).into_iter().filter(|path| !listing::is_test(path)).collect();
    let files: Vec<(String, String)> =
        paths.into_iter().map(|path| sources.read(&path).map(|text| (path, text))).collect::<Result<_, _>>()?;
    let parts =
        [files_table(&folder, &files)?, libraries_table(sources, chapter, &files)?, init_list(sources, chapter)?];
    Ok(parts.concat())
}

/// The files, each with its tagline.
fn files_table(folder: &str, files: &[(String, String)]) -> Result<String, String> {
    let mut rows = String::new();
    for (path, text) in files {
        let name = path.strip_prefix(folder).unwrap_or(path).trim_start_matches('/');
        let tagline = tagline(text).ok_or_else(|| format!("{path} does not begin with a line about itself."))?;
        let name = link(&listing::link(path), &html::name(name));
        rows += &format!("<tr><td>{name}</td><td>{}</td></tr>\n", inline(&tagline));
    }
    Ok(table(&format!("The files in <code>{folder}</code>"), &["file", "what it is"], &rows))
}

/// A table with these column heads.
pub fn table(caption: &str, heads: &[&str], rows: &str) -> String {
    let heads: String = heads.iter().map(|head| format!("<th>{head}</th>")).collect();
    format!(
        "<div class=\"table-wrapper\">\n<table class=\"whats-new\">\n<caption>{caption}</caption>\n\
        <thead><tr>{heads}</tr></thead>\n<tbody>\n{rows}</tbody>\n</table>\n</div>\n\n"
    )
}

/// The first sentence of the comment at the top of a file, which may span several lines.
fn tagline(text: &str) -> Option<String> {
    let mut lines = text.lines();
    let first = lines.next()?;
    if first.trim() == "/*" {
        let words = lines.map(|line| line.trim().trim_start_matches('*').trim());
        let words: Vec<&str> = words.take_while(|line| !line.is_empty() && *line != "/").collect();
        let words = words.join(" ");
        // The first sentence, without the declaration that some have after a colon.
        let end = words.find(['.', ':']).unwrap_or(words.len());
        return Some(format!("{}.", &words[..end])).filter(|sentence| sentence.len() > 1);
    }
    let start = *["//!", ";", "#"].iter().find(|start| first.starts_with(**start))?;
    let mut sentence = first.strip_prefix(start)?.trim().to_owned();
    while !sentence.ends_with('.') {
        let more = lines.next().and_then(|line| line.strip_prefix(start)).map(str::trim);
        let Some(more) = more.filter(|more| !more.is_empty()) else { break };
        sentence = format!("{sentence} {more}");
    }
    (!sentence.is_empty()).then_some(sentence)
}

#[derive(Deserialize)]
struct Manifest {
    workspace: Workspace,
}

#[derive(Deserialize)]
struct Workspace {
    dependencies: BTreeMap<String, toml::Value>,
}

/// The library names of the chapters, with the chapters' folders.
pub fn libraries(sources: &Sources) -> Result<Vec<(String, String)>, String> {
    let manifest: Manifest = toml::from_str(&sources.read("Cargo.toml")?).map_err(|error| error.to_string())?;
    let path = |value: &toml::Value| value.get("path")?.as_str()?.strip_prefix("chapters/").map(String::from);
    let named = manifest.workspace.dependencies.iter().filter_map(|(name, value)| Some((path(value)?, name.clone())));
    let mut named: Vec<(String, String)> = named.collect();
    named.sort();
    Ok(named.into_iter().map(|(chapter, name)| (name, chapter)).collect())
}

/// The libraries of other chapters, and the `use` lines that name them.
fn libraries_table(sources: &Sources, own: &str, files: &[(String, String)]) -> Result<String, String> {
    let uses: Vec<String> = files.iter().flat_map(|(_, text)| uses(text)).collect();
    let mut rows = String::new();
    for (name, chapter) in libraries(sources)?.into_iter().filter(|(_, chapter)| chapter != own) {
        let is_of = |line: &&String| {
            line.strip_prefix(&format!("use {name}")).is_some_and(|rest| rest.starts_with([':', ';', ' ']))
        };
        let mut lines: Vec<&String> = uses.iter().filter(is_of).collect();
        lines.sort();
        lines.dedup();
        if !lines.is_empty() {
            let lines: Vec<String> = lines.iter().map(|line| format!("<code>{}</code>", escaped(line))).collect();
            let name = link(&format!("{chapter}.md"), &format!("<code>{name}</code>, chapter {}", number(&chapter)));
            rows += &format!("<tr><td>{name}</td><td>{}</td></tr>\n", lines.join("<br>"));
        }
    }
    if rows.is_empty() {
        return Ok(String::new());
    }
    Ok(table("What it takes from earlier steps", &["library", "the lines that name it"], &rows))
}

/// The `use` lines of a source, each joined into one line.
fn uses(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let line = line.trim().trim_start_matches("pub ");
        if !line.starts_with("use ") {
            continue;
        }
        let mut whole = line.to_owned();
        while !whole.ends_with(';') {
            let Some(more) = lines.next() else { break };
            whole = format!("{whole} {}", more.trim());
        }
        found.push(whole.replace("{ ", "{").replace(", }", "}").replace(" }", "}"));
    }
    found
}

/// The init list, `fn kernel` of the chapter's kernel: one line for each thing it sets up, with two words of comment.
/// It is shown as a diff against the list of the chapter before; the first chapter's list is shown whole.
fn init_list(sources: &Sources, chapter: &str) -> Result<String, String> {
    let path = |chapter: &str| format!("chapters/{chapter}/src/main.rs");
    let list = |chapter: &str| {
        let path = path(chapter);
        kernel(&sources.read(&path)?).ok_or_else(|| format!("{path} has no `fn kernel`."))
    };
    let now = list(chapter)?;
    let link = |chapter: &str| link(&listing::link(&path(chapter)), &format!("<code>{}</code>", path(chapter)));
    let before = sources.chapters.iter().take_while(|name| *name != chapter).last();
    let (what, lines) = match before {
        None => ("what the kernel sets up".into(), now.iter().map(|line| escaped(line) + "\n").collect()),
        Some(before) => {
            let what = format!(
                "what the kernel sets up, as a diff against chapter {}; <code>+</code> marks the lines that are new, \
                <code>-</code> those that are gone",
                number(before)
            );
            (what, diff(&list(before)?, &now))
        }
    };
    Ok(format!(
        "<figure class=\"listing init-list\">\n<figcaption>{}: {what}</figcaption>\n\
        <pre><code class=\"nohighlight\">{lines}</code></pre>\n</figure>\n\n",
        link(chapter)
    ))
}

/// All lines of both lists, each with its diff sign.
fn diff(before: &[String], now: &[String]) -> String {
    let [before, now] = [before, now].map(|lines| lines.iter().map(String::as_str).collect::<Vec<_>>());
    let diff = TextDiff::configure().algorithm(Algorithm::Patience).diff_slices(&before, &now);
    let line = |(tag, line): (ChangeTag, &str)| {
        let (element, sign) = match tag {
            ChangeTag::Insert => ("ins", '+'),
            ChangeTag::Delete => ("del", '-'),
            ChangeTag::Equal => ("span", ' '),
        };
        format!("<{element}><span class=\"sign\">{sign} </span>{}</{element}>\n", escaped(line))
    };
    diff.iter_all_changes().map(|change| line((change.tag(), change.value()))).collect()
}

/// The lines of `fn kernel`, none of them empty.
pub fn kernel(text: &str) -> Option<Vec<String>> {
    let text = crate::anchors::without(text);
    let mut lines = text.lines().skip_while(|line| !line.starts_with("fn kernel("));
    let first = lines.next()?.to_owned();
    let rest: Vec<&str> = lines.take_while(|line| *line != "}").filter(|line| !line.is_empty()).collect();
    let rest = rest.into_iter().chain(["}"]).map(String::from);
    Some([first].into_iter().chain(rest).collect())
}

/// The statement of a line with a comment; in the init list, these lines set something up.
pub fn setup(line: &str) -> Option<&str> {
    Some(line.split_once(" // ")?.0.trim())
}

#[cfg(test)]
mod tests {
    use super::super::sources::tests::project;
    use super::*;

    const MANIFEST: &str = "[workspace.dependencies]\nx = '1'\nsecond = { path = 'chapters/02-b' }\nfirst = { path = 'chapters/01-a' }\ncommon = { path = 'common' }\n";
    const MAIN: &str = "//! The kernel.\n\nuse first::{\n    a,\n    b,\n};\nuse first::c;\nuse second::x;\nuse second_hand::x;\n\nfn kernel(x: X) -> ! {\n    shared::init(); // both\n    b::init(1 < 2); // b now\n\n    show();\n}\n\nfn show() {}\n";

    fn expanded(chapter: &str) -> String {
        let files = [
            ("Cargo.toml", MANIFEST),
            (
                "chapters/01-a/src/main.rs",
                "//! It.\nfn kernel() -> ! {\n    a::init(); // an a\n    shared::init(); // both\n}\n",
            ),
            ("chapters/02-b/src/lib.rs", "//! Chapter 2: `b` < c.\n"),
            ("chapters/02-b/src/c.rs", "//! Long\n//! enough.\n//! And more.\n"),
            ("chapters/02-b/src/b.s", "/*\n * The way.\n * And back.\n *\n * Why.\n */\n"),
            ("chapters/02-b/src/tests.rs", ""),
            ("chapters/02-b/src/main.rs", MAIN),
        ];
        let (_folder, sources) = project(&files);
        expand(&sources, chapter).expect("a chapter")
    }

    #[test]
    fn files_have_their_taglines_and_links() {
        let page = expanded("02-b");
        let row = "<tr><td><a href=\"files.md#chapters-02-b-src-lib-rs\"><code>lib.rs</code></a></td><td>Chapter 2: <code>b</code> &lt; c.</td></tr>";
        assert!(page.contains(row), "{page}");
        assert!(page.contains("<td>Long enough.</td>"), "{page}");
        assert!(page.contains("<td>The way.</td>") && !page.contains("tests.rs"), "{page}");
    }

    #[test]
    fn libraries_have_their_lines_and_pages() {
        let page = expanded("02-b");
        let cell = "<td><code>use first::c;</code><br><code>use first::{a, b};</code></td>";
        assert!(page.contains(cell), "{page}");
        assert!(page.contains("<a href=\"01-a.md\"><code>first</code>, chapter 1</a>"), "{page}");
        assert!(!page.contains("second</code>, chapter"), "{page}");
        assert!(!expanded("01-a").contains("earlier steps"));
    }

    #[test]
    fn the_list_is_a_diff_against_the_one_before() {
        let page = expanded("02-b");
        let lines = "<del><span class=\"sign\">- </span>fn kernel() -&gt; ! {</del>\n\
            <del><span class=\"sign\">- </span>    a::init(); // an a</del>\n\
            <ins><span class=\"sign\">+ </span>fn kernel(x: X) -&gt; ! {</ins>\n\
            <span><span class=\"sign\">  </span>    shared::init(); // both</span>\n\
            <ins><span class=\"sign\">+ </span>    b::init(1 &lt; 2); // b now</ins>\n\
            <ins><span class=\"sign\">+ </span>    show();</ins>\n\
            <span><span class=\"sign\">  </span>}</span>\n</code>";
        assert!(page.contains(lines) && page.contains("as a diff against chapter 1"), "{page}");
    }

    #[test]
    fn the_first_list_is_shown_as_it_is() {
        let page = expanded("01-a");
        let lines = "<code class=\"nohighlight\">fn kernel() -&gt; ! {\n    a::init(); // an a\n    shared::init(); // both\n}\n</code>";
        assert!(page.contains(lines) && !page.contains("diff"), "{page}");
    }

    #[test]
    fn a_file_must_say_what_it_is() {
        let (_folder, sources) = project(&[("Cargo.toml", MANIFEST), ("chapters/01-a/src/lib.rs", "mod x;\n")]);
        assert!(expand(&sources, "01-a").expect_err("no tagline").contains("lib.rs"));
    }
}
