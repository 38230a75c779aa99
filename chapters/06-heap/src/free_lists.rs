//! The free lists: each free block is in the list for its size.
//!
//! ```text
//!   size      16   20   24   28   32   36  ..  60   64   72   80  ..  120   128  144  ..
//!            +----+----+----+----+----+----+--+----+----+----+----+--+-----+----+----+--
//!   first    | *  |    |    | *  |    |    |  |    |    | *  |    |  |     |    |    |
//!            +-|--+----+----+-|--+----+----+--+----+----+-|--+----+--+-----+----+----+--
//!   filled     1    0    0    1    0    0        0    0   1    0         0    0    0
//!              v              v                           v
//!             16             28 <-> 28                    76 <-> 72 <-> 76
//! ```
//!
//! A single list would have to be searched for a block that is large enough. So there are eight lists for the sizes
//! from one power of two to the next. Each size up to 60 bytes in the kernel has a list of its own, and the sizes in
//! one list differ by less than an eighth.
//!
//! In a request's own list, the first block may be too small. In every list after it, each block is large
//! enough. So a request needs two lookups: the first block of its own list, and the first block of the next list that
//! is not empty, which a bit map knows. They miss a block that lies behind the first one of the request's own list.
//! `search` examines those before the heap grows.
//!
//! The links lie in the free blocks themselves, in bytes that have no owner at that time. Merging takes blocks out of
//! the middle of a list, which takes no search because the list is linked both ways. The block freed last comes first.

#![forbid(unsafe_code)]

use crate::{
    bit_map::{BITS, BitMap},
    memory::{Block, Memory, Note, Place},
};
use core::{iter, ops::RangeInclusive};

/// The number of lists for the sizes from one power of two to the next.
const STEPS: usize = 8;
/// The number of lists.
pub(crate) const LISTS: usize = BITS;

/// The first block of each list, and a map of the lists that hold blocks.
#[derive(Debug)]
pub(crate) struct FreeLists {
    first: [Option<Place>; LISTS],
    pub filled: BitMap,
}

// ANCHOR: list_for
/// The number of the list for free blocks of `size` bytes. A larger size never has a smaller number.
#[inline(always)]
pub(crate) fn list_for(size: usize) -> usize {
    let power = (size | 1).ilog2();
    // The three bits below the highest one are the step. The rotation brings them to the upper end of the word.
    let step = size.rotate_right(power) >> (usize::BITS - STEPS.ilog2());
    power as usize * STEPS + step
}
// ANCHOR_END: list_for

impl FreeLists {
    /// Empty lists.
    pub const fn new() -> Self {
        Self { first: [None; LISTS], filled: BitMap::new() }
    }

    // ANCHOR: take
    /// Takes a block of at least `size` bytes out of its list, if two lookups find one.
    #[inline(always)]
    pub fn take(&mut self, memory: &Memory, size: usize) -> Option<Block> {
        let (list, hole) = self.find(memory, size)?;
        self.debug_assert_linked(memory, hole);
        self.set_first(list, link(memory, hole.place(), Note::Next));
        Some(hole)
    }

    /// The first block of a list, if it is large enough, and the number of the list.
    #[inline(always)]
    fn find(&self, memory: &Memory, size: usize) -> Option<(usize, Block)> {
        let own = list_for(size);
        if let Some(place) = self.first[own] {
            let hole = hole_at(memory, place);
            if size <= hole.size() {
                return Some((own, hole));
            }
        }
        let list = self.filled.next_after(own)?;
        Some((list, hole_at(memory, self.first[list]?)))
    }
    // ANCHOR_END: take

    // ANCHOR: search
    /// Searches the lists for these sizes, block by block, and takes out the first block that `fits`.
    #[inline(never)]
    pub fn search(
        &mut self,
        memory: &Memory,
        sizes: RangeInclusive<usize>,
        fits: impl Fn(Block) -> bool,
    ) -> Option<Block> {
        let mut lists = list_for(*sizes.start())..=list_for(*sizes.end());
        let hole = lists
            .find_map(|list| self.places(memory, list).map(|place| hole_at(memory, place)).find(|&hole| fits(hole)))?;
        self.remove(memory, hole);
        Some(hole)
    }
    // ANCHOR_END: search

