//! `make figures`: the pictures of the book, taken from running kernels.
//!
//! The library `scenes` draws them. Here, each kind of picture has a file that knows where to stop a kernel, makes the
//! plan for the drawing from the kernel's file, and checks that the kernel's log agrees. [`descriptor`], [`frame`],
//! [`map`], [`heap`], [`timeline`] and [`fork`] belong to one chapter each, [`screen`] and [`gdb`] to several. They share
//! the names of [`regions`]. [`names`] holds all that they know of the kernels' private parts.
//! The [`cost`] of the kernels is measured elsewhere and only drawn here. [`live`] writes what a page needs to take the
//! pictures by itself.
//!
//! The pictures are committed, and `make test` takes them again. It fails if one differs from what the kernel shows now
//! and compiler, boot loader and machine are those that it was made with ([`made_with`], [`committed`]).

mod names;
mod regions;

mod descriptor;
mod frame;
mod map;
mod heap;
mod timeline;
mod fork;

mod screen;
mod boot_information;
mod gdb;
mod agreement;

pub mod cost;
pub mod live;

mod made_with;
mod committed;

use anyhow::{Context, Result, ensure};
use clap::Args;
use machine::cargo::Profile;
use machine::kernels::{self, Kind};
use machine::tally::Tally;
use machine::workspace::{Chapter, Workspace};
use made_with::MadeWith;
use memory_map::scene::Named;
use paging::frame_table::{LAST, MOST_FRAMES, NOT_OURS, ONE_OWNER};
use probe::program::Program;
use probe::sitting::Sitting;
use probe::snapshot::Snapshot;
use rayon::iter::{ParallelBridge, ParallelIterator};
use scenes::Files;
use scenes::functions::Functions;
use scenes::known::{FrameTable, Known};
use scenes::machine::{Machine, Registers};
use std::env;
use std::fs;
use std::ops::Range;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// The folder of the pictures, relative to the workspace's root.
pub const FOLDER: &str = "book/figures";

/// The options of `make figures`.
#[derive(Args)]
pub struct Options {
    /// Take only the pictures of this chapter, by number or name.
    #[arg(long)]
    chapter: Option<String>,
}

/// Takes pictures of one kernel, and lets it run to its end.
type Photographer = fn(Sitting) -> Result<Files>;

/// The functions that take the pictures of a single chapter.
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

