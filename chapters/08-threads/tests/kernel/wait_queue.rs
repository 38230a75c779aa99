//! Waiting in a queue: which thread is woken, what a newcomer may take, and how a deadline ends a wait.

use crate::{ENDLESS, LONG, interrupts_are_on, join, note, notes, run, spawn, spin_for, start};
use alloc::vec::Vec;
use common::Lock;
use common::lock::interrupts_off;
use core::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use rand::rngs::Xoshiro128PlusPlus;
use rand::{RngExt, SeedableRng};
use threads::{Reason, Thread, WaitQueue, current, sleep, yield_now};

static QUEUE: WaitQueue = WaitQueue::new();

/// What the threads wait for: each for one token.
static TOKENS: AtomicUsize = AtomicUsize::new(0);

fn take_token() -> Option<()> {
    TOKENS.fetch_update(Relaxed, Relaxed, |tokens| tokens.checked_sub(1)).ok().map(drop)
}

/// Waits for a token; returns whether it came before the deadline.
fn take_before(deadline: Option<u64>) -> bool {
    QUEUE.wait_until(Reason::Wait, deadline, take_token).is_some()
}

/// Waits for a token, and notes which thread has taken it.
fn take(me: usize) {
    assert!(take_before(None), "only a deadline ends a wait in vain");
    note(me);
}

/// Adds tokens, and wakes a thread for each.
fn give(tokens: usize) {
    TOKENS.fetch_add(tokens, Relaxed);
    (0..tokens).for_each(|_| QUEUE.wake_one());
}

/// Starts a thread, and returns when it has begun to wait.
fn waiting(me: usize, entry: fn(usize)) -> Thread {
    let thread = spawn(me, entry);
    yield_now();
    thread
}

pub fn the_thread_that_has_waited_longest_is_woken() {
    start(1000, ENDLESS);
    let threads = [0, 1, 2].map(|me| waiting(me, take));
    for woken in 1..=3 {
        give(1);
        yield_now();
        assert_eq!(notes(), [0, 1, 2][..woken]);
    }
    for counts in threads.map(Thread::join) {
        assert_eq!((counts.of(Reason::Wait), counts.total()), (1, 2));
    }
}

pub fn a_wake_is_not_kept_for_a_thread_that_comes_later() {
    start(1000, ENDLESS);
    QUEUE.wake_one();
    QUEUE.wake_all();
    let thread = waiting(0, take);
    yield_now();
    assert_eq!(notes(), []);
    give(1);
    assert_eq!(thread.join().of(Reason::Wait), 1);
}

pub fn a_newcomer_does_not_take_what_a_woken_thread_will_take() {
    start(1000, ENDLESS);
    let woken = waiting(0, take);
    let giver = spawn(2, |me| {
        sleep(5);
        note(me);
        give(1);
    });
    yield_now();
    give(1);
    // The woken thread has not run.
    take(1);
    assert_eq!(notes(), [0, 2, 1]);
    woken.join();
    giver.join();
}

pub fn a_newcomer_is_not_forgotten() {
    start(1000, ENDLESS);
    let woken = waiting(0, take);
    // Two tokens, one thread that is woken, and a newcomer that comes before it has run: no other wake follows.
    give(2);
    take(1);
    assert_eq!(notes(), [0, 1]);
    woken.join();
}

pub fn each_thread_looks_at_its_own_condition() {
    static LOOKS: [AtomicUsize; 4] = [const { AtomicUsize::new(0) }; 4];
    static OPEN: AtomicUsize = AtomicUsize::new(usize::MAX);
    fn wait_for_own(me: usize) {
        let thread = current();
        let found = QUEUE.wait_until(Reason::Wait, None, || {
            assert_eq!(current(), thread, "only the waiting thread looks");
            assert!(!interrupts_are_on());
            LOOKS[me].fetch_add(1, Relaxed);
            (OPEN.load(Relaxed) == me).then_some(me * 10)
        });
        assert_eq!(found, Some(me * 10));
        note(me);
    }
    start(1000, ENDLESS);
    let threads = [0, 1, 2, 3].map(|me| waiting(me, wait_for_own));
    // One look at first, and one for each time that all threads were woken.
    for (opened, looks) in [(2, [2, 2, 2, 2]), (0, [3, 3, 2, 3]), (3, [3, 4, 2, 4]), (1, [3, 5, 2, 4])] {
        OPEN.store(opened, Relaxed);
        QUEUE.wake_all();
        yield_now();
        assert_eq!(LOOKS.each_ref().map(|looks| looks.load(Relaxed)), looks);
    }
    assert_eq!(notes(), [2, 0, 3, 1]);
    join(threads);
}

