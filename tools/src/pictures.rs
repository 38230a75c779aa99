//! `make figures`: the pictures of the book, taken from running kernels.
//!
//! Each chapter is booted once. A file `pictures/…` of its own knows where to stop it and what to make of
//! what is there. The pictures are committed, and `make test` takes them again: a picture that differs from
//! today's kernel fails.

mod agreement;
mod committed;
mod drawing;
mod fork;
mod gdb;
mod layout;
mod made_with;
mod map;
mod marks;
mod memory;
mod model;
mod program;
mod regions;
mod scene;
mod shapes;
mod sitting;
mod snapshot;
mod stub;
mod walk;
mod words;

use crate::bench;
use crate::booted;
use crate::cargo::Profile;
use crate::chapters::{Chapter, Workspace};
use crate::kernels::{self, Kind};
use crate::tally::Tally;
use anyhow::{Context, Result};
use clap::Args;
use made_with::MadeWith;
use model::Picture;
use sitting::Sitting;
use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// Where the pictures are, seen from the workspace's root.
const FOLDER: &str = "book/figures";

/// What `make figures` can be told.
#[derive(Args)]
pub struct Options {
    /// Number or name of the only chapter; all if not given.
    #[arg(long)]
    chapter: Option<String>,
}

/// The files that were made, by name. Each name begins with the chapter's number.
type Files = BTreeMap<String, String>;

/// Takes pictures of one kernel, and lets it run to its [`end`].
type Photographer = fn(Sitting) -> Result<Files>;

/// Who takes the pictures of a chapter.
fn photographer(chapter: &Chapter) -> Photographer {
    match chapter.name.as_str() {
        "05-paging" => map::take,
        "09-multitasking" => fork::take,
        _ => |sitting| Ok(end(sitting)?.0),
    }
}

/// What is taken of every chapter: lets the kernel run to its end, and returns its log as well.
fn end(sitting: Sitting) -> Result<(Files, String)> {
    Ok((Files::new(), sitting.finish()?))
}

/// Takes all pictures, and writes those that are not as they were.
pub fn make(workspace: &Workspace, options: &Options) -> Result<ExitCode> {
    let chapters: Vec<&Chapter> = match &options.chapter {
        None => workspace.chapters.iter().collect(),
        Some(word) => vec![workspace.chapter(Some(word))?],
    };
    let files = Mutex::new(Files::new());
    booted::in_parallel(chapters.iter().zip(build(workspace, &chapters)?), |(chapter, kernel)| {
        let taken = take(workspace, chapter, kernel)?;
        files.lock().expect("nobody panics while putting in").extend(taken);
        Ok(())
    })?;
    let mut files = files.into_inner().expect("nobody panics while putting in");
    if options.chapter.is_none() {
        files.insert(bench::FILE_IN_BOOK.into(), bench::for_book(workspace)?);
    }
    let folder = workspace.root.join(FOLDER);
    fs::create_dir_all(&folder)?;
    let is_ours = |name: &str| chapters.iter().any(|chapter| committed::belongs_to(name, chapter));
    for name in committed::names(&folder)?.into_iter().filter(|name| is_ours(name) && !files.contains_key(name)) {
        fs::remove_file(folder.join(&name))?;
        println!("{FOLDER}/{name} is no more");
    }
    let made_with = (made_with::FILE.to_owned(), MadeWith::today().to_json()?);
    for (name, content) in files.into_iter().chain([made_with]) {
        let file = folder.join(&name);
        if fs::read_to_string(&file).ok().as_ref() != Some(&content) {
            fs::write(&file, content).with_context(|| format!("{} could not be written", file.display()))?;
            println!("{FOLDER}/{name}");
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Takes the pictures of these chapters again, and holds those that are committed to them.
pub fn test(workspace: &Workspace, chapters: &[&Chapter], tally: &Tally) -> Result<()> {
    let kernels = build(workspace, chapters)?;
    booted::in_parallel(chapters.iter().zip(&kernels), |(chapter, kernel)| {
        let start = Instant::now();
        let outcome = take(workspace, chapter, kernel.clone())
            .and_then(|files| committed::compare(&workspace.root.join(FOLDER), chapter, &files));
        note(tally, &format!("pictures of {}", chapter.name), outcome, start.elapsed());
        Ok(())
    })?;
    let with_tables = chapters.iter().zip(kernels).find(|(chapter, _)| chapter.name == agreement::CHAPTER);
    if let Some((chapter, Some(kernel))) = with_tables {
        let start = Instant::now();
        let outcome = Sitting::boot(workspace, chapter, &kernel).and_then(agreement::check);
        note(tally, "page tables, walked by us and by QEMU", outcome, start.elapsed());
    }
    Ok(())
}

fn note(tally: &Tally, what: &str, outcome: Result<()>, time: Duration) {
    tally.note(what, outcome.map_err(|error| format!("{error:#}")), time);
}

fn build(workspace: &Workspace, chapters: &[&Chapter]) -> Result<Vec<Option<PathBuf>>> {
    kernels::build(workspace, chapters, Kind::Demonstration, Profile::Kernel)
}

/// Takes the pictures of one chapter, if it has a kernel.
fn take(workspace: &Workspace, chapter: &Chapter, kernel: Option<PathBuf>) -> Result<Files> {
    let kernel = kernel.with_context(|| format!("The kernel of {} could not be built.", chapter.name))?;
    let sitting = Sitting::boot(workspace, chapter, &kernel).with_context(|| format!("Booting {}", chapter.name))?;
    let mut files = photographer(chapter)(sitting).with_context(|| format!("Taking pictures of {}", chapter.name))?;
    files.extend(gdb::take(workspace, chapter, &kernel)?);
    Ok(files)
}

/// The three files of a picture of memory.
fn files(picture: &Picture, drawing: &svg::Document) -> Result<Files> {
    let json = serde_json::to_string_pretty(picture)? + "\n";
    let files = [("svg", drawing.to_string() + "\n"), ("json", json), ("md", words::tables(picture))];
    Ok(files.into_iter().map(|(ending, content)| (format!("{}.{ending}", picture.name), content)).collect())
}
