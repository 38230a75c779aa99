//! The format of Classroom 50: the file `result.json` that an autograder leaves.
//!
//! Sources: Classroom 50's wiki, page "Advanced Autograding", sections "Contract" and "The `result.json` contract"; and in
//! its repository (foundation50/classroom50) `schemas/result-v1.schema.json`, and the function `validate_result` in
//! `cli/gh-teacher/skeleton/dotgithub/scripts/runner.py`.

use super::words::{about_withheld, finding_and_log, withheld};
use crate::judge::{Judged, Verdict};
use crate::result::Graded;
use chrono::{DateTime, Utc};
use serde_json::{Value, json};

/// The variable in which Classroom 50's runner says which classroom it is about.
pub const CLASSROOM: &str = "CLASSROOM";

/// The submission that a result is about. Classroom 50's runner says in environment variables which one it is.
pub struct Place {
    classroom: Option<String>,
    assignment: Option<String>,
    submission: Option<String>,
    commit: Option<String>,
    release: Option<String>,
    review: Option<String>,
}

impl Place {
    /// Reads the runner's variables.
    pub fn from(variable: impl Fn(&str) -> Option<String>) -> Self {
        let variable = |name| variable(name).filter(|value| !value.is_empty());
        Self {
            classroom: variable(CLASSROOM),
            assignment: variable("ASSIGNMENT"),
            submission: variable("SUBMISSION_TAG"),
            commit: variable("COMMIT_URL"),
            release: variable("RELEASE_URL"),
            review: variable("REVIEW_URL").or_else(|| variable("COMMIT_URL")),
        }
    }
}

/// One student's `result.json`, unless the record is not final. `assignment` is used if the runner names none, and `time` is
/// when the record was written; the runner replaces it with that of the commit.
///
/// Every score in this format is a number. If the file is missing, the runner reports an error of the autograder, and
/// writes 0 of 0 points. So the honest result of a record that is not final is no file.
///
/// From the tests, the runner derives the sentence "all tests passed". So withheld tests stand in the list too, as one that
/// has not passed.
pub fn classroom50(graded: &Graded, place: &Place, assignment: &str, time: &DateTime<Utc>) -> Option<Value> {
    let points = graded.points?;
    let known = |value: &Option<String>| value.clone().unwrap_or_else(|| "unknown".into());
    let mut tests: Vec<Value> = graded.judgement.tests.iter().map(|judged| test(graded, judged)).collect();
    if let Some(sentence) = about_withheld(graded) {
        tests.push(json!({ "test-name": sentence, "passed": false, "score": 0, "max-score": withheld(graded) }));
    }
    Some(json!({
        "schema": "classroom50/result/v1",
        "classroom": known(&place.classroom),
        "assignment": place.assignment.as_deref().unwrap_or(assignment),
        "assignment_type": "individual",
        "owner": graded.student,
        "submission": place.submission.as_deref().unwrap_or("submit/unknown"),
        "commit": known(&place.commit),
        "release": known(&place.release),
        "review": known(&place.review),
        "datetime": time.format("%Y-%m-%dT%H:%M:%SZ").to_string(),
        "score": points,
        "max-score": graded.max_points,
        "tests": tests,
    }))
}

/// A test. The format has no fields for seed and edition, and permits others here.
fn test(graded: &Graded, judged: &Judged) -> Value {
    let passed = matches!(judged.verdict, Verdict::Passed);
    json!({
        "test-name": judged.says,
        "passed": passed,
        "score": judged.reached(),
        "max-score": judged.points,
        "output": finding_and_log(judged),
        "seed": graded.judgement.seed,
        "edition": graded.judgement.edition,
        "submission": graded.submission,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::export::samples;
    use crate::export::tests::assert_valid;

    const SCHEMA: &str = include_str!("../../schemas/classroom50.schema.json");

    fn result(graded: &Graded) -> Option<Value> {
        classroom50(graded, &Place::from(|_| None), "05-frames", &DateTime::UNIX_EPOCH)
    }

    #[test]
    fn every_result_is_as_the_contract_says() {
        for graded in samples::all() {
            let result = result(&graded);
            assert_eq!(result.is_some(), graded.is_final());
            if let Some(result) = result {
                assert_valid(SCHEMA, &result);
                let sum = |field: &str| -> Option<u64> {
                    result["tests"].as_array()?.iter().map(|test| test[field].as_u64()).sum()
                };
                assert_eq!(sum("score"), result["score"].as_u64());
                assert_eq!(sum("max-score"), result["max-score"].as_u64());
            }
        }
    }

    #[test]
    fn the_runner_says_which_submission_it_is() {
        let place = Place::from(|name| (name != "REVIEW_URL").then(|| format!("submit/{name}")));
        let result = classroom50(&samples::passed(), &place, "05-frames", &DateTime::UNIX_EPOCH).expect("it is final");
        assert_valid(SCHEMA, &result);
        let fields = ["classroom", "assignment", "submission", "commit", "release", "review", "datetime"];
        let values = fields.map(|field| result[field].as_str().unwrap_or_default().trim_start_matches("submit/"));
        assert_eq!(
            values,
            [
                "CLASSROOM",
                "ASSIGNMENT",
                "SUBMISSION_TAG",
                "COMMIT_URL",
                "RELEASE_URL",
                "COMMIT_URL",
                "1970-01-01T00:00:00Z"
            ]
        );
    }

    #[test]
    fn the_runner_cannot_say_that_all_tests_passed_while_some_are_withheld() {
        let passed = |graded| {
            let result = result(&graded).expect("it is final");
            result["tests"].as_array().expect("a list").iter().all(|test| test["passed"] == true)
        };
        assert!(passed(samples::passed()) && !passed(samples::withheld()));
    }
}
