//! The blocks of chapter 6's heap, walked from outside. `chapters/06-heap/src/blocks.rs` describes their layout, and
//! `chapters/06-heap/src/free_lists.rs` the list that each free block is in.
//!
//! It needs the heap's bytes, their address and the top, and trusts none of them: a footer that differs from its
//! header is an error, and so is a free list that does not hold exactly the free blocks of its sizes.

use crate::paper::hexadecimal;
use anyhow::{Context, Result, bail, ensure};
use serde::Serialize;
use std::collections::BTreeMap;

const WORD: u32 = 4;
/// The smallest block in bytes.
pub const SMALLEST: u32 = 4 * WORD;
const USED: u32 = 1;
/// The number of lists for the sizes from one power of two to the next.
const STEPS: u32 = 8;
/// How many words of its owner's data are recorded for a block.
const CONTENT_WORDS: u32 = 4;

/// A block, or the memory above the top, which is free and not a block.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Block {
    /// Its address, in hexadecimal.
    pub address: String,
    /// Its address.
    #[serde(skip)]
    pub start: u32,
    /// Its size, header and footer included.
    pub bytes: u32,
    /// Its state.
    pub state: State,
    /// For a block in use, its first words.
    pub content: Vec<u32>,
}

/// The state of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum State {
    /// It has an owner.
    InUse,
    /// Free: the block with this number, counted from 1, in the list for the sizes from `least` bytes to `most`.
    Free {
        /// The smallest size in the list.
        least: u32,
        /// The largest.
        most: u32,
        /// Its place in the list.
        number: usize,
    },
    /// Above the top.
    NotNeeded,
}

impl Block {
    /// Whether it is free.
    pub fn is_free(&self) -> bool {
        self.state != State::InUse
    }
}

/// The kernel's own account of its heap: the numbers of its log line, in order.
#[derive(Debug, PartialEq)]
pub struct Usage {
    /// The size of the heap.
    pub total_bytes: u32,
    /// The number of blocks in use.
    pub used_blocks: u32,
    /// Their total size.
    pub used_bytes: u32,
    /// The number of free blocks.
    pub free_blocks: u32,
    /// The size of the largest.
    pub largest_free_bytes: u32,
}

impl Usage {
    /// The account of these blocks.
    pub fn of(blocks: &[Block]) -> Self {
        let count = |free: bool| blocks.iter().filter(|block| block.is_free() == free).count() as u32;
        let bytes = |free: bool| blocks.iter().filter(move |block| block.is_free() == free).map(|block| block.bytes);
        Self {
            total_bytes: bytes(true).chain(bytes(false)).sum(),
            used_blocks: count(false),
            used_bytes: bytes(false).sum(),
            free_blocks: count(true),
            largest_free_bytes: bytes(true).max().unwrap_or(0),
        }
    }

    /// The accounts in all log lines that have one.
    pub fn all_in(log: &str) -> Vec<Self> {
        let usage = |line: &str| {
            let line = line.contains(" blocks in use with ").then_some(line)?;
            let words = line.split_whitespace().filter_map(|word| word.trim_end_matches(',').parse().ok());
            let numbers: [u32; 5] = words.collect::<Vec<_>>().try_into().ok()?;
            let [total_bytes, used_blocks, used_bytes, free_blocks, largest_free_bytes] = numbers;
            Some(Self { total_bytes, used_blocks, used_bytes, free_blocks, largest_free_bytes })
        };
        log.lines().filter_map(usage).collect()
    }
}

