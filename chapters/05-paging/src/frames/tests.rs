//! The frames, one behaviour per test, and long sequences against a stack.

use super::*;
use proptest::prelude::*;
use std::collections::BTreeSet;

/// An allocator of these frames, given from the lowest up.
fn with(numbers: impl IntoIterator<Item = u32, IntoIter: DoubleEndedIterator>) -> Frames {
    let mut frames = Frames::new();
    frames.fill(numbers.into_iter().rev().map(|number| number..number + 1));
    frames
}

#[test]
fn every_frame_is_given_once_from_the_lowest_up_and_then_none() {
    // Not a multiple of 32: the last ones of a bitmap's last word are not forgotten here.
    let mut frames = Frames::new();
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
    for mut frames in [Frames::new(), with([])] {
        assert_eq!((frames.allocate(), frames.free_count(), frames.taken_count()), (None, 0, 0));
    }
}

#[test]
fn a_double_free_is_refused() {
    let mut frames = with([5, 6]);
    let [first, second] = [(); 2].map(|()| frames.allocate().unwrap());
    for frame in [first, second] {
        assert_eq!(frames.free(frame), Ok(()));
        // Freed first, the frame is the last of the list: it leads nowhere, and is free all the same.
        assert_eq!(frames.free(frame), Err(FrameError::AlreadyFree(frame)));
    }
    assert_eq!(frames.free_count(), 2);
}

#[test]
fn what_was_never_ours_is_refused() {
    let mut frames = with([5]);
    for number in [0, 4, 6, MOST_FRAMES as u32, u32::MAX / PAGE_BYTES] {
        let frame = Frame::from_number(number);
        assert_eq!(frames.free(frame), Err(FrameError::NotOurs(frame)));
    }
}

#[test]
fn runs_in_no_order_are_refused() {
    let last = MOST_FRAMES as u32;
    for runs in [[5..6, 6..7], [5..7, 4..6], [5..7, 5..7], [last..last + 1, 5..6], [5..7, 0..2]] {
        let filled = std::panic::catch_unwind(|| Frames::new().fill(runs.clone().into_iter()));
        assert!(filled.is_err(), "{runs:?}");
    }
}

#[test]
#[should_panic = "found once"]
fn frames_are_given_to_the_allocator_once() {
    with([5]).fill(std::iter::once(3..4));
}

/// A number of a frame to be freed, or an allocation.
fn step() -> impl Strategy<Value = Option<u32>> {
    prop_oneof![5 => Just(None), 4 => (0u32..120).prop_map(Some), 1 => any::<u32>().prop_map(|n| Some(n % (1 << 20)))]
}

proptest! {
    #[test]
    fn behaves_like_a_stack(
        ours in prop::collection::btree_set(1u32..100, 0..60),
        steps in prop::collection::vec(step(), 0..1000),
    ) {
        let mut frames = with(ours.iter().copied());
        // What was freed last is taken first.
        let mut free: Vec<u32> = ours.iter().rev().copied().collect();
        let mut taken = BTreeSet::new();
        for step in steps {
            match step {
                None => {
                    let frame = frames.allocate();
                    prop_assert_eq!(frame, free.pop().map(Frame::from_number));
                    taken.extend(frame.map(Frame::number));
                }
                Some(number) => {
                    let frame = Frame::from_number(number);
                    let expected = match (taken.remove(&number), ours.contains(&number)) {
                        (true, _) => {
                        free.push(number);
                        Ok(())
                    }
                        (false, true) => Err(FrameError::AlreadyFree(frame)),
                        (false, false) => Err(FrameError::NotOurs(frame)),
                    };
                    prop_assert_eq!(frames.free(frame), expected);
                }
            }
            prop_assert_eq!((frames.free_count(), frames.taken_count()), (free.len() as u32, taken.len() as u32));
        }
    }
}
