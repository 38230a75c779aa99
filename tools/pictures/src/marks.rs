//! The marks of the kernel's frame allocator, one for each frame.

use crate::names;
use anyhow::{Context, Result};
use memory_map::scene::Mark;
use paging::PAGE_BYTES;
use paging::frame_table::{LAST, MOST_FRAMES, NOT_OURS, ONE_OWNER};
use probe::program::Program;
use probe::snapshot::Snapshot;

/// The mark of each frame of physical memory.
pub fn of(program: &Program, snapshot: &Snapshot) -> Result<Vec<Mark>> {
    let links = program.field(names::FRAME_MARKS)?;
    let frames = MOST_FRAMES.min(snapshot.bytes.len() / PAGE_BYTES as usize);
    let bytes = snapshot.memory().read(links, 2 * frames).context("the allocator's table is not in memory")?;
    let mark = |link: &[u8]| match u16::from_le_bytes([link[0], link[1]]) {
        NOT_OURS => Mark::NotOurs,
        LAST => Mark::Free,
        ONE_OWNER.. => Mark::Taken,
        _ => Mark::Free,
    };
    Ok(bytes.chunks_exact(2).map(mark).collect())
}
