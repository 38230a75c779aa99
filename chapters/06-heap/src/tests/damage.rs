//! Tests of the damage that the heap detects: pointers that cannot be freed, and overwritten blocks.

use super::*;
use crate::{check::Unsound, free_error::FreeError};
use proptest::prelude::*;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Asserts that freeing `address` fails with `error` and changes nothing.
#[track_caller]
fn refused(heap: &mut TestHeap, address: usize, error: FreeError) {
    let before = (heap.usage(), heap.soundness());
    let pointer = NonNull::new(std::ptr::with_exposed_provenance_mut(address)).unwrap();
    assert_eq!(heap.heap.free(pointer), Err(error));
    assert_eq!((heap.usage(), heap.soundness()), before);
}

#[test]
fn a_pointer_outside_the_heap_is_refused() {
    let mut heap = TestHeap::new(PAGE, 2 * PAGE);
    let (start, end) = (heap.heap.memory().start(), heap.heap.memory().end());
    for address in [1, WORD, start - WORD, start - 1, end, end + WORD, usize::MAX] {
        refused(&mut heap, address, FreeError::Outside);
    }
}

#[test]
fn a_misaligned_pointer_is_refused() {
    let mut heap = TestHeap::new(PAGE, PAGE);
    let address = heap.take(64).addr().get();
    refused(&mut heap, address + 1, FreeError::Misaligned);
}

#[test]
fn a_pointer_into_the_middle_of_a_block_is_refused() {
    let mut heap = TestHeap::new(PAGE, PAGE);
    let size = 16 * WORD;
    let [_, block] = std::array::from_fn(|_| heap.take(size));
    let payload = block.addr().get();
    // Fill the payload with equal words that look like the header of a block in use.
    for value in [0, SMALLEST | 1, (2 * SMALLEST) | 1, (size + TAGS) | 1, usize::MAX] {
        (0..16).for_each(|word| heap.scribble(block, word, value));
        for word in 1..=16 {
            refused(&mut heap, payload + word * WORD, FreeError::Inside { payload });
        }
    }
    refused(&mut heap, payload - WORD, FreeError::Inside { payload });
}

#[test]
fn a_pointer_to_the_header_of_a_block_behind_a_hole_is_refused() {
    let mut heap = TestHeap::new(PAGE, PAGE);
    let [hole, block] = heap.take_smallest();
    heap.free(hole);
    let payload = block.addr().get();
    refused(&mut heap, payload - WORD, FreeError::Inside { payload });
}

#[test]
fn a_second_free_is_refused() {
    let mut heap = TestHeap::new(PAGE, PAGE);
    let [block, _] = heap.take_smallest();
    heap.free(block);
    refused(&mut heap, block.addr().get(), FreeError::AlreadyFree);
}

#[test]
fn a_second_free_is_refused_after_any_merge() {
    for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
        let mut heap = TestHeap::new(PAGE, PAGE);
        let [first, blocks @ ..]: [_; 5] = heap.take_smallest();
        for index in order {
            heap.free(blocks[index]);
        }
        // Both tags of the last freed block, which had a free neighbor on each side, lie in the middle of the hole.
        for block in &blocks[..3] {
            refused(&mut heap, block.addr().get(), FreeError::AlreadyFree);
        }
        heap.free(first);
        // The same after the whole hole has been allocated.
        let whole = heap.take(4 * SMALLEST - TAGS);
        assert_eq!(whole, first);
        for block in &blocks[..3] {
            refused(&mut heap, block.addr().get(), FreeError::Inside { payload: whole.addr().get() });
        }
    }
}

#[test]
fn a_second_free_is_refused_when_the_first_was_that_of_the_last_block() {
    for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
        let mut heap = TestHeap::new(PAGE, PAGE);
        let blocks: [_; 3] = heap.take_smallest();
        for index in order {
            heap.free(blocks[index]);
        }
        for block in blocks {
            refused(&mut heap, block.addr().get(), FreeError::AlreadyFree);
        }
        // The same after one block has taken the place of all of them, and its owner has not written to it yet.
        let whole = heap.take(3 * SMALLEST - TAGS);
        assert_eq!(whole, blocks[0]);
        for block in &blocks[1..] {
            refused(&mut heap, block.addr().get(), FreeError::Inside { payload: whole.addr().get() });
        }
    }
}

#[test]
fn memory_that_was_never_allocated_is_refused() {
    let mut heap = TestHeap::new(PAGE, PAGE);
    let start = heap.start();
    for word in (0..PAGE / WORD).step_by(if cfg!(miri) { 61 } else { 1 }) {
        refused(&mut heap, start + word * WORD, FreeError::AlreadyFree);
    }
}

#[test]
fn a_write_past_the_end_of_a_block_is_noticed_when_it_is_freed() {
    // The write may end in the block's own footer, or continue over the next header.
    for words_too_many in 1..=3 {
        let mut heap = TestHeap::new(PAGE, PAGE);
        let [before, block, after, _] = std::array::from_fn(|_| heap.take(8 * WORD));
        let payload = block.addr().get();
        (0..8 + words_too_many).for_each(|word| heap.scribble(block, word, 0));

        refused(&mut heap, payload, FreeError::Damaged { payload });
        assert_eq!(heap.heap.check(), Err(Unsound::Damaged(payload - WORD)));
        if words_too_many > 1 {
            refused(&mut heap, after.addr().get(), FreeError::Damaged { payload });
        } else {
            heap.free(after);
        }
        heap.free(before);
    }
}

