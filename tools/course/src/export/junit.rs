//! The format of JUnit, which servers such as Jenkins and GitLab read: one file with a suite for each student.
//!
//! Sources: the schema of Jenkins' xUnit plugin (`junit-10.xsd`); and GitLab's documentation, page "Unit test reports",
//! section "JUnit XML format specification": a test is known by its class name, which GitLab shows as the suite, and its name.

use super::words::{about_withheld, finding, finding_and_log};
use crate::judge::{Cause, Judged, Verdict};
use crate::result::Graded;
use anyhow::Result;
use quick_junit::{NonSuccessKind, Property, Report, TestCase, TestCaseStatus, TestSuite};
use std::fmt::Display;
use std::time::Duration;

/// The results of a class.
///
/// A test that found wrong behavior is a failure. One that could not come to its end is an error: the answer was refused or
/// does not compile, the kernel crashed or hangs, or the host failed. A test that is not judged yet is skipped, and so are
/// withheld ones.
pub fn junit(graded: &[Graded]) -> Result<String> {
    let mut report = Report::new(graded.first().map_or("", |graded| graded.title.as_str()));
    report.add_test_suites(graded.iter().map(suite));
    Ok(without_count_of_skipped(&report.to_string()?))
}

/// The same without the number of skipped tests in the outermost element, which Jenkins' schema does not permit there. It
/// is the first attribute of this name, and a quotation mark cannot stand in the name before it.
fn without_count_of_skipped(report: &str) -> String {
    let parts = report.split_once(" skipped=\"").and_then(|(before, rest)| Some((before, rest.split_once('"')?.1)));
    parts.map_or(report.into(), |(before, after)| format!("{before}{after}"))
}

fn suite(graded: &Graded) -> TestSuite {
    let mut suite = TestSuite::new(graded.student.as_str());
    suite.set_time(Duration::from_secs_f32(graded.judgement.seconds.max(0.0)));
    let property = |name, value: &dyn Display| Property::new(name, value.to_string());
    suite.add_properties([
        property("seed", &graded.judgement.seed),
        property("edition", &graded.judgement.edition),
        property("submission", &graded.submission),
        property("max_points", &graded.max_points),
    ]);
    if let Some(points) = graded.points {
        suite.add_property(property("points", &points));
    }
    let add = |suite: &mut TestSuite, name: &str, status| {
        let mut case = TestCase::new(name, status);
        case.set_classname(graded.student.as_str());
        suite.add_test_case(case);
    };
    for judged in &graded.judgement.tests {
        add(&mut suite, &judged.name, status(judged));
    }
    if let Some(sentence) = about_withheld(graded) {
        let mut status = TestCaseStatus::skipped();
        status.set_message(sentence);
        add(&mut suite, "withheld", status);
    }
    suite
}

fn status(judged: &Judged) -> TestCaseStatus {
    let non_success = |kind, name| (TestCaseStatus::non_success(kind), name);
    let (mut status, kind) = match &judged.verdict {
        Verdict::Passed => return TestCaseStatus::success(),
        Verdict::Failed(failure) => match failure.cause {
            Cause::Wrong => non_success(NonSuccessKind::Failure, "wrong"),
            Cause::Refused | Cause::NotCompiled | Cause::NoEnd => non_success(NonSuccessKind::Error, "no result"),
        },
        Verdict::InfraError(_) => non_success(NonSuccessKind::Error, "infra_error"),
        Verdict::Pending => (TestCaseStatus::skipped(), "not judged"),
    };
    status.set_type(kind).set_message(finding(judged)).set_description(finding_and_log(judged));
    status
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::export::samples;

    /// A report, as a parser reads it that is not ours.
    fn read(graded: &[Graded]) -> junit_parser::TestSuites {
        let text = junit(graded).expect("it can be written");
        junit_parser::from_reader(text.as_bytes()).expect("it is JUnit")
    }

    #[test]
    fn every_student_is_a_suite_with_all_tests() {
        let all = samples::all();
        let report = read(&all);
        assert_eq!(report.suites.len(), all.len());
        for (suite, graded) in report.suites.iter().zip(&all) {
            let withheld = usize::from(about_withheld(graded).is_some());
            assert_eq!(suite.cases.len(), graded.judgement.tests.len() + withheld);
            let points = graded.points.map(|points| points.to_string());
            assert_eq!(suite.properties.hashmap.get("points"), points.as_ref());
            assert_eq!(suite.properties.hashmap["seed"], "4711");
        }
        let name = |name: &str| {
            report.suites.iter().any(|suite| suite.name == name && suite.cases[0].classname.as_deref() == Some(name))
        };
        assert!(name("Müller, \"Zoë\"") && name("=cmd|' -C calc'!A1"), "{report:#?}");
        assert!(name("<b>&amp;]]>"), "XML has no character for U+0001, so it is left out");
    }

    #[test]
    fn the_outermost_element_has_what_jenkins_permits() {
        let text = junit(&samples::all()).expect("it can be written");
        let element = text.lines().find(|line| line.starts_with("<testsuites ")).expect("there is one");
        assert_eq!(element, "<testsuites name=\"5.2 Frames\" tests=\"49\" failures=\"2\" errors=\"8\">");
        assert_eq!(text.matches(" skipped=\"").count(), samples::all().len(), "every suite has one");
    }

    #[test]
    fn wrong_behavior_is_a_failure_and_what_has_no_result_an_error() {
        let counts = |graded| {
            let suite = read(&[graded]).suites.remove(0);
            (suite.failures, suite.errors, suite.skipped)
        };
        assert_eq!(counts(samples::passed()), (0, 0, 0));
        assert_eq!(counts(samples::partly()), (1, 1, 0));
        assert_eq!(counts(samples::not_compiled()), (0, 3, 0));
        assert_eq!(counts(samples::refused()), (0, 3, 0));
        assert_eq!(counts(samples::infra_error()), (0, 1, 0));
        assert_eq!(counts(samples::partial()), (0, 0, 1));
        assert_eq!(counts(samples::withheld()), (0, 0, 1));
    }
}
