//! What is known beforehand about the memory of a kernel with page tables: names of its parts, and where its frame
//! allocator records the owners of frames.

use anyhow::{Context, Result, ensure};
use memory_map::memory::Memory;
use memory_map::model::Picture;
use memory_map::scene::{Mark, Named};
use memory_map::walk::{PAGE_BYTES, Space};
use serde::{Deserialize, Serialize};

/// Tables with more runs of pages than this, or pictures with more regions, are not the work of one of our kernels.
const MOST_RUNS: usize = 4096;
const MOST_REGIONS: usize = 200;

/// The names of the parts of memory.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Known {
    /// Where the frame allocator records the owners of frames.
    pub frame_table: FrameTable,
    /// Virtual memory.
    pub regions: Vec<Named>,
    /// Virtual memory that is never mapped.
    pub unmapped: Vec<Named>,
    /// Physical memory that always has the same use.
    pub places: Vec<Named>,
}

/// The frame allocator's table: half a word for each frame, the number of its owners or a link to another free frame.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
pub struct FrameTable {
    /// Its physical address.
    pub address: u32,
    /// The number of frames that it has room for.
    pub most_frames: usize,
    /// The mark of frames that the allocator never hands out.
    pub not_ours: u16,
    /// The mark of the last free frame.
    pub last: u16,
    /// The smallest mark of frames with owners, except those two.
    pub one_owner: u16,
}

impl FrameTable {
    /// The mark of each frame of physical memory.
    pub fn marks(&self, memory: Memory) -> Result<Vec<Mark>> {
        let frames = self.most_frames.min(memory.0.len() / PAGE_BYTES as usize);
        let bytes = memory.read(self.address, 2 * frames).context("the allocator's table is not in memory")?;
        let mark = |link: &[u8]| match u16::from_le_bytes([link[0], link[1]]) {
            link if link == self.not_ours => Mark::NotOurs,
            link if link == self.last => Mark::Free,
            link if link >= self.one_owner => Mark::Taken,
            _ => Mark::Free,
        };
        Ok(bytes.chunks_exact(2).map(mark).collect())
    }
}

/// Fails if an address space is too scattered to be drawn.
pub fn check_space(space: &Space) -> Result<()> {
    let runs = space.runs.len();
    ensure!(runs <= MOST_RUNS, "These page tables map {runs} pieces of memory, too many to draw.");
    Ok(())
}

/// Fails if a picture has too many boxes to be drawn.
pub fn check_picture(picture: &Picture) -> Result<()> {
    let regions: usize = picture.spaces.iter().map(|space| space.regions.len()).sum();
    ensure!(regions <= MOST_REGIONS, "These page tables map {regions} regions, too many to draw.");
    Ok(())
}
