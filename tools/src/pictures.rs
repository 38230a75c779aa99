//! `make figures`: the pictures of the book, taken from running kernels.
//!
//! Each chapter is booted once. A file `pictures/…` of its own knows where to stop it and what to make of
//! what is there. The pictures are committed, and `make test` takes them again: a picture that differs from
//! today's kernel fails.

mod drawing;
mod fork;
mod gdb;
mod layout;
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
use anyhow::{Context, Result};
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

/// Who takes the pictures of a chapter.
fn photographer(chapter: &Chapter) -> Photographer {
    match chapter.name.as_str() {
        "05-paging" => map::take,
        "09-multitasking" => fork::take,
        _ => |sitting| {
            sitting.finish()?;
            Ok(Files::new())
        },
    }
}

/// Takes all pictures, and writes them.
pub fn make(workspace: &Workspace, options: &Options) -> Result<ExitCode> {
    let chapters: Vec<&Chapter> = match &options.chapter {
        None => workspace.chapters.iter().collect(),
        Some(word) => vec![workspace.chapter(Some(word))?],
    };
    let folder = workspace.root.join(FOLDER);
    fs::create_dir_all(&folder)?;
    let mut files = take(workspace, &chapters)?;
    if options.chapter.is_none() {
        files.insert(bench::FILE_IN_BOOK.into(), bench::for_book(workspace)?);
    }
    for (name, content) in files {
        let file = folder.join(&name);
        if fs::read_to_string(&file).ok().as_ref() != Some(&content) {
            fs::write(&file, content).with_context(|| format!("{} could not be written", file.display()))?;
            println!("{FOLDER}/{name}");
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Takes the pictures of these chapters.
fn take(workspace: &Workspace, chapters: &[&Chapter]) -> Result<Files> {
    let kernels = kernels::build(workspace, chapters, Kind::Demonstration, Profile::Kernel)?;
    let files = Mutex::new(Files::new());
    booted::in_parallel(chapters.iter().zip(kernels), |(chapter, kernel)| {
        let kernel = kernel.with_context(|| format!("The kernel of {} could not be built.", chapter.name))?;
        let sitting = Sitting::boot(workspace, &kernel).with_context(|| format!("Booting {}", chapter.name))?;
        let taken = photographer(chapter)(sitting).with_context(|| format!("Taking pictures of {}", chapter.name))?;
        let sessions = gdb::take(workspace, chapter, &kernel)?;
        files.lock().expect("nobody panics while putting in").extend(taken.into_iter().chain(sessions));
        Ok(())
    })?;
    Ok(files.into_inner().expect("nobody panics while putting in"))
}

/// The three files of a picture of memory.
fn files(picture: &Picture, drawing: &svg::Document) -> Result<Files> {
    let json = serde_json::to_string_pretty(picture)? + "\n";
    let files = [("svg", drawing.to_string() + "\n"), ("json", json), ("md", words::tables(picture))];
    Ok(files.into_iter().map(|(ending, content)| (format!("{}.{ending}", picture.name), content)).collect())
}
