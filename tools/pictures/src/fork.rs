//! Chapter 9: two address spaces, from before a fork until the second one is freed.

use crate::names::{self, Source};
use crate::regions::{self, KERNEL_HEAP, KERNEL_INSTRUCTIONS, PRIVATE_MEMORY, PRIVATE_STACK};
use crate::{Files, marks};
use anyhow::{Context, Result, ensure};
use memory_map::model::{Picture, Sharing};
use memory_map::scene::Scene;
use memory_map::{drawing, sharing, walk};
use probe::sitting::Sitting;
use probe::snapshot::Snapshot;

/// A moment to take a picture of.
pub struct Moment {
    /// The name of the picture.
    pub name: &'static str,
    pub title: &'static str,
    pub stop_before: Source,
    /// The running task.
    task: usize,
    has_two: bool,
    /// The words in place of the second address space while it does not exist.
    without_second: &'static str,
}

pub const MOMENTS: [Moment; 4] = [
    Moment {
        name: "09-fork-1",
        title: "Before the fork: task 1 is alone",
        stop_before: names::BEFORE_FORK,
        task: 0,
        has_two: false,
        without_second: "There is no second task yet.",
    },
    Moment {
        name: "09-fork-2",
        title: "After the fork, before either task has continued",
        stop_before: names::AFTER_FORK,
        task: 0,
        has_two: true,
        without_second: "",
    },
    Moment {
        name: "09-fork-3",
        title: "After task 2 has written 222 to both variables",
        stop_before: names::CHILD_HAS_WRITTEN,
        task: 1,
        has_two: true,
        without_second: "",
    },
    Moment {
        name: "09-fork-4",
        title: "After task 1 has written 111 to both, task 2 has ended, and task 1 has waited for it",
        stop_before: names::CHILD_IS_GONE,
        task: 0,
        has_two: false,
        without_second: "Task 2 is gone.",
    },
];

const TASKS: [&str; 2] = ["task 1", "task 2"];

/// The regions that show what a fork does: their names, as in `regions`.
const IN_FOUR_ROWS: [&str; 4] = [KERNEL_HEAP, PRIVATE_STACK, PRIVATE_MEMORY, KERNEL_INSTRUCTIONS];

/// Takes the pictures of a fork.
pub fn take(mut sitting: Sitting) -> Result<Files> {
    let kernel = sitting.until(names::KERNEL_ALONE.into())?.space()?;
    let mut snapshots = Vec::new();
    for moment in &MOMENTS {
        snapshots.push(sitting.until(moment.stop_before.into())?);
    }
    let (program, boot_information) = (sitting.program.clone(), sitting.boot_information.clone());
    let log = sitting.finish()?;

    let cr3 = |at: usize| snapshots[at].registers.get("CR3");
    let directories = [cr3(0)?, cr3(2)?];
    let places = regions::of_image(&program, boot_information)?;
    let regions = regions::of_tasks(&program)?;
    let variables = variables(&log)?;
    let mut pictures: Vec<Picture> = Vec::new();
    for (moment, snapshot) in MOMENTS.iter().zip(&snapshots) {
        ensure!(snapshot.registers.get("CR3")? == directories[moment.task], "it is not {}", TASKS[moment.task]);
        let shown = if moment.has_two { 2 } else { 1 };
        let spaces = TASKS.into_iter().zip(directories).take(shown);
        let spaces = spaces.map(|(name, directory)| Ok((name, snapshot.space_of(directory)?)));
        let scene = Scene {
            memory: snapshot.memory(),
            marks: marks::of(&program, snapshot)?,
            kernel: &kernel_at(snapshot, &kernel)?,
            spaces: spaces.collect::<Result<_>>()?,
            regions: &regions,
            unmapped: &[],
            places: &places,
            variables: &variables,
        };
        let mut picture = scene.picture(moment.name, moment.title, moment.stop_before.into())?;
        if let Some(before) = pictures.last() {
            picture.compare_with(before);
        }
        pictures.push(picture);
    }
    agree(&pictures[2], &log)?;
    let mut files = Files::new();
    for (picture, moment) in pictures.iter().zip(&MOMENTS) {
        files.extend(crate::files(picture, &drawing::draw_of(&pictures, picture, moment.without_second))?);
    }
    files.extend(in_four_rows(&pictures[1])?);
    Ok(files)
}

/// The summary of the moment after the fork: two regions that are copied, and two that are linked.
fn in_four_rows(after_fork: &Picture) -> Result<Files> {
    let mut picture = after_fork.clone();
    picture.name = "09-four-boxes".into();
    picture.title = "The fork in four regions: two are copied and two are linked".into();
    for space in &mut picture.spaces {
        space.regions.retain(|region| IN_FOUR_ROWS.contains(&region.name.as_str()));
        ensure!(space.regions.len() == IN_FOUR_ROWS.len(), "{} has other regions: {:?}", space.name, space.regions);
    }
    picture.memory.clear();
    picture.values.clear();
    let json = serde_json::to_string_pretty(&picture)? + "\n";
    let files = [("svg", format!("{}\n", sharing::draw(&picture))), ("json", json), ("md", sharing::table(&picture))];
    Ok(files.into_iter().map(|(ending, content)| (format!("{}.{ending}", picture.name), content)).collect())
}

/// The kernel's own address space, as it is at this moment.
fn kernel_at(snapshot: &Snapshot, kernel: &walk::Space) -> Result<walk::Space> {
    snapshot.space_of(kernel.directory)
}

/// The variables of the demonstration, which prints their addresses.
fn variables(log: &str) -> Result<[(&'static str, u32); 2]> {
    let line = log
        .lines()
        .find(|line| line.starts_with(names::TELLS_OF_VARIABLES))
        .context("task 1 does not say what it sees")?;
    let mut addresses = line
        .split_whitespace()
        .filter_map(|word| u32::from_str_radix(word.trim_end_matches([',', '.']).strip_prefix("0x")?, 16).ok());
    let (Some(on_stack), Some(shared)) = (addresses.next(), addresses.next()) else {
        anyhow::bail!("No two addresses are in the line: {line}");
    };
    Ok([("on_stack", on_stack), ("shared.value", shared)])
}

/// Checks that the picture agrees with the kernel's own table.
fn agree(picture: &Picture, log: &str) -> Result<()> {
    for region in &picture.spaces[0].regions {
        let other = picture.spaces[1].regions.iter().find(|other| other.start == region.start);
        let frames = [Some(region), other].map(|region| region.and_then(|region| region.frames.first()));
        let ([Some(first), Some(second)], Some(Sharing::Linked | Sharing::Copied)) = (frames, region.sharing) else {
            continue;
        };
        let word = region.sharing.map_or("", Sharing::word);
        let row =
            format!("{:<28} {}-{} {} {} {word}", region.name, region.start, region.end, first.start, second.start);
        ensure!(
            log.lines().any(|line| line.trim_end() == row),
            "The kernel's own table lacks this row of {}:\n{row}\n{log}",
            picture.name
        );
    }
    Ok(())
}
