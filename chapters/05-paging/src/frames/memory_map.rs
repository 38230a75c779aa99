//! Which frames are free: those that the memory map calls available, except those in use.
//!
//! ```text
//!   available       |-----------------------------|
//!   in use                |-----|             |-------------|
//!   free frames     |-----|     |-------------|
//!                   ^     ^     ^             ^   ^         ^   borders
//! ```
//! Each statement about memory is a [`Claim`]. The firmware's claims come in any order. They overlap, contradict each
//! other, are empty, or end with the address space. Sorting them would need memory, which is not known yet. But
//! between two neighboring borders all frames are alike: they are free if at least one claim calls them available and
//! none says that they are in use.

#![forbid(unsafe_code)]

use crate::frames::frame_table::{FrameTable, MOST_FRAMES};
use crate::frames::page::{PAGE_BYTES, WINDOW_END};
use common::VirtAddr;
use core::iter;
use core::ops::Range;
use multiboot2::{BootInformation, MemoryArea, MemoryAreaType};

/// A statement about a range of frames, given by their numbers.
#[derive(Clone, Debug)]
pub struct Claim {
    frames: Range<u32>,
    available: bool,
}

impl Claim {
    // ANCHOR: claim
    /// The bytes from `start` up to, but not including, `end` are available: all frames that lie completely in them.
    pub fn available(start: u64, end: u64) -> Self {
        Self { frames: number(start.div_ceil(PAGE_BYTES.into()))..number(end / u64::from(PAGE_BYTES)), available: true }
    }

    /// The bytes from `start` up to, but not including, `end` are in use: all frames that they touch.
    pub fn in_use(start: u64, end: u64) -> Self {
        Self {
            frames: number(start / u64::from(PAGE_BYTES))..number(end.div_ceil(PAGE_BYTES.into())),
            available: false,
        }
    }
    // ANCHOR_END: claim

    /// A claim that says nothing about any frame, except that no run goes across `address`.
    fn border(address: u64) -> Self {
        Self::in_use(address, address)
    }

    fn of_area(area: &MemoryArea) -> Self {
        let (start, end) = (area.start_address(), area.start_address().saturating_add(area.size()));
        if area.typ() == MemoryAreaType::Available { Self::available(start, end) } else { Self::in_use(start, end) }
    }
}

/// The number of a frame. Frames beyond 32 bits cannot be used, so one number stands for all of them.
fn number(number: u64) -> u32 {
    number.try_into().unwrap_or(u32::MAX)
}

// ANCHOR: claims
/// The boot loader's claims: the memory map, and where it put the modules and the boot information itself. None if
/// there is no memory map.
pub fn claims(boot: &BootInformation) -> Option<impl Iterator<Item = Claim> + Clone> {
    let areas = boot.memory_map_tag()?.memory_areas().iter().map(Claim::of_area);
    let mut modules = boot.module_tags().peekable();
    modules.peek(); // each clone then knows whether there are modules, and without them does not search the tags
    let modules = modules.map(|module| Claim::in_use(module.start_address().into(), module.end_address().into()));
    let itself = Claim::in_use(boot.start_address() as u64, boot.end_address() as u64);
    Some(areas.chain(modules).chain([itself]))
}

/// The first address behind all modules. None if one of them lies beyond the identity map, even in part.
pub fn modules_end(boot: &BootInformation) -> Option<u32> {
    let ends = boot.module_tags().map(|module| module.start_address().max(module.end_address()));
    ends.max().or(Some(0)).filter(|end| *end <= WINDOW_END)
}

/// Fills `frames` with the free frames, up to the end of the identity map. Returns how many free frames lie
/// beyond it.
///
/// The first MiB is never free: the BIOS keeps more there than it reports.
pub fn give_free(frames: &mut FrameTable, claims: impl Iterator<Item = Claim> + Clone, kernel: Range<VirtAddr>) -> u32 {
    let kernel = Claim::in_use(kernel.start.as_u32().into(), kernel.end.as_u32().into());
    let ours = [Claim::in_use(0, 1 << 20), kernel, Claim::border(WINDOW_END.into())];
    let mut beyond = 0;
    frames.fill(free_runs(claims.chain(ours)).filter(|run| {
        let is_seen = run.end <= MOST_FRAMES as u32;
        beyond += if is_seen { 0 } else { run.end - run.start };
        is_seen
    }));
    beyond
}
// ANCHOR_END: claims

// ANCHOR: runs
/// The runs of free frames, from the highest down.
fn free_runs(claims: impl Iterator<Item = Claim> + Clone) -> impl Iterator<Item = Range<u32>> {
    let mut end = u32::MAX;
    iter::from_fn(move || {
        while end > 0 {
            // The run below `end` goes down to the next border. Its last frame decides for all of them.
            let (mut start, mut available, mut in_use) = (0, false, false);
            for Claim { frames, available: is_available } in claims.clone() {
                if frames.start < end {
                    start = start.max(frames.start);
                }
                if frames.end < end {
                    start = start.max(frames.end);
                } else if frames.start < end {
                    available |= is_available;
                    in_use |= !is_available;
                }
            }
            let run = start..end;
            end = start;
            if available && !in_use {
                return Some(run);
            }
        }
        None
    })
}
// ANCHOR_END: runs

#[cfg(test)]
mod tests;