pub fn a_thread_that_looked_in_vain_keeps_its_place() {
    start(1000, ENDLESS);
    let threads = [0, 1].map(|me| waiting(me, take));
    QUEUE.wake_one();
    yield_now();
    let last = waiting(2, take);
    QUEUE.wake_all();
    yield_now();
    assert_eq!(notes(), []);
    for woken in 1..=3 {
        give(1);
        yield_now();
        assert_eq!(notes(), [0, 1, 2][..woken]);
    }
    join(threads.into_iter().chain([last]));
}

pub fn threads_that_looked_in_vain_stand_before_a_newcomer() {
    start(1000, ENDLESS);
    let threads = [0, 1, 2].map(|me| waiting(me, take));
    let giver = spawn(4, |_| {
        for _ in 0..4 {
            sleep(5);
            give(1);
        }
    });
    yield_now();
    // All three look in vain while a newcomer already waits, so the second one's place is between two others.
    QUEUE.wake_all();
    take(3);
    assert_eq!(notes(), [0, 1, 2, 3]);
    join(threads.into_iter().chain([giver]));
}

pub fn a_wait_with_a_deadline_ends_in_its_tick() {
    start(1000, 4);
    // With interrupts off, no tick comes between the wake and the look at the time.
    let _off = interrupts_off();
    for ticks in [1, 2, 3, 20] {
        let late = [(); 10].map(|()| {
            let deadline = timer::ticks() + ticks;
            assert!(!take_before(Some(deadline)), "there is no token");
            timer::ticks() as i64 - deadline as i64
        });
        // The idle thread may see a second tick before it gives way, if two came at once.
        assert!(late.contains(&0) && late.iter().all(|late| *late >= 0), "with {ticks} ticks, late by {late:?}");
    }
    let [counts] = run(|_| assert!(!take_before(Some(timer::ticks() + 3))));
    assert_eq!((counts.of(Reason::Wait), counts.total()), (1, 2));
}

pub fn a_token_that_is_there_at_the_deadline_is_found() {
    start(1000, ENDLESS);
    let thread = waiting(0, |me| {
        assert!(take_before(Some(timer::ticks() + 5)));
        note(me);
    });
    // The token comes without a wake.
    TOKENS.store(1, Relaxed);
    assert_eq!(thread.join().of(Reason::Wait), 1);
    assert_eq!(notes(), [0]);
}

pub fn a_thread_whose_deadline_has_passed_does_not_take_what_a_woken_thread_will_take() {
    start(1000, ENDLESS);
    let first = waiting(0, take);
    let late = waiting(1, |me| {
        assert!(!take_before(Some(timer::ticks() + 5)));
        note(me);
    });
    // Both are ready after this, the thread with the deadline first.
    spin_for(10);
    give(1);
    join([first, late]);
    assert_eq!(notes(), [1, 0]);
}

pub fn newcomers_look_one_after_another() {
    start(1000, ENDLESS);
    // Two newcomers run before the thread that is woken, and there is a token for one of them.
    let _off = interrupts_off();
    let woken = waiting(0, take);
    let newcomers = [1, 2].map(|me| spawn(me, take));
    give(2);
    (0..3).for_each(|_| yield_now());
    assert_eq!(notes(), [0, 1]);
    give(1);
    yield_now();
    assert_eq!(notes(), [0, 1, 2]);
    join(newcomers.into_iter().chain([woken]));
}

