//! Which frames of physical memory are free.
//!
//! One table with a number per frame. The numbers of free frames chain them into a list, each telling
//! the next frame plus one, and every other number says why the frame is not in the list:
//!
//! ```text
//!   first = 7 + 1     links[7] = 4 + 1     links[4] = 9 + 1     links[9] = LAST
//!                     links[5] = TAKEN     links[0] = NOT_OURS
//! ```
//!
//! To allocate is to take the first of the list, to free is to put one there: constant time both, with
//! memory full or empty. And as the table knows about every frame, freeing one twice is refused. A table of
//! zeros is an allocator without memory, which takes no room in the kernel's file.

#![forbid(unsafe_code)]

use crate::page::{Frame, PAGE_BYTES, WINDOW_END};
use core::mem;
use core::ops::Range;

/// As many frames as the identity window shows.
pub const MOST_FRAMES: usize = (WINDOW_END / PAGE_BYTES) as usize;

// ANCHOR: frames
/// Not memory that is handed out. What is zero at first is nobody's to give.
const NOT_OURS: u16 = 0;
/// Free, and the last of the list.
const LAST: u16 = 0xFFFE;
/// Handed out.
const TAKEN: u16 = 0xFFFF;

const _: () = assert!(MOST_FRAMES < LAST as usize, "the marks must not lead to frames");

/// The frames of physical memory, free and taken.
pub struct Frames {
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

impl Frames {
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
    /// Takes a frame, with whatever is in it; none if memory is out.
    #[inline]
    pub fn allocate(&mut self) -> Option<Frame> {
        // Neither LAST nor NOT_OURS, with which the list begins, leads into the table.
        let number = self.first.wrapping_sub(1);
        self.first = mem::replace(self.links.get_mut(usize::from(number))?, TAKEN);
        self.free -= 1;
        Some(Frame::from_number(u32::from(number)))
    }

    /// Gives a frame back.
    ///
    /// # Errors
    /// `AlreadyFree` or `NotOurs`; nothing has changed then.
    #[inline]
    pub fn free(&mut self, frame: Frame) -> Result<(), FrameError> {
        match self.links.get_mut(frame.number() as usize) {
            Some(link @ &mut TAKEN) => {
                *link = mem::replace(&mut self.first, link_to(frame.number()));
                self.free += 1;
                Ok(())
            }
            Some(&mut NOT_OURS) | None => Err(FrameError::NotOurs(frame)),
            Some(_) => Err(FrameError::AlreadyFree(frame)),
        }
    }
    // ANCHOR_END: allocate

    /// How many frames are free.
    pub fn free_count(&self) -> u32 {
        self.free
    }

    /// The first frame behind all that are the allocator's.
    pub fn end(&self) -> Frame {
        Frame::from_number(self.end)
    }

    /// How many frames are handed out.
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
