//! Judges exercise 9.1: random families, and what each task takes for its parent.

#![no_std]
#![no_main]

use core::sync::atomic::{AtomicU32, Ordering::Relaxed};
use ex09_getppid::{MOST, exit, fork, getppid};
use harness::seeded::{Random, show};
use harness::{Test, test};
use multitasking::{Pid, run, wait, wait_for};

harness::boot!(TESTS, up to heap, then {
    timer::init(100).expect("within the timer's range");
    timer::start();
    threads::init(2);
    multitasking::init();
});

const TESTS: &[Test] = &[test!(a_tree_of_tasks), test!(parents_that_exit_early), test!(many_children)];

/// The parent's number, 0 if there is none.
fn parent() -> u32 {
    getppid().map_or(0, Pid::as_u32)
}

/// Forks, runs `child` in the child, and returns the child's number in the parent.
fn fork_to(child: impl FnOnce()) -> Pid {
    // SAFETY: the tests own nothing on their stacks, and store no reference to them in the heap.
    unsafe { fork() }.expect("room and memory for a child").unwrap_or_else(|| {
        child();
        // SAFETY: no code relies on what is on the stack.
        unsafe { exit(0) }
    })
}

fn a_tree_of_tasks() {
    fn grow(depth: u32, random: &mut Random) {
        show("the parent's number, asked by a task (0: none)", parent());
        for _ in 0..if depth == 0 { 0 } else { random.within(1..4) } {
            // Each child and its parent draw other numbers.
            random.word();
            fork_to(|| grow(depth - 1, random));
            wait().expect("there is a child");
            show("the parent's number, asked by a task after a child of it has exited (0: none)", parent());
        }
    }
    show("the parent's number, asked by a thread of the kernel (0: none)", parent());
    let ended = run(|_| grow(3, &mut Random::new()));
    show("whether task 1 ended well", (ended == Ok(0)).into());
    show("the parent's number, asked by a thread of the kernel after all tasks (0: none)", parent());
}

fn parents_that_exit_early() {
    /// How many children have asked while their parent was there.
    static ASKED: AtomicU32 = AtomicU32::new(0);
    /// How many parents have exited.
    static EXITED: AtomicU32 = AtomicU32::new(0);
    fn until(value: &AtomicU32, wanted: u32) {
        while value.load(Relaxed) < wanted {
            threads::yield_now();
        }
    }
    fn one_generation(round: u32, children: u32, must_ask: bool, asked_before: u32) {
        let parent_of_children = fork_to(|| {
            for _ in 0..children {
                fork_to(|| {
                    if must_ask {
                        show("the parent's number, while the parent is there", parent());
                        ASKED.fetch_add(1, Relaxed);
                    }
                    until(&EXITED, round + 1);
                    show("the parent's number, once the parent has exited", parent());
                    // It can be a parent itself.
                    fork_to(|| ());
                    wait().expect("there is a child");
                    show("the parent's number of an orphan that has had a child", parent());
                });
            }
            if must_ask {
                until(&ASKED, asked_before + children);
            }
        });
        wait_for(Some(parent_of_children)).expect("there is a child");
        EXITED.store(round + 1, Relaxed);
        // The orphans are children of this task now.
        (0..children).for_each(|_| assert!(wait().is_ok(), "there are as many orphans"));
    }
    fn first_task(_: usize) {
        let (mut random, mut asked) = (Random::new(), 0);
        for round in 0..12 {
            let (children, must_ask) = (random.within(1..5), random.within(0..3) == 0);
            one_generation(round, children, must_ask, asked);
            asked += if must_ask { children } else { 0 };
            show("how many orphans there were", children);
        }
    }
    show("whether task 1 ended well", (run(first_task) == Ok(0)).into());
}

fn many_children() {
    fn first_task(_: usize) {
        for _ in 0..Random::new().within(MOST as u32 + 5..MOST as u32 + 20) {
            fork_to(|| show("the parent's number, asked by one of many children", parent()));
            wait().expect("there is a child");
        }
    }
    show("whether task 1 ended well", (run(first_task) == Ok(0)).into());
}
