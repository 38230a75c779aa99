//! A thread's number: its slot in every table of threads.

use core::fmt;
use core::num::NonZeroU32;
use core::ops::{Index, IndexMut};

/// How many threads can exist at once, including the first one and the idle one.
pub const MOST_THREADS: usize = 1024;

// ANCHOR: id
/// A thread, named by its slot, which is below [`MOST_THREADS`]. When it has been reaped, another may get the slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(transparent)]
pub struct ThreadId(NonZeroU32); // the slot plus one, so that `Option<ThreadId>` takes no more room

/// One `T` for each thread: a table that is indexed by [`ThreadId`].
#[repr(transparent)]
pub struct PerThread<T>([T; MOST_THREADS]);
// ANCHOR_END: id

impl ThreadId {
    /// The thread that the kernel is when it starts.
    pub const FIRST: Self = Self::new(0);

    /// The thread in this slot.
    ///
    /// # Panics
    /// If there is no such slot.
    pub const fn new(slot: usize) -> Self {
        assert!(slot < MOST_THREADS, "there is no such thread");
        Self(NonZeroU32::MIN.saturating_add(slot as u32))
    }

    /// The thread's slot, below [`MOST_THREADS`].
    #[inline(always)]
    pub const fn slot(self) -> usize {
        self.0.get() as usize - 1
    }
}

impl<T> PerThread<T> {
    /// A table with these values, one for each thread.
    pub const fn new(values: [T; MOST_THREADS]) -> Self {
        Self(values)
    }

    /// The values of all threads.
    pub fn values(&self) -> impl Iterator<Item = &T> {
        self.0.iter()
    }
}

impl<T> Index<ThreadId> for PerThread<T> {
    type Output = T;

    #[inline(always)]
    fn index(&self, thread: ThreadId) -> &T {
        // SAFETY: every slot is below MOST_THREADS: `ThreadId::new` is the only way to make a `ThreadId`.
        unsafe { self.0.get_unchecked(thread.slot()) }
    }
}

impl<T> IndexMut<ThreadId> for PerThread<T> {
    fn index_mut(&mut self, thread: ThreadId) -> &mut T {
        &mut self.0[thread.slot()]
    }
}

impl fmt::Display for ThreadId {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{}", self.slot())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_slot_has_a_thread_and_each_thread_a_value() {
        let table = PerThread::new(core::array::from_fn(|slot| slot * 3));
        for slot in 0..MOST_THREADS {
            let thread = ThreadId::new(slot);
            assert_eq!((thread.slot(), thread.to_string(), table[thread]), (slot, slot.to_string(), slot * 3));
        }
        assert!(table.values().copied().eq((0..MOST_THREADS).map(|slot| slot * 3)));
        assert_eq!(ThreadId::FIRST, ThreadId::new(0));
        assert_eq!(size_of::<Option<ThreadId>>(), 4);
    }

    #[test]
    #[should_panic(expected = "there is no such thread")]
    fn there_is_no_thread_beyond_the_last_slot() {
        let _ = ThreadId::new(MOST_THREADS);
    }
}
