//! What an instructor reads after grading: tables of all records, and a page for each student.

use crate::alike;
use crate::export;
use crate::page;
use crate::records::file_name;
use crate::result::{Graded, Status};
use crate::tree::Pristine;
use anyhow::{Context, Result};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::path::Path;
use trials::exercise::{Exercise, Kind};

/// Writes the tables and pages into the folder of the results.
pub fn write(results: &Path, pristine: &Pristine, exercise: &Exercise, graded: &[Graded]) -> Result<()> {
    let save = |name: &str, text: String| {
        let path = results.join(name);
        fs::write(&path, text).with_context(|| format!("writing {}", path.display()))
    };
    let lines = graded.iter().map(serde_json::to_string).collect::<serde_json::Result<Vec<String>>>()?;
    save("results.jsonl", lines.iter().map(|line| format!("{line}\n")).collect())?;
    let mut table = Vec::new();
    export::csv(graded, exercise.about.kind, &mut table)?;
    save("grades.csv", String::from_utf8(table)?)?;
    save("equal.txt", equal(pristine, exercise, graded)?)?;
    let pages = results.join("pages");
    // Those of students who are not there any more.
    if pages.exists() {
        fs::remove_dir_all(&pages)?;
    }
    fs::create_dir_all(&pages)?;
    for one in graded {
        save(&format!("pages/{}.html", file_name(&one.student)), page::page(one))?;
    }
    Ok(())
}

/// The students whose answers are the same. An answer to a rebuild exercise is in the book, so equal ones tell nothing.
fn equal(pristine: &Pristine, exercise: &Exercise, graded: &[Graded]) -> Result<String> {
    if exercise.about.kind == Kind::Rebuild {
        return Ok("The answer to this exercise is in the book, so equal answers are not listed.\n".into());
    }
    let right = alike::digest(&pristine.answer(exercise)?);
    let mut groups: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    if let Some(right) = &right {
        groups.entry(right).or_default().push(REPOSITORY);
    }
    for one in graded {
        if let Some(answer) = &one.answer {
            groups.entry(answer).or_default().push(&one.student);
        }
    }
    let mut text =
        String::from("Students whose answers are the same apart from spaces, comments and the names of variables.\n");
    let mut groups: Vec<Vec<&str>> = groups.into_values().filter(|students| students.len() > 1).collect();
    groups.sort();
    for students in groups {
        writeln!(text, "\n{}", students.join("\n")).expect("a text takes all");
    }
    Ok(text)
}

/// Stands for the author of the right answer.
const REPOSITORY: &str = "(the answer in the repository)";

/// The whole class in a few lines.
pub fn summary(graded: &[Graded]) -> String {
    let refused = graded.iter().filter(|one| one.status == Status::Refused).count();
    let points: Vec<u32> = graded.iter().filter_map(|one| one.points).collect();
    let mut text = format!("{} graded, {refused} of them refused", points.len());
    if let Some(one) = graded.first().filter(|_| !points.is_empty()) {
        let mean = f64::from(points.iter().sum::<u32>()) / points.len() as f64;
        text += &format!("; {mean:.1} of {} points on average", one.max_points);
    }
    if refused > 0 {
        text += "\nRefused, which counts as no points. Look at each before you publish:";
        for one in graded.iter().filter(|one| one.status == Status::Refused) {
            text += &format!("\n  {}: {}", one.student, one.reason());
        }
    }
    let again: Vec<&str> = graded.iter().filter(|one| !one.is_final()).map(|one| one.student.as_str()).collect();
    if !again.is_empty() {
        text += &format!(
            "\nThis machine could not judge {} of them, so they have no grade: {}. The column `reason` says why. The same \
             command judges them again.",
            again.len(),
            again.join(", ")
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::export::samples;

    #[test]
    fn only_grades_count_in_the_average_and_the_others_are_named() {
        let class = [samples::passed(), samples::partly(), samples::refused(), samples::infra_error()];
        let text = summary(&class);
        assert!(text.starts_with("3 graded, 1 of them refused; 4.7 of 10 points on average\nRefused, which"), "{text}");
        assert!(text.contains("publish:\n  dave: The body of `allocate` contains `asm!`.\nThis machine"), "{text}");
        assert!(text.contains("could not judge 1 of them, so they have no grade: irene. "), "{text}");
        assert!(!summary(&class[..3]).contains("again"));
    }

    #[test]
    fn nothing_has_no_average() {
        let text = summary(&[samples::infra_error(), samples::partial()]);
        assert!(text.starts_with("0 graded, 0 of them refused\n") && text.contains(": irene, paul. "), "{text}");
        assert_eq!(summary(&[]), "0 graded, 0 of them refused");
    }
}
