//! A million context switches of every kind, and a calculation that must not notice them.

use crate::{random, spawn};
use boot::serial;
use common::lock::interrupts_off;
use core::hint::black_box;
use harness::stress::{self, stir, tell};
use paging::frame_allocator;
use rand::{Rng, RngExt};
use threads::{Reason, Thread, sleep, yield_now};

/// How many threads run at once, and how much each of them does before it ends.
const THREADS: usize = 8;
const STEPS: usize = 100;

/// Threads that start and end, and leave the CPU for every possible reason.
pub fn no_thread_notices_switches() {
    let before = frame_allocator::taken_count();
    let (mut switches, mut spawned) = (0, 0);
    while switches < stress::rounds() {
        let threads: [Thread; THREADS] = core::array::from_fn(|number| spawn(work, spawned + number));
        spawned += THREADS;
        for counts in threads.map(Thread::join) {
            assert_eq!(counts.of(Reason::Exit), 1, "{counts:?}");
            Reason::ALL.into_iter().for_each(|reason| stir(counts.of(reason)));
            switches += counts.total();
        }
        assert_eq!(frame_allocator::taken_count(), before, "frames have been lost");
        stir(timer::ticks() as u32);
        tell(switches, serial::write);
    }
}

fn work(me: usize) {
    let mut random = random(me);
    let on_stack = [me; 100];
    for _ in 0..STEPS {
        match random.random_range(0..10) {
            0..4 => yield_now(),
            4 => {
                let (before, ticks) = (timer::ticks(), random.random_range(0..4));
                sleep(ticks);
                assert!(timer::ticks() >= before + u64::from(ticks), "woken early");
            }
            5 => _ = spawn(|me| assert_calculates(me as u32), random.next_u32() as usize).join(),
            _ => assert_calculates(random.next_u32()),
        }
        assert_eq!(black_box(on_stack), [me; 100], "the stack of a thread has changed");
    }
}

/// Calculates the same result twice, with interrupts and without, and compares.
fn assert_calculates(start: u32) {
    let interrupted = calculate(start);
    let off = interrupts_off();
    let alone = calculate(start);
    drop(off);
    assert_eq!(interrupted, alone, "a switch has changed a register or a flag");
}

/// A calculation that keeps registers and flags busy for a tick or two.
#[inline(never)]
fn calculate(start: u32) -> [u32; 3] {
    let [mut a, mut b, mut c] = [start, !start, start.rotate_left(16)];
    for step in 0..black_box(100) {
        let (sum, carry) = a.overflowing_add(b);
        let (difference, borrow) = c.overflowing_sub(sum);
        [a, b, c] = [b ^ step, difference.rotate_left(7) + u32::from(!borrow & carry), sum.wrapping_mul(0x9E37_79B9)];
    }
    [a, b, c]
}
