//! Chapter 6: the heap's blocks at each moment that the demonstration reports.

use crate::{Files, log_file, machine_of, names};
use anyhow::{Result, ensure};
use probe::program::Program;
use probe::sitting::Sitting;
use scenes::Album as _;
use scenes::blocks::{SMALLEST, Usage};
use scenes::heap::{Album, Plan};

// Words are longer on the host.
const _: () = assert!(SMALLEST as usize == heap::memory::SMALLEST / heap::memory::WORD * 4);

/// The moments, in the picture's words.
pub const MOMENTS: [&str; 6] = [
    "An empty heap",
    "Three boxes",
    "The first and the third are dropped",
    "The second is dropped: one block again",
    "A box and a vector: the heap has grown",
    "Both are dropped: the heap keeps its memory",
];

/// What has to be known about the kernel.
pub fn plan(program: &Program) -> Result<Plan> {
    let (start, last_place) = (heap::START.as_u32(), program.field(names::LAST_PLACE)?);
    Ok(Plan { start, last_place, titles: MOMENTS.map(String::from).into() })
}

/// Stops at each moment.
pub fn take(mut sitting: Sitting) -> Result<Files> {
    let mut album = Album::new(plan(&sitting.program)?);
    let mut files = Files::new();
    for number in 0..MOMENTS.len() {
        files = album.moment(number, &machine_of(&sitting.until(names::USAGE)?)?)?;
    }
    let log = sitting.finish()?;
    let found: Vec<Usage> = album.moments.iter().map(|moment| Usage::of(&moment.blocks)).collect();
    let said = Usage::all_in(&log);
    ensure!(found == said, "The kernel says {said:#?}\nbut this was found in its memory: {found:#?}");
    files.extend([log_file("06", &log)]);
    Ok(files)
}
