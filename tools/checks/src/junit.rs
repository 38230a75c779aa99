//! Writes the results in the format of JUnit, which graders and servers read.

use anyhow::{Context, Result};
use machine::tally::{Noted, Tally};
use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// The suite of what belongs to no chapter.
const PROJECT: &str = "project";

/// Writes all results: a suite for each chapter, and one for the project.
pub fn write(tally: &Tally, path: &Path) -> Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).with_context(|| format!("{} could not be created", folder.display()))?;
    }
    let text = without_count_of_skipped(&report(&tally.noted()).to_string()?);
    fs::write(path, text).with_context(|| format!("{} could not be written", path.display()))
}

/// The same without the number of skipped tests in the outermost element, which Jenkins' schema does not permit there. It
/// is the first attribute of this name.
fn without_count_of_skipped(report: &str) -> String {
    let parts = report.split_once(" skipped=\"").and_then(|(before, rest)| Some((before, rest.split_once('"')?.1)));
    parts.map_or(report.into(), |(before, after)| format!("{before}{after}"))
}

fn report(noted: &[Noted]) -> Report {
    let mut suites: BTreeMap<&str, TestSuite> = BTreeMap::new();
    for Noted { what, reason, time } in noted {
        let (suite, name) = suite_and_name(what);
        let status = match reason {
            None => TestCaseStatus::success(),
            Some(reason) => {
                let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
                status.set_message(reason.lines().next().unwrap_or_default()).set_description(reason.as_str());
                status
            }
        };
        let mut case = TestCase::new(name, status);
        case.set_time(*time).set_classname(suite);
        suites.entry(suite).or_insert_with(|| TestSuite::new(suite)).add_test_case(case);
    }
    let mut report = Report::new("make test");
    report.add_test_suites(suites.into_values());
    report
}

/// Splits a name into the chapter, which begins with two digits, and the test.
fn suite_and_name(what: &str) -> (&str, &str) {
    let is_chapter = |word: &str| word.len() > 3 && word[..2].bytes().all(|byte| byte.is_ascii_digit());
    match what.split_once(' ') {
        Some((chapter, name)) if chapter.is_ascii() && is_chapter(chapter) => (chapter, name),
        _ => (PROJECT, what),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn every_chapter_is_a_suite_and_a_failure_has_its_reason() {
        let tally = Tally::until_a_failure(None);
        tally.note("format", Ok(()), Duration::from_millis(1500));
        tally.note("09-multitasking a_child_ends", Err("It hangs: <why>.\nThe log".into()), Duration::ZERO);
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("deep/report.xml");
        write(&tally, &path).expect("there is room");
        let text = fs::read_to_string(path).expect("it was written");
        for part in [
            r#"<testsuites name="make test" tests="2" failures="1" errors="0">"#,
            r#"<testsuite name="project" tests="1" skipped="0" "#,
            r#"<testsuite name="09-multitasking""#,
            r#"<testcase name="a_child_ends" classname="09-multitasking""#,
            r#"message="It hangs: &lt;why&gt;.""#,
            r#"<testcase name="format" classname="project" time="1.500""#,
        ] {
            assert!(text.contains(part), "{part} is not in\n{text}");
        }
    }
}