/// All blocks of a heap with these bytes, the first of them at `start`, and the memory from `top` on.
pub fn walk(bytes: &[u8], start: u32, top: u32) -> Result<Vec<Block>> {
    let end = u32::try_from(bytes.len()).ok().and_then(|bytes| start.checked_add(bytes));
    let end = end.context("the heap goes beyond the last address")?;
    ensure!((start..=end).contains(&top), "the top is at {top:#010x}, which is not in the heap");
    let word = |address: u32| -> Result<u32> {
        let offset = address.checked_sub(start).context("an address below the heap")? as usize;
        let word = bytes.get(offset..offset + WORD as usize).context("an address beyond the heap")?;
        Ok(u32::from_le_bytes(word.try_into()?))
    };
    let mut blocks: Vec<Block> = Vec::new();
    let mut at = start;
    while at < top {
        let header = word(at)?;
        let size = header & !USED;
        ensure!(
            size >= SMALLEST && size.is_multiple_of(WORD) && size <= top - at,
            "no block lies at {at:#010x}: its header is {header:#x}"
        );
        let footer = at + size - WORD;
        ensure!(
            word(footer)? ^ footer == header,
            "the footer at {footer:#010x} does not agree with the header at {at:#010x}"
        );
        let is_used = header & USED != 0;
        let content =
            (1..=CONTENT_WORDS).map(|number| at + number * WORD).filter(|address| is_used && *address < footer);
        let content = content.map(word).collect::<Result<_>>()?;
        let (least, most) = sizes_listed_with(size);
        let state = if is_used { State::InUse } else { State::Free { least, most, number: 0 } };
        blocks.push(Block { address: hexadecimal(at), start: at, bytes: size, state, content });
        at += size;
    }
    number_free(&mut blocks, word)?;
    if top < end {
        let (address, bytes) = (hexadecimal(top), end - top);
        blocks.push(Block { address, start: top, bytes, state: State::NotNeeded, content: Vec::new() });
    }
    Ok(blocks)
}

/// The smallest and the largest size that share a free list with `size` bytes.
fn sizes_listed_with(size: u32) -> (u32, u32) {
    let step = ((1 << size.ilog2()) / STEPS).max(WORD);
    let least = size / step * step;
    (least, least + step - WORD)
}

