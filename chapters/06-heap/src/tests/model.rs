//! Random sequences of calls, compared with a model: a list of the live allocations.

use super::*;
use proptest::{prelude::*, sample::Index};
use std::collections::BTreeMap;

/// The largest size of a heap in these tests, in pages.
const MOST_PAGES: usize = 64;

/// One call.
#[derive(Clone, Debug)]
enum Step {
    /// Allocate. If nothing fits, grow by as many pages as the heap requests, and allocate again.
    Allocate { size: usize, align: usize },
    /// Free one of the live allocations.
    Free(Index),
    /// Free any word of the heap, whether or not an allocation begins there.
    FreeWord(Index),
    /// Grow by this many pages.
    Grow(usize),
}

fn step() -> impl Strategy<Value = Step> {
    let size = prop_oneof![4 => 0..64usize, 3 => 0..1024usize, 1 => 0..3 * PAGE];
    let align = prop_oneof![3 => 0..=3u32, 1 => 4..=12u32].prop_map(|power| 1 << power);
    prop_oneof![
        8 => (size, align).prop_map(|(size, align)| Step::Allocate { size, align }),
        6 => any::<Index>().prop_map(Step::Free),
        2 => any::<Index>().prop_map(Step::FreeWord),
        1 => (1..=3usize).prop_map(Step::Grow),
    ]
}

/// An allocation that is in use.
struct Live {
    size: usize,
    align: usize,
    /// Determines the bytes that the test writes into it.
    seed: u8,
}

impl Live {
    /// The bytes that the test writes. For every second seed, all words are the same and look like the header of a
    /// block in use.
    fn bytes(&self) -> impl Iterator<Item = u8> {
        let header = (SMALLEST + 2 * WORD * usize::from(self.seed / 2 % 4)) | 1;
        let (alike, seed) = (self.seed.is_multiple_of(2), self.seed);
        (0..self.size).map(move |at| if alike { header.to_ne_bytes()[at % WORD] } else { seed.wrapping_add(at as u8) })
    }
}

/// A heap, and the allocations that it should hold.
struct Model {
    heap: TestHeap,
    live: BTreeMap<usize, Live>,
    seed: u8,
}

impl Model {
    fn new() -> Self {
        Self { heap: TestHeap::new(0, MOST_PAGES * PAGE), live: BTreeMap::new(), seed: 0 }
    }

    fn apply(&mut self, step: &Step) {
        match *step {
            Step::Allocate { size, align } => self.allocate(size, align),
            Step::Free(index) if !self.live.is_empty() => {
                let address = *self.live.keys().nth(index.index(self.live.len())).unwrap();
                self.free(address);
            }
            Step::FreeWord(index) => self.free_word(index),
            Step::Grow(pages) if self.pages_left() >= pages => self.heap.grow(pages * PAGE),
            Step::Free(_) | Step::Grow(_) => {}
        }
    }

    fn pages_left(&self) -> usize {
        MOST_PAGES - self.heap.usage().total_bytes / PAGE
    }

    fn allocate(&mut self, size: usize, align: usize) {
        let layout = layout(size, align);
        let pointer = match self.heap.heap.allocate(layout) {
            Some(pointer) => pointer,
            None => {
                assert!(!self.has_room(size, align), "refused, though there was room");
                let pages = self.heap.heap.shortfall(layout).div_ceil(PAGE);
                assert_ne!(pages, 0, "refused, though nothing was short");
                if pages > self.pages_left() {
                    return;
                }
                self.heap.grow(pages * PAGE);
                self.heap.heap.allocate(layout).expect("room for what was short")
            }
        };
        self.seed = self.seed.wrapping_add(1);
        let live = Live { size, align, seed: self.seed };
        for (at, byte) in live.bytes().enumerate() {
            // SAFETY: the heap has just allocated these bytes for the test.
            unsafe { pointer.add(at).write(byte) };
        }
        assert!(self.live.insert(pointer.addr().get(), live).is_none(), "given out twice");
    }

    /// Whether a block for this request fits anywhere. Tries each word as its beginning.
    fn has_room(&self, size: usize, align: usize) -> bool {
        let memory = self.heap.heap.memory();
        let holes = memory.blocks().filter(|block| block.is_free()).map(|hole| (hole.address(), hole.end()));
        let fits = |(start, end): (usize, usize)| {
            let ends = |block: usize| block + size.next_multiple_of(WORD).max(2 * WORD) + TAGS;
            (start..end).step_by(WORD).any(|block| {
                let is_aligned = (block + WORD).is_multiple_of(align);
                is_aligned && (block == start || block >= start + SMALLEST) && ends(block) <= end
            })
        };
        holes.chain([(memory.top(), memory.end())]).any(fits)
    }

    fn free(&mut self, address: usize) {
        self.live.remove(&address);
        self.heap.free(pointer_to(address));
    }

