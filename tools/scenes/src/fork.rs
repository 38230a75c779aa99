//! Chapter 9: two address spaces, from before a fork until the second one is freed.

use crate::known::{self, Known};
use crate::machine::Machine;
use crate::{Files, NOW, memory_files};
use anyhow::{Context, Result, ensure};
use memory_map::model::{Line, Picture};
use memory_map::scene::Scene;
use memory_map::walk::Space;
use memory_map::{drawing, sharing, words};
use serde::{Deserialize, Serialize};

const WORD: u32 = 4;

/// What has to be known about the kernel.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Plan {
    /// The moments.
    pub moments: Vec<Moment>,
    /// The names of the parts of memory.
    pub known: Known,
    /// A word for each thread: the number of its task, 0 if it is none.
    pub pids: u32,
    /// A word for each thread: the address of its page directory. The first thread has the kernel's own.
    pub directories: u32,
    /// The number of threads.
    pub threads: u32,
    /// The variables of the demonstration, with their addresses.
    pub variables: Vec<(String, u32)>,
    /// The regions of the summary.
    pub four_regions: Vec<String>,
    /// The pictures of all moments, if they are known: each box has the same place in all of them.
    pub series: Vec<Picture>,
}

/// A moment to take a picture of.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Moment {
    /// The name of the picture.
    pub name: String,
    /// Its title.
    pub title: String,
    /// Where the kernel is stopped.
    pub stopped_before: Line,
    /// The words in place of the second address space while it does not exist.
    pub without_second: String,
    /// The summary is made at this moment too.
    pub is_summed_up: bool,
}

/// The pictures of a fork.
pub struct Album {
    plan: Plan,
    /// The pictures of the moments so far.
    pub pictures: Vec<Picture>,
}

impl Album {
    /// No picture yet.
    pub fn new(plan: Plan) -> Self {
        Self { plan, pictures: Vec::new() }
    }

    fn picture(&self, machine: &Machine, moment: &Moment, title: &str) -> Result<Picture> {
        let Plan { known, variables, .. } = &self.plan;
        let (kernel, tasks) = self.find_spaces(machine)?;
        let variables: Vec<(&str, u32)> = variables.iter().map(|(name, address)| (name.as_str(), *address)).collect();
        let scene = Scene {
            memory: machine.memory,
            marks: known.frame_table.marks(machine.memory)?,
            kernel: &kernel,
            spaces: tasks.iter().map(|(name, space)| (name.as_str(), space.clone())).collect(),
            regions: &known.regions,
            unmapped: &known.unmapped,
            places: &known.places,
            variables: &variables,
        };
        let mut picture = scene.picture(&moment.name, title, moment.stopped_before.clone());
        known::check_picture(&picture)?;
        if let Some(before) = self.pictures.last() {
            picture.compare_with(before);
        }
        Ok(picture)
    }

    fn files(&self, picture: &Picture, without_second: &str) -> Result<Files> {
        let series: Vec<Picture> = self.plan.series.iter().chain(&self.pictures).cloned().collect();
        memory_files(picture, &drawing::draw_of(&series, picture, without_second), words::tables(picture))
    }

    /// The kernel's address space, and those of the first two tasks, by name.
    fn find_spaces(&self, machine: &Machine) -> Result<(Space, Vec<(String, Space)>)> {
        let Plan { pids, directories, threads, .. } = self.plan;
        let word = |table: u32, thread: u32| {
            machine.memory.word(table + thread * WORD).context("a table of threads is not in memory")
        };
        let space = |directory| -> Result<Space> {
            let space = machine.space_of(directory)?;
            known::check_space(&space)?;
            Ok(space)
        };
        let kernel = word(directories, 0)?;
        ensure!(kernel != 0, "No task has an address space yet.");
        let mut tasks = Vec::new();
        for thread in 0..threads {
            let (pid, directory) = (word(pids, thread)?, word(directories, thread)?);
            if pid != 0 && directory != kernel {
                tasks.push((pid, directory));
            }
        }
        tasks.sort_unstable();
        ensure!(!tasks.is_empty(), "There is no task.");
        let tasks = tasks.into_iter().take(2).map(|(pid, directory)| Ok((format!("task {pid}"), space(directory)?)));
        Ok((space(kernel)?, tasks.collect::<Result<_>>()?))
    }
}

impl crate::Album for Album {
    fn moment(&mut self, stop: usize, machine: &Machine) -> Result<Files> {
        let Some(moment) = self.plan.moments.get(stop) else { return Ok(Files::new()) };
        let picture = self.picture(machine, moment, &moment.title)?;
        let mut files = self.files(&picture, &moment.without_second)?;
        if moment.is_summed_up {
            files.extend(sum_up(&picture, &self.plan.four_regions)?);
        }
        self.pictures.push(picture);
        Ok(files)
    }

    fn now(&self, machine: &Machine) -> Result<Files> {
        let last = self.pictures.len().saturating_sub(1);
        let moment = self.plan.moments.get(last).context("the fork has no such moment")?;
        self.files(&self.picture(machine, moment, NOW)?, "There is no second task.")
    }
}

/// The summary of the moment after the fork: two regions that are copied, and two that are linked.
fn sum_up(after_fork: &Picture, regions: &[String]) -> Result<Files> {
    let mut picture = after_fork.clone();
    picture.name = "09-four-boxes".into();
    picture.title = "The fork in four regions: two are copied and two are linked".into();
    for space in &mut picture.spaces {
        space.regions.retain(|region| regions.contains(&region.name));
        ensure!(space.regions.len() == regions.len(), "{} has other regions: {:?}", space.name, space.regions);
    }
    picture.memory.clear();
    picture.values.clear();
    memory_files(&picture, &sharing::draw(&picture), sharing::table(&picture))
}
