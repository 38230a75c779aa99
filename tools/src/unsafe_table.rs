//! `make unsafe`: the table of unsafe code, `UNSAFE.md`, counted anew; and the check that it is true.
//!
//! The counts are the machine's. The last cell of a row is a person's: the invariant that makes the code
//! sound. An author who adds unsafe code has to count anew, and so the growth stands in the change that others
//! review; one who adds it to a file that had none has to say what makes it sound.

use crate::chapters::Workspace;
use crate::unsafe_code::Count;
use anyhow::{Context, Result};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::ExitCode;

/// The file, in the project's folder. What stands above its table is kept as it is.
const FILE: &str = "UNSAFE.md";
const HEAD: &str = "| file | blocks | lines | declarations | assembly | the invariant relied upon |\n\
                    |---|--:|--:|--:|--:|---|\n";
const ALL: &str = "**all**";

/// The counts of all files that have unsafe code, by their paths from the project's folder on.
type Counts = BTreeMap<String, Count>;

/// Counts anew. The invariants stay, and of files that have none yet a person is told.
pub fn write(workspace: &Workspace) -> Result<ExitCode> {
    let (path, counts) = (workspace.root.join(FILE), count(workspace)?);
    let text = fs::read_to_string(&path).with_context(|| format!("{FILE} could not be read"))?;
    let rows = rows(&text);
    fs::write(&path, renewed(&text, &counts)).with_context(|| format!("{FILE} could not be written"))?;
    let lost = |(file, row): &(&&str, &Row)| !counts.contains_key(**file) && !row.invariant.is_empty();
    for (file, row) in rows.iter().filter(lost) {
        println!("{file} has no unsafe code any more. Its row is gone; it said: {}", row.invariant);
    }
    for file in counts.keys().filter(|file| invariant(&rows, file).is_empty()) {
        println!("{file} is new in {FILE}: write down which invariant its unsafe code relies upon.");
    }
    Ok(ExitCode::SUCCESS)
}

/// Whether the table is true; if not, what is wrong with it.
pub fn check(workspace: &Workspace) -> Result<(), String> {
    let counts = count(workspace).map_err(|error| format!("{error:#}"))?;
    let text = fs::read_to_string(workspace.root.join(FILE)).map_err(|error| format!("{FILE}: {error}"))?;
    let faults = faults(&text, &counts);
    if faults.is_empty() {
        return Ok(());
    }
    Err(format!("{}\n`make unsafe` counts anew, and keeps the sentences.", faults.join("\n")))
}

/// Counts what the chapters, `common` and `harness` have, without their tests.
fn count(workspace: &Workspace) -> Result<Counts> {
    let mut counts = Counts::new();
    let chapters = workspace.chapters.iter().map(|chapter| format!("chapters/{}", chapter.name));
    for folder in chapters.chain(["common", "harness"].map(String::from)) {
        count_in(&workspace.root, &format!("{folder}/src"), &mut counts)?;
    }
    Ok(counts)
}

fn count_in(root: &Path, folder: &str, counts: &mut Counts) -> Result<()> {
    let entries = fs::read_dir(root.join(folder)).with_context(|| format!("{folder} could not be read"))?;
    for entry in entries {
        let entry = entry?;
        let name = entry.file_name().into_string().ok().context("every file has a readable name")?;
        let path = format!("{folder}/{name}");
        if name == "tests" || name == "tests.rs" {
            continue;
        } else if entry.file_type()?.is_dir() {
            count_in(root, &path, counts)?;
            continue;
        }
        let source = fs::read_to_string(entry.path()).with_context(|| format!("{path} could not be read"))?;
        let count = match name.rsplit_once('.') {
            Some((_, "rs")) => Count::of_rust(&source).with_context(|| path.clone())?,
            Some((_, "s")) => Count::of_assembly(&source),
            _ => Count::default(),
        };
        if !count.is_nothing() {
            counts.insert(path, count);
        }
    }
    Ok(())
}

/// A row of the table as it is: the cells with the counts, and the sentence.
struct Row<'a> {
    counts: Vec<&'a str>,
    invariant: &'a str,
}

/// The rows of the table, by their files. Of two rows for one file, as a merge may leave them, the first
/// one with a sentence counts.
fn rows(text: &str) -> BTreeMap<&str, Row<'_>> {
    let mut rows: BTreeMap<&str, Row> = BTreeMap::new();
    let lines = text.lines().filter_map(|line| line.trim().strip_prefix("| ")?.strip_suffix('|'));
    for line in lines {
        let mut cells = line.splitn(6, '|').map(str::trim);
        let file = cells.next().unwrap_or_default();
        let mut counts: Vec<&str> = cells.collect();
        let invariant = counts.pop().unwrap_or_default();
        // No file is called as the first column and the last row are.
        let is_known = rows.get(file).is_some_and(|row| !row.invariant.is_empty());
        if file.contains('/') && !is_known {
            rows.insert(file, Row { counts, invariant });
        }
    }
    rows
}

fn invariant<'a>(rows: &BTreeMap<&str, Row<'a>>, file: &str) -> &'a str {
    rows.get(file).map_or("", |row| row.invariant)
}

/// The text with the table counted anew.
fn renewed(text: &str, counts: &Counts) -> String {
    let head = HEAD.lines().next().expect("the head has lines");
    let above = text.split_once(head).map_or(text, |(above, _)| above);
    let rows = rows(text);
    let mut renewed = format!("{}\n\n{HEAD}", above.trim_end());
    let mut sum = Count::default();
    for (file, count) in counts {
        renewed += &line(file, count, invariant(&rows, file));
        sum += *count;
    }
    renewed + &line(ALL, &sum, "")
}

fn line(file: &str, count: &Count, invariant: &str) -> String {
    let cells = cells(count).join(" | ");
    format!("| {file} | {cells} | {invariant} |\n")
}

fn cells(count: &Count) -> [String; 4] {
    let Count { blocks, lines, declarations, assembly } = count;
    [blocks, lines, declarations, assembly].map(usize::to_string)
}

/// What is wrong with the table, a sentence each.
fn faults(text: &str, counts: &Counts) -> Vec<String> {
    let rows = rows(text);
    let mut faults = Vec::new();
    for (file, count) in counts {
        let Count { blocks, lines, declarations, assembly } = count;
        let now = format!("{blocks} blocks, {lines} lines, {declarations} declarations, {assembly} of assembly");
        match rows.get(file.as_str()) {
            None => faults.push(format!("{file} has unsafe code ({now}), and no row in {FILE}.")),
            Some(row) if row.counts != cells(count) => {
                faults.push(format!("{file} has {now}; {FILE} says {}.", row.counts.join(", ")));
            }
            Some(row) if row.invariant.is_empty() => {
                faults.push(format!("{file}: {FILE} does not say which invariant its unsafe code relies upon."));
            }
            Some(_) => {}
        }
    }
    let stale = rows.keys().filter(|file| !counts.contains_key(**file));
    faults.extend(stale.map(|file| format!("{file} has a row in {FILE}, and no unsafe code.")));
    if faults.is_empty() && text != renewed(text, counts) {
        faults.push(format!("{FILE} does not add up, or is not written as it would be."));
    }
    faults
}

#[cfg(test)]
mod tests;
