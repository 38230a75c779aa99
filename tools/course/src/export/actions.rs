//! The format of GitHub Classroom's graders: the output `result` of a step in GitHub Actions.
//!
//! Sources: in the repository classroom-resources/autograding-command-grader, the function `generateResult` in
//! `src/main.js`; and in classroom-resources/autograding-grading-reporter, which reads it, `src/main.js`,
//! `src/notify-classroom.js`, `src/console-results.js` and `src/helpers/test-helpers.js`.

use super::words::{about_withheld, finding_and_log};
use crate::judge::{Judged, Verdict};
use crate::result::Graded;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

/// The value of the output `result`, for one student.
pub fn actions(graded: &Graded) -> String {
    BASE64_STANDARD.encode(result(graded).to_string())
}

/// What is encoded.
///
/// The reporter sends the sum of all scores to GitHub Classroom, unless `max_score` is 0: then it sends nothing. That is
/// what happens to a record that is not final. (In its log, the reporter prints the share of tests that passed, times
/// `max_score`, which is another number if tests have different points.)
///
/// The reporter counts the tests that passed. So withheld tests stand in the list too, as one that has not passed.
fn result(graded: &Graded) -> Value {
    let is_final = graded.is_final();
    let mut tests: Vec<Value> = graded.judgement.tests.iter().map(|judged| test(graded, judged)).collect();
    let has = |status: &str| tests.iter().any(|test| test["status"] == status);
    let status = if !is_final || has("error") {
        "error"
    } else if has("fail") {
        "fail"
    } else {
        "pass"
    };
    if let Some(sentence) = about_withheld(graded) {
        tests.push(entry(graded, &sentence, "fail", 0, ""));
    }
    json!({
        "version": 1,
        "status": status,
        "max_score": if is_final { graded.max_points } else { 0 },
        "tests": tests,
    })
}

fn test(graded: &Graded, judged: &Judged) -> Value {
    let status = match judged.verdict {
        Verdict::Passed => "pass",
        Verdict::Failed(_) => "fail",
        Verdict::InfraError(_) | Verdict::Pending => "error",
    };
    let score = judged.reached().filter(|_| graded.is_final()).unwrap_or(0);
    entry(graded, &judged.says, status, score, &finding_and_log(judged))
}

/// A test. The reporter prints `test_code`, which says here how to repeat it. The time of a single test is not measured.
fn entry(graded: &Graded, name: &str, status: &str, score: u32, message: &str) -> Value {
    json!({
        "name": name,
        "status": status,
        "score": score,
        "message": message,
        "test_code": format!("make check EXERCISE={} SEED={}", graded.judgement.exercise, graded.judgement.seed),
        "filename": "",
        "line_no": 0,
        "duration": 0,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::export::samples;
    use crate::export::tests::assert_valid;

    const SCHEMA: &str = include_str!("../../schemas/actions.schema.json");

    /// What the reporter sends to GitHub Classroom: the points and the most points, if it sends anything.
    fn sent(result: &Value) -> Option<(u64, u64)> {
        let most = result["max_score"].as_u64().filter(|most| *most > 0)?;
        let points = result["tests"].as_array()?.iter().map(|test| test["score"].as_u64()).sum::<Option<u64>>()?;
        Some((points, most))
    }

    fn decoded(graded: &Graded) -> Value {
        let bytes = BASE64_STANDARD.decode(actions(graded)).expect("it is base64");
        serde_json::from_slice(&bytes).expect("it is JSON")
    }

    #[test]
    fn every_result_is_as_the_graders_write_it_and_the_reporter_sends_the_points() {
        for graded in samples::all() {
            let result = decoded(&graded);
            assert_valid(SCHEMA, &result);
            let points = graded.points.map(|points| (u64::from(points), u64::from(graded.max_points)));
            assert_eq!(sent(&result), points);
        }
    }

    #[test]
    fn the_status_is_that_of_the_worst_test() {
        let status = |graded| decoded(&graded)["status"].as_str().unwrap_or_default().to_owned();
        assert_eq!(status(samples::passed()), "pass");
        assert_eq!(status(samples::partly()), "fail");
        assert_eq!(status(samples::refused()), "fail");
        assert_eq!(status(samples::infra_error()), "error");
        assert_eq!(status(samples::partial()), "error");
    }

    #[test]
    fn the_reporter_cannot_count_all_tests_as_passed_while_some_are_withheld() {
        let passed = |graded: &Graded| {
            decoded(graded)["tests"].as_array().expect("a list").iter().all(|test| test["status"] == "pass")
        };
        assert!(passed(&samples::passed()) && !passed(&samples::withheld()));
    }
}
