//! Pairs of threads that wait for each other all the time, and must never miss a wakeup.

use crate::{ENDED, ENOUGH, random, spawn, wait_for};
use core::hint::spin_loop;
use core::sync::atomic::{AtomicU32, AtomicUsize, Ordering::Relaxed};
use rand::RngExt;
use rand::rngs::Xoshiro128PlusPlus;
use threads::{Reason, Thread, WaitQueue, input, sleep, yield_now};
use x86::io::{inb, outb};

/// The last pair waits for the keyboard.
const PAIRS: usize = 5;
const WITH_KEYBOARD: usize = PAIRS - 1;

/// Whose turn it is in each pair: thread 0 or 1 of it.
static TURN: [AtomicUsize; PAIRS] = [const { AtomicUsize::new(0) }; PAIRS];
/// Two pairs share a queue, so a thread is often woken in vain, and must keep its place.
static QUEUES: [WaitQueue; PAIRS.div_ceil(2)] = [const { WaitQueue::new() }; PAIRS.div_ceil(2)];
static DONE: [AtomicU32; PAIRS] = [const { AtomicU32::new(0) }; PAIRS];

/// The two threads of a pair share one turn, so a single lost wakeup stops the pair for good.
pub fn no_thread_is_left_waiting() {
    let threads: [Thread; 2 * PAIRS] = core::array::from_fn(|number| spawn(take_turns, number));
    wait_for(threads, &DONE);
}

fn take_turns(number: usize) {
    let (pair, me) = (number / 2, number % 2);
    let mut random = random(number);
    loop {
        wait_for_turn(pair, me, &mut random);
        // Both threads see it in their next turn, beginning with this one.
        let enough = ENOUGH.load(Relaxed);
        match random.random_range(0..10) {
            0 => yield_now(),
            1 => sleep(random.random_range(0..3)),
            2 => _ = spawn(|_| (), 0).join(),
            _ => (0..random.random_range(0..200)).for_each(|_| spin_loop()),
        }
        DONE[pair].fetch_add(1, Relaxed);
        give_turn(pair, 1 - me);
        if enough {
            ENDED.fetch_add(1, Relaxed);
            return;
        }
    }
}

fn wait_for_turn(pair: usize, me: usize, random: &mut Xoshiro128PlusPlus) {
    if (pair, me) == (WITH_KEYBOARD, 1) {
        let key = with_deadlines(random, |deadline| match deadline {
            Some(deadline) => input::read_byte_before(deadline),
            None => Some(input::read_byte()),
        });
        assert_eq!(char::from(key), 'a');
    }
    let is_my_turn = || (TURN[pair].load(Relaxed) == me).then_some(());
    with_deadlines(random, |deadline| QUEUES[pair / 2].wait_until(Reason::Wait, deadline, is_my_turn));
}

/// Waits by `wait`, sometimes with a deadline, which may have passed already. After the deadline, waits again.
fn with_deadlines<T>(random: &mut Xoshiro128PlusPlus, wait: impl Fn(Option<u64>) -> Option<T>) -> T {
    loop {
        let deadline = random.random_bool(0.3).then(|| timer::ticks() + random.random_range(0..6));
        if let Some(found) = wait(deadline) {
            return found;
        }
    }
}

fn give_turn(pair: usize, to: usize) {
    TURN[pair].store(to, Relaxed);
    if (pair, to) == (WITH_KEYBOARD, 1) {
        press_a_key();
    } else {
        QUEUES[pair / 2].wake_all();
    }
}

/// Makes the keyboard controller behave as if the key `a` were pressed.
fn press_a_key() {
    const PRETEND_THAT_THE_KEYBOARD_SENT: u8 = 0xD2;
    const CONTROLLER_IS_BUSY: u8 = 0x02;
    const KEY_A_IN_SCAN_CODE_SET_1: u8 = 0x1E;
    for (port, byte) in [(0x64, PRETEND_THAT_THE_KEYBOARD_SENT), (0x60, KEY_A_IN_SCAN_CODE_SET_1)] {
        // SAFETY: the controller reaches no memory, and its interrupt has a handler.
        unsafe {
            while inb(0x64) & CONTROLLER_IS_BUSY != 0 {}
            outb(port, byte);
        }
    }
}