#[test]
fn a_damaged_neighbor_is_not_merged_with() {
    let mut heap = TestHeap::new(PAGE, PAGE);
    let [before, block, after, _] = std::array::from_fn(|_| heap.take(8 * WORD));
    heap.free(block);
    let payload = block.addr().get();
    heap.scribble(before, 9, 0);
    // Without its header, the heap cannot know whether the block is free, or how large it is.
    heap.free(after);
    heap.free(before);
    assert_eq!(heap.heap.check(), Err(Unsound::Damaged(payload - WORD)));
    refused(&mut heap, payload, FreeError::Damaged { payload });
}

#[test]
#[cfg(debug_assertions)]
#[should_panic(expected = "was written to after it was freed")]
fn a_write_to_a_freed_block_is_noticed_when_it_is_taken() {
    let mut heap = TestHeap::new(PAGE, PAGE);
    let [block, other] = heap.take_smallest();
    heap.free(block);
    heap.scribble(block, 0, other.addr().get() - WORD);
    heap.take(WORD);
}

#[test]
#[cfg(debug_assertions)]
#[should_panic(expected = "were overwritten")]
fn a_write_over_the_tags_of_a_free_block_is_noticed_when_it_is_looked_at() {
    let mut heap = TestHeap::new(PAGE, PAGE);
    let [block, _] = heap.take_smallest();
    heap.free(block);
    heap.scribble(block, 2, usize::MAX);
    heap.take(WORD);
}

#[test]
#[should_panic(expected = "heap: a damaged link or size leads to 0x1, where no block can be")]
fn a_damaged_note_is_told() {
    let mut heap = TestHeap::new(PAGE, PAGE);
    let [block, _] = heap.take_smallest();
    heap.free(block);
    heap.scribble(block, 0, 1);
    heap.take(WORD);
}

#[test]
#[should_panic(expected = "a heap cannot begin at this address")]
fn no_heap_begins_at_0() {
    Heap::new(0);
}

#[test]
fn the_reasons_are_sentences() {
    assert_eq!(FreeError::Outside.to_string(), "it is not in the heap");
    let misaligned = "it is not aligned to a word, so no allocation begins there";
    assert_eq!(FreeError::Misaligned.to_string(), misaligned);
    let damaged = "the heap is damaged: code wrote past the end of the allocation at 0xc0000004 or of the \
                   one before it";
    assert_eq!(FreeError::Damaged { payload: 0xC000_0004 }.to_string(), damaged);
    assert_eq!(FreeError::AlreadyFree.to_string(), "it is free already; was it freed twice?");
    let error = FreeError::Inside { payload: 0xC000_0004 };
    assert_eq!(error.to_string(), "it points into the allocation at 0xc0000004");
}

/// The value of a stray write: any number, a size with or without the bit that means "in use", or an address near the
/// heap.
fn stray() -> impl Strategy<Value = usize> {
    let near = (0..4 * PAGE).prop_map(|offset| offset | NEAR);
    prop_oneof![any::<usize>(), 0..4 * PAGE, near]
}

/// Marks a number as an offset into the arena, because no strategy knows the arena's address.
const NEAR: usize = 1 << (usize::BITS - 1);

proptest! {
    #[test]
    fn a_damaged_heap_writes_nowhere_but_to_itself(
        sizes in prop::collection::vec(0..300usize, 20..30),
        damage in prop::collection::vec((0..2 * PAGE / WORD, stray()), 1..40),
    ) {
        // The heap has the two pages in the middle of its arena.
        let mut heap = TestHeap::new(0, 4 * PAGE);
        let arena = heap.arena.addr().get();
        heap.heap = Heap::new(arena + PAGE);
        heap.grow(2 * PAGE);
        let mut blocks: Vec<_> = sizes.iter().filter_map(|&size| heap.heap.allocate(layout(size, WORD))).collect();
        blocks.iter().step_by(3).for_each(|&block| heap.free(block));

        for (number, (word, value)) in damage.into_iter().enumerate() {
            let value = if value & NEAR == 0 { value } else { arena + (value ^ NEAR) % (4 * PAGE) };
            heap.scribble_at(arena + PAGE + word * WORD, value);
            // The heap may succeed, return an error or panic. It may not write outside its memory.
            let _ = catch_unwind(AssertUnwindSafe(|| {
                let block = blocks[number % blocks.len()];
                let _ = heap.heap.free(block);
                blocks.extend(heap.heap.allocate(layout(sizes[number % sizes.len()], WORD)));
            }));
        }
        for outside in (0..PAGE).chain(3 * PAGE..4 * PAGE) {
            // SAFETY: the byte lies in the arena, and the heap is not running.
            prop_assert_eq!(unsafe { heap.arena.add(outside).read() }, 0xA5, "byte {} was written to", outside);
        }
    }
}
