//! The heap's memory, one word at a time: all the unsafe code of the heap itself.
//!
//! The heap keeps its tags and links in the memory that it manages, next to bytes that belong to others. A
//! `&mut [u8]` over the whole memory would claim those bytes as well, and the compiler may rely on such a claim. So
//! there are no references here at all. Each tag or link is read and written as a single word through a raw pointer.
//!
//! Checking the bounds at each access would be slow. Instead, an address is checked once, where it is computed, and has
//! a type of its own from then on. A [`Place`] is an address with room for a block, and a [`Block`] is a place with a
//! size. Accesses within them need no further check, and an overwritten tag or link never leads out of the heap.

use core::{num::NonZeroUsize, ptr, ptr::NonNull};

/// The size of a word, in bytes: 4 in the kernel, 8 in the tests on the host.
pub const WORD: usize = size_of::<usize>();

/// The size of the smallest block, in bytes. A free block has to hold a header, two links and a footer.
pub const SMALLEST: usize = 4 * WORD;

/// Memory for a heap to manage: the bytes from `start` up to, but not including, `end`.
///
/// The part below `top` is divided into blocks. The part above is unused and holds no tags.
#[derive(Debug)]
pub struct Memory {
    start: usize,
    /// The last address with room for a block below the top.
    last: usize,
    end: usize,
}

impl Memory {
    // ANCHOR: new
    /// The `bytes` bytes from the address `start`.
    ///
    /// # Panics
    /// Unless `start` and `bytes` are multiples of [`WORD`], and `start` is at least [`SMALLEST`].
    ///
    /// # Safety
    /// From now on and for as long as the kernel runs,
    /// 1. each of these bytes is mapped to RAM, and may be read and written;
    /// 2. only the heap accesses them, and the owners of the blocks that it has allocated, until they
    ///    free them.
    pub const unsafe fn new(start: usize, bytes: usize) -> Self {
        assert!(bytes.is_multiple_of(WORD), "the size is not a multiple of a word");
        Self { end: start + bytes, ..Self::empty(start) }
    }
    // ANCHOR_END: new

    /// No memory yet. The first memory that is appended has to begin at `start`.
    pub(crate) const fn empty(start: usize) -> Self {
        assert!(start >= SMALLEST && start.is_multiple_of(WORD), "a heap cannot begin at this address");
        Self { start, last: start - SMALLEST, end: start }
    }

    /// Adds `more`, which has to begin where this memory ends.
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
    /// The place at `address`; `None` unless this is the address of a word with room for a block below the top.
    #[inline(always)]
    pub(crate) fn place(&self, address: usize) -> Option<Place> {
        if address < self.start || address > self.last || !address.is_multiple_of(WORD) {
            return None;
        }
        // SAFETY: the address is a multiple of a word, and the smallest block there lies within this memory.
        Some(unsafe { Place::new(address) })
    }

    /// The place where `block` ends; `None` if no other block lies between it and the top.
    #[inline(always)]
    pub(crate) fn place_after(&self, block: Block) -> Option<Place> {
        self.debug_assert_has(block.place);
        if block.end() > self.last {
            return None;
        }
        // SAFETY: a block of this memory ends at a multiple of a word, above the start. The rest is as in `place`.
        Some(unsafe { Place::new(block.end()) })
    }

    /// The word just below `block`; `None` if this is the first block.
    #[inline(always)]
    pub(crate) fn word_before(&self, block: Block) -> Option<usize> {
        self.debug_assert_has(block.place);
        if block.address() == self.start {
            return None;
        }
        // SAFETY: the block lies in this memory, above its start, so the word below it lies there too.
        Some(unsafe { word(block.address() - WORD).read() })
    }

    /// The `size` bytes just below `block`; `None` if they cannot be a block of this memory.
    #[inline(always)]
    pub(crate) fn block_before(&self, block: Block, size: usize) -> Option<Block> {
        self.debug_assert_has(block.place);
        let place = self.place(block.address().wrapping_sub(size))?;
        if size < SMALLEST {
            return None;
        }
        Some(Block { place, size })
    }

    /// The block of `size` bytes at `place`, rounded down to words; `None` if that is too small for a block, or reaches
    /// beyond the top.
    #[inline(always)]
    pub(crate) fn block(&self, place: Place, size: usize) -> Option<Block> {
        self.debug_assert_has(place);
        let size = size & !(WORD - 1);
        // A size below the smallest wraps around to a huge number, so one comparison refuses both.
        if place.address() > self.last || size.wrapping_sub(SMALLEST) > self.last - place.address() {
            return None;
        }
        Some(Block { place, size })
    }
    // ANCHOR_END: checks

