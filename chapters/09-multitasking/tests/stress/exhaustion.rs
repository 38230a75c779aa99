//! Families of tasks that fork until no frame is free.

use crate::{Pages, as_task, fork, fork_to, frames, random};
use boot::serial;
use core::hint::spin_loop;
use core::sync::atomic::{AtomicBool, AtomicU32, Ordering::Relaxed};
use harness::stress::{rounds, stir, tell};
use multitasking::{Exited, ForkError, Pid, exit, getpid, wait};
use rand::{Rng, RngExt};
use threads::{MOST_THREADS, yield_now};

/// The most refused forks of one task before memory runs out.
const MOST_REFUSALS: u32 = 10_000;

/// Whether a fork has failed because no frame was free.
static IS_OUT: AtomicBool = AtomicBool::new(false);
/// How many generations may follow the first member of a family.
static GENERATIONS: AtomicU32 = AtomicU32::new(0);

/// Memory runs out in families of random size and depth. Then all tasks exit, and all frames are free again.
pub fn everything_is_freed_when_memory_runs_out() {
    as_task(|_| {
        let before = frames();
        for round in 1..=rounds() {
            let first = fork_to(|| found_family(round));
            let Ok(Exited { pid, status }) = wait() else { panic!("there is a child") };
            assert_eq!((pid, frames()), (first, before), "frames have been lost, or found, in round {round}");
            assert!(status > 0, "no task could fork at all");
            stir(status as u32);
            stir(timer::ticks() as u32);
            tell(round, serial::write);
        }
    });
}

fn found_family(round: u32) -> i32 {
    let mut random = random(round);
    IS_OUT.store(false, Relaxed);
    GENERATIONS.store(random.random_range(1..=12), Relaxed);
    // So large that memory runs out before there are too many tasks.
    let least = frames().1 / (MOST_THREADS as u32 - 8) + 1;
    let pages = Pages::map(random.random_range(least..least + 100), random.next_u32());
    multiply(pages, 0)
}

/// Forks until memory runs out; the children do the same. Returns the number of descendants.
fn multiply(pages: Pages, generation: u32) -> i32 {
    let (me, mut children, mut refusals) = (getpid().map_or(0, Pid::as_u32), 0, 0);
    pages.mark(me);
    let mut random = random(me);
    while !IS_OUT.load(Relaxed) {
        // Random delays: if all turns together always took a whole number of ticks, to the instruction, a tick
        // could come at the start of each turn of one task and end it at once.
        (0..random.random_range(0..100)).for_each(|_| spin_loop());
        if generation == GENERATIONS.load(Relaxed) || random.random_range(0..3) == 0 {
            yield_now();
            continue;
        }
        match fork() {
            Ok(None) => {
                let status = multiply(pages, generation + 1);
                // SAFETY: no code relies on what is on the stack.
                unsafe { exit(status) }
            }
            Ok(Some(_)) => children += 1,
            Err(ForkError::OutOfMemory) => IS_OUT.store(true, Relaxed),
            // Forks that have not allocated all of their frames yet already use a thread. They may still fail.
            Err(ForkError::TooManyTasks) => {
                refusals += 1;
                assert!(refusals < MOST_REFUSALS, "there is room for more tasks than memory for them");
                yield_now();
            }
            Err(error) => panic!("{error:?}"),
        }
    }
    // All tasks of the family still exist.
    pages.assert_marked(me);
    (0..children).map(|_| 1 + wait().expect("there are children").status).sum()
}