    // ANCHOR: list
    /// Puts `hole`, which is in no list, at the beginning of the list for its size.
    #[inline(always)]
    pub fn insert(&mut self, hole: Block) {
        let list = list_for(hole.size());
        let second = self.first[list];
        set_link(hole.place(), Note::Next, second);
        set_link(hole.place(), Note::Previous, None);
        match second {
            Some(second) => set_link(second, Note::Previous, Some(hole.place())),
            None => self.filled.set(list),
        }
        self.first[list] = Some(hole.place());
    }

    /// Takes `hole` out of the list for its size.
    #[inline(always)]
    pub fn remove(&mut self, memory: &Memory, hole: Block) {
        self.debug_assert_linked(memory, hole);
        let next = link(memory, hole.place(), Note::Next);
        let Some(previous) = link(memory, hole.place(), Note::Previous) else {
            return self.set_first(list_for(hole.size()), next);
        };
        set_link(previous, Note::Next, next);
        if let Some(next) = next {
            set_link(next, Note::Previous, Some(previous));
        }
    }

    /// Makes `first` the first block of `list`, and drops the blocks before it.
    #[inline(always)]
    fn set_first(&mut self, list: usize, first: Option<Place>) {
        self.first[list] = first;
        match first {
            Some(first) => set_link(first, Note::Previous, None),
            None => self.filled.clear(list),
        }
    }
    // ANCHOR_END: list

    fn debug_assert_linked(&self, memory: &Memory, hole: Block) {
        debug_assert!(
            self.is_linked(memory, hole),
            "heap: the free block at {:#x} was written to after it was freed",
            hole.address()
        );
    }

    /// Whether both neighbors of `hole` in the list for its size link to it.
    pub fn is_linked(&self, memory: &Memory, hole: Block) -> bool {
        let place = hole.place();
        let from_before = match link(memory, place, Note::Previous) {
            Some(previous) => previous.read(Note::Next),
            None => self.first[list_for(hole.size())].map_or(0, Place::address),
        };
        let from_after = match link(memory, place, Note::Next) {
            Some(next) => next.read(Note::Previous),
            None => place.address(),
        };
        from_before == place.address() && from_after == place.address()
    }

    /// Whether the bit of `list` is right: set if the list holds blocks, clear if it is empty.
    pub fn has_right_bit(&self, list: usize) -> bool {
        self.filled.is_set(list) == self.first[list].is_some()
    }

    /// The places of the blocks in `list`.
    pub fn places(&self, memory: &Memory, list: usize) -> impl Iterator<Item = Place> {
        iter::successors(self.first[list], |&place| link(memory, place, Note::Next))
    }
}

/// The free block at a place that a list leads to.
///
/// Its size is checked in release builds too, so an overwritten size never leads out of the heap's memory.
#[inline(always)]
fn hole_at(memory: &Memory, place: Place) -> Block {
    debug_assert!(
        memory.free_at(place).is_some(),
        "heap: the tags of the free block at {:#x} were overwritten",
        place.address()
    );
    match memory.block(place, place.read(Note::Header)) {
        Some(hole) => hole,
        None => damaged(place.read(Note::Header)),
    }
}

/// The place that a link leads to; `None` for 0, an address that no block can have.
#[inline(always)]
fn link(memory: &Memory, place: Place, note: Note) -> Option<Place> {
    match place.read(note) {
        0 => None,
        address => match memory.place(address) {
            Some(place) => Some(place),
            None => damaged(address),
        },
    }
}

#[inline(always)]
fn set_link(place: Place, note: Note, to: Option<Place>) {
    place.write(note, to.map_or(0, Place::address));
}

#[cold]
fn damaged(note: usize) -> ! {
    panic!("heap: a damaged link or size leads to {note:#x}, where no block can be")
}
