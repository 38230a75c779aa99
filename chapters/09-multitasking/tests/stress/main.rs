//! What the kernel of chapter 9 must survive for a long time: `make stress`.
//!
//! As in chapter 8, every tick ends a timeslice, and the seed decides all that tasks do. The exception is the input
//! from outside, in the last test.

#![no_std]
#![no_main]

mod exhaustion;
mod forks;
mod input;

use common::VirtAddr;
use core::sync::atomic::{AtomicBool, AtomicU32, Ordering::Relaxed};
use exhaustion::everything_is_freed_when_memory_runs_out;
use forks::no_frame_is_lost_by_forking;
use harness::stress::seed;
use harness::{Test, test};
use input::bytes_that_arrive_while_tasks_fork_are_read_in_order;
use multitasking::{ForkError, Pid, exit, map, run};
use paging::{Flags, PAGE_BYTES, frame_allocator};
use rand::SeedableRng;
use rand::rngs::Xoshiro128PlusPlus;
use threads::sleep;

harness::boot!(TESTS, up to heap, then {
    timer::init(RATE_HZ).expect("within the timer's range");
    timer::start();
    threads::init(1);
    threads::input::init();
    multitasking::init();
});

/// About ten thousand instructions from tick to tick, so a fork takes several ticks.
const RATE_HZ: u32 = 100_000;

const TESTS: &[Test] = &[
    test!(no_frame_is_lost_by_forking).rounds(100_000),
    test!(everything_is_freed_when_memory_runs_out).rounds(1000).memory_mib(8),
    test!(bytes_that_arrive_while_tasks_fork_are_read_in_order).rounds(50_000),
];

/// The random numbers of one user: the same ones in every run with the same seed.
fn random(user: u32) -> Xoshiro128PlusPlus {
    Xoshiro128PlusPlus::seed_from_u64(u64::from(seed()) << 32 | u64::from(user))
}

/// How many forks there have been, and whether the test is over.
static FORKS: AtomicU32 = AtomicU32::new(0);
static IS_OVER: AtomicBool = AtomicBool::new(false);

/// Runs `test` as task 1.
fn as_task(test: fn(usize)) {
    let watching = threads::spawn(watch, 0).expect("there is room");
    assert_eq!(run(test), Ok(0));
    IS_OVER.store(true, Relaxed);
    watching.join();
}

/// Checks from time to time that there are still forks: a task that waits in vain would never stop waiting.
fn watch(_: usize) {
    /// Enough for every task to have had many turns.
    const TICKS: u32 = 20_000;
    loop {
        let before = FORKS.load(Relaxed);
        sleep(TICKS);
        if IS_OVER.load(Relaxed) {
            return;
        }
        assert_ne!(FORKS.load(Relaxed), before, "no task has forked in {TICKS} ticks: does one wait in vain?");
    }
}

fn fork() -> Result<Option<Pid>, ForkError> {
    FORKS.fetch_add(1, Relaxed);
    // SAFETY: no test here has pointers into the heap on its stack, or stores a reference to its stack in the heap.
    unsafe { multitasking::fork() }
}

/// Forks, runs `child` in the child, and returns the child's number in the parent.
fn fork_to(child: impl FnOnce() -> i32) -> Pid {
    fork().expect("there is room and memory for a child").unwrap_or_else(|| {
        let status = child();
        // SAFETY: no code relies on what is on the stack.
        unsafe { exit(status) }
    })
}

/// How many frames are taken, and how many are free.
fn frames() -> (u32, u32) {
    (frame_allocator::taken_count(), frame_allocator::free_count())
}

/// Some private pages of a task, each with a mark in its first word and a value in all others.
#[derive(Clone, Copy)]
struct Pages {
    count: u32,
    value: u32,
}

impl Pages {
    /// The usual load address of i386 programs.
    const START: VirtAddr = VirtAddr::new(0x0804_8000);

    /// Maps `count` pages for the running task, with the mark 0 and this value.
    fn map(count: u32, value: u32) -> Self {
        let pages = Self { count, value };
        let end = Self::START.wrapping_add(count * PAGE_BYTES);
        map(Self::START..end, Flags::WRITABLE).expect("there is enough memory");
        (0..count).for_each(|number| pages.page(number).fill(value));
        pages.mark(0);
        pages
    }

    /// Sets the marks of the running task's pages.
    fn mark(self, mark: u32) {
        (0..self.count).for_each(|number| self.page(number)[0] = mark);
    }

    /// Checks all words of the running task's pages.
    ///
    /// # Panics
    /// If one has changed.
    fn assert_marked(self, mark: u32) {
        for number in 0..self.count {
            let (first, others) = self.page(number).split_first().expect("there are 1024 words");
            assert_eq!(*first, mark, "the mark of page {number} has changed");
            let wrong = others.iter().position(|word| *word != self.value);
            assert_eq!(wrong, None, "a word of page {number} has changed: {:?}", wrong.map(|at| others[at]));
        }
    }

    fn page<'a>(self, number: u32) -> &'a mut [u32; 1024] {
        assert!(number < self.count);
        // SAFETY: `map` has mapped it, only for the running task, which uses one page at a time.
        unsafe { &mut *Self::START.wrapping_add(number * PAGE_BYTES).as_ptr() }
    }
}
