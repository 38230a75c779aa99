//! Chapter 5: the kernel's address space, with the access rights of each part.

use crate::known::{self, Known};
use crate::machine::Machine;
use crate::{Files, NOW, memory_files, translation};
use anyhow::Result;
use memory_map::model::{Line, Picture};
use memory_map::scene::Scene;
use memory_map::translation::Translation;
use memory_map::{drawing, words};
use serde::{Deserialize, Serialize};

const NAME: &str = "05-map";
const SPACE: &str = "the kernel";

/// What has to be known about the kernel.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Plan {
    /// The title of the picture.
    pub title: String,
    /// Where the kernel is stopped.
    pub stopped_before: Line,
    /// The names of the parts of memory.
    pub known: Known,
    /// The address whose walk is drawn.
    pub address: u32,
}

/// The pictures of the map, and of a walk.
pub struct Album {
    /// What is known.
    pub plan: Plan,
    /// The bits of an entry that the kernel uses for itself, with their names.
    pub own_bits: Vec<(u32, String)>,
}

impl Album {
    /// The facts of the map.
    pub fn picture(&self, machine: &Machine, title: &str) -> Result<Picture> {
        let Plan { stopped_before, known, .. } = &self.plan;
        let kernel = machine.space()?;
        known::check_space(&kernel)?;
        let scene = Scene {
            memory: machine.memory,
            marks: known.frame_table.marks(machine.memory)?,
            kernel: &kernel,
            spaces: vec![(SPACE, kernel.clone())],
            regions: &known.regions,
            unmapped: &known.unmapped,
            places: &known.places,
            variables: &[],
        };
        let picture = scene.picture(NAME, title, stopped_before.clone());
        known::check_picture(&picture)?;
        Ok(picture)
    }

    /// The facts of the walk.
    pub fn walk(&self, machine: &Machine) -> Result<Translation> {
        translation::walk(machine, self.plan.address, &self.own_bits)
    }

    fn files(&self, machine: &Machine, title: &str) -> Result<Files> {
        let picture = self.picture(machine, title)?;
        memory_files(&picture, &drawing::draw(&picture), words::tables(&picture))
    }
}

impl crate::Album for Album {
    fn moment(&mut self, stop: usize, machine: &Machine) -> Result<Files> {
        if stop > 0 {
            return Ok(Files::new());
        }
        let mut files = self.files(machine, &self.plan.title)?;
        files.extend(translation::files(&self.walk(machine)?)?);
        Ok(files)
    }

    fn now(&self, machine: &Machine) -> Result<Files> {
        self.files(machine, NOW)
    }
}
