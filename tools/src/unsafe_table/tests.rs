//! What a table must be, and what counting anew makes of one.

use super::*;

const ABOVE: &str = "# Unsafe code\n\nSome words.\n\n";

fn counts() -> Counts {
    let count = |blocks, assembly| Count { blocks, lines: blocks, declarations: 0, assembly };
    [("a/b.rs".into(), count(2, 0)), ("a/b.s".into(), count(0, 7))].into()
}

/// A table with these rows.
fn table(rows: &str) -> String {
    format!("{ABOVE}{HEAD}{rows}| **all** | 2 | 2 | 0 | 7 |  |\n")
}

const GOOD: &str = "| a/b.rs | 2 | 2 | 0 | 0 | The sun shines. |\n| a/b.s | 0 | 0 | 0 | 7 | It is day. |\n";

#[test]
fn a_true_table_is_accepted_and_stays_as_it_is() {
    let text = table(GOOD);
    assert_eq!(faults(&text, &counts()), [""; 0]);
    assert_eq!(renewed(&text, &counts()), text);
}

#[test]
fn a_wrong_count_is_told_and_mended() {
    let text = table(&GOOD.replace("| 2 | 2 |", "| 1 | 2 |"));
    assert_eq!(
        faults(&text, &counts()),
        ["a/b.rs has 2 blocks, 2 lines, 0 declarations, 0 of assembly; UNSAFE.md says 1, 2, 0, 0."]
    );
    assert_eq!(renewed(&text, &counts()), table(GOOD));
}

#[test]
fn a_new_file_has_to_be_explained() {
    let text = table("| a/b.s | 0 | 0 | 0 | 7 | It is day. |\n");
    assert_eq!(
        faults(&text, &counts()),
        ["a/b.rs has unsafe code (2 blocks, 2 lines, 0 declarations, 0 of assembly), and no row in UNSAFE.md."]
    );
    let text = renewed(&text, &counts());
    assert_eq!(text, table(&GOOD.replace("The sun shines.", "")));
    let sentence = "a/b.rs: UNSAFE.md does not say which invariant its unsafe code relies upon.";
    assert_eq!(faults(&text, &counts()), [sentence]);
}

#[test]
fn a_stale_row_is_told_and_goes() {
    let text = table(&format!("{GOOD}| a/c.rs | 1 | 1 | 0 | 0 | Once it was. |\n"));
    assert_eq!(faults(&text, &counts()), ["a/c.rs has a row in UNSAFE.md, and no unsafe code."]);
    assert_eq!(renewed(&text, &counts()), table(GOOD));
}

#[test]
fn the_sums_must_be_right() {
    let text = table(GOOD).replace("| 7 |  |", "| 8 |  |");
    assert_eq!(faults(&text, &counts()).len(), 1);
    assert_eq!(renewed(&text, &counts()), table(GOOD));
}

#[test]
fn what_a_merge_leaves_is_mended_too() {
    let ours = "| a/b.rs | 1 | 1 | 0 | 0 |  |\n| **all** | 1 | 1 | 0 | 7 |  |\n";
    let theirs = "| a/b.rs | 3 | 3 | 0 | 0 | The sun shines. |\n| a/b.s | 0 | 0 | 0 | 7 | It is day. |\n";
    for [first, second] in [[ours, theirs], [theirs, ours]] {
        let text = format!("{ABOVE}{HEAD}<<<<<<< one\n{first}=======\n{second}>>>>>>> other\n");
        assert_eq!(renewed(&text, &counts()), table(GOOD));
    }
}

#[test]
fn a_sentence_may_have_bars_in_it() {
    let text = table(&GOOD.replace("The sun shines.", "The sun `a | b` shines."));
    assert_eq!(faults(&text, &counts()), [""; 0]);
    assert_eq!(renewed(&text, &counts()), text);
}

#[test]
fn words_alone_get_a_table() {
    assert!(renewed("# Unsafe code\n", &counts()).starts_with(&format!("# Unsafe code\n\n{HEAD}| a/b.rs | 2 |")));
}
