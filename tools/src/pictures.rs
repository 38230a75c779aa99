//! `make figures`: the pictures of the book, taken from running kernels.
//!
//! Each chapter is booted once. A file `pictures/…` of its own knows where to stop it and what to make of
//! what is there. The pictures are committed, and `make test` takes them again: a picture that differs from
//! today's kernel fails.

mod blocks;
mod cells;
mod descriptor;
mod drawing;
mod fork;
mod frame;
mod heap;
mod layout;
mod map;
mod marks;
mod memory;
mod model;
mod paper;
mod program;
mod regions;
mod scene;
mod screen;
mod shapes;
mod sitting;
mod snapshot;
mod stub;
mod timeline;
mod timeline_drawing;
mod turns;
mod walk;
mod words;

use crate::booted;
use crate::cargo::Profile;
use crate::chapters::{Chapter, Workspace};
use crate::kernels::{self, Kind};
use anyhow::{Context, Result, ensure};
use clap::Args;
use model::Picture;
use sitting::Sitting;
use std::collections::BTreeMap;
use std::fs;
use std::process::ExitCode;
use std::sync::Mutex;

/// Where the pictures are, seen from the workspace's root.
const FOLDER: &str = "book/figures";

/// What `make figures` can be told.
#[derive(Args)]
pub struct Options {
    /// Number or name of the only chapter; all if not given.
    #[arg(long)]
    chapter: Option<String>,
}

/// The files that were made, by name.
type Files = BTreeMap<String, String>;

/// Takes pictures of one kernel, and lets it run to its end.
type Photographer = fn(Sitting) -> Result<Files>;

/// Who takes the pictures that only this chapter has.
fn photographer(chapter: &Chapter) -> Option<Photographer> {
    Some(match chapter.name.as_str() {
        "03-segments" => descriptor::take,
        "04-interrupts" => frame::take,
        "05-paging" => map::take,
        "06-heap" => heap::take,
        "08-threads" => timeline::take,
        "09-multitasking" => fork::take,
        _ => return None,
    })
}

/// Takes all pictures, and writes them.
pub fn make(workspace: &Workspace, options: &Options) -> Result<ExitCode> {
    let chapters: Vec<&Chapter> = match &options.chapter {
        None => workspace.chapters.iter().collect(),
        Some(word) => vec![workspace.chapter(Some(word))?],
    };
    let folder = workspace.root.join(FOLDER);
    fs::create_dir_all(&folder)?;
    for (name, content) in take(workspace, &chapters)? {
        let file = folder.join(&name);
        if fs::read_to_string(&file).ok().as_ref() != Some(&content) {
            fs::write(&file, content).with_context(|| format!("{} could not be written", file.display()))?;
            println!("{FOLDER}/{name}");
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Takes the pictures of these chapters.
///
/// The log and the screen are those of a run that nobody stops before its end. Who stops it for other
/// pictures hands in the log as well: so it is seen that the stops have changed nothing.
fn take(workspace: &Workspace, chapters: &[&Chapter]) -> Result<Files> {
    let kernels = kernels::build(workspace, chapters, Kind::Demonstration, Profile::Kernel)?;
    let files = Mutex::new(Files::new());
    let runs = chapters.iter().zip(&kernels).flat_map(|(chapter, kernel)| {
        let others = photographer(chapter).map(|photographer| (chapter, kernel, Some(photographer)));
        [(chapter, kernel, None)].into_iter().chain(others)
    });
    booted::in_parallel(runs, |(chapter, kernel, photographer)| {
        let name = &chapter.name;
        let kernel = kernel.as_deref().with_context(|| format!("The kernel of {name} could not be built."))?;
        let sitting = Sitting::boot(workspace, kernel).with_context(|| format!("Booting {name}"))?;
        let taken = match photographer {
            Some(photographer) => photographer(sitting),
            None => screen::take(sitting, number(chapter)),
        };
        let taken = taken.with_context(|| format!("Taking pictures of {name}"))?;
        put_in(&mut files.lock().expect("nobody panics while putting in"), taken)
    })?;
    Ok(files.into_inner().expect("nobody panics while putting in"))
}

/// The two digits that a chapter's name begins with.
fn number(chapter: &Chapter) -> &str {
    chapter.name.split('-').next().unwrap_or(&chapter.name)
}

/// Adds files to others. What is there already has to be the same.
fn put_in(files: &mut Files, more: Files) -> Result<()> {
    for (name, content) in more {
        let there = files.entry(name.clone()).or_insert_with(|| content.clone());
        ensure!(*there == content, "Two runs differ in {name}. One of them:\n{there}\nThe other:\n{content}");
    }
    Ok(())
}

/// The log of a chapter as a file. What is blank at the ends of lines is left out.
fn log_file(chapter: &str, log: &str) -> (String, String) {
    let lines: String = log.lines().map(|line| format!("{}\n", line.trim_end())).collect();
    (format!("{chapter}-log.txt"), lines)
}

/// The three files of a picture of memory.
fn files(picture: &Picture, drawing: &svg::Document) -> Result<Files> {
    let json = serde_json::to_string_pretty(picture)? + "\n";
    let files = [("svg", drawing.to_string() + "\n"), ("json", json), ("md", words::tables(picture))];
    Ok(files.into_iter().map(|(ending, content)| (format!("{}.{ending}", picture.name), content)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_has_no_blanks_at_the_ends_of_its_lines() {
        assert_eq!(log_file("02", "a \r\n b\t\n\nc"), ("02-log.txt".into(), "a\n b\n\nc\n".into()));
    }

    #[test]
    fn what_two_runs_say_has_to_be_the_same() {
        let mut files = Files::new();
        let file = |content: &str| Files::from([log_file("08", content)]);
        put_in(&mut files, file("AB")).expect("nothing is there yet");
        put_in(&mut files, file("AB ")).expect("it is the same");
        let error = put_in(&mut files, file("BA")).expect_err("it is not the same").to_string();
        assert!(error.contains("differ in 08-log.txt"), "{error}");
    }
}
