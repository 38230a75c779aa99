//! Judges exercise 6.1: blocks that are freed in random orders.

#![no_std]
#![no_main]

use common::VirtAddr;
use core::alloc::Layout;
use core::num::NonZeroUsize;
use core::ptr::NonNull;
use harness::seeded::{Random, show};
use harness::{Test, test};
use heap::check::Unsound;
use heap::free_error::FreeError;
use heap::heap::Heap;
use heap::memory::Memory;
use paging::{Flags, KERNEL};

// Without the kernel's own heap: a test has one of its own.
harness::boot!(TESTS, up to paging);

const TESTS: &[Test] = &[test!(random_frees), test!(frees_that_are_refused)];

/// Where a test's heap begins, and how large it is.
const START: u32 = 0x6000_0000;
const BYTES: u32 = 4 * 4096;

/// A heap with fresh memory.
fn new_heap() -> Heap {
    let (start, end) = (VirtAddr::new(START), VirtAddr::new(START + BYTES));
    // SAFETY: no other code uses these addresses.
    unsafe { KERNEL.lock().map_free_frames(start..end, Flags::WRITABLE) }.expect("free frames");
    let mut heap = Heap::new(START as usize);
    // SAFETY: these pages were just mapped, and stay.
    heap.grow(unsafe { Memory::new(START as usize, BYTES as usize) });
    heap
}

/// Blocks of random sizes, one behind the other.
fn blocks<const COUNT: usize>(heap: &mut Heap, random: &mut Random) -> [NonNull<u8>; COUNT] {
    core::array::from_fn(|_| {
        let layout = Layout::from_size_align(random.within(1..200) as usize, 1).expect("a small size");
        heap.allocate(layout).expect("the memory is ample")
    })
}

fn pointer(address: u32) -> NonNull<u8> {
    NonNull::with_exposed_provenance(NonZeroUsize::new(address as usize).expect("not 0"))
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
    let usage = heap.usage();
    show("how many holes there are, the memory above the top included", usage.free_blocks as u32);
    show("how large the largest of them is", usage.largest_free_bytes as u32);
    show("how many bytes are free", usage.free_bytes as u32);
}

fn random_frees() {
    let mut random = Random::new();
    let mut heap = new_heap();
    for _ in 0..4 {
        let mut blocks = blocks::<40>(&mut heap, &mut random);
        random.shuffle(&mut blocks);
        for block in blocks {
            show("whether a block in use can be freed", heap.free(block).is_ok().into());
            show_state(&heap);
        }
    }
}

fn frees_that_are_refused() {
    let mut random = Random::new();
    let mut heap = new_heap();
    for _ in 0..3 {
        let mut blocks = blocks::<12>(&mut heap, &mut random);
        random.shuffle(&mut blocks);
        for count in 1..=blocks.len() {
            heap.free(blocks[count - 1]).expect("it is in use");
            let free_bytes = heap.usage().free_bytes;
            for freed in &blocks[..count] {
                show(
                    "the error for a block that was freed before (0: none, 3: inside, 4: already free)",
                    code(heap.free(*freed)),
                );
            }
            if let Some(in_use) = blocks.get(count) {
                // SAFETY: even the smallest block has so many bytes.
                let inside = unsafe { in_use.add(4) };
                show("the error for a pointer into a block (3: inside)", code(heap.free(inside)));
            }
            let odd = pointer(START + 1 + 4 * random.within(0..BYTES / 4 - 1));
            show("the error for a misaligned pointer (2: misaligned)", code(heap.free(odd)));
            show("whether as many bytes are free as before", (heap.usage().free_bytes == free_bytes).into());
        }
        for outside in [START - 4, START + BYTES, START + BYTES + 4] {
            show("the error for a pointer outside the heap (1: outside)", code(heap.free(pointer(outside))));
        }
    }
}

fn code(freed: Result<(), FreeError>) -> u32 {
    match freed {
        Ok(()) => 0,
        Err(FreeError::Outside) => 1,
        Err(FreeError::Misaligned) => 2,
        Err(FreeError::Inside { .. }) => 3,
        Err(FreeError::AlreadyFree) => 4,
        Err(FreeError::Damaged { .. }) => 5,
    }
}
