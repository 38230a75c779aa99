//! The heap and four crates behind one interface, each on the same memory.
//!
//! They are called through `dyn Allocator`. The compiler does not know then which of them is called, and with what
//! sizes, so it cannot fit any of them to this bench; and the call itself costs the same for all.

use alloc::boxed::Box;
use common::Lock;
use core::alloc::Layout;
use core::ptr::NonNull;
use heap::heap::Heap;
use heap::memory::Memory;

/// An allocator with an arena of its own.
pub trait Allocator {
    /// Memory as `layout` asks for it; `None` if there is none.
    fn allocate(&mut self, layout: Layout) -> Option<NonNull<u8>>;

    /// Takes it back.
    ///
    /// # Safety
    /// `pointer` comes from `allocate`, with this `layout`, and is used no longer.
    unsafe fn free(&mut self, pointer: NonNull<u8>, layout: Layout);
}

/// Makes an allocator that has this memory.
///
/// # Safety
/// The memory is mapped, begins at a page, and belongs to the allocator as long as that exists.
pub type Make = unsafe fn(NonNull<[u8]>) -> Box<dyn Allocator>;

/// All of them, by the names that `tools/bench.toml` has for them. The crates take no lock; the heap is measured
/// without its lock, as they are, and with it.
pub const ALL: [(&str, Make); 6] = [
    ("ours", ours),
    ("ours, with its lock", ours_with_its_lock),
    ("linked_list_allocator", linked_list),
    ("rlsf", rlsf),
    ("good_memory_allocator", galloc),
    ("buddy_system_allocator", buddy),
];

/// An arena's first address.
fn start(arena: NonNull<[u8]>) -> usize {
    arena.cast::<u8>().as_ptr().expose_provenance()
}

fn heap(arena: NonNull<[u8]>) -> Heap {
    let mut heap = Heap::new(start(arena));
    // SAFETY: the promise made to each `Make`.
    heap.grow(unsafe { Memory::new(start(arena), arena.len()) });
    heap
}

unsafe fn ours(arena: NonNull<[u8]>) -> Box<dyn Allocator> {
    Box::new(heap(arena))
}

impl Allocator for Heap {
    fn allocate(&mut self, layout: Layout) -> Option<NonNull<u8>> {
        Heap::allocate(self, layout)
    }

    unsafe fn free(&mut self, pointer: NonNull<u8>, _: Layout) {
        Heap::free(self, pointer).expect("it comes from this heap");
    }
}

unsafe fn ours_with_its_lock(arena: NonNull<[u8]>) -> Box<dyn Allocator> {
    Box::new(Lock::new(heap(arena)))
}

impl Allocator for Lock<Heap> {
    fn allocate(&mut self, layout: Layout) -> Option<NonNull<u8>> {
        self.lock().allocate(layout)
    }

    unsafe fn free(&mut self, pointer: NonNull<u8>, _: Layout) {
        self.lock().free(pointer).expect("it comes from this heap");
    }
}

unsafe fn linked_list(arena: NonNull<[u8]>) -> Box<dyn Allocator> {
    // SAFETY: the promise made to each `Make`.
    Box::new(unsafe { linked_list_allocator::Heap::new(arena.cast().as_ptr(), arena.len()) })
}

impl Allocator for linked_list_allocator::Heap {
    fn allocate(&mut self, layout: Layout) -> Option<NonNull<u8>> {
        self.allocate_first_fit(layout).ok()
    }

    unsafe fn free(&mut self, pointer: NonNull<u8>, layout: Layout) {
        // SAFETY: the caller's.
        unsafe { self.deallocate(pointer, layout) }
    }
}

/// As the crate's own global allocator has it: 32 lists for the sizes between two powers of two.
type Tlsf = rlsf::Tlsf<'static, u32, u32, 28, 32>;

unsafe fn rlsf(arena: NonNull<[u8]>) -> Box<dyn Allocator> {
    let mut tlsf = Box::new(Tlsf::new());
    // SAFETY: the promise made to each `Make`.
    unsafe { tlsf.insert_free_block_ptr(arena) }.expect("the arena is large enough");
    tlsf
}

impl Allocator for Tlsf {
    fn allocate(&mut self, layout: Layout) -> Option<NonNull<u8>> {
        Tlsf::allocate(self, layout)
    }

    unsafe fn free(&mut self, pointer: NonNull<u8>, layout: Layout) {
        // SAFETY: the caller's.
        unsafe { self.deallocate(pointer, layout.align()) }
    }
}

type Galloc = good_memory_allocator::Allocator;

unsafe fn galloc(arena: NonNull<[u8]>) -> Box<dyn Allocator> {
    let mut galloc = Box::new(Galloc::empty());
    // SAFETY: the promise made to each `Make`; and the allocator stays where it is, in its box.
    unsafe { galloc.init(start(arena), arena.len()) };
    galloc
}

impl Allocator for Galloc {
    fn allocate(&mut self, layout: Layout) -> Option<NonNull<u8>> {
        // SAFETY: it was given its memory.
        NonNull::new(unsafe { self.alloc(layout) })
    }

    unsafe fn free(&mut self, pointer: NonNull<u8>, _: Layout) {
        // SAFETY: the caller's.
        unsafe { self.dealloc(pointer.as_ptr()) }
    }
}

/// With lists for blocks of up to 2 GiB.
type Buddy = buddy_system_allocator::Heap<32>;

unsafe fn buddy(arena: NonNull<[u8]>) -> Box<dyn Allocator> {
    let mut buddy = Box::new(Buddy::new());
    // SAFETY: the promise made to each `Make`.
    unsafe { buddy.init(start(arena), arena.len()) };
    buddy
}

impl Allocator for Buddy {
    fn allocate(&mut self, layout: Layout) -> Option<NonNull<u8>> {
        self.alloc(layout).ok()
    }

    unsafe fn free(&mut self, pointer: NonNull<u8>, layout: Layout) {
        // SAFETY: the caller's.
        unsafe { self.dealloc(pointer, layout) }
    }
}
