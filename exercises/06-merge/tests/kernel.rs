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

const TESTS: &[Test] = &[test!(random_frees), test!(frees_that_are_refused), test!(frees_among_many_blocks)];

/// Where a test's heap begins.
const START: u32 = 0x6000_0000;
const PAGE_BYTES: u32 = 4096;

/// A heap with so many bytes of fresh memory.
fn new_heap(bytes: u32) -> Heap {
    let (start, end) = (VirtAddr::new(START), VirtAddr::new(START + bytes));
    // SAFETY: no other code uses these addresses.
    unsafe { KERNEL.lock().map_free_frames(start..end, Flags::WRITABLE) }.expect("free frames");
    let mut heap = Heap::new(START as usize);
    // SAFETY: these pages were just mapped, and stay.
    heap.grow(unsafe { Memory::new(START as usize, bytes as usize) });
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

/// The label of a result, with the meaning of each [`code`].
macro_rules! result_of {
    ($what:literal) => {
        concat!(
            "the result of ",
            $what,
            " (0: `Ok`, 1: `Outside`, 2: `Misaligned`, 3: `Inside`, 4: `AlreadyFree`, 5: `Damaged`)"
        )
    };
}

/// The first wrong step, which has been shown. A test ends there: what comes after it is only a consequence.
struct Wrong;

/// Frees a block in use.
fn free(heap: &mut Heap, block: NonNull<u8>) -> Result<(), Wrong> {
    let code = code(heap.free(block));
    show(result_of!("freeing a block in use"), code);
    if code == 0 { Ok(()) } else { Err(Wrong) }
}

/// Tries to free what is no block in use.
fn refuse(heap: &mut Heap, label: &'static str, pointer: NonNull<u8>) -> Result<(), Wrong> {
    let code = code(heap.free(pointer));
    show(label, code);
    if code == 0 { Err(Wrong) } else { Ok(()) }
}

fn show_state(heap: &Heap) -> Result<(), Wrong> {
    let check = heap.check();
    let found = match check {
        Ok(()) => "after a `free`: a sound heap",
        Err(Unsound::Damaged(_)) => "after a `free`: a block whose header and footer do not match",
        Err(Unsound::Unmerged(_)) => "after a `free`: two holes side by side, which were not merged",
        Err(Unsound::BelowTop(_)) => "after a `free`: a hole that ends at the top, which was not lowered",
        Err(Unsound::WrongLink(_)) => "after a `free`: a hole in the list for another size, or a link to no hole",
        Err(Unsound::WrongBit(_)) => "after a `free`: a wrong bit in the map of the lists",
        Err(Unsound::Miscounted { .. }) => "after a `free`: a hole that is in no list, or in two",
    };
    show(found, check.is_ok().into());
    check.map_err(|_| Wrong)?;
    let usage = heap.usage();
    show("how many holes there are after a `free`, the memory above the top included", usage.free_blocks as u32);
    show("how many bytes the largest of these holes has", usage.largest_free_bytes as u32);
    show("how many bytes are free after a `free`", usage.free_bytes as u32);
    Ok(())
}

fn random_frees() {
    let mut random = Random::new();
    let mut heap = new_heap(4 * PAGE_BYTES);
    let mut round = || {
        let mut blocks = blocks::<40>(&mut heap, &mut random);
        random.shuffle(&mut blocks);
        blocks.into_iter().try_for_each(|block| {
            free(&mut heap, block)?;
            show_state(&heap)
        })
    };
    // The host finds what is wrong among the values.
    let _ = (0..4).try_for_each(|_| round());
}

fn frees_that_are_refused() {
    let mut random = Random::new();
    let mut heap = new_heap(4 * PAGE_BYTES);
    // As above.
    let _ = (0..3).try_for_each(|_| refusals(&mut heap, &mut random));
}

fn refusals(heap: &mut Heap, random: &mut Random) -> Result<(), Wrong> {
    let end = START + 4 * PAGE_BYTES;
    let mut blocks = blocks::<12>(heap, random);
    random.shuffle(&mut blocks);
    for count in 1..=blocks.len() {
        free(heap, blocks[count - 1])?;
        let free_bytes = heap.usage().free_bytes;
        for freed in &blocks[..count] {
            refuse(heap, result_of!("a second `free` of the same pointer"), *freed)?;
        }
        if let Some(in_use) = blocks.get(count) {
            // SAFETY: even the smallest block has so many bytes.
            let inside = unsafe { in_use.add(4) };
            refuse(heap, result_of!("freeing a pointer into the middle of a block in use"), inside)?;
        }
        let odd = pointer(START + 1 + 4 * random.within(0..PAGE_BYTES - 1));
        refuse(heap, result_of!("freeing a misaligned pointer"), odd)?;
        show(
            "whether as many bytes are free as before the calls that were refused",
            (heap.usage().free_bytes == free_bytes).into(),
        );
    }
    for outside in [START - 4, end, end + 4] {
        refuse(heap, result_of!("freeing a pointer outside the heap"), pointer(outside))?;
    }
    Ok(())
}

/// A `free` that looks at all blocks, or at all holes, takes many times as many instructions here as a right one. The
/// host counts them.
fn frees_among_many_blocks() {
    let mut random = Random::new();
    let mut heap = new_heap(320 * PAGE_BYTES);
    // Of each three, the first one is freed. So no two holes are neighbors, and only the number of blocks matters.
    let mut firsts: [NonNull<u8>; 3000] = core::array::from_fn(|_| blocks::<3>(&mut heap, &mut random)[0]);
    random.shuffle(&mut firsts);
    let freed = firsts.into_iter().filter(|block| heap.free(*block).is_ok()).count();
    show("how many of 3000 blocks are freed, of 9000 in use", freed as u32);
    show("how many bytes are free after that", heap.usage().free_bytes as u32);
}
