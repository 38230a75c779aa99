//! The tests of chapter 6's kernel.

#![no_std]
#![no_main]

extern crate alloc;

#[path = "kernel/directory.rs"]
mod directory;

use alloc::alloc::{alloc, dealloc};
use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use common::lock::let_interrupts_in;
use common::{Lock, VirtAddr};
use core::alloc::Layout;
use core::arch::asm;
use core::hint::black_box;
use core::sync::atomic::{AtomicU32, Ordering::Relaxed};
use directory::a_directory_agrees_with_a_model_for_long;
use harness::{End, Test, test};
use paging::{KERNEL, frame_allocator};
use x86::bits32::eflags::EFlags;
use x86::io::outb;

harness::boot!(TESTS, up to heap);

const TESTS: &[Test] = &[
    test!(collections_work),
    test!(every_alignment_up_to_a_page_is_kept),
    test!(an_empty_heap_takes_no_memory),
    test!(the_heap_grows_by_frames_and_keeps_what_is_in_it),
    test!(a_block_that_fits_into_a_page_takes_one),
    test!(freed_memory_is_used_again),
    test!(a_heap_without_memory_returns_null_and_loses_nothing).memory_mib(8),
    test!(an_impossible_request_fails),
    test!(a_full_heap_still_grows),
    test!(the_tables_of_the_heap_never_change),
    test!(handlers_may_allocate),
    test!(interrupts_may_arrive_wherever_they_are_on),
    test!(a_double_free_stops)
        .ends(End::Stop("PANIC: cannot free 0xc0000004: it is free already; was it freed twice?, at")),
    test!(a_foreign_pointer_stops).ends(End::Stop("PANIC: cannot free 0x50000000: it is not in the heap, at")),
    test!(a_pointer_into_a_block_stops)
        .ends(End::Stop("PANIC: cannot free 0xc0000014: it points into the allocation at 0xc0000004, at")),
    test!(a_pointer_into_a_word_stops).ends(End::Stop(
        "PANIC: cannot free 0xc0000005: it is not aligned to a word, so no allocation begins there, at",
    )),
    test!(a_write_past_the_end_stops).ends(End::Stop(
        "PANIC: cannot free 0xc0000004: the heap is damaged: code wrote past the end of the allocation at \
         0xc0000004 or of the one before it, at",
    )),
    test!(the_heap_is_made_once).ends(End::Stop("PANIC: `heap::init` has already run")),
    test!(running_out_of_memory_stops_with_a_message)
        .ends(End::Stop("PANIC: memory allocation of 1073741824 bytes failed")),
    test!(a_directory_agrees_with_a_model_for_long),
];

fn layout(size: usize, alignment: usize) -> Layout {
    Layout::from_size_align(size, alignment).expect("a valid layout")
}

/// Allocates without the panic of the collections; null if there is not enough memory.
fn try_allocate(size: usize) -> *mut u8 {
    // SAFETY: no size here is 0.
    black_box(unsafe { alloc(layout(size, 4)) })
}

fn collections_work() {
    let mut map = BTreeMap::new();
    for number in 0..1000u32 {
        map.insert(number.wrapping_mul(2_654_435_761), String::from("value"));
    }
    assert!(map.keys().is_sorted() && map.len() == 1000);
    drop(map);
    let usage = heap::usage();
    assert_eq!((usage.used_blocks, usage.free_blocks), (0, 1));
}

fn every_alignment_up_to_a_page_is_kept() {
    for alignment in (0..=12).map(|bit| 1 << bit) {
        for size in [1, 7, 100, 5000] {
            // SAFETY: the memory is written within its size, and freed with the layout it was allocated with.
            unsafe {
                let pointer = alloc(layout(size, alignment));
                assert!(!pointer.is_null() && pointer.addr().is_multiple_of(alignment));
                pointer.write_bytes(0xAA, size);
                dealloc(pointer, layout(size, alignment));
            }
        }
    }
}

fn an_empty_heap_takes_no_memory() {
    assert_eq!(heap::usage().total_bytes, 0);
}