    // ANCHOR: top
    /// Cuts a block of `size` bytes off the memory above the top; `None` if too little is left there.
    #[inline(always)]
    pub(crate) fn raise_top(&mut self, size: usize) -> Option<Block> {
        if size > self.end - self.top() {
            return None;
        }
        assert!(size >= SMALLEST && size.is_multiple_of(WORD), "heap: {size} bytes are too few or not whole words");
        // SAFETY: the top is a multiple of a word, and at least `size` bytes lie between it and the end.
        let block = Block { place: unsafe { Place::new(self.top()) }, size };
        self.last = block.end() - SMALLEST;
        Some(block)
    }

    /// Returns `block`, the last one below the top, to the unused memory.
    #[inline(always)]
    pub(crate) fn lower_top(&mut self, block: Block) {
        self.debug_assert_has(block.place);
        assert!(block.end() == self.top(), "heap: only the last block can move the top down");
        self.last = block.address() - SMALLEST;
    }
    // ANCHOR_END: top

    /// Asserts that a place belongs to this heap. Places and blocks never leave their heap, so release builds need no
    /// check.
    fn debug_assert_has(&self, place: Place) {
        debug_assert!((self.start..self.end).contains(&place.address()), "heap: an address of another heap");
    }
}

/// An address where a block may begin: a multiple of a word, with room for the smallest block in the heap's memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place(NonZeroUsize);

/// The words at the beginning of a block. It has the two links only while it is free.
#[derive(Clone, Copy)]
pub(crate) enum Note {
    Header = 0,
    Next = 1,
    Previous = 2,
}

// ANCHOR: words
impl Place {
    /// # Safety
    /// `address` is a multiple of a word, and the [`SMALLEST`] bytes that begin there lie within one `Memory`.
    unsafe fn new(address: usize) -> Self {
        // SAFETY: no memory begins at address 0.
        Self(unsafe { NonZeroUsize::new_unchecked(address) })
    }

    pub fn address(self) -> usize {
        self.0.get()
    }

    /// Reads a word of the block that begins here.
    pub fn read(self, note: Note) -> usize {
        // SAFETY: even the smallest block has this word, and it is aligned. The caller of `Memory::new` has promised
        // that it is RAM, and that no other code writes to it.
        unsafe { word(self.address() + note as usize * WORD).read() }
    }

    /// Writes a word of the block that begins here.
    pub fn write(self, note: Note, value: usize) {
        // SAFETY: as in `read`. The heap does not write to payloads in use.
        unsafe { word(self.address() + note as usize * WORD).write(value) }
    }
}

/// A pointer to the word at `address`.
fn word(address: usize) -> *mut usize {
    ptr::with_exposed_provenance_mut(address)
}
// ANCHOR_END: words

/// A part of the heap's memory: whole words, and at least as many as the smallest block has.
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

    /// The size in bytes, tags included.
    pub fn size(self) -> usize {
        self.size
    }

    /// The address just past the block.
    pub fn end(self) -> usize {
        self.address() + self.size
    }

    /// The address of its last word.
    pub fn footer(self) -> usize {
        self.end() - WORD
    }

    pub fn read_footer(self) -> usize {
        // SAFETY: all words of a block lie within the heap's memory. The rest is as in `Place::read`.
        unsafe { word(self.footer()).read() }
    }

    pub fn write_footer(self, value: usize) {
        // SAFETY: as in `read_footer`, and the heap alone uses the footer.
        unsafe { word(self.footer()).write(value) }
    }

    /// The pointer that the block's owner gets, to the word after the header.
    pub fn payload(self) -> NonNull<u8> {
        // SAFETY: a block has more words than its header, so this sum does not wrap around to 0.
        let address = unsafe { NonZeroUsize::new_unchecked(self.address() + WORD) };
        NonNull::with_exposed_provenance(address)
    }

    // ANCHOR: split
    /// The first `size` bytes and the rest; `None` if one of the two would be too small for a block.
    #[inline(always)]
    pub fn split(self, size: usize) -> Option<(Self, Self)> {
        let rest = self.size.checked_sub(size)?;
        if size < SMALLEST || rest < SMALLEST || !size.is_multiple_of(WORD) {
            return None;
        }
        // SAFETY: `size` is a multiple of a word, and the rest of this block is large enough for a block.
        let second = unsafe { Place::new(self.address() + size) };
        Some((Self { place: self.place, size }, Self { place: second, size: rest }))
    }

    /// One block made of this one and `after`, which begins where this one ends.
    #[inline(always)]
    pub fn join(self, after: Self) -> Self {
        assert!(self.end() == after.address(), "heap: only neighbors can be merged");
        Self { place: self.place, size: self.size + after.size }
    }
    // ANCHOR_END: split
}
