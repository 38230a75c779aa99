//! Tests a small book without a fault, and then each fault that it could have.

use super::super::sources::tests::project;
use super::*;

const SOURCE: &str = "//! A.\n// ANCHOR: a\nb\n// ANCHOR_END: a\n";
const DEFECT: &str = "It is wrong.\n\nImpossible here: it is.\n";
const PAGE: &str = "# 1\n\n## In short\n\n## What is new\n\n## The idea\n\n{{#picture 01-x}}\n\n## The code\n\n\
    ```rust\n{{#include ../../chapters/01-a/src/lib.rs:a}}\n```\n\n```text\n{{#include ../figures/01-log.txt}}\n```\n\n\
    ## When it does not work\n\n## Questions\n\n## Exercises\n\n## Further\n";
const MISTAKES: &str = "# Why it breaks\n\n## A\n\n{{#defect 27-a}}\n";

/// The faults reported for the small book in which `new` replaces `old` in this file.
fn reported(file: &str, old: &str, new: &str) -> Vec<String> {
    let mut files = [
        ("chapters/01-a/src/lib.rs", SOURCE.to_owned()),
        ("chapters/01-a/mutants/27-a.md", DEFECT.into()),
        ("book/src/SUMMARY.md", "- [1](01-a.md)\n  - [Why](01-why-it-breaks.md)\n- [2](b.md)\n".into()),
        ("book/src/01-a.md", PAGE.into()),
        ("book/src/01-why-it-breaks.md", MISTAKES.into()),
        ("book/src/b.md", "{{#bench}}\n{{#growth}}\n".into()),
        ("README.md", "It says:\n\n```\n$ make run\nx\n...\n```\n\n```\ny\n```\n".into()),
        ("book/figures/01-x.svg", String::new()),
        ("book/figures/01-x.json", String::new()),
        ("book/figures/01-log.txt", "x\n".into()),
        ("book/figures/bench.json", String::new()),
    ];
    let text = &mut files.iter_mut().find(|(path, _)| *path == file).expect("it is one of them").1;
    assert!(text.contains(old), "{old}");
    *text = text.replacen(old, new, 1);
    let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (*path, text.as_str())).collect();
    let (_folder, sources) = project(&files);
    let pages = sources.pages().expect("pages");
    faults(&sources, &pages).iter().map(Fault::to_string).collect()
}

#[test]
fn a_complete_book_has_no_fault() {
    assert_eq!(reported("book/src/01-a.md", "", ""), [""; 0]);
}

#[test]
fn missing_parts_are_reported() {
    let (page, mistakes) = ("book/src/01-a.md", "book/src/01-why-it-breaks.md");
    for (file, old, new, message) in [
        ("book/src/SUMMARY.md", "(b.md)", "(c.md)", "book/src/b.md: SUMMARY.md does not list"),
        (page, "## The code", "## Code", "book/src/01-a.md:11: The headings"),
        (page, "## The idea", "## The idea\n\nIt is at 0x00103099.", "md:9: Nothing that was taken from this"),
        (page, "## Further", "## Further\n\n## More", "instead of \"the end of the page\""),
        (page, "## In short\n", "", "instead of \"In short\""),
        (page, "## Further", "", "here is \"the end of the page\" instead of \"Further\""),
        (page, "{{#include ../../chapters/01-a/src/lib.rs:a}}", "", "lib.rs:2: No page shows the anchor \"a\""),
        (mistakes, "{{#defect 27-a}}", "", "It does not show the defect 27-a"),
        (mistakes, "{{#defect 27-a}}", "{{#defect 27-a}}\n{{#defect 27-a}}", "It shows the defect 27-a twice"),
        (page, "{{#picture 01-x}}", "", "01-x.svg: No page shows this"),
        (page, "{{#include ../figures/01-log.txt}}", "", "01-log.txt: No page shows this"),
        ("README.md", "\nx\n", "\nz\n", "README.md:5: No line of the last"),
        ("book/src/b.md", "{{#growth}}", "", "bench.json: No page shows this"),
        ("chapters/01-a/src/lib.rs", "// ANCHOR_END: a", "", "its anchor \"a\" does not end"),
        ("chapters/01-a/mutants/27-a.md", "Impossible here", "Why", "It has no line"),
    ] {
        let reported = reported(file, old, new);
        let is_reported = reported.iter().any(|fault| fault.to_lowercase().contains(&message.to_lowercase()));
        assert!(is_reported, "{message}: {reported:?}");
    }
}

#[test]
fn a_page_that_is_too_long_is_reported() {
    let told_of =
        |words: usize| reported("book/src/01-a.md", "## Further", &format!("## Further\n\n{}", "word ".repeat(words)));
    let of_headings = prose::lengths(&Sources::of("".as_ref(), ""), &[("01-a.md".into(), PAGE.into())])[0].words;
    assert_eq!(told_of(prose::MOST_WORDS - of_headings), [""; 0]);
    let one_more = told_of(prose::MOST_WORDS - of_headings + 1);
    assert_eq!(one_more, ["book/src/01-a.md: It has 4001 words of prose, and may have 4000: see `make words`."]);
}

#[test]
fn a_chapter_without_a_page_is_reported() {
    let (_folder, sources) = project(&[("chapters/01-a/src/lib.rs", "")]);
    let reported: Vec<String> = faults(&sources, &[]).iter().map(Fault::to_string).collect();
    assert_eq!(reported, ["book/src/01-a.md: This chapter has no page."]);
}
