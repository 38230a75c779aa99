//! Interrupt guards: they are counted, so they may be dropped in any order, and each thread has its own count.

use crate::{ENDLESS, ENOUGH, interrupts_are_on, join, run, spawn, spin_for, start};
use alloc::vec::Vec;
use common::Lock;
use common::lock::interrupts_off;
use core::arch::asm;
use core::hint::spin_loop;
use core::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use interrupts::TrapFrame;
use threads::{Reason, WaitQueue, sleep, yield_now};

const ORDERS: [[usize; 3]; 6] = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];

/// Makes three guards and drops them in this order. Interrupts are as `before` says, before and after.
fn drop_in(order: [usize; 3], before: bool) {
    assert_eq!(interrupts_are_on(), before);
    let mut guards = [(); 3].map(|()| Some(interrupts_off()));
    for place in order {
        assert!(!interrupts_are_on(), "in the order {order:?}, before {place}");
        drop(guards[place].take());
    }
    assert_eq!(interrupts_are_on(), before, "after the order {order:?}");
}

pub fn guards_may_be_dropped_in_any_order() {
    static LOCK: Lock<u32> = Lock::new(0);
    start(1000, 1);
    for order in ORDERS {
        drop_in(order, true);
        let _off = interrupts_off();
        drop_in(order, false);
    }
    let (off, lock) = (interrupts_off(), LOCK.lock());
    drop(off);
    assert!(!interrupts_are_on(), "a lock is held");
    drop(lock);
    assert!(interrupts_are_on());
}

pub fn guards_of_a_handler_leave_interrupts_off() {
    const VECTOR: u8 = 0x40;
    static CALLS: AtomicUsize = AtomicUsize::new(0);
    extern "C" fn handle(_: &mut TrapFrame) {
        ORDERS.into_iter().for_each(|order| drop_in(order, false));
        CALLS.fetch_add(1, Relaxed);
    }
    // SAFETY: the handler changes no register, and no device interrupts by this vector.
    unsafe { interrupts::register(VECTOR, handle) };
    start(1000, 1);
    // SAFETY: the handler returns, and changes nothing here.
    unsafe { asm!("int {}", const VECTOR) };
    assert!(interrupts_are_on());
    assert_eq!(CALLS.load(Relaxed), 1);
}

/// Two threads share one turn, so a single lost wakeup stops both.
pub fn guards_dropped_in_any_order_lose_no_wake() {
    static TURN: AtomicUsize = AtomicUsize::new(0);
    static QUEUE: WaitQueue = WaitQueue::new();
    fn take_turns(me: usize) {
        for turn in (me..2000).step_by(2) {
            let first = interrupts_off();
            let second = interrupts_off();
            drop(first);
            assert!(!interrupts_are_on());
            // Without a guard, a tick would sooner or later come here.
            (0..turn % 100).for_each(|_| spin_loop());
            QUEUE.wait_until(Reason::Wait, None, || (TURN.load(Relaxed) == turn).then_some(()));
            assert!(!interrupts_are_on());
            TURN.store(turn + 1, Relaxed);
            QUEUE.wake_all();
            drop(second);
            assert!(interrupts_are_on());
        }
    }
    start(1000, 1);
    // A thread that is always ready to run, and is preempted.
    let other = spawn(0, |_| {
        while ENOUGH.load(Relaxed) == 0 {
            spin_loop();
        }
    });
    run::<2>(take_turns);
    ENOUGH.store(1, Relaxed);
    other.join();
}

pub fn a_guard_may_be_held_across_every_way_to_leave() {
    static NEVER: WaitQueue = WaitQueue::new();
    fn leave_with_guards(me: usize) {
        for round in 0..100 {
            let mut guards = [(); 2].map(|()| Some(interrupts_off()));
            drop(guards[round % 2].take());
            let before = timer::ticks();
            match (me + round) % 4 {
                0 => yield_now(),
                1 => sleep(1),
                2 => _ = NEVER.wait_until(Reason::Wait, Some(before + 1), || None::<()>),
                _ => _ = spawn(0, |_| assert!(interrupts_are_on())).join(),
            }
            assert!(!interrupts_are_on(), "on after {}", (me + round) % 4);
            drop(guards);
            assert!(interrupts_are_on());
        }
    }
    start(1000, 1);
    run::<4>(leave_with_guards);
}

pub fn other_threads_are_preempted_while_a_guard_is_held_across_a_wait() {
    start(1000, 1);
    let _off = interrupts_off();
    for counts in run::<2>(|_| spin_for(50)) {
        assert!(counts.of(Reason::Timer) >= 10, "{counts:?}");
    }
    assert!(!interrupts_are_on());
}

pub fn each_thread_has_its_own_count_of_guards() {
    fn hold(guards: usize) {
        for _ in 0..10 {
            let mut held: Vec<_> = (0..guards).map(|_| interrupts_off()).collect();
            while !held.is_empty() {
                yield_now();
                assert!(!interrupts_are_on(), "{} of {guards} guards are left", held.len());
                drop(held.swap_remove(0));
            }
            assert!(interrupts_are_on(), "{guards} guards are dropped");
            yield_now();
            assert!(interrupts_are_on(), "no guard is left");
        }
    }
    start(1000, ENDLESS);
    let threads = [0, 1, 2, 3, 5].map(|guards| spawn(guards, hold));
    join(threads);
}

pub fn a_halt_ends_with_the_next_interrupt() {
    start(1000, ENDLESS);
    for _ in 0..10 {
        let off = interrupts_off();
        let before = timer::ticks();
        off.halt_until_interrupt();
        assert!(interrupts_are_on() && timer::ticks() > before);
    }
}

pub fn a_halt_with_another_guard_is_a_bug() {
    start(1000, ENDLESS);
    let _another = interrupts_off();
    interrupts_off().halt_until_interrupt();
}
