//! Requests and their answers.

use anyhow::{Context, Result};
use memory_map::memory::Memory;
use scenes::machine::{Machine, Registers};
use scenes::{Album, Files, Scene, cells, questions, screen};
use serde::{Deserialize, Serialize};

/// What a page may ask for.
#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Request {
    /// Forgets everything, and takes this scene.
    Begin(Box<Scene>),
    /// The pictures at a stop.
    Moment {
        /// The number of the stop.
        stop: usize,
        /// The registers there.
        registers: Registers,
    },
    /// The picture between stops.
    Now {
        /// The registers now.
        registers: Registers,
    },
    /// The screen. The memory is the machine's, or only what the screen shows: 4000 bytes.
    Screen {
        /// The display controller's registers with the cursor, as [`screen::CURSOR`] lists them.
        cursor: [u8; 4],
        /// The demonstration has ended.
        #[serde(default)]
        is_end: bool,
    },
    /// How an address is translated.
    Walk {
        /// The register CR3.
        cr3: u32,
        /// The register CR4.
        cr4: u32,
        /// The virtual address.
        address: u32,
    },
}

/// What has been asked so far.
pub struct Live {
    scene: Option<Scene>,
    album: Option<Box<dyn Album>>,
}

/// An answer with pictures.
#[derive(Serialize)]
struct Drawn {
    files: Files,
}

impl Live {
    /// Nothing yet.
    pub const fn new() -> Self {
        Self { scene: None, album: None }
    }

    /// Answers a request about a machine with this memory.
    pub fn answer(&mut self, request: &[u8], memory: &[u8]) -> Result<String> {
        let machine = |registers| Machine { registers, memory: Memory(memory) };
        let drawn = |files| Ok(serde_json::to_string(&Drawn { files })?);
        match serde_json::from_slice(request).context("The request is not understood")? {
            Request::Begin(scene) => {
                self.album = scene.album();
                self.scene = Some(*scene);
                Ok("{}".into())
            }
            Request::Moment { stop, registers } => match self.album()? {
                Some(album) => drawn(album.moment(stop, &machine(registers))?),
                None => drawn(Files::new()),
            },
            Request::Now { registers } => match self.album()? {
                Some(album) => drawn(album.now(&machine(registers))?),
                None => drawn(Files::new()),
            },
            Request::Screen { cursor, is_end } => {
                let start = if memory.len() == cells::BYTES { 0 } else { cells::ADDRESS };
                let cells = Memory(memory).read(start, cells::BYTES).context("The screen does not lie in memory.")?;
                drawn(screen::files(&self.scene()?.chapter, cells, cursor, is_end)?)
            }
            Request::Walk { cr3, cr4, address } => {
                let walk = questions::walk(Memory(memory), cr3, cr4, address, self.scene()?);
                Ok(serde_json::to_string(&walk)?)
            }
        }
    }

    fn scene(&self) -> Result<&Scene> {
        self.scene.as_ref().context("Nothing has begun.")
    }

    /// `None` if the chapter has no picture besides the screen.
    fn album(&mut self) -> Result<Option<&mut Box<dyn Album>>> {
        self.scene()?;
        Ok(self.album.as_mut())
    }
}

#[cfg(test)]
mod tests;
