//! The format of Gradescope: the file `results.json` that an autograder leaves.
//!
//! Source: Gradescope's autograder documentation, page "Autograder Specifications", sections "Output format",
//! "Controlling test case visibility", "Test case status" and "Output String Formatting".

use super::words::{finding_and_log, summary};
use crate::judge::{Judged, Verdict};
use crate::result::Graded;
use serde_json::{Value, json};

/// One student's `results.json`.
///
/// Gradescope adds up the tests' scores. By its documentation, a score is required, either for each test or for all. A
/// record that is not final has none at all: then Gradescope may complain, but it has nothing to add up, and the tests are
/// only information. If only the judged tests had scores, their sum would look like a grade.
///
/// While a test is not visible, Gradescope does not show a student her total either.
pub fn gradescope(graded: &Graded) -> Value {
    let is_final = graded.is_final();
    let tests: Vec<Value> = graded.judgement.tests.iter().map(|judged| test(judged, is_final)).collect();
    json!({
        "output": summary(graded, false),
        // The default would render HTML.
        "output_format": "text",
        "execution_time": graded.judgement.seconds,
        "tests": tests,
        "extra_data": {
            "format": graded.format,
            "status": graded.status,
            "exercise": graded.judgement.exercise,
            "submission": graded.submission,
            "seed": graded.judgement.seed,
            "edition": graded.judgement.edition,
        },
    })
}

fn test(judged: &Judged, is_final: bool) -> Value {
    let mut test = json!({
        "name": judged.says,
        "output": finding_and_log(judged),
        "output_format": "text",
        "visibility": if judged.hidden { "after_published" } else { "visible" },
    });
    if let Some(score) = judged.reached() {
        test["status"] = if matches!(judged.verdict, Verdict::Passed) { "passed" } else { "failed" }.into();
        if is_final {
            test["score"] = score.into();
            test["max_score"] = judged.points.into();
        }
    }
    test
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::export::samples;
    use crate::export::tests::assert_valid;

    const SCHEMA: &str = include_str!("../../schemas/gradescope.schema.json");

    #[test]
    fn every_result_is_as_the_documentation_says() {
        for graded in samples::all() {
            assert_valid(SCHEMA, &gradescope(&graded));
        }
    }

    #[test]
    fn the_scores_add_up_to_the_points() {
        for graded in samples::all().iter().filter(|graded| graded.is_final()) {
            let result = gradescope(graded);
            let scores = result["tests"].as_array().expect("a list").iter().map(|test| test["score"].as_u64());
            assert_eq!(scores.sum::<Option<u64>>(), graded.points.map(u64::from), "{result:#}");
        }
    }

    #[test]
    fn what_is_no_grade_has_no_score() {
        for graded in [samples::infra_error(), samples::partial()] {
            let result = gradescope(&graded);
            assert!(!result.to_string().contains("score\""), "{result:#}");
            assert!(result["output"].as_str().expect("a text").starts_with("This is no grade"));
            assert_eq!(result["tests"][2].get("status"), None);
        }
    }

    #[test]
    fn hidden_tests_wait_for_the_grades() {
        let result = gradescope(&samples::hidden());
        let visibility = |place: usize| result["tests"][place]["visibility"].as_str();
        assert_eq!([0, 1, 2].map(visibility), [Some("visible"), Some("after_published"), Some("after_published")]);
        assert!(!result.to_string().contains(samples::SECRET));
        assert!(result["output"].as_str().expect("a text").starts_with("1 of 1 public tests passed."));
    }
}
