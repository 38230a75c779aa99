//! What the kernel's frame allocator has noted: `chapters/05-paging/src/frames/frame_table.rs`, field `links`.

use anyhow::{Context, Result};
use memory_map::scene::Mark;
use probe::program::Program;
use probe::snapshot::Snapshot;

const NOT_OURS: u16 = 0;
/// One owner; each further owner adds 1.
const ONE_OWNER: u16 = 0x8001;
const LAST: u16 = 0xFFFF;
/// As many frames as the identity window shows.
const MOST_FRAMES: usize = 32768;
/// The size of a frame.
const FRAME_BYTES: usize = 4096;

/// The mark of each frame that there is memory for.
pub fn of(program: &Program, snapshot: &Snapshot) -> Result<Vec<Mark>> {
    let links = program.field("paging::frames::frame_allocator::FRAMES", "links")?;
    let frames = MOST_FRAMES.min(snapshot.bytes.len() / FRAME_BYTES);
    let bytes = snapshot.memory().read(links, 2 * frames).context("the allocator's table is not in memory")?;
    let mark = |link: &[u8]| match u16::from_le_bytes([link[0], link[1]]) {
        NOT_OURS => Mark::NotOurs,
        LAST => Mark::Free,
        ONE_OWNER.. => Mark::Taken,
        _ => Mark::Free,
    };
    Ok(bytes.chunks_exact(2).map(mark).collect())
}
