//! Judges exercise 5.2: a table of frames under random requests.

#![no_std]
#![no_main]

use common::Lock;
use harness::seeded::{Random, show};
use harness::{Test, test};
use paging::Frame;
use paging::frame_table::{FrameError, FrameTable};

// Without paging, because that needs frames itself.
harness::boot!(TESTS, up to interrupts);

const TESTS: &[Test] = &[test!(frames_with_one_owner), test!(frames_with_several_owners), test!(wrong_frames)];

/// The table is too large for the stack.
static FRAMES: Lock<FrameTable> = Lock::new(FrameTable::new());

/// More frames than a test ever has in use.
const MOST: usize = 128;

/// Fills the table with two runs of free frames, and returns how many there are.
fn fill(frames: &mut FrameTable, random: &mut Random) -> usize {
    let low = random.within(100..200);
    let high = random.within(20_000..30_000);
    let (few, more) = (random.within(10..20), random.within(10..30));
    frames.fill([high..high + more, low..low + few].into_iter());
    (few + more) as usize
}

fn frames_with_one_owner() {
    let (mut random, mut frames) = (Random::new(), FRAMES.lock());
    let all = fill(&mut frames, &mut random);
    let (mut in_use, mut count) = ([None; MOST], 0);
    for step in 0..400 {
        // A hundred steps that mostly allocate, then a hundred that mostly free, so that both ends are reached.
        let wants_one = random.within(0..10) < if step / 100 % 2 == 0 { 9 } else { 2 };
        if wants_one || count == 0 {
            match frames.allocate() {
                Some(frame) => {
                    show("the frame that is handed out", frame.address().as_u32());
                    in_use[count] = Some(frame);
                    count += 1;
                }
                None => show("frames in use when none is left", count as u32),
            }
        } else {
            let which = random.within(0..count as u32) as usize;
            let frame: Frame = in_use[which].take().expect("in use");
            count -= 1;
            in_use.swap(which, count);
            show("whether a frame with one owner can be freed", frames.give_back(frame).is_ok().into());
        }
        show("how many frames are free", frames.free_count());
    }
    show("how many frames there are", all as u32);
}

fn frames_with_several_owners() {
    let (mut random, mut frames) = (Random::new(), FRAMES.lock());
    fill(&mut frames, &mut random);
    for _ in 0..100 {
        let frame = frames.allocate().expect("a free frame");
        let owners = random.within(1..5);
        (1..owners).for_each(|_| frames.share(frame).expect("room for one more owner"));
        show("how many owners a shared frame has", frames.owner_count(frame));
        for _ in 0..owners {
            show("whether a share can be given back", frames.give_back(frame).is_ok().into());
            show("how many owners are left", frames.owner_count(frame));
            show("how many frames are free", frames.free_count());
        }
        if random.within(0..3) == 0 {
            // Stays in use, so that the next one is another.
            let again = frames.allocate().expect("it is free again");
            show("the frame that is handed out after the last owner has freed one", again.address().as_u32());
            if frames.free_count() < 3 {
                break;
            }
        }
    }
}

fn wrong_frames() {
    let (mut random, mut frames) = (Random::new(), FRAMES.lock());
    fill(&mut frames, &mut random);
    for _ in 0..200 {
        let frame = Frame::from_number(match random.within(0..4) {
            0 => random.within(0..32_768),
            1 => random.within(32_768..1 << 20),
            2 => random.within(0..100),
            _ => frames.allocate().map_or(0, |frame| {
                show("the number of a frame that is handed out, and freed at once", frame.number());
                frames.give_back(frame).expect("it is in use");
                frame.number()
            }),
        });
        let code = match frames.give_back(frame) {
            Ok(()) => 0,
            Err(FrameError::AlreadyFree(named)) => 0x1000_0000 | named.number(),
            Err(FrameError::NotOurs(named)) => 0x2000_0000 | named.number(),
        };
        show("the error for a frame that cannot be freed (1: already free, 2: not ours; then its number)", code);
        show("how many frames are free after an error", frames.free_count());
    }
}
