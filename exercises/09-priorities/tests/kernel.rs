//! Judges exercise 9.5: random events, and which thread runs after each.

#![no_std]
#![no_main]

extern crate alloc;

use alloc::vec::Vec;
use ex09_priorities::{MOST, PATIENCE_TICKS, SLICE_TICKS, Scheduler, TOP};
use harness::seeded::{Random, show};
use harness::{Test, test};
use threads::ThreadId;

harness::boot!(TESTS, up to heap);

const TESTS: &[Test] = &[
    test!(threads_that_sleep_at_once),
    test!(equals_take_turns),
    test!(a_more_important_thread_wakes),
    test!(a_thread_that_never_sleeps),
    test!(random_events),
];

/// What is shown if no thread runs.
const NONE: u32 = 999;

fn show_running(label: &'static str, scheduler: &Scheduler) {
    show(label, scheduler.running().map_or(NONE, |thread| thread.slot() as u32));
}

/// So many threads, all different.
fn threads(count: usize, random: &mut Random) -> Vec<ThreadId> {
    let mut all: Vec<ThreadId> = (0..MOST).map(ThreadId::new).collect();
    random.shuffle(&mut all);
    all.truncate(count);
    all
}

fn threads_that_sleep_at_once() {
    let mut random = Random::new();
    for _ in 0..20 {
        let mut scheduler = Scheduler::new();
        let threads = threads(20, &mut random);
        // The first one has the highest priority. So it runs until it sleeps.
        scheduler.wake(threads[0], TOP);
        show_running("the thread that runs, of one (999: none)", &scheduler);
        for thread in &threads[1..] {
            scheduler.wake(*thread, random.within(0..TOP));
        }
        for _ in &threads {
            show_running("the thread that runs once the one before it sleeps (999: none)", &scheduler);
            scheduler.sleep();
        }
        show_running("the thread that runs when all sleep (999: none)", &scheduler);
        scheduler.tick();
        show_running("the thread that runs after a tick when all sleep (999: none)", &scheduler);
    }
}

fn equals_take_turns() {
    let mut random = Random::new();
    for _ in 0..10 {
        let mut scheduler = Scheduler::new();
        let count = random.within(2..7);
        // They cannot rise.
        threads(count as usize, &mut random).into_iter().for_each(|thread| scheduler.wake(thread, TOP));
        for _ in 0..SLICE_TICKS * count * 2 {
            show_running("the thread that runs, of several with priority 7 (999: none)", &scheduler);
            scheduler.tick();
            if random.within(0..20) == 0 {
                scheduler.sleep();
            }
        }
    }
}

fn a_more_important_thread_wakes() {
    let mut random = Random::new();
    for _ in 0..100 {
        let mut scheduler = Scheduler::new();
        let threads = threads(6, &mut random);
        let first = random.within(1..6);
        // Too few ticks for any thread to rise.
        let mut ticks = 0;
        for (number, thread) in threads.into_iter().enumerate() {
            // Often the same priority, or nearly.
            let priority = if number == 0 { first } else { (first + random.within(0..3)).min(TOP) };
            scheduler.wake(thread, priority);
            show_running("the thread that runs after one woke (999: none)", &scheduler);
            if ticks + 1 < PATIENCE_TICKS && random.within(0..3) > 0 {
                ticks += 1;
                scheduler.tick();
                show_running("the thread that runs after a tick, with others of nearly the same priority", &scheduler);
            }
        }
    }
}

fn a_thread_that_never_sleeps() {
    let mut random = Random::new();
    for _ in 0..4 {
        let mut scheduler = Scheduler::new();
        let threads = threads(random.within(3..6) as usize, &mut random);
        scheduler.wake(threads[0], TOP);
        for thread in &threads[1..] {
            scheduler.wake(*thread, random.within(0..TOP));
        }
        for tick in 0..300 {
            scheduler.tick();
            show_running("the thread that runs while one with priority 7 never sleeps (999: none)", &scheduler);
            if tick % 5 == 0 {
                let which = random.within(0..threads.len() as u32) as usize;
                show("the level of one of the threads", scheduler.level(threads[which]).unwrap_or(NONE));
            }
        }
    }
}

fn random_events() {
    let mut random = Random::new();
    let mut scheduler = Scheduler::new();
    let threads = threads(12, &mut random);
    let priorities: Vec<u32> = threads.iter().map(|_| random.within(0..TOP + 1)).collect();
    for _ in 0..2500 {
        match random.within(0..20) {
            0..=1 => {
                let which = random.within(0..threads.len() as u32) as usize;
                if scheduler.level(threads[which]).is_none() {
                    scheduler.wake(threads[which], priorities[which]);
                }
                show_running("the thread that runs after another woke (999: none)", &scheduler);
            }
            2 => {
                scheduler.sleep();
                show_running("the thread that runs after another went to sleep (999: none)", &scheduler);
            }
            _ => {
                scheduler.tick();
                show_running("the thread that runs after a tick (999: none)", &scheduler);
            }
        }
        if random.within(0..10) == 0 {
            let which = random.within(0..threads.len() as u32) as usize;
            show("the level of a thread (999: it sleeps)", scheduler.level(threads[which]).unwrap_or(NONE));
        }
    }
}