/// Follows the free lists. A list's first block is the one without a previous block.
fn number_free(blocks: &mut [Block], word: impl Fn(u32) -> Result<u32>) -> Result<()> {
    let mut lists: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
    for (index, block) in blocks.iter().enumerate() {
        if let State::Free { least, .. } = block.state {
            lists.entry(least).or_default().push(index);
        }
    }
    for (list, mut members) in lists {
        let (mut previous, mut next) = (0, 0);
        for &index in &members {
            let block = blocks[index].start;
            if word(block + 2 * WORD)? == 0 {
                ensure!(next == 0, "two blocks are the first of one free list: {next:#010x} and {block:#010x}");
                next = block;
            }
        }
        for place in 1..=members.len() {
            let Some(at) = members.iter().position(|&index| blocks[index].start == next) else {
                bail!(
                    "the free list for {list} bytes leads to {next:#010x}, where none of its blocks begins, or for the second time"
                );
            };
            ensure!(word(next + 2 * WORD)? == previous, "the free block at {next:#010x} has a wrong link back");
            if let State::Free { number, .. } = &mut blocks[members.remove(at)].state {
                *number = place;
            }
            previous = next;
            next = word(next + WORD)?;
        }
        ensure!(next == 0, "the free list for {list} bytes goes on to {next:#010x} after all of its blocks");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: u32 = 0xC000_0000;

    /// The bytes of a heap with these blocks, given by their sizes in words and, for free ones, their two links.
    fn heap(blocks: &[(u32, Option<[u32; 2]>)]) -> Vec<u8> {
        let mut words = Vec::new();
        for (size, links) in blocks {
            let header = (size * WORD) | if links.is_some() { 0 } else { USED };
            words.push(header);
            words.extend(links.unwrap_or([7, 8]));
            words.extend((0..size - 4).map(|_| 9));
            let footer = START + words.len() as u32 * WORD;
            words.push(header ^ footer);
        }
        words.iter().flat_map(|word| word.to_le_bytes()).collect()
    }

    fn at(word: u32) -> u32 {
        START + word * WORD
    }

    fn walk_all(bytes: &[u8]) -> Result<Vec<Block>> {
        walk(bytes, START, START + bytes.len() as u32)
    }

    fn free(least: u32, most: u32, number: usize) -> State {
        State::Free { least, most, number }
    }

    #[test]
    fn blocks_follow_one_another_and_free_ones_have_an_order() {
        let bytes = heap(&[(6, Some([0, at(11)])), (5, None), (6, Some([at(0), 0])), (4, None), (4, Some([0, 0]))]);
        let blocks = walk_all(&bytes).expect("a sound heap");
        let seen: Vec<_> = blocks.iter().map(|block| (block.start, block.bytes, block.state)).collect();
        let expected = [
            (at(0), 24, free(24, 24, 2)),
            (at(6), 20, State::InUse),
            (at(11), 24, free(24, 24, 1)),
            (at(17), 16, State::InUse),
            (at(21), 16, free(16, 16, 1)),
        ];
        assert_eq!(seen, expected);
        assert_eq!((&blocks[1].content, &blocks[3].content, blocks[0].content.len()), (&vec![7, 8, 9], &vec![7, 8], 0));
        let usage = Usage { total_bytes: 100, used_blocks: 2, used_bytes: 36, free_blocks: 3, largest_free_bytes: 24 };
        assert_eq!(Usage::of(&blocks), usage);
    }

    #[test]
    fn memory_above_the_top_is_free() {
        let mut bytes = heap(&[(5, None)]);
        bytes.extend([0xA5; 8]);
        let blocks = walk(&bytes, START, at(5)).expect("a sound heap");
        assert_eq!((blocks[1].start, blocks[1].bytes, blocks[1].state), (at(5), 8, State::NotNeeded));
        assert_eq!(Usage::of(&blocks).largest_free_bytes, 8);
        assert!(walk(&bytes, START, at(8)).expect_err("it is beyond the heap").to_string().contains("the top"));
    }

    #[test]
    fn a_heap_without_memory_has_no_blocks() {
        assert_eq!(walk_all(&[]).expect("a sound heap"), []);
    }

    #[test]
    fn eight_lists_serve_the_sizes_from_one_power_of_two_to_the_next() {
        assert_eq!([16, 20, 60].map(sizes_listed_with), [(16, 16), (20, 20), (60, 60)]);
        assert_eq!(
            [64, 68, 72, 124, 128].map(sizes_listed_with),
            [(64, 68), (64, 68), (72, 76), (120, 124), (128, 140)]
        );
        assert_eq!([408, 4096].map(sizes_listed_with), [(384, 412), (4096, 4604)]);
    }

    #[test]
    fn damage_is_reported() {
        let sound = [(6, Some([0, 0])), (4, None)];
        let damaged = |byte: usize| {
            let mut bytes = heap(&sound);
            bytes[byte] ^= 1 << 5;
            walk_all(&bytes).expect_err("it is damaged").to_string()
        };
        assert!(walk_all(&heap(&sound)).is_ok());
        assert!(damaged(0).contains("no block lies at") || damaged(0).contains("does not agree"), "{}", damaged(0));
        assert!(damaged(5 * 4).contains("footer at 0xc0000014"), "{}", damaged(5 * 4));
        assert!(damaged(4).contains("goes on"), "{}", damaged(4));
        assert!(damaged(8).contains("leads to"), "{}", damaged(8));
    }

    #[test]
    fn a_circular_free_list_is_reported() {
        let circle = heap(&[(4, Some([at(4), at(4)])), (4, Some([at(0), at(0)]))]);
        assert!(walk_all(&circle).expect_err("it has no first block").to_string().contains("leads to 0x00000000"));
        let loops = heap(&[(4, Some([at(0), 0]))]);
        assert!(walk_all(&loops).expect_err("it has no end").to_string().contains("goes on"));
    }

    #[test]
    fn a_list_with_a_block_of_another_size_is_reported() {
        let mixed = heap(&[(4, Some([at(4), 0])), (5, Some([0, at(0)]))]);
        assert!(walk_all(&mixed).is_err());
    }

    #[test]
    fn the_kernels_own_lines_are_parsed() {
        let log = "With three boxes:\n  4096 bytes, 3 blocks in use with 1224 bytes, 1 free, the largest 2872\nA vector of 2000.\n";
        let usage =
            Usage { total_bytes: 4096, used_blocks: 3, used_bytes: 1224, free_blocks: 1, largest_free_bytes: 2872 };
        assert_eq!(Usage::all_in(log), [usage]);
    }
}
