//! Tests of the heap, one behavior per test.

use super::*;

#[test]
fn a_payload_that_is_aligned_as_it_lies_is_not_moved() {
    let mut heap = TestHeap::new(4 * PAGE, 4 * PAGE);
    // The next payload begins exactly at a page boundary.
    heap.take(PAGE - WORD - TAGS);
    let aligned = heap.heap.allocate(layout(64, PAGE)).unwrap();
    assert_eq!(aligned.addr().get(), heap.start() + PAGE);
    assert_eq!(heap.usage().free_blocks, 1, "a gap where none was needed");
}

#[test]
fn a_payload_moves_up_to_the_next_aligned_address_and_no_further() {
    let mut heap = TestHeap::new(4 * PAGE, 4 * PAGE);
    let first = heap.heap.allocate(layout(64, PAGE)).unwrap();
    let second = heap.heap.allocate(layout(64, PAGE)).unwrap();
    assert_eq!(first.addr().get(), heap.start() + PAGE);
    assert_eq!(second.addr().get(), heap.start() + 2 * PAGE);
    heap.check();
}

#[test]
fn every_alignment_up_to_a_page_is_served_and_none_beyond() {
    let mut heap = TestHeap::new(64 * PAGE, 64 * PAGE);
    for align in (0..=12).map(|power| 1 << power) {
        for size in [0, 1, align, 3 * align + 1] {
            let pointer = heap.heap.allocate(layout(size, align)).unwrap();
            assert!(pointer.addr().get().is_multiple_of(align), "{pointer:?} for alignment {align}");
            heap.check();
        }
    }
    assert_eq!(heap.heap.allocate(layout(1, 2 * PAGE)), None);
    assert!(heap.heap.shortfall(layout(1, 2 * PAGE)) > isize::MAX as usize);
}

#[test]
fn the_gap_before_an_aligned_block_is_a_block_or_nothing() {
    for words in (2..80).step_by(if cfg!(miri) { 13 } else { 1 }) {
        for align in (3..=10).map(|power| 1 << power) {
            let mut heap = TestHeap::new(4 * PAGE, 4 * PAGE);
            let filler = heap.take(words * WORD);
            let aligned = heap.heap.allocate(layout(8, align)).unwrap();
            heap.check();
            heap.free(filler);
            heap.free(aligned);
            heap.check();
            assert_eq!(heap.usage().free_blocks, 1);
        }
    }
}

#[test]
fn a_rest_too_small_for_a_block_stays_with_the_block_in_use() {
    for rest in 0..8 {
        let mut heap = TestHeap::new(PAGE, PAGE);
        let size = 16 * WORD;
        let hole = heap.take(size + rest * WORD);
        let wall = heap.take(WORD);
        heap.free(hole);

        let block = heap.take(size);
        assert_eq!(block, hole);
        // Fill the payload to the last byte, so that this hits a tag in the wrong place.
        (0..16).for_each(|word| heap.scribble(block, word, usize::MAX));
        heap.check();
        let blocks = if rest * WORD < SMALLEST { 1 } else { 2 };
        assert_eq!(heap.usage().free_blocks, blocks, "a rest of {rest} words");
        heap.free(block);
        heap.free(wall);
        heap.check();
    }
}

#[test]
fn memory_that_was_never_needed_grows_in_one_piece() {
    let mut heap = TestHeap::new(PAGE, 2 * PAGE);
    heap.check();
    heap.grow(PAGE);
    heap.check();
    assert_eq!((heap.usage().free_blocks, heap.usage().largest_free_bytes), (1, 2 * PAGE));
}

#[test]
fn growth_enlarges_what_is_free_at_the_end() {
    let mut heap = TestHeap::new(PAGE, 2 * PAGE);
    let [first] = heap.take_smallest();
    heap.grow(PAGE);
    heap.check();
    assert_eq!(heap.usage().free_blocks, 1);
    assert_eq!(heap.usage().largest_free_bytes, 2 * PAGE - SMALLEST);
    heap.free(first);
    assert_eq!(heap.usage().largest_free_bytes, 2 * PAGE);
}

