//! The table of frames: one behavior per test, and long sequences compared with a stack.

use super::*;
use proptest::prelude::*;
use std::collections::BTreeMap;

/// An allocator of these frames, whose numbers come from the lowest up.
fn with(numbers: impl IntoIterator<Item = u32, IntoIter: DoubleEndedIterator>) -> FrameTable {
    let mut frames = FrameTable::new();
    frames.fill(numbers.into_iter().rev().map(|number| number..number + 1));
    frames
}

#[test]
fn every_frame_is_given_once_from_the_lowest_up_and_then_none() {
    // Not a multiple of 32: an allocator with a bitmap could forget the last bits of its last word.
    let mut frames = FrameTable::new();
    frames.fill([500..1000, 490..500, 1..400].into_iter());
    let given = std::iter::from_fn(|| frames.allocate());
    assert!(given.eq((1..400).chain(490..1000).map(Frame::from_number)));
    assert_eq!((frames.allocate(), frames.free_count(), frames.taken_count()), (None, 0, 909));
}

#[test]
fn the_very_last_frame_of_the_window_can_be_given() {
    let last = MOST_FRAMES as u32 - 1;
    assert_eq!(with([last]).allocate(), Some(Frame::from_number(last)));
}

#[test]
fn an_allocator_without_frames_has_none() {
    for mut frames in [FrameTable::new(), with([])] {
        assert_eq!((frames.allocate(), frames.free_count(), frames.taken_count()), (None, 0, 0));
    }
}

#[test]
fn a_double_free_is_refused() {
    let mut frames = with([5, 6]);
    let [first, second] = [(); 2].map(|()| frames.allocate().unwrap());
    for frame in [first, second] {
        assert_eq!(frames.give_back(frame), Ok(()));
        // The frame freed first is the last of the list: its link leads nowhere, and it is free all the same.
        assert_eq!(frames.give_back(frame), Err(FrameError::AlreadyFree(frame)));
    }
    assert_eq!(frames.free_count(), 2);
}

#[test]
fn what_was_never_ours_is_refused() {
    let mut frames = with([5]);
    for number in [0, 4, 6, MOST_FRAMES as u32, u32::MAX / PAGE_BYTES] {
        let frame = Frame::from_number(number);
        assert_eq!(frames.give_back(frame), Err(FrameError::NotOurs(frame)));
    }
}

#[test]
fn runs_in_no_order_are_refused() {
    let last = MOST_FRAMES as u32;
    for runs in [[5..6, 6..7], [5..7, 4..6], [5..7, 5..7], [last..last + 1, 5..6], [5..7, 0..2]] {
        let filled = std::panic::catch_unwind(|| FrameTable::new().fill(runs.clone().into_iter()));
        assert!(filled.is_err(), "{runs:?}");
    }
}

#[test]
#[should_panic = "already found"]
fn frames_are_given_to_the_allocator_once() {
    with([5]).fill(std::iter::once(3..4));
}

#[test]
fn a_frame_is_free_when_the_last_owner_has_given_it_back() {
    let mut frames = with([5]);
    let frame = frames.allocate().unwrap();
    assert_eq!((frames.share(frame), frames.owner_count(frame)), (Ok(()), 2));
    assert_eq!((frames.give_back(frame), frames.owner_count(frame)), (Ok(()), 1));
    assert_eq!((frames.allocate(), frames.free_count(), frames.taken_count()), (None, 0, 1));
    assert_eq!((frames.give_back(frame), frames.owner_count(frame)), (Ok(()), 0));
    assert_eq!(frames.give_back(frame), Err(FrameError::AlreadyFree(frame)));
    assert_eq!(frames.allocate(), Some(frame));
    assert_eq!(frames.owner_count(frame), 1, "the owners of before do not count");
}

