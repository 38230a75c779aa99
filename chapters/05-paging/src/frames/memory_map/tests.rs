//! Memory maps of every kind, compared with a set of frames.

use super::*;
use crate::frames::page::{Frame, WINDOW_END};
use multiboot2::{Builder, MaybeDynSized, MemoryMapTag, ModuleTag};
use proptest::prelude::*;
use std::collections::BTreeSet;

const FRAME: u64 = PAGE_BYTES as u64;

/// Where errors are likely: at both ends of memory, and of the part that the kernel can reach.
const BORDERS: [u64; 6] = [0, 0x10_0000, WINDOW_END as u64, 1 << 32, 1 << 44, u64::MAX];

fn runs(areas: &[MemoryArea]) -> Vec<Range<u32>> {
    free_runs(areas.iter().map(Claim::of_area)).collect()
}

/// The frames on both sides of the borders: those that the tests look at.
fn looked_at() -> impl Iterator<Item = u32> {
    BORDERS
        .into_iter()
        .map(|border| number(border / FRAME))
        .flat_map(|frame| frame.saturating_sub(20)..frame.saturating_add(20))
}

/// Which of these frames are free according to the rule itself.
fn model(areas: &[MemoryArea]) -> BTreeSet<u32> {
    let start = |frame: u32| u64::from(frame) * FRAME;
    let end = |frame: u32| start(frame) + FRAME;
    let mut free = BTreeSet::new();
    let (available, other): (Vec<_>, Vec<_>) = areas.iter().partition(|area| area.typ() == MemoryAreaType::Available);
    for (from, to) in available.into_iter().map(ends) {
        free.extend(looked_at().filter(|frame| from <= start(*frame) && end(*frame) <= to));
    }
    for (from, to) in other.into_iter().map(ends) {
        free.retain(|frame| end(*frame) <= from || to <= start(*frame));
    }
    free
}

/// The start and the end of an area, at most the end of all addresses.
fn ends(area: &MemoryArea) -> (u64, u64) {
    (area.start_address(), area.start_address().saturating_add(area.size()))
}

/// An address near a border, or anywhere.
fn address() -> impl Strategy<Value = u64> {
    let near = (prop::sample::select(&BORDERS), -0x1_2000i64..0x1_2000, any::<bool>());
    let near = near.prop_map(|(border, offset, is_even)| {
        let offset = if is_even { offset / 0x1000 * 0x1000 } else { offset };
        border.saturating_add_signed(offset)
    });
    prop_oneof![9 => near, 1 => any::<u64>()]
}

/// A proper area, or one of any length: empty, or beyond the end of all addresses.
fn area() -> impl Strategy<Value = MemoryArea> {
    let kind = prop_oneof![3 => Just(1), 2 => 0u32..8, 1 => any::<u32>()].prop_map(MemoryAreaType::from_val);
    let length = prop_oneof![1 => Just(0), 8 => 0u64..0x2_0000, 1 => any::<u64>()];
    let up_to = (address(), address()).prop_map(|(start, end)| (start, end.saturating_sub(start)));
    let place = prop_oneof![(address(), length), up_to];
    (place, kind).prop_map(|((start, length), kind)| MemoryArea::new(start, length, kind))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn what_is_free_is_what_the_rule_says(areas in prop::collection::vec(area(), 0..30)) {
        let runs = runs(&areas);
        let found = looked_at().filter(|frame| runs.iter().any(|run| run.contains(frame)));
        prop_assert_eq!(found.collect::<BTreeSet<_>>(), model(&areas));
    }

    #[test]
    fn runs_come_from_the_highest_down(areas in prop::collection::vec(area(), 0..30)) {
        let runs = runs(&areas);
        prop_assert!(runs.iter().all(|run| run.start < run.end), "{:?}", runs);
        prop_assert!(runs.is_sorted_by(|above, below| below.end <= above.start), "{:?}", runs);
    }

    #[test]
    fn the_order_of_the_areas_means_nothing(areas in prop::collection::vec(area(), 0..30)) {
        let reversed: Vec<_> = areas.iter().rev().copied().collect();
        prop_assert_eq!(runs(&areas), runs(&reversed));
    }
}

#[test]
fn what_the_loader_says_decides() {
    let available = |start, end| MemoryArea::new(start, end - start, MemoryAreaType::Available);
    // The second one goes 2 MiB beyond the identity map.
    let map = MemoryMapTag::new(&[available(0, 0x60_0000), available(0x7F0_0000, 0x820_0000)]);
    let builder = Builder::new().mmap(map).add_module(ModuleTag::new(0x20_0FFF, 0x20_1001, "a module"));
    let information = builder.build();
    let boot = crate::tests::read(information.as_bytes()).unwrap();
    let mut frames = FrameTable::new();
    let kernel = VirtAddr::new(0x10_0000)..VirtAddr::new(0x18_0000);
    let beyond = give_free(&mut frames, claims(&boot).unwrap(), kernel);
    let free = iter::from_fn(|| frames.allocate()).map(Frame::number);
    assert!(free.eq((0x180..0x200).chain(0x202..0x600).chain(0x7F00..0x8000)));
    assert_eq!(beyond, 0x200);

    let information = Builder::new().build();
    let boot = crate::tests::read(information.as_bytes()).unwrap();
    assert!(claims(&boot).is_none(), "there is no map");
}

#[test]
fn modules_end_with_the_last_one_and_within_the_window() {
    let end_of = |modules: &[[u32; 2]]| {
        let tags = modules.iter().map(|[start, end]| ModuleTag::new(*start, *end, ""));
        let information = tags.fold(Builder::new(), Builder::add_module).build();
        modules_end(&crate::tests::read(information.as_bytes()).unwrap())
    };
    assert_eq!(end_of(&[]), Some(0));
    assert_eq!(end_of(&[[0x20_0000, 0x20_1234], [0x10_0000, 0x10_0001]]), Some(0x20_1234));
    assert_eq!(end_of(&[[0x100_0000, WINDOW_END]]), Some(WINDOW_END));
    assert_eq!(end_of(&[[WINDOW_END - 1, WINDOW_END + 1], [0x10_0000, 0x10_0001]]), None);
    assert_eq!(end_of(&[[0x10_0000, 0x10_0001], [u32::MAX - 1, u32::MAX]]), None);
}

#[test]
fn thousands_of_areas_in_no_order_are_thousands_of_runs() {
    const AREAS: u64 = 2003;
    let scattered = (0..AREAS).map(|number| number * 1237 % AREAS);
    let areas: Vec<_> = scattered.map(|n| MemoryArea::new(n * 2 * FRAME, FRAME, MemoryAreaType::Available)).collect();
    assert!(runs(&areas).into_iter().eq((0..AREAS as u32).rev().map(|n| n * 2..n * 2 + 1)));
}

#[test]
fn a_border_parts_a_run_and_says_nothing_else() {
    let claims = [Claim::available(0x1000, 0x9000), Claim::border(0x4000)];
    assert_eq!(free_runs(claims.into_iter()).collect::<Vec<_>>(), [4..9, 1..4]);
}