fn the_heap_grows_by_frames_and_keeps_what_is_in_it() {
    let free = frame_allocator::free_count();
    let first = black_box(Box::new(0x1234_5678u32));
    assert_eq!(frame_allocator::free_count(), free - 1, "one page for one box");
    let large: Vec<u32> = (0..100_000).collect();
    assert_eq!((*first, large[99_999]), (0x1234_5678, 99_999));
    assert_eq!(heap::usage().total_bytes, (free - frame_allocator::free_count()) as usize * 4096);
    let frame = KERNEL.lock().translate(VirtAddr::from(large.as_ptr())).expect("it is mapped");
    assert_ne!(frame.as_u32(), large.as_ptr().addr() as u32, "the heap is not the window");
}

fn a_block_that_fits_into_a_page_takes_one() {
    let free = frame_allocator::free_count();
    for pages in 1..=4 {
        // With its two tags, the block fills a page to the last byte.
        assert!(!try_allocate(4096 - 8).is_null());
        assert_eq!(frame_allocator::free_count(), free - pages);
    }
    assert!(!try_allocate(4096 - 8 + 4).is_null());
    assert_eq!(frame_allocator::free_count(), free - 6, "a word more, and it takes two");
}

fn freed_memory_is_used_again() {
    drop(black_box(Vec::<u8>::with_capacity(100_000)));
    let free = frame_allocator::free_count();
    for _ in 0..100 {
        drop(black_box(Vec::<u8>::with_capacity(99_000)));
    }
    assert_eq!(frame_allocator::free_count(), free);
}

fn a_heap_without_memory_returns_null_and_loses_nothing() {
    let mut blocks = Vec::with_capacity(4096);
    while blocks.len() < blocks.capacity() {
        let block = try_allocate(10_000);
        if block.is_null() {
            break;
        }
        blocks.push(block);
    }
    assert!((400..900).contains(&blocks.len()), "{} blocks in 8 MiB", blocks.len());
    let free = frame_allocator::free_count();
    assert!(try_allocate(10_000).is_null(), "no memory is no memory, however often asked");
    assert_eq!(frame_allocator::free_count(), free, "growing that fails gives back what it took");
    for block in blocks {
        // SAFETY: allocated above with this layout.
        unsafe { dealloc(block, layout(10_000, 4)) };
    }
    assert_eq!((heap::usage().used_blocks, heap::usage().free_blocks), (0, 1));
}

fn an_impossible_request_fails() {
    let free = frame_allocator::free_count();
    for size in [64 << 20, 1 << 30, isize::MAX as usize - 4096] {
        assert!(try_allocate(size).is_null());
    }
    // SAFETY: the size is not 0.
    assert!(black_box(unsafe { alloc(layout(8, 8192)) }).is_null(), "an alignment beyond a page");
    assert_eq!(frame_allocator::free_count(), free);
}

fn a_full_heap_still_grows() {
    let mut blocks = Vec::with_capacity(100);
    // A block has two tags of a word. When the rest becomes too small for a block, it stays with the last one.
    while blocks.is_empty() || heap::usage().free_bytes > 0 {
        blocks.push(try_allocate(heap::usage().largest_free_bytes.saturating_sub(8).max(4)));
    }
    assert_eq!(heap::usage().free_bytes, 0, "not one byte is free");
    assert!(!try_allocate(4).is_null());
}

fn the_tables_of_the_heap_never_change() {
    let before = tables();
    black_box(Vec::<u8>::with_capacity(12 << 20));
    assert_eq!(tables(), before);
}

/// A checksum of the frames that the directory's entries refer to. A list of them would change the heap.
fn tables() -> u32 {
    let kernel = KERNEL.lock();
    let numbers = kernel.present(768..1024).map(|(index, entry)| index as u32 ^ entry.frame().number());
    numbers.fold(0, |sum: u32, number| sum.wrapping_mul(31).wrapping_add(number))
}

