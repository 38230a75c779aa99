//! Which frames of physical memory are free.
//!
//! One table with a number per frame. The numbers of free frames chain them into a list, each telling
//! the next frame plus one, and every other number says why the frame is not in the list:
//!
//! ```text
//!   first = 7     links[7] = 4 + 1     links[4] = 9 + 1     links[9] = 0 + 1: no next
//!                 links[5] = TAKEN     links[8] = KEPT      links[0] = NOT_OURS
//! ```
//!
//! To allocate is to take the first of the list, to free is to put one there: constant time both, with
//! memory full or empty. And as the table knows about every frame, freeing one twice is refused. Frame 0
//! is never in the list, so 0 can mean "no frame"; and a table of zeros is an allocator without memory,
//! which takes no room in the kernel's file.

#![forbid(unsafe_code)]

use crate::page::{Frame, PAGE_BYTES, WINDOW_END};

/// As many frames as the identity window shows.
pub const MOST_FRAMES: usize = (WINDOW_END / PAGE_BYTES) as usize;

/// Not memory that is handed out. What is zero at first is nobody's to give.
const NOT_OURS: u16 = 0;
/// Handed out.
const TAKEN: u16 = 0xFFFF;
/// Never to be handed out, although the memory map may call it available.
const KEPT: u16 = 0xFFFE;

const _: () = assert!(MOST_FRAMES < KEPT as usize, "the marks must not be numbers of frames");

/// The frames of physical memory, free and taken.
pub struct Frames {
    links: [u16; MOST_FRAMES],
    first: u16,
    free: u32,
    taken: u32,
    end: u32,
}

/// Why a frame cannot be given back, or given to the allocator.
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
        Self { links: [NOT_OURS; MOST_FRAMES], first: 0, free: 0, taken: 0, end: 0 }
    }

    /// Makes sure that `frame` is never handed out. To be said before it is added.
    pub fn keep(&mut self, frame: Frame) {
        if let Some(link @ &mut NOT_OURS) = self.links.get_mut(frame.number() as usize) {
            *link = KEPT;
        }
    }

    /// Adds a frame of usable memory to the free ones.
    ///
    /// # Errors
    /// `NotOurs` for frame 0, a frame beyond the window, and one that is kept; `AlreadyFree` for one that
    /// was added before.
    pub fn add(&mut self, frame: Frame) -> Result<(), FrameError> {
        match self.links.get(frame.number() as usize) {
            Some(&NOT_OURS) if frame.number() != 0 => self.push(frame),
            Some(&(NOT_OURS | KEPT)) | None => return Err(FrameError::NotOurs(frame)),
            Some(_) => return Err(FrameError::AlreadyFree(frame)),
        }
        self.end = self.end.max(frame.number() + 1);
        Ok(())
    }

    /// Takes a frame, with whatever is in it; none if memory is out.
    #[inline]
    pub fn allocate(&mut self) -> Option<Frame> {
        if self.first == 0 {
            return None;
        }
        let number = self.first;
        let link = &mut self.links[usize::from(number)];
        self.first = *link - 1;
        *link = TAKEN;
        self.free -= 1;
        self.taken += 1;
        Some(Frame::from_number(u32::from(number)))
    }

    /// Gives a frame back.
    ///
    /// # Errors
    /// `AlreadyFree` or `NotOurs`; nothing has changed then.
    #[inline]
    pub fn free(&mut self, frame: Frame) -> Result<(), FrameError> {
        match self.links.get(frame.number() as usize) {
            Some(&TAKEN) => self.push(frame),
            Some(&(NOT_OURS | KEPT)) | None => return Err(FrameError::NotOurs(frame)),
            Some(_) => return Err(FrameError::AlreadyFree(frame)),
        }
        self.taken -= 1;
        Ok(())
    }

    /// The first frame behind all those that were ever free.
    pub fn end(&self) -> Frame {
        Frame::from_number(self.end)
    }

    /// How many frames are free.
    pub fn free_count(&self) -> u32 {
        self.free
    }

    /// How many frames are handed out.
    pub fn taken_count(&self) -> u32 {
        self.taken
    }

    fn push(&mut self, frame: Frame) {
        self.links[frame.number() as usize] = self.first + 1;
        self.first = frame.number() as u16;
        self.free += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    fn with(numbers: impl IntoIterator<Item = u32>) -> Frames {
        let mut frames = Frames::new();
        numbers.into_iter().for_each(|number| frames.add(Frame::from_number(number)).unwrap());
        frames
    }

    #[test]
    fn every_frame_is_given_once_and_then_none() {
        // Not a multiple of 32: the last ones of a bitmap's last word are not forgotten here.
        let mut frames = with(1..1000);
        let given: BTreeSet<_> = std::iter::from_fn(|| frames.allocate()).collect();
        assert_eq!(given, (1..1000).map(Frame::from_number).collect());
        assert_eq!((frames.allocate(), frames.free_count(), frames.taken_count()), (None, 0, 999));
    }

    #[test]
    fn the_very_last_frame_of_the_window_can_be_given() {
        let last = MOST_FRAMES as u32 - 1;
        assert_eq!(with([last]).allocate(), Some(Frame::from_number(last)));
    }

    #[test]
    fn a_double_free_is_refused() {
        let mut frames = with([5, 6]);
        let frame = frames.allocate().unwrap();
        assert_eq!(frames.free(frame), Ok(()));
        assert_eq!(frames.free(frame), Err(FrameError::AlreadyFree(frame)));
        assert_eq!(frames.free_count(), 2);
    }

    #[test]
    fn what_was_never_ours_is_refused() {
        let mut frames = with([5]);
        for number in [0, 4, MOST_FRAMES as u32, u32::MAX / PAGE_BYTES] {
            let frame = Frame::from_number(number);
            assert_eq!(frames.free(frame), Err(FrameError::NotOurs(frame)));
        }
        assert_eq!(frames.add(Frame::from_number(0)), Err(FrameError::NotOurs(Frame::from_number(0))));
        assert_eq!(frames.add(Frame::from_number(5)), Err(FrameError::AlreadyFree(Frame::from_number(5))));
    }

    #[test]
    fn what_is_kept_is_never_handed_out() {
        let mut frames = Frames::new();
        frames.keep(Frame::from_number(5));
        assert_eq!(frames.add(Frame::from_number(5)), Err(FrameError::NotOurs(Frame::from_number(5))));
        assert_eq!((frames.allocate(), frames.end()), (None, Frame::from_number(0)));
        frames.add(Frame::from_number(4)).unwrap();
        assert_eq!(frames.end(), Frame::from_number(5));
    }

    proptest! {
        #[test]
        fn behaves_like_a_set(ours in prop::collection::btree_set(1u32..200, 1..50), steps in prop::collection::vec(0u32..300, 0..300)) {
            let mut frames = with(ours.iter().copied());
            let (mut free, mut taken) = (ours.clone(), BTreeSet::new());
            for step in steps {
                if step >= 200 {
                    match frames.allocate() {
                        Some(frame) => {
                            prop_assert!(free.remove(&frame.number()));
                            taken.insert(frame.number());
                        }
                        None => prop_assert!(free.is_empty()),
                    }
                } else {
                    let expected = taken.remove(&step);
                    prop_assert_eq!(frames.free(Frame::from_number(step)).is_ok(), expected);
                    if expected { free.insert(step); }
                }
                prop_assert_eq!((frames.free_count(), frames.taken_count()), (free.len() as u32, taken.len() as u32));
            }
        }
    }
}