#[test]
fn too_many_owners_is_an_error_and_loses_none() {
    for number in [5, MOST_FRAMES as u32 - 1] {
        let mut frames = with([number]);
        let frame = frames.allocate().unwrap();
        (1..32_766).for_each(|_| assert_eq!(frames.share(frame), Ok(())));
        for _ in 0..3 {
            assert_eq!((frames.share(frame), frames.owner_count(frame)), (Err(TooManyOwners(frame)), 32_766));
        }
        (0..32_765).for_each(|_| assert_eq!(frames.give_back(frame), Ok(())));
        assert_eq!((frames.owner_count(frame), frames.free_count()), (1, 0));
        assert_eq!(frames.give_back(frame), Ok(()));
        assert_eq!(frames.give_back(frame), Err(FrameError::AlreadyFree(frame)));
        assert_eq!(frames.allocate(), Some(frame));
    }
}

#[test]
fn what_has_no_owner_cannot_be_shared() {
    for number in [0, 4, 5, 6, MOST_FRAMES as u32, u32::MAX / PAGE_BYTES] {
        let shared = std::panic::catch_unwind(|| with([5, 6]).share(Frame::from_number(number)));
        assert!(shared.is_err(), "{number}");
        assert_eq!(with([5, 6]).owner_count(Frame::from_number(number)), 0);
    }
}

#[test]
#[should_panic(expected = "Frame(0x00004000) has no owner, so it cannot be shared")]
fn a_frame_without_owner_is_named() {
    let _ = with([5, 6]).share(Frame::from_number(4));
}

#[test]
fn runs_that_are_not_in_order_are_refused() {
    let end = MOST_FRAMES as u32;
    for runs in [[0..3, 0..0], [7..7, 0..0], [5..8, 4..6], [4..6, 7..9], [5..end + 1, 1..2]] {
        let panic = std::panic::catch_unwind(|| FrameTable::new().fill(runs.clone().into_iter()));
        let words = panic.expect_err("it is refused").downcast::<String>().expect("formatted words");
        assert!(words.starts_with("a run of free frames is out of order: "), "{runs:?}: {words}");
    }
}

/// One step of a sequence.
#[derive(Clone, Debug)]
enum Step {
    Allocate,
    Share(u32),
    GiveBack(u32),
}

/// Mostly with frames of the allocator.
fn step() -> impl Strategy<Value = Step> {
    let number = || prop_oneof![9 => 0u32..120, 1 => any::<u32>().prop_map(|n| n % (1 << 20))];
    prop_oneof![4 => Just(Step::Allocate), 3 => number().prop_map(Step::Share), 5 => number().prop_map(Step::GiveBack)]
}

proptest! {
    #[test]
    fn behaves_like_a_stack_of_free_frames_and_a_count_of_owners(
        ours in prop::collection::btree_set(1u32..100, 0..60),
        steps in prop::collection::vec(step(), 0..1000),
    ) {
        let mut frames = with(ours.iter().copied());
        // The frame freed last is allocated first.
        let mut free: Vec<u32> = ours.iter().rev().copied().collect();
        let mut owners = BTreeMap::<u32, u32>::new();
        for step in steps {
            match step {
                Step::Allocate => {
                    let frame = frames.allocate();
                    prop_assert_eq!(frame, free.pop().map(Frame::from_number));
                    owners.extend(frame.map(|frame| (frame.number(), 1)));
                }
                Step::Share(number) => if let Some(count) = owners.get_mut(&number) {
                    prop_assert_eq!(frames.share(Frame::from_number(number)), Ok(()));
                    *count += 1;
                },
                Step::GiveBack(number) => {
                    let frame = Frame::from_number(number);
                    let expected = match owners.get_mut(&number) {
                        Some(count) => {
                            *count -= 1;
                            Ok(())
                        }
                        None if ours.contains(&number) => Err(FrameError::AlreadyFree(frame)),
                        None => Err(FrameError::NotOurs(frame)),
                    };
                    prop_assert_eq!(frames.give_back(frame), expected);
                    free.extend(owners.extract_if(.., |_, count| *count == 0).map(|(number, _)| number));
                }
            }
            prop_assert_eq!((frames.free_count(), frames.taken_count()), (free.len() as u32, owners.len() as u32));
        }
        for number in 0..120 {
            let count = frames.owner_count(Frame::from_number(number));
            prop_assert_eq!(count, owners.get(&number).copied().unwrap_or(0));
        }
    }
}
