//! The heap's memory, one word at a time: all the unsafe code of the heap itself.
//!
//! The heap keeps its own notes in the memory it manages, next to bytes that belong to others by now. A
//! `&mut [u8]` over the whole would claim those bytes as well, and Rust lets the compiler rely on such a
//! claim. So there is no reference here at all: a note is read or written as a single word through a raw
//! pointer.
//!
//! An address is checked once, where it is computed, and has a type of its own from then on. A [`Place`] is
//! an address with room for a block, and a [`Block`] is a place with a size. What lies in them needs no
//! further check, and a note that a stray write has damaged never leads out of the heap.

use core::{num::NonZeroUsize, ptr, ptr::NonNull};

/// The size of a word in bytes: 4 in the kernel, 8 in the tests on the host.
pub const WORD: usize = size_of::<usize>();

/// The smallest block in bytes: when it is free it has to hold a header, two links and a footer.
pub const SMALLEST: usize = 4 * WORD;

/// Memory for a heap to manage: the bytes from `start` up to, but not including, `end`.
///
/// What lies below `top` is cut into blocks. What lies above has not been needed yet, and nothing is noted there.
#[derive(Debug)]
pub struct Memory {
    start: usize,
    /// The last address below the top where there is room for a block.
    last: usize,
    end: usize,
}

impl Memory {
    // ANCHOR: new
    /// The `bytes` bytes from the address `start`.
    ///
    /// # Panics
    /// Unless `start` and `bytes` are multiples of [`WORD`], and a block would fit below `start`.
    ///
    /// # Safety
    /// The caller has made sure that, from now on and for good,
    /// 1. every one of these bytes is mapped to RAM and may be read and written;
    /// 2. no code touches them but the heap, and those to whom the heap gives a part, until they give
    ///    it back.
    pub const unsafe fn new(start: usize, bytes: usize) -> Self {
        assert!(bytes.is_multiple_of(WORD), "half a word at the end");
        Self { end: start + bytes, ..Self::empty(start) }
    }
    // ANCHOR_END: new

    /// No memory yet; what is appended later has to begin at `start`.
    pub(crate) const fn empty(start: usize) -> Self {
        assert!(start >= SMALLEST && start.is_multiple_of(WORD), "no place for a heap");
        Self { start, last: start - SMALLEST, end: start }
    }

    /// Takes over `more`, which has to begin where this memory ends.
    pub(crate) fn append(&mut self, more: Self) {
        assert!(more.start == self.end, "heap: growth at {:#x}, not at {:#x}", more.start, self.end);
        self.end = more.end;
    }

    /// The address of the first byte.
    pub fn start(&self) -> usize {
        self.start
    }

    /// The address just past the last block.
    pub(crate) fn top(&self) -> usize {
        self.last + SMALLEST
    }

    /// The address just past the last byte.
    pub fn end(&self) -> usize {
        self.end
    }

    // ANCHOR: checks
    /// The place at `address`; `None` unless that is a word below the top, with room for a block.
    #[inline(always)]
    pub(crate) fn place(&self, address: usize) -> Option<Place> {
        if address < self.start || address > self.last || !address.is_multiple_of(WORD) {
            return None;
        }
        // SAFETY: the address is that of a word, and with the smallest block it lies within this memory.
        Some(unsafe { Place::new(address) })
    }

    /// The place where `block` ends; `None` if there is no room for another block below the top.
    #[inline(always)]
    pub(crate) fn place_after(&self, block: Block) -> Option<Place> {
        self.debug_assert_has(block.place);
        if block.end() > self.last {
            return None;
        }
        // SAFETY: a block of this memory ends at a word, and above its start. The rest as in `place`.
        Some(unsafe { Place::new(block.end()) })
    }

    /// The word that lies just below `block`; `None` if this memory begins with the block.
    #[inline(always)]
    pub(crate) fn word_before(&self, block: Block) -> Option<usize> {
        self.debug_assert_has(block.place);
        if block.address() == self.start {
            return None;
        }
        // SAFETY: the block is of this memory, and so is the word between the start and the block.
        Some(unsafe { word(block.address() - WORD).read() })
    }

    /// The `size` bytes just below `block`; `None` if no block has this size, or none that ends there.
    #[inline(always)]
    pub(crate) fn block_before(&self, block: Block, size: usize) -> Option<Block> {
        self.debug_assert_has(block.place);
        let place = self.place(block.address().wrapping_sub(size))?;
        if size < SMALLEST {
            return None;
        }
        Some(Block { place, size })
    }

    /// The block of `size` bytes at `place`, rounded down to words; `None` if no block is so small, or if it
    /// would go beyond this memory.
    #[inline(always)]
    pub(crate) fn block(&self, place: Place, size: usize) -> Option<Block> {
        self.debug_assert_has(place);
        let size = size & !(WORD - 1);
        // What is smaller than the smallest block wraps around to something huge.
        if place.address() > self.last || size.wrapping_sub(SMALLEST) > self.last - place.address() {
            return None;
        }
        Some(Block { place, size })
    }
    // ANCHOR_END: checks

