//! Judges exercise 6.2: random requests to a heap, and requests for which there is one place only.

#![no_std]
#![no_main]

use common::VirtAddr;
use core::alloc::Layout;
use core::ptr::NonNull;
use core::slice;
use harness::seeded::{Random, show};
use harness::{Test, test};
use heap::check::Unsound;
use heap::heap::Heap;
use heap::memory::Memory;
use paging::{Flags, KERNEL};

// Without the kernel's own heap: a test has one of its own.
harness::boot!(TESTS, up to paging);

const TESTS: &[Test] =
    &[test!(holes_that_are_split), test!(aligned_requests), test!(the_only_hole_that_fits), test!(random_requests)];

/// Where a test's heap begins.
const START: u32 = 0x6000_0000;
const BYTES: u32 = 16 * 4096;
/// A block's header and footer.
const TAGS: u32 = 8;
/// What stands for "no place".
const NOWHERE: u32 = u32::MAX;

/// Maps the memory for a test's heaps.
fn map_memory() {
    let (start, end) = (VirtAddr::new(START), VirtAddr::new(START + BYTES));
    // SAFETY: no other code uses these addresses.
    unsafe { KERNEL.lock().map_free_frames(start..end, Flags::WRITABLE) }.expect("free frames");
}

/// A heap with this much memory. An earlier one is not used any more.
fn new_heap(bytes: u32) -> Heap {
    let mut heap = Heap::new(START as usize);
    // SAFETY: `map_memory` has mapped it, and no other heap is in use.
    heap.grow(unsafe { Memory::new(START as usize, bytes as usize) });
    heap
}

fn allocate(heap: &mut Heap, bytes: u32, align: u32) -> Option<NonNull<u8>> {
    heap.allocate(Layout::from_size_align(bytes as usize, align as usize).expect("a power of two"))
}

/// A block that certainly fits.
fn block(heap: &mut Heap, bytes: u32) -> NonNull<u8> {
    allocate(heap, bytes, 1).expect("the memory is ample")
}

/// Allocates all memory above the top, which must be all free memory.
fn fill_up(heap: &mut Heap) {
    block(heap, heap.usage().free_bytes as u32 - TAGS);
}

fn offset(place: Option<NonNull<u8>>) -> u32 {
    place.map_or(NOWHERE, |pointer| pointer.addr().get() as u32 - START)
}

fn show_state(heap: &Heap) {
    let fault = match heap.check() {
        Ok(()) => 0,
        Err(Unsound::Damaged(_)) => 1,
        Err(Unsound::Unmerged(_)) => 2,
        Err(Unsound::BelowTop(_)) => 3,
        Err(Unsound::WrongLink(_)) => 4,
        Err(Unsound::WrongBit(_)) => 5,
        Err(Unsound::Miscounted { .. }) => 6,
    };
    show(
        "whether the heap is sound (0: yes; else it has 1: tags that do not match, 2: free neighbors, 3: a hole at the \
         top, 4: a hole in a wrong list, 5: a wrong bit, 6: too many or too few holes in lists)",
        fault,
    );
}

fn show_usage(heap: &Heap) {
    let usage = heap.usage();
    show("how many bytes all blocks in use have", usage.used_bytes as u32);
    show("how many holes there are, the memory above the top included", usage.free_blocks as u32);
    show("how large the largest of them is", usage.largest_free_bytes as u32);
}

fn holes_that_are_split() {
    let mut random = Random::new();
    map_memory();
    for round in 0..30 {
        let mut heap = new_heap(4096);
        block(&mut heap, random.within(1..100));
        let size = 4 * random.within(20..100);
        let hole = block(&mut heap, size);
        block(&mut heap, 1);
        heap.free(hole).expect("it is in use");
        show("how large the hole's payload is", size);
        // Every rest from 0 bytes to 36, and some more.
        let rest = if round < 10 { 4 * round } else { random.within(0..size) };
        show(
            "where a block in the hole begins, behind the start of the heap",
            offset(allocate(&mut heap, size - rest, 1)),
        );
        show_usage(&heap);
        show_state(&heap);
    }
}

