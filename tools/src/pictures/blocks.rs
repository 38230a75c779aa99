//! The blocks of chapter 6's heap, walked from outside: `chapters/06-heap/src/blocks.rs` says how they lie.
//!
//! It needs the heap's bytes and their address, and believes nothing: a footer that does not agree with its
//! header, or a free list that does not hold just the free blocks, is an error.

use super::paper::hexadecimal;
use anyhow::{Context, Result, bail, ensure};
use serde::Serialize;

const WORD: u32 = 4;
const SMALLEST: u32 = 4 * WORD;
const USED: u32 = 1;
/// How many words of what its owner has put there are taken down of a block.
const CONTENT_WORDS: u32 = 4;

/// A block.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Block {
    /// Its address, in hexadecimal.
    pub address: String,
    #[serde(skip)]
    pub start: u32,
    /// With header and footer.
    pub bytes: u32,
    /// For a free block, its place in the free list, from 1 on; none if it is in use.
    pub place_in_free_list: Option<usize>,
    /// For a block in use, the first words in it.
    pub content: Vec<u32>,
}

impl Block {
    /// Whether it is nobody's.
    pub fn is_free(&self) -> bool {
        self.place_in_free_list.is_some()
    }
}

/// What the kernel itself says of its heap: the numbers of its line, in their order.
#[derive(Debug, PartialEq)]
pub struct Usage {
    pub total_bytes: u32,
    pub used_blocks: u32,
    pub used_bytes: u32,
    pub free_blocks: u32,
    pub largest_free_bytes: u32,
}

impl Usage {
    /// That of these blocks.
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

    /// That of every line of the log that tells of one.
    pub fn all_in(log: &str) -> Vec<Self> {
        let usage = |line: &str| {
            let (_, _) = line.split_once(" blocks in use with ")?;
            let words = line.split_whitespace().filter_map(|word| word.trim_end_matches(',').parse().ok());
            let numbers: [u32; 5] = words.collect::<Vec<_>>().try_into().ok()?;
            let [total_bytes, used_blocks, used_bytes, free_blocks, largest_free_bytes] = numbers;
            Some(Self { total_bytes, used_blocks, used_bytes, free_blocks, largest_free_bytes })
        };
        log.lines().filter_map(usage).collect()
    }
}

/// All blocks of a heap with these bytes, of which the first lies at `start`.
pub fn walk(bytes: &[u8], start: u32) -> Result<Vec<Block>> {
    let end = start + bytes.len() as u32;
    let word = |address: u32| -> Result<u32> {
        let offset = address.checked_sub(start).context("an address below the heap")? as usize;
        let word = bytes.get(offset..offset + WORD as usize).context("an address beyond the heap")?;
        Ok(u32::from_le_bytes(word.try_into()?))
    };
    let mut blocks: Vec<Block> = Vec::new();
    let mut at = start;
    while at < end {
        let header = word(at)?;
        let size = header & !USED;
        ensure!(
            size >= SMALLEST && size % WORD == 0 && size <= end - at,
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
        let place_in_free_list = (!is_used).then_some(0);
        blocks.push(Block { address: hexadecimal(at), start: at, bytes: size, place_in_free_list, content });
        at += size;
    }
    number_free(&mut blocks, word)?;
    Ok(blocks)
}

/// Follows the free list. It begins with the block that has no previous one.
fn number_free(blocks: &mut [Block], word: impl Fn(u32) -> Result<u32>) -> Result<()> {
    let free: Vec<u32> = blocks.iter().filter(|block| block.is_free()).map(|block| block.start).collect();
    let mut previous = 0;
    let mut next = 0;
    for block in &free {
        if word(block + 2 * WORD)? == 0 {
            ensure!(next == 0, "two blocks are the first of the free list: {next:#010x} and {block:#010x}");
            next = *block;
        }
    }
    for place in 1..=free.len() {
        let Some(block) = blocks.iter_mut().find(|block| block.start == next && block.place_in_free_list == Some(0))
        else {
            bail!("the free list leads to {next:#010x}, where no free block begins, or for the second time");
        };
        ensure!(word(next + 2 * WORD)? == previous, "the free block at {next:#010x} has a wrong link back");
        block.place_in_free_list = Some(place);
        previous = next;
        next = word(next + WORD)?;
    }
    ensure!(next == 0, "the free list goes on to {next:#010x} after all free blocks");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: u32 = 0xC000_0000;

    /// The bytes of a heap with these blocks: their sizes in words, and of free ones the links forth and back.
    fn heap(blocks: &[(u32, Option<[u32; 2]>)]) -> Vec<u8> {
        let mut words = Vec::new();
        for (size, links) in blocks {
            let header = size * WORD | if links.is_some() { 0 } else { USED };
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

    #[test]
    fn blocks_follow_one_another_and_free_ones_have_an_order() {
        let bytes = heap(&[(6, Some([0, at(11)])), (5, None), (4, Some([at(0), 0])), (4, None)]);
        let blocks = walk(&bytes, START).expect("a sound heap");
        let seen: Vec<_> = blocks.iter().map(|block| (block.start, block.bytes, block.place_in_free_list)).collect();
        assert_eq!(seen, [(at(0), 24, Some(2)), (at(6), 20, None), (at(11), 16, Some(1)), (at(15), 16, None)]);
        assert_eq!((&blocks[1].content, &blocks[3].content, blocks[0].content.len()), (&vec![7, 8, 9], &vec![7, 8], 0));
        let usage = Usage { total_bytes: 76, used_blocks: 2, used_bytes: 36, free_blocks: 2, largest_free_bytes: 24 };
        assert_eq!(Usage::of(&blocks), usage);
    }

    #[test]
    fn a_heap_without_memory_has_no_blocks() {
        assert_eq!(walk(&[], START).expect("a sound heap"), []);
    }

    #[test]
    fn damage_is_told() {
        let sound = [(6, Some([0, 0])), (4, None)];
        let damaged = |byte: usize| {
            let mut bytes = heap(&sound);
            bytes[byte] ^= 1 << 5;
            walk(&bytes, START).expect_err("it is damaged").to_string()
        };
        assert!(walk(&heap(&sound), START).is_ok());
        assert!(damaged(0).contains("no block lies at") || damaged(0).contains("does not agree"), "{}", damaged(0));
        assert!(damaged(5 * 4).contains("footer at 0xc0000014"), "{}", damaged(5 * 4));
        assert!(damaged(4).contains("goes on"), "{}", damaged(4));
        assert!(damaged(8).contains("leads to"), "{}", damaged(8));
    }

    #[test]
    fn a_free_list_in_a_circle_is_told() {
        let circle = heap(&[(4, Some([at(4), at(4)])), (4, Some([at(0), at(0)]))]);
        assert!(walk(&circle, START).expect_err("it has no first block").to_string().contains("leads to 0x00000000"));
        let loops = heap(&[(4, Some([at(0), 0]))]);
        assert!(walk(&loops, START).expect_err("it has no end").to_string().contains("goes on"));
    }

    #[test]
    fn the_kernels_own_words_are_understood() {
        let log = "With three boxes:\n  4096 bytes, 3 blocks in use with 1224 bytes, 1 free, the largest 2872\nA vector of 2000.\n";
        let usage =
            Usage { total_bytes: 4096, used_blocks: 3, used_bytes: 1224, free_blocks: 1, largest_free_bytes: 2872 };
        assert_eq!(Usage::all_in(log), [usage]);
    }
}