#[test]
fn growth_leaves_alone_a_hole_that_has_a_block_after_it() {
    let mut heap = TestHeap::new(PAGE, 2 * PAGE);
    let hole = heap.take(64 * WORD);
    heap.take(PAGE - 64 * WORD - 2 * TAGS);
    heap.free(hole);
    assert_eq!(heap.usage().free_bytes, 64 * WORD + TAGS, "the page is full except for the hole");

    heap.grow(PAGE);
    heap.check();
    assert_eq!(heap.usage().free_blocks, 2);
    assert_eq!(heap.usage().largest_free_bytes, PAGE);
    // A request of a whole page fits into the new memory, and the hole is still available.
    assert_eq!(heap.take(PAGE - TAGS).addr().get(), heap.start() + PAGE + WORD);
    assert_eq!(heap.take(64 * WORD), hole);
    heap.check();
}

#[test]
fn growth_takes_nothing_from_a_heap_that_is_full() {
    let mut heap = TestHeap::new(PAGE, 3 * PAGE);
    heap.take(PAGE - TAGS);
    assert_eq!(heap.usage().free_bytes, 0);
    assert_eq!(heap.heap.allocate(layout(1, 1)), None);
    heap.grow(2 * PAGE);
    heap.check();
    assert_eq!(heap.usage().free_bytes, 2 * PAGE);
}

#[test]
#[should_panic(expected = "growth at")]
fn growth_has_to_begin_where_the_heap_ends() {
    let mut heap = TestHeap::new(PAGE, 3 * PAGE);
    // SAFETY: the page is the third one of the arena.
    heap.heap.grow(unsafe { Memory::new(heap.start() + 2 * PAGE, PAGE) });
}

#[test]
#[should_panic(expected = "the size is not a multiple of a word")]
fn memory_is_made_of_whole_words() {
    // SAFETY: the test does not use it.
    let _ = unsafe { Memory::new(PAGE, PAGE - 1) };
}

/// Memory that is never read or written.
fn memory() -> Memory {
    // SAFETY: the tests only compute addresses in it, and access none.
    unsafe { Memory::new(PAGE, PAGE) }
}

#[test]
#[should_panic(expected = "bytes are too few or not whole words")]
fn what_is_cut_off_above_the_top_is_a_block() {
    memory().raise_top(WORD);
}

#[test]
#[should_panic(expected = "heap: only the last block can move the top down")]
fn only_the_last_block_goes_back_above_the_top() {
    let mut memory = memory();
    let first = memory.raise_top(SMALLEST).expect("there is room");
    let _second = memory.raise_top(SMALLEST);
    memory.lower_top(first);
}

#[test]
#[should_panic(expected = "heap: only neighbors can be merged")]
fn a_block_is_merged_with_its_neighbor_alone() {
    let mut memory = memory();
    let [first, _, third] = [(); 3].map(|()| memory.raise_top(SMALLEST).expect("there is room"));
    let _ = first.join(third);
}

#[test]
fn memory_begins_with_a_whole_word_that_is_not_at_0() {
    for start in [0, 1, WORD - 1, PAGE + WORD / 2] {
        assert!(std::panic::catch_unwind(|| Heap::new(start)).is_err(), "{start:#x}");
    }
}

#[test]
fn freeing_never_makes_the_heap_smaller() {
    let mut heap = TestHeap::new(4 * PAGE, 4 * PAGE);
    let first = heap.take(PAGE);
    let last = heap.take(2 * PAGE);
    heap.free(last);
    assert_eq!(heap.usage().total_bytes, 4 * PAGE);
    heap.free(first);
    assert_eq!(heap.usage().total_bytes, 4 * PAGE);
    assert_eq!(heap.usage().free_bytes, 4 * PAGE);
}

#[test]
fn a_freed_block_merges_with_free_neighbors_on_both_sides() {
    // In any order, freeing the three leaves one hole of their total size, which serves one request.
    for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
        let mut heap = TestHeap::new(PAGE, PAGE);
        let blocks: [_; 3] = heap.take_smallest();
        heap.take(PAGE - 3 * SMALLEST - TAGS);
        for index in order {
            heap.free(blocks[index]);
            heap.check();
        }
        assert_eq!(heap.usage().free_blocks, 1);
        assert_eq!(heap.usage().largest_free_bytes, 3 * SMALLEST);
        assert_eq!(heap.take(3 * SMALLEST - TAGS), blocks[0]);
        assert_eq!(heap.heap.allocate(layout(1, 1)), None);
    }
}