fn aligned_requests() {
    let mut random = Random::new();
    map_memory();
    for round in 0..60 {
        let mut heap = new_heap(4 * 4096);
        let align = 8 << random.within(0..10);
        block(&mut heap, random.within(1..200));
        if round % 3 == 0 {
            // Above the top.
            let place = allocate(&mut heap, random.within(1..300), align);
            show("where an aligned payload above the top begins, behind the start of the heap", offset(place));
        } else {
            let bytes = random.within(1..100);
            // Sometimes large enough at any address, sometimes only at a good one.
            let hole = block(&mut heap, bytes + random.within(0..2 * align));
            block(&mut heap, 1);
            fill_up(&mut heap);
            heap.free(hole).expect("it is in use");
            let place = allocate(&mut heap, bytes, align);
            show("where an aligned payload in the only hole begins (0xffffffff: it does not fit)", offset(place));
        }
        show_usage(&heap);
        show_state(&heap);
    }
    let mut heap = new_heap(BYTES);
    show(
        "where a payload lies that is aligned to two pages (0xffffffff: nowhere)",
        offset(allocate(&mut heap, 1, 8192)),
    );
    show_usage(&heap);
}

fn the_only_hole_that_fits() {
    let mut random = Random::new();
    map_memory();
    for _ in 0..20 {
        let mut heap = new_heap(BYTES);
        // All of these sizes are in one list, and the largest is freed first, so that it is the last of the list.
        let largest = (256 << random.within(0..3)) - 4;
        let sizes: [u32; 6] =
            core::array::from_fn(|number| if number == 0 { largest } else { largest - 4 * random.within(1..7) });
        let holes = sizes.map(|size| {
            let hole = block(&mut heap, size - TAGS);
            block(&mut heap, random.within(1..50));
            hole
        });
        let another = block(&mut heap, 2 * largest);
        block(&mut heap, 1);
        fill_up(&mut heap);
        holes.into_iter().for_each(|hole| heap.free(hole).expect("it is in use"));
        let place = offset(allocate(&mut heap, largest - TAGS, 1));
        show("where a block lies for which only the last hole of a list is large enough", place);
        show(
            "where a block lies for which no hole is large enough (0xffffffff: nowhere)",
            offset(allocate(&mut heap, largest - TAGS, 1)),
        );
        heap.free(another).expect("it is in use");
        show(
            "where a block lies for which a hole of a larger size is left",
            offset(allocate(&mut heap, largest - TAGS, 1)),
        );
        show_usage(&heap);
        show_state(&heap);

        let mut heap = new_heap(BYTES);
        let hole = block(&mut heap, largest);
        block(&mut heap, 1);
        heap.free(hole).expect("it is in use");
        let place = offset(allocate(&mut heap, largest - random.within(0..100), 1));
        show("where a block lies that fits into a hole and above the top", place);
    }
}

/// Memory that a test has allocated, and filled with one value.
#[derive(Clone, Copy)]
struct Owned {
    start: NonNull<u8>,
    bytes: u32,
    value: u8,
}

impl Owned {
    fn is_kept(&self) -> bool {
        // SAFETY: the test has allocated this memory, and writes to it nowhere else.
        let bytes = unsafe { slice::from_raw_parts(self.start.as_ptr(), self.bytes as usize) };
        bytes.iter().all(|byte| *byte == self.value)
    }

    fn overlaps(&self, other: &Self) -> bool {
        let range = |owned: &Self| (owned.start.addr().get(), owned.start.addr().get() + owned.bytes as usize);
        let ((start, end), (other_start, other_end)) = (range(self), range(other));
        start < other_end && other_start < end
    }
}

fn random_requests() {
    const MOST: usize = 40;
    let mut random = Random::new();
    map_memory();
    let mut heap = new_heap(BYTES);
    let mut all: [Option<Owned>; MOST] = [None; MOST];
    for _ in 0..300 {
        let slot = random.within(0..MOST as u32) as usize;
        if let Some(owned) = all[slot].take() {
            show("whether the memory of a block is as its owner left it", owned.is_kept().into());
            show("whether a block in use can be freed", heap.free(owned.start).is_ok().into());
        } else {
            let (bytes, align) = (random.within(1..400), 1 << random.within(0..9));
            let Some(start) = allocate(&mut heap, bytes, align) else {
                show("whether a request fails although there is ample memory", 1);
                continue;
            };
            let owned = Owned { start, bytes, value: random.word() as u8 };
            show("whether the payload is aligned", start.addr().get().is_multiple_of(align as usize).into());
            let (from, to) = (offset(Some(start)), offset(Some(start)) + bytes);
            show("whether the payload lies within the heap", (from < to && to <= BYTES).into());
            let overlaps = all.iter().flatten().any(|other| owned.overlaps(other));
            show("whether another block in use has a part of the same memory", overlaps.into());
            // SAFETY: the heap has just handed out this memory.
            unsafe { start.write_bytes(owned.value, bytes as usize) };
            all[slot] = Some(owned);
        }
        show_state(&heap);
    }
}