/// Takes all pictures, and writes those that have changed. With all chapters, `costs` measures the cost of the kernels,
/// and returns it as the file of the book.
pub fn make(workspace: &Workspace, options: &Options, costs: impl FnOnce() -> Result<String>) -> Result<ExitCode> {
    let chapters: Vec<&Chapter> = match &options.chapter {
        None => workspace.chapters.iter().collect(),
        Some(word) => vec![workspace.chapter(Some(word))?],
    };
    let files = Mutex::new(Files::new());
    chapters.iter().zip(build(workspace, &chapters)?).par_bridge().try_for_each(|(chapter, kernel)| -> Result<()> {
        let taken = take(workspace, chapter, kernel)?;
        files.lock().expect("no thread panics while putting in").extend(taken);
        Ok(())
    })?;
    let mut files = files.into_inner().expect("no thread panics while putting in");
    let folder = workspace.root.join(FOLDER);
    fs::create_dir_all(&folder)?;
    let is_ours = |name: &str| chapters.iter().any(|chapter| committed::belongs_to(name, chapter));
    for name in committed::names(&folder)?.into_iter().filter(|name| is_ours(name) && !files.contains_key(name)) {
        fs::remove_file(folder.join(&name))?;
        println!("{FOLDER}/{name} was deleted");
    }
    files.insert(made_with::FILE.into(), MadeWith::today().to_json()?);
    if options.chapter.is_none() {
        files.insert(cost::FILE.into(), costs()?);
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

/// Takes the pictures of these chapters again, and compares them with the committed ones.
///
/// If those were made with other programs than this machine has, it only checks that the pictures can be taken.
pub fn test(workspace: &Workspace, chapters: &[&Chapter], tally: &Tally) -> Result<()> {
    let elsewhere = made_elsewhere(workspace);
    if let Some(difference) = &elsewhere {
        println!("The book's pictures are not compared with this machine's kernels.{difference}");
    }
    let kernels = build(workspace, chapters)?;
    chapters.iter().zip(&kernels).par_bridge().try_for_each(|(chapter, kernel)| -> Result<()> {
        let start = Instant::now();
        let outcome = take(workspace, chapter, kernel.clone()).and_then(|files| match elsewhere {
            Some(_) => Ok(()),
            None => committed::compare(&workspace.root.join(FOLDER), chapter, &files),
        });
        note(tally, &format!("pictures of {}", chapter.name), outcome, start.elapsed());
        Ok(())
    })?;
    let with_tables = chapters.iter().zip(kernels).find(|(chapter, _)| chapter.name == agreement::CHAPTER);
    if let Some((_, Some(kernel))) = with_tables {
        let start = Instant::now();
        let outcome = Sitting::boot(workspace, &kernel).and_then(agreement::check);
        note(tally, "page tables, walked by us and by QEMU", outcome, start.elapsed());
    }
    Ok(())
}

/// Reports which programs of this machine differ from those that made the book's pictures and figures. `None` means
/// that the pictures have to be compared.
///
/// With `CI` in the environment, another version is no excuse: otherwise an update would silently turn this check off.
/// Another build of the same version still is, because it makes other kernels from the same sources.
pub fn made_elsewhere(workspace: &Workspace) -> Option<String> {
    let before = MadeWith::committed(&workspace.root.join(FOLDER))?;
    let today = MadeWith::today();
    let difference = today.difference(&before);
    let must_compare = env::var_os("CI").is_some() && !today.has_versions_of(&before);
    (!difference.is_empty() && !must_compare).then_some(difference)
}

fn note(tally: &Tally, what: &str, outcome: Result<()>, time: Duration) {
    tally.note(what, outcome.map_err(|error| format!("{error:#}")), time);
}

fn build(workspace: &Workspace, chapters: &[&Chapter]) -> Result<Vec<Option<PathBuf>>> {
    kernels::build(workspace, chapters, Kind::Demonstration, Profile::Kernel)
}

/// Takes the pictures of one chapter, if it has a kernel.
///
/// The log and the screen come from a run that is not stopped before its end. Code that stops the kernel for other
/// pictures returns the log as well, which shows that the stops have changed nothing.
fn take(workspace: &Workspace, chapter: &Chapter, kernel: Option<PathBuf>) -> Result<Files> {
    let name = &chapter.name;
    let kernel = kernel.with_context(|| format!("The kernel of {name} could not be built."))?;
    let boot = || Sitting::boot(workspace, &kernel).with_context(|| format!("Booting {name}"));
    let mut files = gdb::take(workspace, chapter, &kernel)?;
    put_in(&mut files, screen::take(boot()?, number(chapter)).with_context(|| format!("The screen of {name}"))?)?;
    if let Some(photographer) = photographer(chapter) {
        let taken = photographer(boot()?).with_context(|| format!("Taking pictures of {name}"))?;
        put_in(&mut files, taken)?;
    }
    Ok(files)
}

/// The two digits at the beginning of a chapter's name.
fn number(chapter: &Chapter) -> &str {
    chapter.name.split('-').next().unwrap_or(&chapter.name)
}

/// Adds files to others. A file that is already there must have the same content.
fn put_in(files: &mut Files, more: Files) -> Result<()> {
    for (name, content) in more {
        let there = files.entry(name.clone()).or_insert_with(|| content.clone());
        ensure!(*there == content, "Two runs differ in {name}. One of them:\n{there}\nThe other:\n{content}");
    }
    Ok(())
}

/// The log of a chapter as a file, without trailing blanks.
fn log_file(chapter: &str, log: &str) -> (String, String) {
    let lines: String = log.lines().map(|line| format!("{}\n", line.trim_end())).collect();
    (format!("{chapter}-log.txt"), lines)
}

/// The machine at this moment, for the drawing.
fn machine_of(snapshot: &Snapshot) -> Result<Machine<'_>> {
    let get = |name| snapshot.registers.get(name);
    let registers = Registers {
        esp: get("ESP")?,
        ecx: get("ECX")?,
        edx: get("EDX")?,
        cr3: get("CR3")?,
        cr4: get("CR4")?,
        cs: snapshot.registers.segment("CS")?,
        gdt: snapshot.registers.table("GDT")?,
    };
    Ok(Machine { registers, memory: snapshot.memory() })
}

/// The kernel's functions.
fn functions(program: &Program) -> Result<Functions> {
    Ok(Functions(program.functions(program.symbol("text_start")?..program.symbol("text_end")?)))
}

/// The bits of a page table's entry that the kernels use for themselves, with their names.
fn own_bits() -> Vec<(u32, String)> {
    names::OWN_BITS.map(|(flag, name)| (flag.bits().trailing_zeros(), name.into())).into()
}

/// The names of these regions and of the parts of physical memory, and the place of the frame allocator's table.
fn known(program: &Program, boot_information: Range<u64>, regions: Vec<Named>, unmapped: Vec<Named>) -> Result<Known> {
    let address = program.field(names::FRAME_MARKS)?;
    let frame_table =
        FrameTable { address, most_frames: MOST_FRAMES, not_ours: NOT_OURS, last: LAST, one_owner: ONE_OWNER };
    Ok(Known { frame_table, regions, unmapped, places: regions::of_image(program, boot_information)? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_has_no_blanks_at_the_ends_of_its_lines() {
        assert_eq!(log_file("02", "a \r\n b\t\n\nc"), ("02-log.txt".into(), "a\n b\n\nc\n".into()));
    }

    #[test]
    fn two_runs_must_agree() {
        let mut files = Files::new();
        let file = |content: &str| Files::from([log_file("08", content)]);
        put_in(&mut files, file("AB")).expect("nothing is there yet");
        put_in(&mut files, file("AB ")).expect("it is the same");
        let error = put_in(&mut files, file("BA")).expect_err("it is not the same").to_string();
        assert!(error.contains("differ in 08-log.txt"), "{error}");
    }
}
