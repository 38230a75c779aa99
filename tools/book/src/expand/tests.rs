//! Tests each element that a page may contain, and each fault.

use super::super::sources::tests::project;
use super::*;

const SOURCE: &str = "//! A.\n// ANCHOR: a\nb\n// ANCHOR_END: a\n";
const PATH: &str = "chapters/01-a/src/lib.rs";

fn expanded(page: &str, text: &str) -> (String, Vec<(usize, String)>) {
    let files = [
        (PATH, SOURCE),
        ("book/figures/01-log.txt", "hello\n"),
        ("book/figures/01-gdb-a.txt", "$1\n"),
        ("chapters/01-a/Cargo.toml", ""),
    ];
    let (_folder, sources) = project(&files);
    let (text, faults) = expand(&sources, page, text);
    (text, faults.into_iter().map(|fault| (fault.line, fault.what)).collect())
}

fn good(text: &str) -> String {
    let (text, faults) = expanded("01-a.md", text);
    assert_eq!(faults, []);
    text
}

#[test]
fn a_listing_gets_a_caption_and_stays_a_fence() {
    let fence = "```rust,ignore\n{{#include ../../chapters/01-a/src/lib.rs:a}}\n```";
    let link = "<a href=\"files.md#chapters-01-a-src-lib-rs\"><code>chapters/01-a/src/lib.rs</code></a>";
    let taken = "```rust,ignore\nb\n```";
    let figure = format!("<figure class=\"listing\">\n<figcaption>{link}</figcaption>\n\n{taken}\n\n</figure>");
    assert_eq!(good(&format!("One.\n\n{fence}\n\nTwo.\n")), format!("One.\n\n{figure}\n\nTwo.\n"));
    let inner = |text: &str| text.replace('\n', "\n   ");
    assert_eq!(
        good(&format!("1. one\n\n   {}\n2. two\n", inner(fence))),
        format!("1. one\n\n   {}\n2. two\n", inner(&figure))
    );
}

#[test]
fn a_log_names_its_source() {
    let text = good("```text\n{{#include ../figures/01-log.txt}}\n```\n");
    assert!(text.contains("<code>make run CHAPTER=1</code>"), "{text}");
    assert!(good("```text\n{{#include ../figures/01-gdb-a.txt}}\n```\n").contains("under gdb"));
}

#[test]
fn paths_become_links_where_links_are_possible() {
    let text = "See `chapters/01-a/src/lib.rs`, `chapters/01-a`, `chapters/*/src`, [`chapters/01-a/src/lib.rs`](x.md).";
    let expected = "See [`chapters/01-a/src/lib.rs`](files.md#chapters-01-a-src-lib-rs), `chapters/01-a`, \
        `chapters/*/src`, [`chapters/01-a/src/lib.rs`](x.md).";
    assert_eq!(good(text), expected);
    assert_eq!(good("# `chapters/01-a/src/lib.rs`\n"), "# `chapters/01-a/src/lib.rs`\n");
}

#[test]
fn faults_are_reported_with_their_lines() {
    for (page, text, line, words) in [
        ("01-a.md", "See\n`chapters/01-a/src/page.rs`.", 2, "no file chapters/01-a/src/page.rs"),
        ("01-a.md", "# `common/x`\n", 1, "no file common/x"),
        ("01-a.md", "a\n\n{{#nonsense a}}\n", 3, "no directive {{#nonsense a}}"),
        ("01-a.md", "a {{#new}}\n", 1, "must be alone on its line"),
        ("01-a.md", "{{#new x}}\n", 1, "no directive"),
        ("b.md", "{{#new}}\n", 1, "the page of a chapter"),
        ("b.md", "{{#defect x}}\n", 1, "the page of a chapter"),
        ("01-a.md", "{{#defect}}\n", 1, "needs a name"),
        ("01-a.md", "{{#defect 27-x}}\n", 1, "no defect \"27-x\""),
        ("01-a.md", "{{#picture}}\n", 1, "needs a name"),
        ("01-a.md", "{{#index}}\n", 1, "or words"),
        ("01-a.md", "{{#picture x}}\n", 1, "book/figures/x.svg"),
        ("01-a.md", "{{#include x}}\n", 1, "must be in a fence"),
        ("01-a.md", "```rust\n{{#include ../../chapters/01-a/src/lib.rs:x}}\n```\n", 2, "no anchor \"x\""),
        ("01-a.md", "```rust\n{{#include ../../chapters/01-a/src/lib.rs:a}}\nx\n```\n", 2, "nothing else"),
        ("01-a.md", "```rust\n{{#new}}\n```\n", 2, "nothing else"),
        ("01-a.md", "```text\n{{#include ../figures/02-log.txt}}\n```\n", 2, "make figures"),
        ("01-a.md", "```text\nHello from chapter 1.\n```\n", 1, "holds an include"),
        ("01-a.md", "```rust,ignore\nfn f() {}\n```\n", 1, "holds an include"),
        (
            "01-a.md",
            "```console\n$ make run\nHello from chapter 1.\n```\n",
            1,
            "each line is a command, behind $ or (gdb).",
        ),
        ("01-a.md", "```\nmake run\n```\n", 1, "has to say what is in it"),
    ] {
        let (_, faults) = expanded(page, text);
        assert!(matches!(&faults[..], [(at, what)] if *at == line && what.contains(words)), "{text}: {faults:?}");
    }
}

#[test]
fn drawings_and_commands_are_typed() {
    for text in [
        "```text,drawn\n+--+\n```\n",
        "```console\n$ make debug\n(gdb) quit\n```\n",
        "```rust,ignore,drawn\nfn f() {}\n```\n",
    ] {
        assert_eq!(good(text), text);
    }
}

#[test]
fn words_for_the_search_alone_are_hidden_from_all_readers() {
    assert_eq!(good("## A\n\n{{#index malloc, a & b}}\n\nB.\n"), "## A\n\n\n<p hidden>malloc, a &amp; b</p>\n\n\nB.\n");
}

#[test]
fn the_glossary_has_its_terms_as_headings() {
    let terms = "# A\n\nOne `a`\n: The first.\n\nTwo\n: The second.\n";
    let headings = "# A\n\n## One `a` { .term }\nThe first.\n\n## Two { .term }\nThe second.\n";
    assert_eq!(expanded("glossary.md", terms), (headings.into(), Vec::new()));
    assert_eq!(good(terms), terms);
}

#[test]
fn a_draft_marks_what_is_not_taken_yet() {
    let (_folder, mut sources) = project(&[]);
    sources.is_draft = true;
    let (text, faults) =
        expand(&sources, "b.md", "{{#picture x}}\n\n- a\n\n  ```text\n  {{#include ../figures/1.txt}}\n  ```\n");
    assert_eq!(faults, []);
    assert!(text.starts_with("> [!WARNING]\n> Not taken yet: There is no file book/figures/x.svg."), "{text}");
    assert!(text.contains("\n  > [!WARNING]\n  > Not taken yet"), "{text}");
    let (_, faults) = expand(&sources, "b.md", "```rust\n{{#include ../../common/x.rs:a}}\n```\n");
    assert_eq!(faults.len(), 1);
}