pub fn a_deadline_takes_a_thread_out_of_the_queue() {
    static GIVES_UP: AtomicUsize = AtomicUsize::new(0);
    fn take_or_give_up(me: usize) {
        let gives_up = GIVES_UP.load(Relaxed) == me;
        let found = take_before(gives_up.then(|| timer::ticks() + 5));
        assert_eq!(found, !gives_up);
        note(if found { me } else { 10 + me });
    }
    start(1000, ENDLESS);
    let mut expected = Vec::new();
    for threads in 1..=3 {
        for gives_up in 0..threads {
            GIVES_UP.store(gives_up, Relaxed);
            let mut all: Vec<Thread> = (0..threads).map(|me| waiting(me, take_or_give_up)).collect();
            sleep(10);
            expected.push(10 + gives_up);
            assert_eq!(notes(), expected, "thread {gives_up} of {threads}");
            // A thread that comes later is behind the others, and each token goes to the next thread.
            all.push(waiting(3, take_or_give_up));
            for next in (0..threads).filter(|me| *me != gives_up).chain([3]) {
                give(1);
                yield_now();
                expected.push(next);
                assert_eq!(notes(), expected, "thread {gives_up} of {threads} gave up");
            }
            join(all);
        }
    }
}

pub fn a_wake_before_the_deadline_leaves_no_trace() {
    static OTHER: WaitQueue = WaitQueue::new();
    static LOOKS: AtomicUsize = AtomicUsize::new(0);
    fn wait_again(_: usize) {
        assert!(take_before(Some(timer::ticks() + 10)));
        OTHER.wait_until(Reason::Wait, None, || (LOOKS.fetch_add(1, Relaxed) == 1).then_some(()));
        let deadline = timer::ticks() + 30;
        assert!(take_before(Some(timer::ticks() + 10)));
        assert!(!take_before(Some(deadline)) && timer::ticks() >= deadline, "ended by the deadline of another wait");
    }
    start(1000, ENDLESS);
    let thread = waiting(0, wait_again);
    give(1);
    // The first deadline passes in this time.
    sleep(20);
    assert_eq!(LOOKS.load(Relaxed), 1, "the thread waits without a deadline, and is not woken");
    OTHER.wake_one();
    yield_now();
    give(1);
    let counts = thread.join();
    assert_eq!((counts.of(Reason::Wait), counts.total()), (4, 5));
}

pub fn a_deadline_that_has_passed_ends_the_wait_after_one_look() {
    fn look_once(_: usize) {
        let _off = interrupts_off();
        for deadline in [0, timer::ticks() - 1, timer::ticks()] {
            let mut looks = 0;
            let found = QUEUE.wait_until(Reason::Wait, Some(deadline), || {
                looks += 1;
                None::<()>
            });
            assert_eq!((found, looks), (None, 1));
            // A value that is there is found all the same.
            assert_eq!(QUEUE.wait_until(Reason::Wait, Some(deadline), || Some(7)), Some(7));
        }
    }
    start(1000, ENDLESS);
    sleep(3);
    let [counts] = run(look_once);
    assert_eq!((counts.of(Reason::Exit), counts.total()), (1, 1), "it did not leave the CPU");
    // The queue holds no thread that has ended.
    let thread = waiting(0, take);
    give(1);
    thread.join();
}

pub fn a_condition_may_use_what_lies_on_the_stack_of_its_thread() {
    fn collect(me: usize) {
        let mut seen = [0; 5];
        let mut length = 0;
        let sum = QUEUE.wait_until(Reason::Wait, None, || {
            seen[length] = TOKENS.load(Relaxed) + me;
            length += 1;
            (length == seen.len()).then(|| seen.iter().sum::<usize>())
        });
        assert_eq!(seen, [me, me + 1, me + 2, me + 3, me + 4]);
        assert_eq!(sum, Some(5 * me + 10));
    }
    start(1000, ENDLESS);
    let threads = [100, 200].map(|me| waiting(me, collect));
    for tokens in 1..5 {
        TOKENS.store(tokens, Relaxed);
        QUEUE.wake_all();
        yield_now();
    }
    join(threads);
}

/// What the threads of the random test are told to do next.
enum Order {
    Wait(Option<u64>),
    End,
}

/// Enough that there is more than one thread first, last, and between.
const WORKERS: usize = 8;
static ORDERS: [Lock<Option<Order>>; WORKERS] = [const { Lock::new(None) }; WORKERS];
static ORDERED: [WaitQueue; WORKERS] = [const { WaitQueue::new() }; WORKERS];
/// The workers whose waits have ended since the last look, and whether they found a token.
static ENDED: Lock<Vec<(usize, bool)>> = Lock::new(Vec::new());

