//! `make test CHAPTER=9 TEST=name`: runs one test, or all whose names contain a word.
//!
//! They are looked up among the tests of the chapter's library, which run on the host, and among those that boot.

use anyhow::{Context, Result, bail};
use machine::cargo::Profile;
use machine::kernels::Kind;
use machine::tally::Tally;
use machine::workspace::{Chapter, Workspace};
use std::time::{Duration, Instant};
use trials::booted;
use trials::library::Library;

/// Runs the tests of one chapter that `word` names.
pub fn test(workspace: &Workspace, chapter: Option<&str>, word: &str, timeout: Duration, tally: &Tally) -> Result<()> {
    let chapter = chapter.context("TEST needs a chapter, as in make test CHAPTER=9 TEST=fork.")?;
    let chapter = workspace.chapter(Some(chapter))?;
    let chapters: Vec<&Chapter> = [chapter].into_iter().filter(|chapter| chapter.has_booted_tests).collect();
    let suites = booted::build(workspace, &chapters, Kind::Tests, Profile::Kernel, timeout)?;
    let mut in_kernel = booted::list(&suites, tally)?;
    if in_kernel.iter().any(|(_, test)| test.name == word) {
        // There is no need to build the library for the host.
        in_kernel.retain(|(_, test)| test.name == word);
        return booted::boot(in_kernel, tally);
    }
    let Some(library) = Library::build(workspace, chapter)? else {
        let reason = "It does not compile; the reason is printed above.";
        tally.note(&format!("{} on the host", chapter.name), Err(reason.into()), Duration::ZERO);
        return Ok(());
    };
    let on_host = library.tests()?;

    let names: Vec<&str> =
        on_host.iter().chain(in_kernel.iter().map(|(_, test)| &test.name)).map(String::as_str).collect();
    let chosen: Vec<String> = choose(&names, word).into_iter().map(String::from).collect();
    if chosen.is_empty() && tally.is_good() {
        bail!("{} has no test whose name contains \"{word}\". It has\n  {}", chapter.name, names.join("\n  "));
    }
    for name in on_host.iter().filter(|name| chosen.contains(name)) {
        let start = Instant::now();
        let ran = library.run_one(name, timeout)?;
        let outcome = if ran.failed.is_none() { Ok(()) } else { Err(ran.text) };
        tally.note(&format!("{} {name}", chapter.name), outcome, start.elapsed());
    }
    in_kernel.retain(|(_, test)| chosen.contains(&test.name));
    booted::boot(in_kernel, tally)
}

/// The names that are `word`, with or without their modules; if there are none, those that contain it.
fn choose<'a>(names: &[&'a str], word: &str) -> Vec<&'a str> {
    let those = |is_meant: &dyn Fn(&str) -> bool| names.iter().copied().filter(|name| is_meant(name)).collect();
    let found: Vec<&str> = those(&|name| name == word || name.rsplit("::").next() == Some(word));
    if found.is_empty() { those(&|name| name.contains(word)) } else { found }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_name_is_one_test_and_a_part_may_match_several() {
        let names = ["lists::tests::a_hole", "tests::a_hole", "a_hole_is_found", "forks"];
        for (word, chosen) in [
            ("a_hole", &names[..2]),
            ("tests::a_hole", &names[1..2]),
            ("hole", &names[..3]),
            ("forks", &names[3..]),
            ("spoon", &[]),
        ] {
            assert_eq!(choose(&names, word), chosen, "{word}");
        }
    }
}