    // ANCHOR: top
    /// Cuts a block of `size` bytes off the memory above the top; `None` if there is not so much left.
    #[inline(always)]
    pub(crate) fn raise_top(&mut self, size: usize) -> Option<Block> {
        if size > self.end - self.top() {
            return None;
        }
        assert!(size >= SMALLEST && size.is_multiple_of(WORD), "heap: {size} bytes are no block");
        // SAFETY: the top is the address of a word, and so much lies between it and the end.
        let block = Block { place: unsafe { Place::new(self.top()) }, size };
        self.last = block.end() - SMALLEST;
        Some(block)
    }

    /// Gives back `block`, the last one below the top.
    #[inline(always)]
    pub(crate) fn lower_top(&mut self, block: Block) {
        self.debug_assert_has(block.place);
        assert!(block.end() == self.top(), "heap: the last block ends at the top");
        self.last = block.address() - SMALLEST;
    }
    // ANCHOR_END: top

    /// Places and blocks never leave the heap that has their memory. So they need not be compared with it each time.
    fn debug_assert_has(&self, place: Place) {
        debug_assert!((self.start..self.end).contains(&place.address()), "heap: a place in another heap");
    }
}

/// Where a block may begin: the address of a word from which on the smallest block lies within the heap's memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place(NonZeroUsize);

/// The words that lie at the beginning of a block. The links are there only while it is free.
#[derive(Clone, Copy)]
pub(crate) enum Note {
    Header = 0,
    Next = 1,
    Previous = 2,
}

// ANCHOR: words
impl Place {
    /// # Safety
    /// `address` is a multiple of a word, and the [`SMALLEST`] bytes from it on lie within one `Memory`.
    unsafe fn new(address: usize) -> Self {
        // SAFETY: no memory begins at address 0.
        Self(unsafe { NonZeroUsize::new_unchecked(address) })
    }

    pub fn address(self) -> usize {
        self.0.get()
    }

    /// A word of the block that begins here.
    pub fn read(self, note: Note) -> usize {
        // SAFETY: the smallest block has this word, and it is aligned; that it is RAM, and that no other code
        // writes to it meanwhile, is the promise made to `Memory::new`.
        unsafe { word(self.address() + note as usize * WORD).read() }
    }

    /// Sets a word of the block that begins here.
    pub fn write(self, note: Note, value: usize) {
        // SAFETY: as in `read`; and the heap writes to no word that it has given away.
        unsafe { word(self.address() + note as usize * WORD).write(value) }
    }
}

/// A pointer to the word at `address`.
fn word(address: usize) -> *mut usize {
    ptr::with_exposed_provenance_mut(address)
}
// ANCHOR_END: words

/// A part of the heap's memory: whole words, and no fewer than the smallest block has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Block {
    place: Place,
    size: usize,
}

impl Block {
    pub fn place(self) -> Place {
        self.place
    }

    pub fn address(self) -> usize {
        self.place.address()
    }

    /// The size in bytes, notes included.
    pub fn size(self) -> usize {
        self.size
    }

    /// The address just past it.
    pub fn end(self) -> usize {
        self.address() + self.size
    }

    /// The address of its last word.
    pub fn footer(self) -> usize {
        self.end() - WORD
    }

    pub fn read_footer(self) -> usize {
        // SAFETY: a block lies within the heap's memory with all of its words. The rest is as for the notes.
        unsafe { word(self.footer()).read() }
    }

    pub fn write_footer(self, value: usize) {
        // SAFETY: as in `read_footer`.
        unsafe { word(self.footer()).write(value) }
    }

    /// What the block's owner gets: a pointer to the word after the header.
    pub fn payload(self) -> NonNull<u8> {
        // SAFETY: a block has more words than its header, so this is not beyond the last address there is.
        let address = unsafe { NonZeroUsize::new_unchecked(self.address() + WORD) };
        NonNull::with_exposed_provenance(address)
    }

    // ANCHOR: split
    /// The first `size` bytes, and the rest; `None` if one of the two would be no block.
    #[inline(always)]
    pub fn split(self, size: usize) -> Option<(Self, Self)> {
        let rest = self.size.checked_sub(size)?;
        if size < SMALLEST || rest < SMALLEST || !size.is_multiple_of(WORD) {
            return None;
        }
        // SAFETY: a whole number of words further on, and a block lies between there and this one's end.
        let second = unsafe { Place::new(self.address() + size) };
        Some((Self { place: self.place, size }, Self { place: second, size: rest }))
    }

    /// This block and `after`, which begins where it ends, as one.
    #[inline(always)]
    pub fn join(self, after: Self) -> Self {
        assert!(self.end() == after.address(), "heap: only neighbours can be merged");
        Self { place: self.place, size: self.size + after.size }
    }
    // ANCHOR_END: split
}
