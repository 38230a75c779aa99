//! The grades of a class as a table: one row a submission, always.

use crate::judge::Judged;
use crate::result::{Graded, Status};
use anyhow::Result;
use csv::{QuoteStyle, WriterBuilder};
use std::collections::BTreeMap;
use std::io::Write;
use trials::exercise::Kind;

/// Writes the table.
///
/// Points are empty unless the record is final, and a test's points are empty unless it was judged. The column `equal_to`
/// lists the other students with the same answer. It is empty for functions of a chapter, because the book prints them.
pub fn csv(graded: &[Graded], kind: Kind, writer: impl Write) -> Result<()> {
    // What is not a number is quoted, so that a spreadsheet with another separator cannot split it.
    let mut table = WriterBuilder::new().quote_style(QuoteStyle::NonNumeric).from_writer(writer);
    let tests = tests(graded);
    let heading =
        |(name, points, hidden): &Column| format!("{name} ({points}{})", if *hidden { ", hidden" } else { "" });
    let first = ["student", "exercise", "status", "cause", "reason", "points", "max_points"].map(String::from);
    let last = ["seed", "edition", "submission", "equal_to", "seconds"].map(String::from);
    let headings = first.into_iter().chain(tests.iter().map(heading)).chain(last);
    table.write_record(headings.map(safe))?;
    let mut equal = BTreeMap::<&str, Vec<&str>>::new();
    for one in graded {
        if let Some(answer) = one.answer.as_deref().filter(|_| kind == Kind::Extend) {
            equal.entry(answer).or_default().push(&one.student);
        }
    }
    for one in graded {
        let number = |points: Option<u32>| points.map_or(String::new(), |points| points.to_string());
        let judged = |column: &Column| one.judgement.tests.iter().find(|judged| column_of(judged) == *column);
        let same = one.answer.as_deref().and_then(|answer| equal.get(answer));
        let others = same.into_iter().flatten().filter(|other| **other != one.student).copied();
        let status = match one.status {
            Status::Graded => "graded",
            Status::Refused => "refused",
            Status::InfraError => "infra_error",
            Status::Partial => "partial",
        };
        let first = [
            one.student.clone(),
            one.title.clone(),
            status.into(),
            one.cause().into(),
            one.reason().replace('\n', " "),
            number(one.points),
            one.max_points.to_string(),
        ];
        let points = tests.iter().map(|column| number(judged(column).and_then(Judged::reached)));
        let last = [
            one.judgement.seed.to_string(),
            one.judgement.edition.clone(),
            one.submission.clone(),
            others.collect::<Vec<_>>().join("; "),
            format!("{:.1}", one.judgement.seconds),
        ];
        table.write_record(first.into_iter().chain(points).chain(last).map(safe))?;
    }
    Ok(table.flush()?)
}

/// What a test's column is known by: its name, its points, and whether it is hidden.
type Column = (String, u32, bool);

fn column_of(judged: &Judged) -> Column {
    (judged.name.clone(), judged.points, judged.hidden)
}

/// The columns of all tests, in the exercise's order.
fn tests(graded: &[Graded]) -> Vec<Column> {
    let mut columns = Vec::new();
    for judged in graded.iter().flat_map(|graded| &graded.judgement.tests) {
        if !columns.contains(&column_of(judged)) {
            columns.push(column_of(judged));
        }
    }
    columns
}

/// A field that no spreadsheet takes for a formula: before a character that would begin one, it has a single quote.
///
/// Source: OWASP Application Security Verification Standard 5.0, 1.2.10; and of OWASP's page "CSV Injection" the line breaks.
fn safe(field: String) -> String {
    match field.chars().next() {
        Some('=' | '+' | '-' | '@' | '\t' | '\r' | '\n' | '\0') => format!("'{field}"),
        _ => field,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::export::samples;
    use csv::{Reader, StringRecord};

    /// The rows as a parser reads them, by heading.
    fn rows(graded: &[Graded], kind: Kind) -> Vec<BTreeMap<String, String>> {
        let mut text = Vec::new();
        super::csv(graded, kind, &mut text).expect("memory takes all");
        let mut reader = Reader::from_reader(text.as_slice());
        let headings = reader.headers().expect("there are headings").clone();
        let row =
            |record: StringRecord| headings.iter().map(String::from).zip(record.iter().map(String::from)).collect();
        reader.records().map(|record| row(record.expect("all rows are equally long"))).collect()
    }

    #[test]
    fn there_is_a_row_for_every_submission() {
        let all = samples::all();
        let rows = rows(&all, Kind::Extend);
        assert_eq!(rows.len(), all.len());
        for (row, graded) in rows.iter().zip(&all) {
            assert_eq!(row["student"].strip_prefix('\'').unwrap_or(&row["student"]), graded.student);
            let points = graded.points.map(|points| points.to_string());
            assert_eq!(row["points"], points.unwrap_or_default());
            assert_eq!(row["max_points"], graded.max_points.to_string());
            assert_eq!((row["seed"].as_str(), row["seconds"].as_str()), ("4711", "12.3"));
        }
    }

    #[test]
    fn a_test_has_its_points_or_nothing() {
        let rows = rows(&[samples::partly(), samples::infra_error(), samples::hidden()], Kind::Extend);
        let column = |name: &str| [0, 1, 2].map(|row: usize| rows[row][name].clone());
        assert_eq!(column("once (4)"), ["0", "4", ""]);
        assert_eq!(column("all-used (2)"), ["0", "", ""]);
        assert_eq!(column("order (3, hidden)"), ["", "", "3"]);
        assert_eq!(column("points"), ["4", "", "7"]);
        assert_eq!(column("status"), ["graded", "infra_error", "graded"]);
    }

    #[test]
    fn a_row_says_what_kind_of_failure_it_is_and_why_it_was_refused() {
        let blank = Graded { answer: None, points: Some(0), ..samples::partly() };
        let all = [
            samples::passed(),
            samples::partly(),
            samples::not_compiled(),
            samples::refused(),
            samples::infra_error(),
            samples::hidden(),
            blank,
        ];
        let rows = rows(&all, Kind::Extend);
        let column = |name: &str| rows.iter().map(|row| row[name].clone()).collect::<Vec<_>>();
        assert_eq!(column("cause"), ["", "no_end", "not_compiled", "refused", "", "wrong", "blank"]);
        assert_eq!(rows[3]["reason"], "The body of `allocate` contains `asm!`.");
        assert!(rows[4]["reason"].contains("did not end within 60 seconds") && rows[1]["reason"].is_empty());
    }

    #[test]
    fn equal_answers_are_listed_unless_the_book_prints_them() {
        let other = |student: &str| Graded { student: student.into(), ..samples::passed() };
        let all = [other("eve"), other("mallory"), samples::partly(), samples::passed()];
        let column = |kind| rows(&all, kind).iter().map(|row| row["equal_to"].clone()).collect::<Vec<_>>();
        assert_eq!(column(Kind::Extend), ["mallory; alice", "eve; alice", "", "eve; mallory"]);
        assert_eq!(column(Kind::Rebuild), ["", "", "", ""]);
    }

    #[test]
    fn no_field_begins_a_formula() {
        for row in rows(&samples::all(), Kind::Extend) {
            for (heading, field) in row {
                assert!(!field.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']), "{heading}: {field}");
            }
        }
    }
}