fn obey(me: usize) {
    let _off = interrupts_off();
    while let Some(Order::Wait(deadline)) = ORDERED[me].wait_until(Reason::Wait, None, || ORDERS[me].lock().take()) {
        let found = take_before(deadline);
        ENDED.lock().push((me, found));
    }
}

fn order(worker: usize, order: Order) {
    *ORDERS[worker].lock() = Some(order);
    ORDERED[worker].wake_one();
}

/// All threads keep interrupts off, so time passes only while all wait. A list predicts what must happen.
pub fn random_waits_end_as_those_of_a_list() {
    start(1000, ENDLESS);
    let _off = interrupts_off();
    let threads: [Thread; WORKERS] = core::array::from_fn(|me| spawn(me, obey));
    let mut random = Xoshiro128PlusPlus::seed_from_u64(8);
    let mut list: Vec<(usize, Option<u64>)> = Vec::new();
    for step in 0..3000 {
        let (action, tokens) = (random.random_range(0..8), random.random_range(0..4));
        let mut expected: Vec<(usize, bool)> = Vec::new();
        // Often there are newcomers, which run before the threads that are woken.
        let newcomers = if action < 6 { random.random_range(0..4) } else { 0 };
        for _ in 0..newcomers {
            let start = random.random_range(0..WORKERS);
            let is_free = |worker: &usize| list.iter().all(|(waiting, _)| waiting != worker);
            let Some(worker) = (start..WORKERS).chain(0..start).find(is_free) else { break };
            let deadline = random.random_bool(0.5).then(|| timer::ticks() + random.random_range(1..8));
            order(worker, Order::Wait(deadline));
            list.push((worker, deadline));
        }
        match action {
            0..3 => {}
            3 | 6 => give(tokens),
            4 => {
                TOKENS.store(tokens, Relaxed);
                QUEUE.wake_all();
            }
            5 => (0..tokens).for_each(|_| QUEUE.wake_one()),
            _ => sleep(random.random_range(1..4)),
        }
        // The woken threads look, and then those that have begun to wait since, one after another.
        let brought = TOKENS.load(Relaxed).min(list.len());
        (0..2 + newcomers).for_each(|_| yield_now());
        TOKENS.store(0, Relaxed);
        expected.extend(list.drain(..brought).map(|(worker, _)| (worker, true)));
        let now = timer::ticks();
        let late = |deadline: &Option<u64>| deadline.is_some_and(|deadline| deadline <= now);
        expected.extend(list.extract_if(.., |(_, deadline)| late(deadline)).map(|(worker, _)| (worker, false)));
        let mut ended = core::mem::take(&mut *ENDED.lock());
        // Another test checks which of several deadlines comes first.
        ended.sort_by_key(|(worker, found)| if *found { 0 } else { 1 + worker });
        expected.sort_by_key(|(worker, found)| if *found { 0 } else { 1 + worker });
        assert_eq!(ended, expected, "step {step}; still waiting: {list:?}");
    }
    TOKENS.store(list.len(), Relaxed);
    QUEUE.wake_all();
    yield_now();
    (0..WORKERS).for_each(|worker| order(worker, Order::End));
    join(threads);
}

pub fn a_condition_that_waits_is_a_bug() {
    start(1000, ENDLESS);
    QUEUE.wait_until(Reason::Wait, None, || {
        sleep(LONG);
        Some(())
    });
}

/// A wake between the look and the wait would be lost.
pub fn a_condition_that_yields_is_a_bug() {
    start(1000, ENDLESS);
    let other = spawn(0, |_| QUEUE.wake_one());
    QUEUE.wait_until(Reason::Wait, None, || {
        yield_now();
        Some(())
    });
    other.join();
}

pub fn a_condition_that_ends_its_thread_is_a_bug() {
    start(1000, ENDLESS);
    // SAFETY: the stack holds numbers only, and no thread waits for more than the end.
    QUEUE.wait_until(Reason::Wait, None, || -> Option<()> { unsafe { threads::exit() } });
}
