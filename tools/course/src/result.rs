//! The record of one submission's grade: what `make grade` keeps, and what every export is made of.
//!
//! A grade depends on nothing but the submission, the seed and the edition, and a record has all three. Only the times
//! in it differ from run to run.

use crate::judge::{Judgement, Verdict};
use schemars::{JsonSchema, Schema, schema_for};
use serde::{Deserialize, Serialize};
use trials::exercise::Exercise;

/// The name of the format.
pub const FORMAT: &str = "kernel-course-result/1";

/// One student's result in one exercise.
#[derive(Clone, Debug, Deserialize, JsonSchema, Serialize)]
pub struct Graded {
    /// The name of this format: `kernel-course-result/1`.
    pub format: String,
    /// The name of the file or folder that was handed in, without its ending.
    pub student: String,
    /// SHA-256 of the files with holes, as they were handed in.
    pub submission: String,
    /// SHA-256 of the answer, formatted and with its variables renamed: two answers with the same value are the same.
    /// `null` if the answer cannot be read, or is still blank.
    pub answer: Option<String>,
    /// What is known.
    pub status: Status,
    /// The points, also those for hidden tests; `null` unless everything was judged.
    pub points: Option<u32>,
    /// What a right answer gets.
    pub max_points: u32,
    /// The exercise's number and title.
    pub title: String,
    /// What the judge says.
    #[serde(flatten)]
    pub judgement: Judgement,
}

/// What is known about a submission.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// All tests were judged.
    Graded,
    /// The rules refuse it, so it has no points.
    Refused,
    /// The host could not judge all tests. That is no grade, and the next run judges it again.
    InfraError,
    /// It is being judged, or judging it was interrupted. The next run judges it again.
    Partial,
}

/// What is known of a submission before it is judged.
#[derive(Clone, Debug)]
pub struct Submitted {
    /// The student.
    pub student: String,
    /// SHA-256 of what was handed in.
    pub submission: String,
    /// SHA-256 of the answer, if it can be read and was worked on.
    pub answer: Option<String>,
}

impl Graded {
    /// The record of a judgement.
    pub fn new(exercise: &Exercise, submitted: Submitted, judgement: Judgement) -> Self {
        let has = |is: fn(&Verdict) -> bool| judgement.tests.iter().any(|judged| is(&judged.verdict));
        let status = match &judgement.refused {
            Some(_) => Status::Refused,
            None if has(|verdict| matches!(verdict, Verdict::Pending)) => Status::Partial,
            None if has(|verdict| matches!(verdict, Verdict::InfraError(_))) => Status::InfraError,
            None => Status::Graded,
        };
        let Submitted { student, submission, answer } = submitted;
        Self {
            format: FORMAT.into(),
            student,
            submission,
            answer,
            status,
            points: judgement.points(),
            max_points: exercise.points(),
            title: exercise.title(),
            judgement,
        }
    }

    /// Whether it is a grade, and need not be judged again.
    pub fn is_final(&self) -> bool {
        matches!(self.status, Status::Graded | Status::Refused)
    }
}

/// The JSON schema of [`Graded`], which is kept in `tools/course/result.schema.json`.
pub fn schema() -> Schema {
    schema_for!(Graded)
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMMITTED: &str = include_str!("../result.schema.json");

    #[test]
    fn the_committed_schema_is_that_of_the_record() {
        let schema = serde_json::to_string_pretty(&schema()).expect("it has only names and numbers");
        assert!(COMMITTED.trim() == schema, "tools/course/result.schema.json must be:\n{schema}");
    }
}
