//! Which frames of physical memory are free, and how many owners the others have.
//!
//! An allocator must hand out a frame once, and must notice one that is freed twice. A table has a number for each
//! frame. The numbers of the free frames form a list: each is the number of the next free frame, plus one. Every other
//! number says why its frame is not in the list:
//!
//! ```text
//!   first = 7 + 1     links[7] = 4 + 1       links[4] = 9 + 1     links[9] = LAST
//!                     links[5] = ONE_OWNER   links[6] = ONE_OWNER + 2: three owners
//!                     links[0] = NOT_OURS
//! ```
//!
//! Allocating takes the head of the list, and freeing puts a frame there. Both take constant time, with memory full or
//! empty. Several owners can share a frame: each gives its share back once, and the last one frees the frame. The table
//! knows every frame, so it refuses to take back a frame that is free already. A table of zeros is an allocator without
//! memory, and takes no room in the kernel's file.

#![forbid(unsafe_code)]

use crate::frames::page::{Frame, PAGE_BYTES, WINDOW_END};
use core::mem;
use core::ops::Range;

/// How many frames the identity map has.
pub const MOST_FRAMES: usize = (WINDOW_END / PAGE_BYTES) as usize;

// ANCHOR: frames
/// Not allocatable: reserved, absent, or the kernel's.
pub const NOT_OURS: u16 = 0;
/// Handed out to one owner. Each further owner adds 1.
pub const ONE_OWNER: u16 = MOST_FRAMES as u16 + 1;
/// Handed out to as many owners as the table can count.
const MOST_OWNERS: u16 = LAST - 1;
/// Free, and the last frame of the list.
pub const LAST: u16 = 0xFFFF;

const _: () = assert!(MOST_FRAMES < ONE_OWNER as usize, "the marks must not lead to frames");

/// The frames of physical memory, free and in use.
pub struct FrameTable {
    links: [u16; MOST_FRAMES],
    first: u16,
    free: u32,
    all: u32,
    end: u32,
}
// ANCHOR_END: frames

/// Why a frame cannot be freed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrameError {
    /// It is free already.
    AlreadyFree(Frame),
    /// It never belonged to the allocator: it is reserved, beyond the identity map, or frame 0.
    NotOurs(Frame),
}

/// The frame has as many owners as the table can count: 32,766.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooManyOwners(pub Frame);

impl FrameTable {
    /// A table without frames.
    pub const fn new() -> Self {
        Self { links: [NOT_OURS; MOST_FRAMES], first: 0, free: 0, all: 0, end: 0 }
    }

    /// Makes the frames in these runs free. The allocator gets no others. It hands out the lowest one first.
    ///
    /// # Panics
    /// If it is called twice, or if the runs are not from the highest down, within the identity map, and without
    /// frame 0.
    pub fn fill(&mut self, runs: impl Iterator<Item = Range<u32>>) {
        assert!(self.all == 0, "the free frames are already found");
        self.first = LAST;
        let mut end = MOST_FRAMES as u32;
        for run in runs {
            assert!(
                0 < run.start && run.start < run.end && run.end <= end,
                "a run of free frames is out of order: {run:?}"
            );
            end = run.start;
            self.end = self.end.max(run.end);
            // Each frame leads to the next one of the run, and the last one to the former head of the list.
            let before = mem::replace(&mut self.first, link_to(run.start));
            let links = &mut self.links[run.start as usize..run.end as usize];
            links.iter_mut().zip(link_to(run.start + 1)..).for_each(|(link, behind)| *link = behind);
            self.links[run.end as usize - 1] = before;
            self.all += run.end - run.start;
        }
        self.free = self.all;
    }

    // ANCHOR: allocate
    /// Hands out a frame to one owner, with its old contents. None if no frame is free.
    #[inline]
    pub fn allocate(&mut self) -> Option<Frame> {
        // Neither LAST nor NOT_OURS, as the head of the list, leads into the table.
        let number = self.first.wrapping_sub(1);
        self.first = mem::replace(self.links.get_mut(usize::from(number))?, ONE_OWNER);
        self.free -= 1;
        Some(Frame::from_number(u32::from(number)))
    }

    /// Adds an owner.
    ///
    /// # Errors
    /// If the table cannot count that many. Then nothing has changed.
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

    /// Removes an owner. When the last one is gone, the frame is free.
    ///
    /// # Errors
    /// `AlreadyFree` or `NotOurs`. Then nothing has changed.
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

    /// How many owners a frame has: 0 if it is free or does not belong to the allocator.
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

    /// The first frame behind all those of the allocator.
    pub fn end(&self) -> Frame {
        Frame::from_number(self.end)
    }

    /// How many frames are in use. A frame with several owners counts once.
    pub fn taken_count(&self) -> u32 {
        self.all - self.free
    }
}

/// The link that leads to the frame with this number.
const fn link_to(number: u32) -> u16 {
    number as u16 + 1
}

#[cfg(test)]
mod tests;
