//! Judges exercise 8.1: threads that leave a queue in a random order, and return to it.

#![no_std]
#![no_main]

use core::sync::atomic::{AtomicU32, Ordering::Relaxed};
use harness::seeded::{Random, show};
use harness::{Test, test};
use threads::{Reason, WaitQueue, sleep, yield_now};

// Timeslices never end: the threads' own steps alone decide the order.
harness::boot!(TESTS, up to heap, then {
    timer::init(100).expect("within the timer's range");
    timer::start();
    threads::init(u32::MAX);
});

const TESTS: &[Test] = &[test!(threads_leave_by_their_deadlines), test!(threads_woken_in_vain_keep_their_places)];

static QUEUE: WaitQueue = WaitQueue::new();
/// What the threads wait for, each for one.
static TOKENS: AtomicU32 = AtomicU32::new(0);
static ENDED: AtomicU32 = AtomicU32::new(0);

/// Waits for a token, for this many ticks at most, or without a deadline if it is 0. Shows how the wait ended.
fn wait(number_and_ticks: usize) {
    let (number, ticks) = (number_and_ticks >> 16, number_and_ticks as u64 & 0xFFFF);
    let deadline = (ticks > 0).then(|| timer::ticks() + ticks);
    let take = || TOKENS.fetch_update(Relaxed, Relaxed, |tokens| tokens.checked_sub(1)).ok();
    let has_token = QUEUE.wait_until(Reason::Wait, deadline, take).is_some();
    show("the thread whose wait ends", number as u32);
    show("whether it was woken before its deadline", has_token.into());
    ENDED.fetch_add(1, Relaxed);
}

/// Starts a thread that waits, and lets it begin to wait.
fn start(number: u32, ticks: u32) {
    // A thread that a wrong queue has lost never ends, so none is joined.
    let _thread = threads::spawn(wait, (number << 16 | ticks) as usize).expect("room and memory for a thread");
    let_all_run();
}

fn let_all_run() {
    (0..20).for_each(|_| yield_now());
}

fn give(tokens: u32) {
    TOKENS.fetch_add(tokens, Relaxed);
    (0..tokens).for_each(|_| QUEUE.wake_one());
    let_all_run();
}

fn threads_leave_by_their_deadlines() {
    let mut random = Random::new();
    let mut number = 0;
    for _ in 0..12 {
        // From the beginning of a tick on, so that no tick comes in between.
        sleep(1);
        for _ in 0..random.within(2..6) {
            number += 1;
            let leaves = random.within(0..3) < 2;
            start(number, if leaves { random.within(1..8) } else { 0 });
        }
        sleep(random.within(1..8));
        // Behind those that are left.
        number += 1;
        start(number, 0);
        give(random.within(0..3));
        show("how many waits have ended", ENDED.load(Relaxed));
    }
    sleep(10);
    (0..number).for_each(|_| give(1));
    show("how many waits have ended at the end", ENDED.load(Relaxed));
    show("how many threads were started", number);
}

fn threads_woken_in_vain_keep_their_places() {
    let mut random = Random::new();
    let mut number = 0;
    let mut waiting = 0;
    for _ in 0..15 {
        for _ in 0..random.within(1..5) {
            number += 1;
            waiting += 1;
            start(number, 0);
        }
        for _ in 0..random.within(1..4) {
            // No token is there for them.
            (0..random.within(1..waiting + 2)).for_each(|_| QUEUE.wake_one());
            let_all_run();
            number += 1;
            waiting += 1;
            start(number, 0);
        }
        let tokens = random.within(1..waiting);
        give(tokens);
        waiting -= tokens;
        show("how many waits have ended", ENDED.load(Relaxed));
    }
    (0..waiting).for_each(|_| give(1));
    show("how many waits have ended at the end", ENDED.load(Relaxed));
    show("how many threads were started", number);
}
