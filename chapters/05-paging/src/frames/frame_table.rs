//! Which frames of physical memory are free.
//!
//! One table with a number per frame. The numbers of free frames chain them into a list, each telling
//! the next frame plus one, and every other number says why the frame is not in the list:
//!
//! ```text
//!   first = 7 + 1     links[7] = 4 + 1       links[4] = 9 + 1     links[9] = LAST
//!                     links[5] = ONE_OWNER   links[6] = ONE_OWNER + 2: three owners
//!                     links[0] = NOT_OURS
//! ```
//!
//! To allocate is to take the first of the list, to free is to put one there: constant time both, with
//! memory full or empty. Several owners can share a frame: each of them gives it back once, and the frame is
//! free when the last one has. As the table knows about every frame, giving a free one back is refused. A table
//! of zeros is an allocator without memory, which takes no room in the kernel's file.

#![forbid(unsafe_code)]

use crate::frames::page::{Frame, PAGE_BYTES, WINDOW_END};
use core::mem;
use core::ops::Range;

/// As many frames as the identity window shows.
pub const MOST_FRAMES: usize = (WINDOW_END / PAGE_BYTES) as usize;

// ANCHOR: frames
/// Not memory that can be handed out: reserved, absent, or the kernel's.
pub const NOT_OURS: u16 = 0;
/// Handed out, to one owner. Each further owner adds 1.
pub const ONE_OWNER: u16 = MOST_FRAMES as u16 + 1;
/// Handed out, to as many owners as can be counted.
const MOST_OWNERS: u16 = LAST - 1;
/// Free, and the last of the list.
pub const LAST: u16 = 0xFFFF;

const _: () = assert!(MOST_FRAMES < ONE_OWNER as usize, "the marks must not lead to frames");

/// The frames of physical memory, free and taken.
pub struct FrameTable {
    links: [u16; MOST_FRAMES],
    first: u16,
    free: u32,
    all: u32,
    end: u32,
}
// ANCHOR_END: frames

/// Why a frame cannot be given back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrameError {
    /// It is free already.
    AlreadyFree(Frame),
    /// It never belonged to the allocator: reserved, beyond the window, or frame 0.
    NotOurs(Frame),
}

/// The frame has as many owners as can be counted: 32,766.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooManyOwners(pub Frame);

impl FrameTable {
    /// No frames at all.
    pub const fn new() -> Self {
        Self { links: [NOT_OURS; MOST_FRAMES], first: 0, free: 0, all: 0, end: 0 }
    }

    /// Makes the frames with these numbers free: they are the allocator's from now on, and no others. The
    /// lowest one is going to be handed out first.
    ///
    /// # Panics
    /// If called twice, or if the runs are not as they have to be: from the highest down, within the window,
    /// and without frame 0.
    pub fn fill(&mut self, runs: impl Iterator<Item = Range<u32>>) {
        assert!(self.all == 0, "the free frames are found once");
        self.first = LAST;
        let mut end = MOST_FRAMES as u32;
        for run in runs {
            assert!(
                0 < run.start && run.start < run.end && run.end <= end,
                "the runs are not as they have to be: {run:?}"
            );
            end = run.start;
            self.end = self.end.max(run.end);
            // Each frame leads to the one behind it, and the last one to where the list began before.
            let before = mem::replace(&mut self.first, link_to(run.start));
            let links = &mut self.links[run.start as usize..run.end as usize];
            links.iter_mut().zip(link_to(run.start + 1)..).for_each(|(link, behind)| *link = behind);
            self.links[run.end as usize - 1] = before;
            self.all += run.end - run.start;
        }
        self.free = self.all;
    }

    // ANCHOR: allocate
    /// Takes a frame for one owner, with whatever is in it; none if memory is out.
    #[inline]
    pub fn allocate(&mut self) -> Option<Frame> {
        // Neither LAST nor NOT_OURS, with which the list begins, leads into the table.
        let number = self.first.wrapping_sub(1);
        self.first = mem::replace(self.links.get_mut(usize::from(number))?, ONE_OWNER);
        self.free -= 1;
        Some(Frame::from_number(u32::from(number)))
    }

    /// Counts one owner more.
    ///
    /// # Errors
    /// If that many cannot be counted; nothing has changed then.
    ///
    /// # Panics
    /// If the frame has no owner yet.
    pub fn share(&mut self, frame: Frame) -> Result<(), TooManyOwners> {
        match self.links.get_mut(frame.number() as usize) {
            Some(&mut MOST_OWNERS) => Err(TooManyOwners(frame)),
            Some(link @ ONE_OWNER..MOST_OWNERS) => {
                *link += 1;
                Ok(())
            }
            _ => panic!("{frame:?} has no owner, so it cannot be shared"),
        }
    }

    /// Counts one owner less; after the last one the frame is free.
    ///
    /// # Errors
    /// `AlreadyFree` or `NotOurs`; nothing has changed then.
    #[inline]
    pub fn give_back(&mut self, frame: Frame) -> Result<(), FrameError> {
        match self.links.get_mut(frame.number() as usize) {
            Some(link @ &mut ONE_OWNER) => {
                *link = mem::replace(&mut self.first, link_to(frame.number()));
                self.free += 1;
                Ok(())
            }
            Some(link @ ONE_OWNER..=MOST_OWNERS) => {
                *link -= 1;
                Ok(())
            }
            Some(&mut NOT_OURS) | None => Err(FrameError::NotOurs(frame)),
            Some(_) => Err(FrameError::AlreadyFree(frame)),
        }
    }
    // ANCHOR_END: allocate

    /// How many owners a frame has: 0 if it is free, or not the allocator's.
    pub fn owner_count(&self, frame: Frame) -> u32 {
        match self.links.get(frame.number() as usize) {
            Some(link @ ONE_OWNER..=MOST_OWNERS) => u32::from(link - ONE_OWNER) + 1,
            _ => 0,
        }
    }

    /// How many frames are free.
    pub fn free_count(&self) -> u32 {
        self.free
    }

    /// The first frame behind all that are the allocator's.
    pub fn end(&self) -> Frame {
        Frame::from_number(self.end)
    }

    /// How many frames are handed out, each counted once, however many owners it has.
    pub fn taken_count(&self) -> u32 {
        self.all - self.free
    }
}

/// What leads to the frame with this number.
const fn link_to(number: u32) -> u16 {
    number as u16 + 1
}

#[cfg(test)]
mod tests;
