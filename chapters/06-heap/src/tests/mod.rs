//! The tests on the host: the heap in a part of the host's own memory.

mod behavior;
mod bits;
mod check;
mod damage;
mod lists;
mod model;

use crate::{
    blocks::TAGS,
    check::{Unsound, Usage},
    heap::Heap,
    memory::{Memory, SMALLEST, WORD},
};
use std::{
    alloc::{self, Layout},
    ptr::NonNull,
};

const PAGE: usize = 4096;

/// A heap, and memory for it to grow into. It begins at a page boundary, as the kernel's heap does.
struct TestHeap {
    heap: Heap,
    arena: NonNull<u8>,
    layout: Layout,
}

impl TestHeap {
    /// A heap of `bytes` bytes that can grow up to `capacity` bytes.
    fn new(bytes: usize, capacity: usize) -> Self {
        let layout = Layout::from_size_align(capacity, PAGE).unwrap();
        // SAFETY: `capacity` is not 0 in any test.
        let arena = NonNull::new(unsafe { alloc::alloc(layout) }).unwrap();
        // SAFETY: the arena has this many bytes. The test fills it with junk, because the heap must not rely on zeros.
        unsafe { arena.write_bytes(0xA5, capacity) };
        let start = arena.as_ptr().expose_provenance();
        let mut heap = Self { heap: Heap::new(start), arena, layout };
        if bytes > 0 {
            heap.grow(bytes);
        }
        heap
    }

    /// Grows the heap by `bytes` bytes.
    fn grow(&mut self, bytes: usize) {
        assert!(self.usage().total_bytes + bytes <= self.layout.size(), "the test's arena is too small");
        // SAFETY: the arena belongs to this heap alone until it is dropped, and it is large enough.
        self.heap.grow(unsafe { Memory::new(self.heap.memory().end(), bytes) });
    }

    fn usage(&self) -> Usage {
        self.heap.usage()
    }

    fn start(&self) -> usize {
        self.heap.memory().start()
    }

    /// Allocates `size` bytes, aligned to a word. They have to fit.
    fn take(&mut self, size: usize) -> NonNull<u8> {
        self.heap.allocate(layout(size, WORD)).expect("the heap is full")
    }

    /// Allocates some blocks of the smallest size.
    fn take_smallest<const COUNT: usize>(&mut self) -> [NonNull<u8>; COUNT] {
        std::array::from_fn(|_| self.take(SMALLEST - TAGS))
    }

    /// Frees an allocation that is still in use.
    fn free(&mut self, pointer: NonNull<u8>) {
        self.heap.free(pointer).expect("a live allocation");
    }

    /// Whether the heap is consistent. Under Miri this check takes a second, so it is left out: Miri itself checks each
    /// access to memory.
    fn soundness(&self) -> Result<(), Unsound> {
        if cfg!(miri) { Ok(()) } else { self.heap.check() }
    }

    /// Asserts that the heap is consistent.
    fn check(&self) {
        self.soundness().expect("a sound heap");
    }

    /// Sets the word that lies `words` words after `pointer`.
    fn scribble(&mut self, pointer: NonNull<u8>, words: usize, value: usize) {
        self.scribble_at(pointer.addr().get() + words * WORD, value);
    }

    /// Sets the word at `address`.
    fn scribble_at(&mut self, address: usize, value: usize) {
        assert!((self.start()..self.heap.memory().end()).contains(&address) && address.is_multiple_of(WORD));
        // SAFETY: the word lies in the arena, as just asserted, and no reference to it exists.
        unsafe { std::ptr::with_exposed_provenance_mut::<usize>(address).write(value) };
    }
}

impl Drop for TestHeap {
    fn drop(&mut self) {
        // SAFETY: the arena was allocated with this layout, and the heap is no longer used.
        unsafe { alloc::dealloc(self.arena.as_ptr(), self.layout) };
    }
}

fn layout(size: usize, align: usize) -> Layout {
    Layout::from_size_align(size, align).unwrap()
}
