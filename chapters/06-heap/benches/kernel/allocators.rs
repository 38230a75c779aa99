//! The heap and four crates behind one interface, each with the same memory.
//!
//! The bench calls them through `dyn Allocator`. So the compiler does not know which of them is called, or with which
//! sizes, and cannot specialize any of them for this bench. The call itself costs the same for all.

use alloc::boxed::Box;
use common::Lock;
use core::alloc::Layout;
use core::ptr::NonNull;
use heap::heap::Heap;
use heap::memory::Memory;

/// An allocator with an arena of its own.
pub trait Allocator {
    /// Allocates memory for `layout`; `None` if there is not enough.
    fn allocate(&mut self, layout: Layout) -> Option<NonNull<u8>>;

    /// Frees memory.
    ///
    /// # Safety
    /// `pointer` comes from `allocate`, with this `layout`, and is no longer used.
    unsafe fn free(&mut self, pointer: NonNull<u8>, layout: Layout);
}

/// Makes an allocator with this memory.
///
/// # Safety
/// The memory is mapped, begins at a page boundary, and belongs to the allocator as long as the allocator exists.
pub type Make = unsafe fn(NonNull<[u8]>) -> Box<dyn Allocator>;

/// All allocators, by their names in `tools/bench.toml`. The crates take no lock. The heap is measured both without its
/// lock, like the crates, and with it.
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

/// With the parameters of the crate's own global allocator: 32 lists for the sizes from one power of two to the next.
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
    // SAFETY: the promise made to each `Make`. The allocator stays at its address, in its box.
    unsafe { galloc.init(start(arena), arena.len()) };
    galloc
}

impl Allocator for Galloc {
    fn allocate(&mut self, layout: Layout) -> Option<NonNull<u8>> {
        // SAFETY: `init` has given it its memory.
        NonNull::new(unsafe { self.alloc(layout) })
    }

    unsafe fn free(&mut self, pointer: NonNull<u8>, _: Layout) {
        // SAFETY: the caller's.
        unsafe { self.dealloc(pointer.as_ptr()) }
    }
}

/// The crate's heap with lists for blocks of up to 2 GiB.
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
