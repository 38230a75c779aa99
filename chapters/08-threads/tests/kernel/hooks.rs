//! The hooks before every switch: which switches they see, and in which order they are called.

use crate::{ENDLESS, LONG, interrupts_are_on, note, notes, spawn, spin_for, start};
use alloc::vec::Vec;
use common::Lock;
use common::lock::interrupts_off;
use core::sync::atomic::{AtomicBool, Ordering::Relaxed};
use threads::{Hook, Reason, Thread, ThreadId, before_switch, current, sleep, yield_now};

/// The switches that were seen: from which slot to which, and why.
static SWITCHES: Lock<Vec<(usize, usize, Reason)>> = Lock::new(Vec::new());

fn see(from: ThreadId, to: ThreadId, reason: Reason) {
    assert!(!interrupts_are_on());
    assert_eq!(current(), from, "the hook comes before the switch");
    SWITCHES.lock().push((from.slot(), to.slot(), reason));
}

static SEE: Hook = Hook::new(see);

fn add(hook: &'static Hook) {
    // SAFETY: the hooks here neither switch nor wait, and leave interrupts off.
    unsafe { before_switch(hook) };
}

pub fn the_hook_sees_each_switch_and_its_reason() {
    start(1000, ENDLESS);
    add(&SEE);
    // With interrupts off, the sleeper's tick comes only after no other thread can run.
    let _off = interrupts_off();
    let yields = spawn(0, |_| yield_now());
    let sleeps = spawn(0, |_| {
        let _off = interrupts_off();
        sleep(3);
    });
    yields.join();
    sleeps.join();
    let idle = 1;
    let expected = [
        (0, 2, Reason::Wait),
        (2, 3, Reason::Yield),
        (3, 2, Reason::Sleep),
        (2, 0, Reason::Exit),
        (0, idle, Reason::Wait),
        (idle, 3, Reason::Yield),
        (3, 0, Reason::Exit),
    ];
    assert_eq!(*SWITCHES.lock(), expected);
}

/// The thread that the hook makes wait is in the run queue already.
pub fn a_hook_that_waits_is_noticed() {
    static HAS_WAITED: AtomicBool = AtomicBool::new(false);
    static WAIT: Hook = Hook::new(|_, _, _| {
        if !HAS_WAITED.swap(true, Relaxed) {
            sleep(LONG);
        }
    });
    start(1000, ENDLESS);
    let _other = spawn(0, |_| ());
    add(&WAIT);
    yield_now();
}

pub fn the_hook_sees_every_switch_by_the_timer() {
    start(1000, 1);
    add(&SEE);
    let threads = [0, 1, 2].map(|number| spawn(number, |_| spin_for(50)));
    let ids = threads.each_ref().map(Thread::id);
    let counts = threads.map(Thread::join);
    let switches = SWITCHES.lock().clone();
    assert!(switches.is_sorted_by(|before, after| before.1 == after.0), "one switch was not seen: {switches:?}");
    for (id, counts) in ids.into_iter().zip(counts) {
        let seen = |why| switches.iter().filter(|(from, _, reason)| *from == id.slot() && *reason == why).count();
        assert_eq!(Reason::ALL.map(seen), Reason::ALL.map(|reason| counts.of(reason) as usize));
        assert!(counts.of(Reason::Timer) > 10, "{counts:?}");
    }
}

pub fn hooks_are_called_in_the_order_in_which_they_came() {
    static HOOKS: [Hook; 3] =
        [Hook::new(|_, _, _| note(1)), Hook::new(|_, _, _| note(2)), Hook::new(|_, _, _| note(3))];
    start(1000, ENDLESS);
    for (number, hook) in HOOKS.iter().enumerate() {
        add(hook);
        spawn(0, |_| ()).join();
        let called: Vec<usize> = (1..=number + 1).collect();
        // To the thread, and back.
        let expected = [&called[..], &called[..]].concat();
        assert_eq!(notes()[notes().len() - expected.len()..], expected);
    }
}

pub fn turns_are_not_counted_until_a_kernel_asks() {
    timer::init(1000).expect("a possible rate");
    timer::start();
    threads::init(ENDLESS);
    assert_eq!(spawn(0, |_| yield_now()).join().total(), 0);
    threads::count_turns();
    assert_eq!(spawn(0, |_| ()).join().total(), 1);
}

pub fn a_hook_is_called_once() {
    start(1000, ENDLESS);
    add(&SEE);
    add(&SEE);
}
