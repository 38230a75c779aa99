//! Shows the difference between two texts that should be the same.

use similar::TextDiff;

/// A longer difference is cut off after this many lines.
const MOST_LINES: usize = 20;

/// The lines that differ, with one line before and one behind; `None` if the texts are the same.
pub fn between(first: (&str, &str), second: (&str, &str)) -> Option<String> {
    let diff = TextDiff::from_lines(first.1, second.1);
    let shown = diff.unified_diff().context_radius(1).header(first.0, second.0).to_string();
    let mut lines: Vec<&str> = shown.lines().collect();
    if lines.len() > MOST_LINES {
        lines.truncate(MOST_LINES);
        lines.push("...");
    }
    (!lines.is_empty()).then(|| lines.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_texts_have_no_difference() {
        assert_eq!(between(("one", "a\nb\n"), ("other", "a\nb\n")), None);
    }

    #[test]
    fn a_difference_is_shown_with_the_lines_around_it() {
        let shown = between(("one", "a\nb\nc\nd\n"), ("other", "a\nb\nx\nd\n"));
        assert_eq!(shown.as_deref(), Some("--- one\n+++ other\n@@ -2,3 +2,3 @@\n b\n-c\n+x\n d"));
        assert!(between(("one", "a\nb\n"), ("other", "a\n")).is_some_and(|shown| shown.ends_with("-b")));
    }

    #[test]
    fn a_long_difference_is_cut_off() {
        let all: String = (0..100).map(|line| format!("{line}\n")).collect();
        let shown = between(("one", &all), ("other", "")).expect("they differ");
        assert!(shown.lines().count() == MOST_LINES + 1 && shown.ends_with("..."), "{shown}");
    }
}
