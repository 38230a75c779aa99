//! Judges exercise 6.3: blocks that get random sizes.

#![no_std]
#![no_main]

use common::Lock;
use ex06_grow_in_place::{Block, Heap};
use harness::seeded::{Random, show};
use harness::{Test, test};

harness::boot!(TESTS, up to interrupts);

const TESTS: &[Test] = &[
    test!(holes_behind_blocks),
    test!(the_last_block),
    test!(blocks_that_shrink),
    test!(random_sizes),
    test!(no_memory_to_move),
];

const WORDS: usize = 4096;

static MEMORY: Lock<[u32; WORDS]> = Lock::new([0; WORDS]);

/// What stands for "no block".
const NONE: u32 = u32::MAX;

fn number(number: u32) -> usize {
    number as usize
}

/// A block with a random payload of this many words.
fn block(heap: &mut Heap, words: u32, random: &mut Random) -> Block {
    let block = heap.allocate(number(words)).expect("the memory is ample");
    heap.payload_mut(block).iter_mut().for_each(|word| *word = random.word());
    block
}

/// A number that depends on the first words of a payload.
fn checksum(heap: &Heap, block: Block, words: usize) -> u32 {
    let payload = heap.payload(block);
    payload.iter().take(words).fold(1, |sum: u32, word| sum.rotate_left(5).wrapping_mul(0x9E37_79B9) ^ word)
}

fn show_block(heap: &Heap, block: Option<Block>, words: usize) {
    show("where the block begins (0xffffffff: there is none)", block.map_or(NONE, |block| block.start as u32));
    if let Some(block) = block {
        show("how many words the block has, tags included", block.size as u32);
        show("a checksum of the words that the block had before", checksum(heap, block, words));
    }
    show_usage(heap);
}

fn show_usage(heap: &Heap) {
    let usage = heap.usage();
    show(
        "whether the heap is sound: tags match, no two holes are neighbors, and none ends at the top",
        usage.is_sound.into(),
    );
    show("how many words all blocks in use have", usage.used as u32);
    show("how many holes there are", usage.holes as u32);
    show("how many words all holes have", usage.free as u32);
    show("how many words are above the top", usage.unused as u32);
}

fn holes_behind_blocks() {
    let (mut random, mut memory) = (Random::new(), MEMORY.lock());
    for round in 0..40 {
        let mut heap = Heap::new(&mut *memory);
        block(&mut heap, random.within(1..20), &mut random);
        let words = random.within(4..40);
        let grows = block(&mut heap, words, &mut random);
        let hole = block(&mut heap, random.within(8..60), &mut random);
        block(&mut heap, 1, &mut random);
        heap.free(hole);
        show("how many words the block has", grows.size as u32);
        show("how many words the hole behind it has", hole.size as u32);
        let most = words + hole.size as u32;
        // Every rest from 0 words to 7, some more, and some words too many.
        let wanted = match round {
            0..8 => most - round,
            8..12 => most + round - 7,
            _ => words + random.within(1..hole.size as u32),
        };
        let grown = heap.grow(grows, number(wanted));
        show_block(&heap, grown, number(words));
    }
}

fn the_last_block() {
    let (mut random, mut memory) = (Random::new(), MEMORY.lock());
    for _ in 0..5 {
        let all = number(random.within(300..WORDS as u32));
        let mut heap = Heap::new(&mut memory[..all]);
        block(&mut heap, random.within(1..20), &mut random);
        let mut words = 4;
        let mut last = block(&mut heap, words, &mut random);
        // As a `Vec` grows.
        while let Some(grown) = heap.grow(last, 2 * number(words)) {
            show_block(&heap, Some(grown), number(words));
            words *= 2;
            heap.payload_mut(grown).iter_mut().for_each(|word| *word = random.word());
            last = grown;
        }
        show_block(&heap, Some(last), number(words));
        let room = all - last.start - 2;
        let too_much = heap.grow(last, room + 1);
        show_block(&heap, too_much, number(words));
        let grown = heap.grow(last, room);
        show_block(&heap, grown, number(words));
    }
}

fn blocks_that_shrink() {
    let (mut random, mut memory) = (Random::new(), MEMORY.lock());
    for round in 0..45 {
        let mut heap = Heap::new(&mut *memory);
        block(&mut heap, random.within(1..20), &mut random);
        let words = random.within(30..60);
        let shrinks = block(&mut heap, words, &mut random);
        // Behind it: a block in use, a hole, or nothing.
        if round % 3 != 2 {
            let behind = block(&mut heap, random.within(2..20), &mut random);
            block(&mut heap, 1, &mut random);
            if round % 3 == 1 {
                heap.free(behind);
            }
        }
        let kept = words - if round < 24 { round / 3 } else { random.within(0..words) };
        show("how many words the payload has to keep", kept);
        let shrunk = heap.shrink(shrinks, number(kept));
        show_block(&heap, Some(shrunk), number(kept));
    }
}

fn random_sizes() {
    const MOST: usize = 12;
    let (mut random, mut memory) = (Random::new(), MEMORY.lock());
    let mut heap = Heap::new(&mut *memory);
    let mut all: [Option<(Block, usize)>; MOST] = [None; MOST];
    for _ in 0..200 {
        let slot = &mut all[number(random.within(0..MOST as u32))];
        let words = number(random.within(1..150));
        *slot = match *slot {
            None => Some((block(&mut heap, words as u32, &mut random), words)),
            Some((old, _)) if random.within(0..4) == 0 => {
                heap.free(old);
                None
            }
            Some((old, before)) => {
                let new = heap.reallocate(old, words).expect("the memory is ample");
                show_block(&heap, Some(new), before.min(words));
                Some((new, words))
            }
        };
    }
    for (block, words) in all.into_iter().flatten() {
        show("a checksum of a block at the end", checksum(&heap, block, words));
    }
}

fn no_memory_to_move() {
    let (mut random, mut memory) = (Random::new(), MEMORY.lock());
    for _ in 0..5 {
        let mut heap = Heap::new(&mut memory[..number(random.within(200..400))]);
        let words = random.within(4..40);
        let stays = block(&mut heap, words, &mut random);
        let hole = block(&mut heap, random.within(2..30), &mut random);
        let behind = block(&mut heap, random.within(2..30), &mut random);
        heap.free(hole);
        let moved = heap.reallocate(stays, number(words) + hole.size + random.within(300..1000) as usize);
        show_block(&heap, moved, number(words));
        show("a checksum of the block that could not move", checksum(&heap, stays, number(words)));
        // The block behind has the memory above the top.
        let grown = heap.reallocate(behind, 100);
        show_block(&heap, grown, 2);
    }
}
