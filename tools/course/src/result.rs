//! The record of one submission's grade: what `make grade` keeps, and what every export is made of.
//!
//! A grade depends on nothing but the submission, the seed and the edition, and a record has all three. Only the times
//! in it differ from run to run.

use crate::judge::{Cause, Judged, Judgement, Verdict};
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
    /// SHA-256 of the file that was handed in, or that was found in the folder, as `sha256sum` prints it. In a whole
    /// project with several files with holes, that of all of them; if there is no such file, that of the reason.
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

    /// In a word, why it has not all points: the first cause of these that a test has. Nothing if it has them, or is not
    /// judged to the end.
    pub fn cause(&self) -> &'static str {
        let causes = || self.judgement.tests.iter().filter_map(Judged::cause);
        let has = |cause| causes().any(|one| one == cause);
        match self.status {
            Status::InfraError | Status::Partial => "",
            Status::Refused => "refused",
            Status::Graded if has(Cause::NotCompiled) => "not_compiled",
            // No digest was made of an answer that has not been worked on.
            Status::Graded if self.answer.is_none() && self.points == Some(0) => "blank",
            Status::Graded if has(Cause::NoEnd) => "no_end",
            Status::Graded if has(Cause::Wrong) => "wrong",
            Status::Graded => "",
        }
    }

    /// Why it was refused, or why this machine could not judge it, as a sentence; nothing otherwise.
    pub fn reason(&self) -> &str {
        let of_host = self.judgement.tests.iter().find_map(|judged| match &judged.verdict {
            Verdict::InfraError(why) => Some(why.as_str()),
            _ => None,
        });
        self.judgement.refused.as_deref().or(of_host).unwrap_or_default()
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
