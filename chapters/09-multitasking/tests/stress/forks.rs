//! A hundred thousand forks, by several tasks at once, without losing a frame.

use crate::{Pages, as_task, fork_to, frames, random};
use boot::serial;
use core::hint::black_box;
use harness::stress::{rounds, stir, tell};
use multitasking::{Exited, Pid, wait, wait_for};
use rand::rngs::Xoshiro128PlusPlus;
use rand::{Rng, RngExt};
use threads::{sleep, yield_now};

/// How many tasks fork at once, and how many children each of them has, one after the other.
const WORKERS: u32 = 4;
const CHILDREN: u32 = 49;

/// Tasks fork, exit and wait, at random depths of the stack.
pub fn no_frame_is_lost_by_forking() {
    as_task(|_| {
        let pages = Pages::map(2, random(0).next_u32());
        let (before, mut forks) = (frames(), 0);
        while forks < rounds() {
            (0..WORKERS).for_each(|worker| _ = fork_to(|| work(random(forks + worker), pages)));
            for _ in 0..WORKERS {
                let exited = wait().expect("a child for every worker");
                assert_eq!(exited.status, 0);
                stir(exited.pid.as_u32());
            }
            forks += WORKERS * (1 + CHILDREN);
            assert_eq!(frames(), before, "frames have been lost, or found, after {forks} forks");
            stir(timer::ticks() as u32);
            tell(forks, serial::write);
        }
    });
}

fn work(mut random: Xoshiro128PlusPlus, pages: Pages) -> i32 {
    for _ in 0..CHILDREN {
        let (mark, status, depth) = (random.next_u32(), random.next_u32() as i32, random.random_range(0..20));
        pages.mark(mark);
        let pid = descend(depth, &mut || {
            let child = random.clone();
            fork_to(|| live(child, pages, mark, status))
        });
        // The child must not see this, whichever of the two tasks runs first.
        pages.mark(!mark);
        if random.random() {
            yield_now();
        }
        let child = random.random::<bool>().then_some(pid);
        assert_eq!(wait_for(child), Ok(Exited { pid, status }));
        pages.assert_marked(!mark);
    }
    0
}

/// The work of a child, which continues with the random numbers of its parent.
fn live(mut random: Xoshiro128PlusPlus, pages: Pages, mark: u32, status: i32) -> i32 {
    match random.random_range(0..8) {
        0 => yield_now(),
        1 => sleep(random.random_range(0..3)),
        2 => pages.assert_marked(mark),
        _ => {}
    }
    let seen = pages.page(1)[0];
    assert_eq!(seen, mark, "a child sees what is not its own");
    pages.mark(random.next_u32());
    status
}

/// Calls `deepest` from `depth` nested calls down the stack.
#[inline(never)]
fn descend(depth: u32, deepest: &mut impl FnMut() -> Pid) -> Pid {
    let on_stack = [depth; 16];
    let answer = if depth == 0 { deepest() } else { descend(depth - 1, deepest) };
    assert_eq!(black_box(on_stack), [depth; 16], "the stack has changed");
    answer
}
