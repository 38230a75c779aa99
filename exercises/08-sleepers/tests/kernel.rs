//! Judges exercise 8.3: threads that sleep for random numbers of ticks.

#![no_std]
#![no_main]

extern crate alloc;

use alloc::vec::Vec;
use core::sync::atomic::{AtomicU32, Ordering::Relaxed};
use harness::seeded::{Random, show};
use harness::{Test, test};
use threads::{Reason, WaitQueue, sleep, yield_now};

// Timeslices never end: a thread runs until it sleeps, which is long before the next tick.
harness::boot!(TESTS, up to heap, then {
    timer::init(100).expect("within the timer's range");
    timer::start();
    threads::init(u32::MAX);
});

const TESTS: &[Test] = &[
    test!(the_order_in_which_threads_wake),
    test!(the_tick_in_which_each_thread_wakes),
    test!(threads_woken_before_their_deadlines),
];

/// More threads than a test has.
const MOST: usize = 64;

/// What each thread has to say.
static SAID: [AtomicU32; MOST] = [const { AtomicU32::new(0) }; MOST];
/// How many threads have woken.
static WOKEN: AtomicU32 = AtomicU32::new(0);

/// Starts a thread, which a wrong list may lose. So none is joined.
fn start(entry: fn(usize), number: u32, ticks: u32) {
    let _thread = threads::spawn(entry, (number << 16 | ticks) as usize).expect("room and memory for a thread");
    yield_now();
}

fn number_and_ticks(argument: usize) -> (usize, u32) {
    (argument >> 16, argument as u32 & 0xFFFF)
}

/// Waits until this many ticks have passed. Unlike sleep, it needs no list of sleepers.
fn wait_ticks(ticks: u32) {
    for _ in 0..ticks {
        // SAFETY: interrupts are on, so the next tick ends the halt. It is far away: the others have little to do.
        unsafe { x86::halt() };
        (0..MOST).for_each(|_| yield_now());
    }
}

fn the_order_in_which_threads_wake() {
    fn doze(argument: usize) {
        let (number, ticks) = number_and_ticks(argument);
        sleep(ticks);
        let place = WOKEN.fetch_add(1, Relaxed) as usize;
        SAID[place].store(number as u32, Relaxed);
    }
    let mut random = Random::new();
    let count = random.within(30..40);
    wait_ticks(1);
    for number in 1..=count {
        start(doze, number, random.within(1..12));
        if random.within(0..8) == 0 {
            wait_ticks(1);
        }
    }
    wait_ticks(40);
    show("how many threads were started", count);
    show("how many threads woke", WOKEN.load(Relaxed));
    for said in &SAID[..count as usize] {
        show("the thread that woke next", said.load(Relaxed));
    }
}

fn the_tick_in_which_each_thread_wakes() {
    fn doze(argument: usize) {
        let (number, ticks) = number_and_ticks(argument);
        let start = timer::ticks();
        sleep(ticks);
        SAID[number].store((timer::ticks() - start) as u32, Relaxed);
    }
    let mut random = Random::new();
    // Each thread sleeps for another number of ticks.
    let mut ticks: Vec<u32> = (1..30).collect();
    random.shuffle(&mut ticks);
    wait_ticks(1);
    for (number, ticks) in ticks.iter().enumerate() {
        start(doze, number as u32, *ticks);
        if random.within(0..4) == 0 {
            wait_ticks(1);
        }
    }
    wait_ticks(60);
    for (ticks, said) in ticks.iter().zip(&SAID) {
        show("for how many ticks a thread wanted to sleep", *ticks);
        show("for how many ticks it slept", said.load(Relaxed));
    }
}

fn threads_woken_before_their_deadlines() {
    static QUEUES: [WaitQueue; MOST] = [const { WaitQueue::new() }; MOST];
    static TOKENS: [AtomicU32; MOST] = [const { AtomicU32::new(0) }; MOST];
    const TOKEN_CAME: u32 = 1;
    const DEADLINE_CAME: u32 = 2;
    fn wait(argument: usize) {
        let (number, ticks) = number_and_ticks(argument);
        let deadline = timer::ticks() + u64::from(ticks);
        let look = || (TOKENS[number].load(Relaxed) > 0).then_some(());
        let token = QUEUES[number].wait_until(Reason::Wait, Some(deadline), look);
        SAID[number].fetch_add(if token.is_some() { TOKEN_CAME } else { DEADLINE_CAME }, Relaxed);
    }
    let mut random = Random::new();
    let count = random.within(30..40);
    wait_ticks(1);
    for number in 0..count {
        // Many wait until the same tick.
        start(wait, number, random.within(6..10));
    }
    let mut order: Vec<u32> = (0..count).collect();
    random.shuffle(&mut order);
    order.truncate(random.within(10..20) as usize);
    for number in &order {
        TOKENS[*number as usize].store(1, Relaxed);
        QUEUES[*number as usize].wake_one();
        yield_now();
    }
    show("how many threads were woken", order.len() as u32);
    wait_ticks(30);
    for said in &SAID[..count as usize] {
        show("how a thread's wait ended (1: woken, 2: by its deadline, 0: not at all)", said.load(Relaxed));
    }
}