#[test]
fn a_freed_block_does_not_merge_with_neighbors_in_use() {
    let mut heap = TestHeap::new(PAGE, PAGE);
    let [_, middle, _] = heap.take_smallest();
    heap.free(middle);
    heap.check();
    assert_eq!(heap.usage().free_blocks, 2);
    assert_eq!(heap.take(SMALLEST - TAGS), middle);
}

#[test]
fn a_block_that_was_merged_is_not_given_out_a_second_time() {
    let mut heap = TestHeap::new(PAGE, PAGE);
    let [left, right, _] = heap.take_smallest();
    heap.take(PAGE - 3 * SMALLEST - TAGS);
    heap.free(right);
    heap.free(left);
    // `right` is now part of the hole at `left`, and must have left its list.
    heap.check();
    assert_eq!(heap.take(2 * SMALLEST - TAGS), left);
    assert_eq!(heap.heap.allocate(layout(1, 1)), None);
    assert_eq!(heap.usage().free_blocks, 0);
}

#[test]
fn the_first_and_the_last_block_are_freed_without_a_look_outside() {
    // `Memory` allows no access outside the heap, so the test succeeds if nothing panics.
    let mut heap = TestHeap::new(PAGE, PAGE);
    let first = heap.take(64);
    let last = heap.take(PAGE - 64 - 2 * TAGS);
    heap.free(last);
    heap.free(first);
    heap.check();
    assert_eq!(heap.usage().free_blocks, 1);
}

#[test]
fn nothing_fits_in_a_heap_without_memory() {
    let mut heap = TestHeap::new(0, PAGE);
    assert_eq!(heap.heap.allocate(layout(1, 1)), None);
    assert_eq!(heap.usage(), Usage::default());
    heap.check();
    assert_eq!(heap.heap.shortfall(layout(1, 1)), SMALLEST);
}

#[test]
fn no_size_is_so_large_that_a_sum_overflows() {
    let mut heap = TestHeap::new(PAGE, PAGE);
    for align in [1, WORD, PAGE] {
        let size = isize::MAX as usize - (align - 1);
        assert_eq!(heap.heap.allocate(layout(size, align)), None);
        assert!(heap.heap.shortfall(layout(size, align)) > size - PAGE);
    }
}

#[test]
fn zero_bytes_get_an_address_of_their_own() {
    let mut heap = TestHeap::new(PAGE, PAGE);
    let [first, second] = std::array::from_fn(|_| heap.take(0));
    assert_ne!(first, second);
    heap.free(first);
    heap.free(second);
    heap.check();
}

#[test]
fn what_is_free_at_the_end_is_used_to_the_last_word() {
    let mut heap = TestHeap::new(PAGE, 2 * PAGE);
    // The rest is too small for a block, and stays unused until the heap grows.
    heap.take(PAGE - TAGS - WORD);
    assert_eq!((heap.usage().free_blocks, heap.usage().largest_free_bytes), (1, WORD));
    assert_eq!(heap.heap.allocate(layout(0, 1)), None);
    heap.check();
    assert_eq!(heap.heap.shortfall(layout(PAGE, WORD)), PAGE + TAGS - WORD);
    heap.grow(PAGE);
    heap.check();
    heap.take(PAGE + WORD - TAGS);
    assert_eq!(heap.usage().free_bytes, 0);
}

#[test]
fn the_last_block_goes_back_to_the_memory_that_was_never_needed() {
    for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
        let mut heap = TestHeap::new(PAGE, PAGE);
        let blocks: [_; 3] = heap.take_smallest();
        for index in order {
            heap.free(blocks[index]);
            heap.check();
        }
        assert_eq!((heap.usage().free_blocks, heap.usage().largest_free_bytes), (1, PAGE));
    }
}

#[test]
fn the_memory_that_was_never_needed_is_taken_last() {
    let mut heap = TestHeap::new(4 * PAGE, 4 * PAGE);
    let hole = heap.take(PAGE);
    heap.take(WORD);
    heap.free(hole);
    assert_eq!(heap.take(WORD), hole);
}
