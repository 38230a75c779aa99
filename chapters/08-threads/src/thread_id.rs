//! Which thread: its place in the scheduler's table.

#![forbid(unsafe_code)]

use core::fmt;

/// As many threads can be there at once, the first one and the idle one included.
pub const MOST_THREADS: usize = 1024;

/// A thread's place in the scheduler's table, below [`MOST_THREADS`]. When a thread is gone, its place
/// goes to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(transparent)]
pub struct ThreadId(usize);

impl ThreadId {
    /// The thread that the kernel was when it began.
    pub const FIRST: Self = Self(0);

    /// The thread at this place.
    ///
    /// # Panics
    /// If there is no such place.
    #[inline(always)]
    pub const fn new(place: usize) -> Self {
        assert!(place < MOST_THREADS, "there is no such thread");
        Self(place)
    }

    /// The thread's place, below [`MOST_THREADS`].
    pub const fn place(self) -> usize {
        self.0 % MOST_THREADS
    }
}

impl fmt::Display for ThreadId {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_place_has_a_thread_of_its_own() {
        for place in 0..MOST_THREADS {
            let thread = ThreadId::new(place);
            assert_eq!((thread.place(), thread.to_string()), (place, place.to_string()));
        }
        assert_eq!(ThreadId::FIRST, ThreadId::new(0));
    }

    #[test]
    #[should_panic(expected = "there is no such thread")]
    fn there_is_no_thread_beyond_the_last_place() {
        let _ = ThreadId::new(MOST_THREADS);
    }
}
