//! Tests of the free lists: the list for a size, and the block that serves a request.

use super::*;
use crate::free_lists::{LISTS, list_for};

/// A full heap except for holes of these sizes. The last one comes first in its list.
fn with_holes<const COUNT: usize>(sizes: [usize; COUNT]) -> (TestHeap, [NonNull<u8>; COUNT]) {
    let mut heap = TestHeap::new(16 * PAGE, 16 * PAGE);
    let holes = sizes.map(|size| {
        let hole = heap.take(size - TAGS);
        heap.take(WORD);
        hole
    });
    heap.take(heap.usage().largest_free_bytes - TAGS);
    holes.iter().for_each(|&hole| heap.free(hole));
    heap.check();
    assert_eq!(heap.usage().free_blocks, COUNT);
    (heap, holes)
}

#[test]
fn small_sizes_have_lists_of_their_own() {
    let lists: Vec<usize> = (4..16).map(|words| list_for(words * WORD)).collect();
    assert!(lists.windows(2).all(|pair| pair[0] < pair[1]), "{lists:?}");
}

#[test]
#[cfg_attr(miri, ignore = "it uses no memory of the heap")]
fn the_sizes_in_one_list_differ_by_less_than_an_eighth() {
    for words in 4..100_000 {
        let size = words * WORD;
        let next = size + WORD;
        assert!(list_for(size) <= list_for(next) && list_for(next) <= list_for(size) + 1 + LISTS / 64, "{size}");
        let longer = size + size / 8;
        assert!(list_for(longer.next_multiple_of(WORD)) > list_for(size), "{size} and {longer}");
    }
}

#[test]
fn every_size_has_a_list() {
    for power in 0..usize::BITS {
        for size in [1 << power, (1 << power) | ((1 << power) - 1)] {
            assert!(list_for(size) < LISTS, "{size:#x}");
        }
    }
}

#[test]
fn a_hole_of_the_size_asked_for_is_taken_before_larger_ones() {
    let (mut heap, [larger, right, largest]) = with_holes([40, 32, 48].map(|words| words * WORD));
    assert_eq!(heap.take(32 * WORD - TAGS), right);
    assert_eq!(heap.take(32 * WORD - TAGS), larger);
    assert_eq!(heap.take(32 * WORD - TAGS), largest);
    heap.check();
}

#[test]
fn a_first_hole_that_is_too_small_is_not_taken() {
    // Both are in the same list, and the small one comes first.
    let (mut heap, [large, small]) = with_holes([33, 32].map(|words| words * WORD));
    assert_eq!(list_for(33 * WORD), list_for(32 * WORD));
    assert_eq!(heap.take(33 * WORD - TAGS), large);
    heap.check();
    assert_eq!(heap.heap.allocate(layout(33 * WORD - TAGS, WORD)), None);
    assert_eq!(heap.take(32 * WORD - TAGS), small);
}

#[test]
fn a_hole_that_fits_is_found_behind_any_number_that_do_not() {
    let mut sizes = [32 * WORD; 100];
    sizes[0] = 35 * WORD;
    let (mut heap, holes) = with_holes(sizes);
    assert_eq!(list_for(sizes[0]), list_for(sizes[1]));
    assert_eq!(heap.take(34 * WORD - TAGS), holes[0]);
    heap.check();
}

#[test]
fn a_hole_of_a_larger_size_is_found_wherever_its_bit_lies() {
    for words in (5..400).step_by(if cfg!(miri) { 97 } else { 1 }) {
        let (mut heap, [hole]) = with_holes([words * WORD]);
        for asked in (4..words).rev().step_by(7) {
            let block = heap.take(asked * WORD - TAGS);
            assert_eq!(block, hole, "{asked} words of {words}");
            heap.free(block);
            heap.check();
        }
    }
}

#[test]
fn an_aligned_request_finds_the_one_hole_that_it_fits_in() {
    // The hole's payload is aligned, and the request fits only because it needs no gap.
    for align in [64, 256, 1024] {
        let mut heap = TestHeap::new(4 * PAGE, 4 * PAGE);
        heap.take(1024 - WORD - TAGS);
        let hole = heap.take(256);
        assert!(hole.addr().get().is_multiple_of(align));
        heap.take(WORD);
        heap.take(heap.usage().largest_free_bytes - TAGS);
        heap.free(hole);
        assert_eq!(heap.heap.allocate(layout(264, align)), None);
        assert_eq!(heap.heap.allocate(layout(256, align)), Some(hole));
        heap.check();
    }
}

#[test]
fn an_aligned_request_leaves_its_gap_and_its_rest_free() {
    let (mut heap, [hole]) = with_holes([2 * PAGE]);
    let aligned = heap.heap.allocate(layout(64, PAGE)).unwrap();
    assert_eq!(aligned.addr().get(), heap.start() + PAGE);
    heap.check();
    assert_eq!(heap.usage().free_blocks, 2);
    assert_eq!(heap.usage().free_bytes, 2 * PAGE - 64 - TAGS);
    heap.free(aligned);
    heap.check();
    assert_eq!(heap.take(2 * PAGE - TAGS), hole);
}
