//! Chapter 9: two address spaces, from before a fork until the second one is freed.

use crate::names::{self, Source};
use crate::regions::{self, KERNEL_HEAP, KERNEL_INSTRUCTIONS, PRIVATE_MEMORY, PRIVATE_STACK};
use crate::{Files, known, machine_of};
use anyhow::{Context, Result, ensure};
use memory_map::model::{Picture, Region, Sharing};
use memory_map::scene::Named;
use probe::program::Program;
use probe::sitting::Sitting;
use scenes::Album as _;
use scenes::fork::{self, Album, Plan};
use std::ops::Range;
use threads::MOST_THREADS;

/// A moment to take a picture of.
pub struct Moment {
    /// The name of the picture.
    pub name: &'static str,
    pub title: &'static str,
    pub stop_before: Source,
    has_two: bool,
    /// The words in place of the second address space while it does not exist.
    without_second: &'static str,
}

pub const MOMENTS: [Moment; 4] = [
    Moment {
        name: "09-fork-1",
        title: "Before the fork: task 1 is alone",
        stop_before: names::BEFORE_FORK,
        has_two: false,
        without_second: "There is no second task yet.",
    },
    Moment {
        name: "09-fork-2",
        title: "After the fork, before either task has continued",
        stop_before: names::AFTER_FORK,
        has_two: true,
        without_second: "",
    },
    Moment {
        name: "09-fork-3",
        title: "After task 2 has written 222 to both variables",
        stop_before: names::CHILD_HAS_WRITTEN,
        has_two: true,
        without_second: "",
    },
    Moment {
        name: "09-fork-4",
        title: "After task 1 has written 111 to both, task 2 has ended, and task 1 has waited for it",
        stop_before: names::CHILD_IS_GONE,
        has_two: false,
        without_second: "Task 2 is gone.",
    },
];
/// The number of the moment that is summed up.
const SUMMED_UP: usize = 1;

/// The regions that show what a fork does: their names, as in `regions`.
const IN_FOUR_ROWS: [&str; 4] = [KERNEL_HEAP, PRIVATE_STACK, PRIVATE_MEMORY, KERNEL_INSTRUCTIONS];

/// What has to be known about the kernel, whose log has the addresses of its variables. `series` are the pictures of all
/// moments, if they are known; those of another kernel do not count.
pub fn plan(program: &Program, boot_information: Range<u64>, log: &str, series: Vec<Picture>) -> Result<Plan> {
    let moment = |(number, moment): (usize, &Moment)| fork::Moment {
        name: moment.name.into(),
        title: moment.title.into(),
        stopped_before: moment.stop_before.into(),
        without_second: moment.without_second.into(),
        is_summed_up: number == SUMMED_UP,
    };
    let regions = regions::of_tasks(program)?;
    Ok(Plan {
        moments: MOMENTS.iter().enumerate().map(moment).collect(),
        pids: program.field(names::PIDS)?,
        directories: program.field(names::DIRECTORIES)?,
        threads: MOST_THREADS as u32,
        variables: variables(log)?.map(|(name, address)| (name.into(), address)).into(),
        four_regions: IN_FOUR_ROWS.map(String::from).into(),
        series: if series.iter().all(|picture| fits(picture, &regions)) { series } else { Vec::new() },
        known: known(program, boot_information, regions, Vec::new())?,
    })
}

/// Whether a picture's regions lie in these: then its kernel has the same borders.
fn fits(picture: &Picture, regions: &[Named]) -> bool {
    let lies_in = |region: &Region, named: &Named| {
        named.name == region.name && named.range.start <= region.start.0 && region.end.0 <= named.range.end
    };
    let all = picture.spaces.iter().flat_map(|space| &space.regions);
    all.into_iter().all(|region| regions.iter().any(|named| lies_in(region, named)))
}

/// Takes the pictures of a fork.
pub fn take(mut sitting: Sitting) -> Result<Files> {
    let stops = MOMENTS.iter().map(|moment| sitting.until(moment.stop_before.into()));
    let snapshots = stops.collect::<Result<Vec<_>>>()?;
    let (program, boot_information) = (sitting.program.clone(), sitting.boot_information.clone());
    let log = sitting.finish()?;
    let draw = |series| -> Result<(Vec<Picture>, Files)> {
        let mut album = Album::new(plan(&program, boot_information.clone(), &log, series)?);
        let mut files = Files::new();
        for (number, snapshot) in snapshots.iter().enumerate() {
            files.extend(album.moment(number, &machine_of(snapshot)?)?);
        }
        Ok((album.pictures, files))
    };
    let (series, _) = draw(Vec::new())?;
    for (picture, moment) in series.iter().zip(&MOMENTS) {
        let spaces = if moment.has_two { 2 } else { 1 };
        ensure!(picture.spaces.len() == spaces, "{} shows {} address spaces", moment.name, picture.spaces.len());
        ensure!(picture.values.len() == spaces * variables(&log)?.len(), "{} lacks variables", moment.name);
    }
    agree(&series[2], &log)?;
    Ok(draw(series)?.1)
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

#[cfg(test)]
mod tests {
    use super::*;
    use memory_map::model::{Address, Line, Space};

    #[test]
    fn a_picture_of_a_kernel_with_other_borders_does_not_count() {
        let region = |name: &str, start, end| Region {
            name: name.into(),
            start: Address(start),
            end: Address(end),
            rights: String::new(),
            sharing: None,
            frames: Vec::new(),
        };
        let regions = vec![region("code", 0x1000, 0x3000), region("a stack", 0x4000, 0x5000)];
        let space = Space { name: "task 1".into(), directory: Address(0), regions, new: false };
        let stopped_before = Line { file: String::new(), words: String::new() };
        let (memory, values) = (Vec::new(), Vec::new());
        let (name, title) = (String::new(), String::new());
        let picture = Picture { name, title, stopped_before, spaces: vec![space], memory, values };
        let fits =
            |border| fits(&picture, &[regions::name("code", 0x1000..border), regions::name("a stack", border..0x5000)]);
        assert_eq!([0x2000, 0x3000, 0x4000, 0x4800].map(fits), [false, true, true, false]);
    }
}