    /// Frees any word of the heap. This has to succeed if an allocation begins there, and to change nothing otherwise.
    fn free_word(&mut self, index: Index) {
        let words = self.heap.usage().total_bytes / WORD;
        if words == 0 {
            return;
        }
        let address = self.heap.start() + index.index(words) * WORD;
        let before = self.heap.usage();
        match self.heap.heap.free(pointer_to(address)) {
            Ok(()) => assert!(self.live.remove(&address).is_some(), "{address:#x} was freed, but had no owner"),
            Err(_) => assert!(!self.live.contains_key(&address) && before == self.heap.usage()),
        }
    }

    /// Asserts that the heap is consistent and holds the allocations of the model.
    fn compare(&self) {
        self.heap.check();
        let usage = self.heap.usage();
        let (start, end) = (self.heap.start(), self.heap.heap.memory().end());
        let (mut free_blocks, mut used_bytes, mut end_before) = (0, 0, start);
        for (&address, live) in &self.live {
            assert!(address.is_multiple_of(live.align), "{address:#x} for alignment {}", live.align);
            assert!(address - WORD >= end_before, "{address:#x} overlaps what lies before it");
            let block = live.size.next_multiple_of(WORD).max(2 * WORD) + TAGS;
            free_blocks += usize::from(address - WORD - end_before >= SMALLEST);
            used_bytes += block;
            end_before = address - WORD + block;
            // SAFETY: these bytes belong to the test.
            let intact =
                live.bytes().enumerate().all(|(at, byte)| unsafe { pointer_to(address).add(at).read() } == byte);
            assert!(intact, "what was written at {address:#x} has changed");
        }
        let top = self.heap.heap.memory().top();
        assert!(end_before <= top && top <= end, "a block reaches beyond the heap");
        assert!(top - end_before < SMALLEST, "a free block ends at the top");
        free_blocks += usize::from(end > top);

        assert_eq!(usage.total_bytes, end - start);
        assert_eq!(usage.used_bytes + usage.free_bytes, usage.total_bytes);
        assert_eq!(usage.used_blocks, self.live.len());
        assert_eq!(usage.free_blocks, free_blocks, "free blocks that were lost or not merged");
        // A block may be larger than requested, but by less than the smallest block.
        assert!((used_bytes..=used_bytes + self.live.len() * (SMALLEST - WORD)).contains(&usage.used_bytes));
        assert!(usage.largest_free_bytes <= usage.free_bytes);
        assert!(usage.largest_free_bytes * usage.free_blocks >= usage.free_bytes);
    }
}

fn pointer_to(address: usize) -> NonNull<u8> {
    NonNull::new(std::ptr::with_exposed_provenance_mut(address)).unwrap()
}

/// Takes all steps, then frees everything. Compares heap and model after every `often` steps.
fn live(steps: &[Step], often: usize) {
    let mut model = Model::new();
    for (number, step) in steps.iter().enumerate() {
        model.apply(step);
        if number % often == 0 {
            model.compare();
        }
    }
    while let Some(&address) = model.live.keys().nth(model.live.len() / 2) {
        model.free(address);
        if model.live.len().is_multiple_of(often) {
            model.compare();
        }
    }
    let usage = model.heap.usage();
    assert_eq!(usage.free_bytes, usage.total_bytes);
    assert_eq!(usage.free_blocks, usize::from(usage.total_bytes > 0), "all free, but not in one block");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]

    #[test]
    fn long_sequences_of_calls_leave_a_sound_heap_too(steps in prop::collection::vec(step(), 2000..4000)) {
        live(&steps, 100);
    }
}

proptest! {
    #[test]
    fn any_sequence_of_calls_leaves_a_sound_heap_that_agrees_with_the_model(
        steps in prop::collection::vec(step(), 1..if cfg!(miri) { 40 } else { 200 }),
    ) {
        live(&steps, if cfg!(miri) { 10 } else { 1 });
    }

    #[test]
    fn growth_by_what_is_short_is_enough_and_by_less_is_not(
        steps in prop::collection::vec(step(), 0..30), size in 0..3 * PAGE, power in 0..=12u32,
    ) {
        let layout = layout(size, 1 << power);
        let fits_after = |less: usize| {
            let mut model = Model::new();
            for step in &steps {
                model.apply(step);
                model.heap.check();
            }
            let short = model.heap.heap.shortfall(layout);
            let fits_before = model.heap.heap.allocate(layout).is_some();
            let growth = short.saturating_sub(less);
            if fits_before || growth == 0 || growth > model.pages_left() * PAGE {
                return None;
            }
            model.heap.grow(growth);
            Some(model.heap.heap.allocate(layout).is_some())
        };
        prop_assert_ne!(fits_after(0), Some(false));
        prop_assert_ne!(fits_after(WORD), Some(true));
    }
}
