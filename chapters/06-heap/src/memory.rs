//! The heap's memory, one word at a time: all the unsafe code of the heap itself.
//!
//! The heap keeps its own notes in the memory it manages, next to bytes that belong to somebody else
//! by now. A `&mut [u8]` over the whole would claim those bytes as well, and Rust lets the compiler
//! rely on such a claim. So there is no reference here at all: each note is read or written as a
//! single word through a raw pointer.

use core::ptr;

/// The size of a word in bytes: 4 in the kernel, 8 in the tests on the host.
pub const WORD: usize = size_of::<usize>();

/// Memory for a heap to manage: the bytes from `start` up to, but not including, `end`.
#[derive(Debug)]
pub struct Memory {
    start: usize,
    end: usize,
}

impl Memory {
    // ANCHOR: new
    /// The `bytes` bytes from the address `start`.
    ///
    /// # Panics
    /// Unless `start` and `bytes` are multiples of [`WORD`], and `start` is not 0.
    ///
    /// # Safety
    /// The caller has made sure that, from now on and for good,
    /// 1. every one of these bytes is mapped to RAM and may be read and written;
    /// 2. nobody touches them but the heap, and those to whom the heap gives a part, until they give
    ///    it back.
    pub const unsafe fn new(start: usize, bytes: usize) -> Self {
        assert!(bytes.is_multiple_of(WORD), "half a word at the end");
        let nothing = Self::empty(start);
        Self { start: nothing.start, end: start + bytes }
    }
    // ANCHOR_END: new

    /// No memory yet; what is appended later has to begin at `start`.
    pub(crate) const fn empty(start: usize) -> Self {
        assert!(start != 0 && start.is_multiple_of(WORD), "no place for a heap");
        Self { start, end: start }
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

    /// The address just past the last byte.
    pub fn end(&self) -> usize {
        self.end
    }

    /// Whether `bytes` bytes from `address` are whole words of this memory.
    pub(crate) fn contains(&self, address: usize, bytes: usize) -> bool {
        address.is_multiple_of(WORD) && (self.start..self.end).contains(&address) && bytes <= self.end - address
    }

    // ANCHOR: words
    /// The word at `address`.
    pub(crate) fn read(&self, address: usize) -> usize {
        let word = self.word(address);
        // SAFETY: `word` has made sure that the word is aligned and ours; that it is RAM, and that
        // nobody else writes to it meanwhile, is the promise made to `new`.
        unsafe { word.read() }
    }

    /// Sets the word at `address` to `value`.
    pub(crate) fn write(&mut self, address: usize, value: usize) {
        let word = self.word(address);
        // SAFETY: as in `read`; and the heap writes to no word that it has given away.
        unsafe { word.write(value) }
    }

    /// A pointer to the word at `address`.
    ///
    /// The check stays in release builds: without it `read` and `write` would not be safe functions,
    /// and a note that a stray write has damaged would send them anywhere.
    fn word(&self, address: usize) -> *mut usize {
        assert!(
            self.contains(address, WORD),
            "heap: a damaged note leads to {address:#x}, which is not a word of the heap"
        );
        ptr::with_exposed_provenance_mut(address)
    }
    // ANCHOR_END: words
}
