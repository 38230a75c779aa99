//! The committed pictures, compared with those taken today.

use crate::made_with::MadeWith;
use crate::{FOLDER, Files};
use anyhow::{Context, Result, bail};
use machine::workspace::Chapter;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// How much of a line to show before and after a difference.
const LETTERS_BEFORE: usize = 30;
const LETTERS_BEHIND: usize = 60;

/// Whether a file is one of a chapter's pictures that are always taken: its name begins with the chapter's number.
///
/// Sessions under gdb do not count. They are taken only on machines with the gdb that the book was written with.
pub fn belongs_to(name: &str, chapter: &Chapter) -> bool {
    let number = chapter.name.split_once('-').map_or("", |(number, _)| number);
    name.strip_prefix(number).is_some_and(|rest| rest.starts_with('-') && !rest.starts_with("-gdb-"))
}

/// The names of the committed files.
pub fn names(folder: &Path) -> Result<BTreeSet<String>> {
    let entries = fs::read_dir(folder).with_context(|| format!("{} could not be read", folder.display()))?;
    entries.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned())).collect()
}

/// Compares the committed pictures of a chapter with `taken`.
///
/// # Errors
/// If they differ: the message names the first file that does, and shows where.
pub fn compare(folder: &Path, chapter: &Chapter, taken: &Files) -> Result<()> {
    let committed: BTreeSet<String> = names(folder)?.into_iter().filter(|name| belongs_to(name, chapter)).collect();
    let names: BTreeSet<&String> = committed.iter().chain(taken.keys()).collect();
    for name in names {
        let before = fs::read_to_string(folder.join(name)).ok();
        let difference = match (&before, taken.get(name)) {
            (Some(before), Some(now)) if before == now => continue,
            (Some(before), Some(now)) => first_difference(before, now),
            (None, _) => "The file is missing.".into(),
            (_, None) => "No such picture is taken any more.".into(),
        };
        let versions = MadeWith::committed(folder).map(|before| MadeWith::today().difference(&before));
        let versions = versions.unwrap_or_default();
        bail!(
            "{FOLDER}/{name} is not what today's kernel shows. {difference}\n`make figures` takes it again.{versions}"
        );
    }
    Ok(())
}

/// The first difference between two texts.
fn first_difference(before: &str, now: &str) -> String {
    let lines = before.lines().zip(now.lines());
    let Some((number, (before, now))) = (1..).zip(lines).find(|(_, (before, now))| before != now) else {
        return "One is longer than the other.".into();
    };
    let same = before.bytes().zip(now.bytes()).take_while(|(before, now)| before == now).count();
    let around = |line: &str| {
        let start = line.floor_char_boundary(same.saturating_sub(LETTERS_BEFORE));
        let end = line.floor_char_boundary(same + LETTERS_BEHIND);
        line[start..end].to_owned()
    };
    format!("Line {number}:\n  committed: {}\n  taken:     {}", around(before), around(now))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chapter() -> Chapter {
        let (name, package) = ("09-multitasking".into(), "ch09-multitasking".into());
        Chapter { name, package, has_booted_tests: true, has_long_tests: false, has_benches: false }
    }

    fn reported(committed: &[(&str, &str)], taken: &[(&str, &str)]) -> String {
        let folder = tempfile::tempdir().expect("there is room");
        for (name, content) in committed {
            fs::write(folder.path().join(name), content).expect("there is room");
        }
        let taken = taken.iter().map(|(name, content)| ((*name).into(), (*content).into())).collect();
        compare(folder.path(), &chapter(), &taken).err().map(|error| error.to_string()).unwrap_or_default()
    }

    #[test]
    fn equal_pictures_pass_and_other_chapters_are_ignored() {
        let committed = [("09-a.md", "a\n"), ("05-b.md", ""), ("made-with.json", "")];
        assert_eq!(reported(&committed, &[("09-a.md", "a\n")]), "");
    }

    #[test]
    fn a_gdb_session_is_compared_only_where_it_was_taken() {
        assert_eq!(reported(&[("09-gdb-a.txt", "a\n")], &[]), "");
        assert!(reported(&[("09-gdb-a.txt", "a\n")], &[("09-gdb-a.txt", "b\n")]).contains("09-gdb-a.txt"));
    }

    #[test]
    fn a_difference_is_reported_with_its_file_and_line() {
        let reported = reported(&[("09-a.md", "a\nb 1\n")], &[("09-a.md", "a\nb 2\n")]);
        assert!(
            reported.contains("09-a.md") && reported.contains("Line 2:\n  committed: b 1\n  taken:     b 2"),
            "{reported}"
        );
        assert!(reported.contains("`make figures` takes it again."), "{reported}");
    }

    #[test]
    fn a_long_line_is_shown_only_around_the_difference() {
        let line = |end| format!("{}{end}{}", "ä".repeat(500), "ö".repeat(500));
        let shown = first_difference(&line("x"), &line("y"));
        assert!(shown.len() < 400 && shown.contains("äxö") && shown.contains("äyö"), "{shown}");
    }

    #[test]
    fn an_extra_picture_and_a_missing_one_are_reported() {
        assert!(
            reported(&[("09-a.md", "")], &[]).contains("09-a.md is not what today's kernel shows. No such picture")
        );
        assert!(reported(&[], &[("09-a.md", "")]).contains("The file is missing."));
        assert!(reported(&[("09-a.md", "a\n")], &[("09-a.md", "a\nb\n")]).contains("longer"));
    }
}
