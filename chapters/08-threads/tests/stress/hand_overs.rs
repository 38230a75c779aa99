//! Pairs of threads that wait for each other all the time, and never in vain.

use crate::{ENDED, ENOUGH, random, spawn, wait_for};
use common::lock::interrupts_off;
use core::hint::spin_loop;
use core::sync::atomic::{AtomicU32, AtomicUsize, Ordering::Relaxed};
use rand::RngExt;
use threads::{Reason, Thread, ThreadId, input, scheduler, sleep, yield_now};
use x86::io::{inb, outb};

/// The last pair waits for the keyboard.
const PAIRS: usize = 5;
const WITH_KEYBOARD: usize = PAIRS - 1;

/// Whose turn it is in each pair: thread 0 or 1 of it.
static TURN: [AtomicUsize; PAIRS] = [const { AtomicUsize::new(0) }; PAIRS];
/// The places of both threads of each pair.
static PLACES: [[AtomicUsize; 2]; PAIRS] = [const { [const { AtomicUsize::new(0) }; 2] }; PAIRS];
static DONE: [AtomicU32; PAIRS] = [const { AtomicU32::new(0) }; PAIRS];

/// A pair has one turn between them, so a single wake-up that is missed stops it for good.
pub fn nobody_is_left_waiting() {
    let off = interrupts_off();
    let threads: [Thread; 2 * PAIRS] = core::array::from_fn(|number| spawn(take_turns, number));
    for (number, thread) in threads.iter().enumerate() {
        PLACES[number / 2][number % 2].store(thread.id().place(), Relaxed);
    }
    drop(off);
    wait_for(threads, &DONE);
}

fn take_turns(number: usize) {
    let (pair, me) = (number / 2, number % 2);
    let mut random = random(number);
    loop {
        wait_for_turn(pair, me);
        // Both see it in their next turn, the one whose turn it is first.
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

fn wait_for_turn(pair: usize, me: usize) {
    if (pair, me) == (WITH_KEYBOARD, 1) {
        assert_eq!(char::from(input::read_byte()), 'a');
    }
    let off = interrupts_off();
    while TURN[pair].load(Relaxed) != me {
        scheduler::wait(Reason::Wait, &off);
    }
}

/// Interrupts are off from the moment the other one can see its turn: a wake-up that came later might end
/// another wait of his.
fn give_turn(pair: usize, to: usize) {
    let _off = interrupts_off();
    TURN[pair].store(to, Relaxed);
    if (pair, to) == (WITH_KEYBOARD, 1) {
        press_a_key();
    } else {
        scheduler::wake(ThreadId::new(PLACES[pair][to].load(Relaxed)));
    }
}

/// Makes the keyboard's controller behave as if the key `a` were pressed.
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
