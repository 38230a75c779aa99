//! Tests of the heap's consistency check: the damage that it finds.

use super::*;
use crate::{check::Unsound, free_lists::list_for};

/// A full heap with two holes, the first and second in their list, and a block in use between them.
fn with_two_holes() -> (TestHeap, [NonNull<u8>; 3]) {
    let mut heap = TestHeap::new(PAGE, PAGE);
    let [first, wall, second, _] = std::array::from_fn(|_| heap.take(8 * WORD));
    heap.take(heap.usage().largest_free_bytes - TAGS);
    heap.free(second);
    heap.free(first);
    heap.check();
    (heap, [first, wall, second])
}

/// The address of the block whose payload is at `pointer`. The payload of a free block begins with two links: to the
/// next block and to the previous one.
fn block(pointer: NonNull<u8>) -> usize {
    pointer.addr().get() - WORD
}

#[test]
fn a_list_that_is_cut_short_is_noticed() {
    let (mut heap, [first, ..]) = with_two_holes();
    heap.scribble(first, 0, 0);
    assert_eq!(heap.heap.check(), Err(Unsound::Miscounted { listed: 1, free: 2 }));
}

#[test]
fn a_list_without_end_is_noticed() {
    let (mut heap, [first, _, second]) = with_two_holes();
    heap.scribble(second, 0, block(first));
    heap.scribble(first, 1, block(second));
    assert_eq!(heap.heap.check(), Err(Unsound::Miscounted { listed: 3, free: 2 }));
}

#[test]
fn a_link_to_a_block_in_use_is_noticed() {
    let (mut heap, [_, wall, second]) = with_two_holes();
    heap.scribble(second, 0, block(wall));
    heap.scribble(wall, 0, 0);
    heap.scribble(wall, 1, block(second));
    assert_eq!(heap.heap.check(), Err(Unsound::WrongLink(block(wall))));
}

#[test]
fn a_link_into_the_midst_of_a_hole_is_noticed() {
    let (mut heap, [_, _, second]) = with_two_holes();
    // With zeros, the words there look like a free block that is the last in its list.
    let midst = block(second) + 4 * WORD;
    (3..8).for_each(|word| heap.scribble(second, word, 0));
    heap.scribble(second, 0, midst);
    heap.scribble(second, 5, block(second));
    assert_eq!(heap.heap.check(), Err(Unsound::WrongLink(midst)));
}

#[test]
fn a_link_that_is_not_answered_is_noticed() {
    let (mut heap, [first, wall, second]) = with_two_holes();
    heap.scribble(second, 1, block(wall));
    assert_eq!(heap.heap.check(), Err(Unsound::WrongLink(block(first))));
}

#[test]
fn a_block_in_the_list_of_another_size_is_noticed() {
    let (mut heap, [first, ..]) = with_two_holes();
    // Make two blocks of half the size out of the hole: one that is free, and one that is in use.
    let half = (8 * WORD + TAGS) / 2;
    for (at, header) in [(block(first), half), (block(first) + half, half | 1)] {
        heap.scribble_at(at, header);
        heap.scribble_at(at + half - WORD, header ^ (at + half - WORD));
    }
    assert_eq!(heap.heap.check(), Err(Unsound::WrongLink(block(first))));
}

#[test]
fn a_bit_that_tells_of_no_list_is_noticed() {
    let (mut heap, _) = with_two_holes();
    let empty = list_for(SMALLEST);
    heap.heap.free_lists.filled.set(empty);
    assert_eq!(heap.heap.check(), Err(Unsound::WrongBit(empty)));
}

#[test]
fn a_list_without_its_bit_is_noticed() {
    let (mut heap, _) = with_two_holes();
    let filled = list_for(8 * WORD + TAGS);
    heap.heap.free_lists.filled.clear(filled);
    assert_eq!(heap.heap.check(), Err(Unsound::WrongBit(filled)));
}

#[test]
fn a_free_block_that_ends_at_the_top_is_noticed() {
    let mut heap = TestHeap::new(PAGE, PAGE);
    let [_, last] = heap.take_smallest();
    let footer = block(last) + SMALLEST - WORD;
    heap.scribble_at(block(last), SMALLEST);
    heap.scribble_at(footer, SMALLEST ^ footer);
    assert_eq!(heap.heap.check(), Err(Unsound::BelowTop(block(last))));
}

#[test]
fn two_free_neighbors_are_noticed() {
    let (mut heap, [first, wall, _]) = with_two_holes();
    let size = 8 * WORD + TAGS;
    let footer = block(wall) + size - WORD;
    heap.scribble_at(block(wall), size);
    heap.scribble_at(footer, size ^ footer);
    assert_eq!(block(wall), block(first) + size);
    assert_eq!(heap.heap.check(), Err(Unsound::Unmerged(block(wall))));
}