fn handlers_may_allocate() {
    extern "C" fn handler(_: &mut interrupts::TrapFrame) {
        drop(black_box(Box::new([1u32; 50])));
    }
    // SAFETY: the handler changes no register, and may return: a breakpoint has no cause that it would have to remove.
    unsafe { interrupts::register(interrupts::exceptions::BREAKPOINT, handler) };
    for _ in 0..100 {
        let kept = Box::new([2u32; 20]);
        // SAFETY: the handler changes no register.
        unsafe { asm!("int3") };
        assert_eq!(kept[19], 2);
    }
}

/// The number of steps so far at which a device could have interrupted.
static STEPS: AtomicU32 = AtomicU32::new(0);
/// The boxes that the handler keeps for a while. All words of a box hold the number of the step that made it.
static KEPT: Lock<[Option<Box<[u32; 10]>>; 8]> = Lock::new([const { None }; 8]);

/// Runs after each instruction while the trap flag is set. Where interrupts are on, it allocates and frees, as the
/// handler of a device might.
extern "C" fn step(frame: &mut interrupts::TrapFrame) {
    if !EFlags::from_bits_truncate(frame.eflags).contains(EFlags::FLAGS_IF) {
        return;
    }
    let now = STEPS.fetch_add(1, Relaxed);
    let then = KEPT.lock()[now as usize % 8].replace(Box::new([now; 10]));
    assert!(then.is_none_or(|then| *then == [now - 8; 10]), "two own the same memory");
}

fn interrupts_may_arrive_wherever_they_are_on() {
    const SINGLE_STEP: u8 = 1;
    // SAFETY: the handler changes no register. All lines of the interrupt controllers are masked, so no other interrupt
    // arrives.
    unsafe {
        interrupts::register(SINGLE_STEP, step);
        outb(0x21, 0xFF);
        outb(0xA1, 0xFF);
        let_interrupts_in();
        asm!("pushfd", "or dword ptr [esp], 0x100", "popfd"); // the trap flag
    }
    let mut own: [Option<Box<[u32]>>; 4] = [const { None }; 4];
    for round in 0..40 {
        let size = [10, 4, 25, 10, 100][round % 5];
        let then = own[round % 4].replace(vec![round as u32; size].into_boxed_slice());
        assert!(then.is_none_or(|then| then.iter().all(|word| *word == round as u32 - 4)), "two own the same memory");
    }
    drop(own);
    // SAFETY: this clears the trap flag again.
    unsafe { asm!("pushfd", "and dword ptr [esp], ~0x100", "popfd") };
    assert!(STEPS.load(Relaxed) > 1000);
    KEPT.lock().iter_mut().for_each(|kept| *kept = None);
    assert_eq!(heap::usage().used_blocks, 0);
}

fn a_double_free_stops() {
    let pointer = try_allocate(100);
    // SAFETY: the second one is not safe, which is the test.
    unsafe {
        dealloc(pointer, layout(100, 4));
        dealloc(pointer, layout(100, 4));
    }
}

fn a_foreign_pointer_stops() {
    // SAFETY: not safe, which is the test.
    unsafe { dealloc(0x5000_0000 as *mut u8, layout(100, 4)) };
}

fn a_pointer_into_a_block_stops() {
    let pointer = try_allocate(100);
    // SAFETY: not safe, which is the test.
    unsafe { dealloc(pointer.add(16), layout(84, 4)) };
}

fn a_pointer_into_a_word_stops() {
    let pointer = try_allocate(100);
    // SAFETY: not safe, which is the test.
    unsafe { dealloc(pointer.add(1), layout(99, 1)) };
}

fn a_write_past_the_end_stops() {
    let pointer = try_allocate(100);
    // SAFETY: not safe, which is the test.
    unsafe {
        pointer.add(100).cast::<u32>().write_volatile(0x6666_6666);
        dealloc(pointer, layout(100, 4));
    }
}

/// A second `init` would find less free memory and set a limit below the heap's end.
fn the_heap_is_made_once() {
    heap::init();
}

fn running_out_of_memory_stops_with_a_message() {
    black_box(Vec::<u8>::with_capacity(1 << 30));
}
