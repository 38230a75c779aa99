//! Judges exercise 8.4: threads that take and give, and interrupts between any two instructions.

#![no_std]
#![no_main]

extern crate alloc;

use alloc::vec::Vec;
use core::arch::asm;
use core::sync::atomic::{AtomicBool, AtomicU32, Ordering::Relaxed};
use ex08_semaphore::Semaphore;
use harness::seeded::{Random, show};
use harness::{Test, test};
use interrupts::TrapFrame;
use interrupts::idt::Handler;
use threads::{Reason, Thread, sleep, yield_now};

// Timeslices never end, so how many instructions an answer has does not decide which thread runs.
harness::boot!(TESTS, up to heap, then {
    timer::init(100).expect("within the timer's range");
    timer::start();
    threads::init(u32::MAX);
});

const TESTS: &[Test] = &[
    test!(each_unit_is_taken_once),
    test!(a_unit_at_each_step_of_a_give),
    test!(first_come_first_served),
    test!(a_unit_at_each_step_of_a_take),
    test!(another_thread_at_each_step_of_a_give),
    test!(takes_with_a_deadline),
];

static UNITS: Semaphore = Semaphore::new(0);
static TAKEN: AtomicU32 = AtomicU32::new(0);

fn spawn(entry: fn(usize), argument: u32) -> Thread {
    threads::spawn(entry, argument as usize).expect("room and memory for a thread")
}

/// Starts a thread, and lets it run until it waits.
fn waiting(entry: fn(usize), argument: u32) -> Thread {
    let thread = spawn(entry, argument);
    yield_now();
    thread
}

/// Lets all threads run until they wait.
fn let_all_run() {
    (0..20).for_each(|_| yield_now());
}

fn each_unit_is_taken_once() {
    fn take(times: usize) {
        for _ in 0..times {
            UNITS.take();
            TAKEN.fetch_add(1, Relaxed);
        }
    }
    let mut random = Random::new();
    for _ in 0..random.within(3..10) {
        UNITS.give();
        show("the count after a unit was given", UNITS.count());
    }
    UNITS.take();
    show("the count after a unit was taken", UNITS.count());

    let mut left = 0;
    let threads: Vec<Thread> = (0..random.within(3..6))
        .map(|_| {
            let times = random.within(5..15);
            left += times;
            spawn(take, times)
        })
        .collect();
    let_all_run();
    show("how many units were taken of those that were there", TAKEN.load(Relaxed));
    show("the count while threads wait", UNITS.count());
    left -= TAKEN.load(Relaxed);
    while left > 0 {
        let some = random.within(1..6).min(left);
        (0..some).for_each(|_| UNITS.give());
        let_all_run();
        show("how many units were taken after some more were given", TAKEN.load(Relaxed));
        show("the count while threads wait", UNITS.count());
        left -= some;
    }
    for thread in threads {
        thread.join();
    }
    (0..random.within(1..5)).for_each(|_| UNITS.give());
    show("the count at the end", UNITS.count());
}

/// How many times threads come one after the other.
const TIMES: usize = 10;

fn first_come_first_served() {
    /// Takes a unit with `take` or, if the lowest bit is set, with `take_before`. The other bits are the thread's number.
    fn take(how: usize) {
        if how & 1 == 0 {
            UNITS.take();
        } else {
            assert!(UNITS.take_before(timer::ticks() + 1000), "`take_before` gives up, long before its deadline");
        }
        show("the number of the thread that takes a unit (0 came first)", how as u32 / 2);
    }
    fn give_two(_: usize) {
        for _ in 0..2 {
            yield_now();
            UNITS.give();
        }
    }
    let mut random = Random::new();
    let mut last_ones: [usize; TIMES] = core::array::from_fn(|time| time % 2);
    random.shuffle(&mut last_ones);
    threads::count_turns();
    for last_one in last_ones {
        let threads: Vec<Thread> =
            (0..random.within(3..7)).map(|me| waiting(take, 2 * me + random.within(0..2))).collect();
        for _ in 0..threads.len() {
            UNITS.give();
            if random.within(0..2) == 0 {
                yield_now();
            }
        }
        let turns: Vec<u32> = threads.into_iter().map(|thread| thread.join().of(Reason::Wait)).collect();
        for count in turns {
            show("how many turns of a thread ended because it had to wait", count);
        }
        // The thread of the test comes after two others, when a unit is there that one of them will take.
        let threads = [0, 1].map(|me| waiting(take, 2 * me + random.within(0..2)));
        let giver = spawn(give_two, 0);
        UNITS.give();
        take(2 * 2 + last_one);
        for thread in threads.into_iter().chain([giver]) {
            thread.join();
        }
        show("the count at the end", UNITS.count());
    }
}

/// How many instructions are traced. No take or give has so many while interrupts are on.
const STEPS: u32 = 60;
const TRAP: u32 = 0x100;
const INTERRUPTS: u32 = 0x200;

static ROUND: AtomicU32 = AtomicU32::new(0);
static STEPS_LEFT: AtomicU32 = AtomicU32::new(0);
static GIVEN: AtomicU32 = AtomicU32::new(0);
static IS_OVER: AtomicBool = AtomicBool::new(false);

/// Makes the CPU call `handler` after every instruction of `work`.
fn step_by_step(handler: Handler, work: impl FnOnce()) {
    const DEBUG: u8 = 1;
    // SAFETY: the handlers of these tests change no register. With the trap flag set, the CPU calls the handler after
    // each instruction (Intel SDM volume 3B, 18.3.1.4, "Single-Step Exception Condition").
    unsafe {
        interrupts::register(DEBUG, handler);
        asm!("pushfd", "or dword ptr [esp], 0x100", "popfd");
    }
    work();
    // SAFETY: as above.
    unsafe { asm!("pushfd", "and dword ptr [esp], ~0x100", "popfd") };
}

/// Whether this is the instruction after which the interrupt is to come. It comes only once.
fn is_the_step(frame: &mut TrapFrame) -> bool {
    if frame.eflags & INTERRUPTS == 0 || STEPS_LEFT.fetch_sub(1, Relaxed) != 1 {
        return false;
    }
    frame.eflags &= !TRAP;
    true
}

fn give() {
    GIVEN.fetch_add(1, Relaxed);
    UNITS.give();
}

/// Gives one more unit whenever a thread has waited too long.
fn rescue(_: usize) {
    let mut last = 0;
    while !IS_OVER.load(Relaxed) {
        sleep(20);
        let round = ROUND.load(Relaxed);
        if round == last && !IS_OVER.load(Relaxed) {
            give();
        }
        last = round;
    }
}

extern "C" fn give_at_the_step(frame: &mut TrapFrame) {
    if is_the_step(frame) {
        give();
    }
}

fn a_unit_at_each_step_of_a_give() {
    for round in 1..=STEPS {
        let before = UNITS.count();
        GIVEN.store(0, Relaxed);
        STEPS_LEFT.store(round, Relaxed);
        step_by_step(give_at_the_step, || UNITS.give());
        // An answer with fewer instructions has ended before the interrupt.
        if GIVEN.load(Relaxed) == 0 {
            give();
        }
        show(
            "by how much two gives raise the count, one of them in an interrupt during the other",
            UNITS.count().wrapping_sub(before),
        );
    }
}

fn a_unit_at_each_step_of_a_take() {
    let rescuer = waiting(rescue, 0);
    for round in 1..=STEPS {
        GIVEN.store(0, Relaxed);
        STEPS_LEFT.store(round, Relaxed);
        ROUND.store(round, Relaxed);
        step_by_step(give_at_the_step, || UNITS.take());
        show("how many units had to be given for one take", GIVEN.load(Relaxed));
        show("the count after that", UNITS.count());
    }
    IS_OVER.store(true, Relaxed);
    rescuer.join();
}

fn another_thread_at_each_step_of_a_give() {
    extern "C" fn interrupt(frame: &mut TrapFrame) {
        if is_the_step(frame) {
            yield_now();
        }
    }
    fn take(_: usize) {
        for _ in 0..STEPS {
            UNITS.take();
            TAKEN.fetch_add(1, Relaxed);
        }
    }
    let rescuer = waiting(rescue, 0);
    let taker = waiting(take, 0);
    for round in 1..=STEPS {
        GIVEN.store(0, Relaxed);
        STEPS_LEFT.store(round, Relaxed);
        ROUND.store(round, Relaxed);
        step_by_step(interrupt, give);
        let_all_run();
        while TAKEN.load(Relaxed) < round {
            sleep(1);
        }
        show("how many units had to be given for one take", GIVEN.load(Relaxed));
        show("the count after that", UNITS.count());
    }
    taker.join();
    IS_OVER.store(true, Relaxed);
    rescuer.join();
}

fn takes_with_a_deadline() {
    fn give_after(ticks: usize) {
        sleep(ticks as u32);
        UNITS.give();
    }
    let mut random = Random::new();
    for _ in 0..12 {
        // From the beginning of a tick on.
        sleep(1);
        let (start, patience) = (timer::ticks(), random.within(2..20));
        show("whether a unit comes although none is given", UNITS.take_before(start + u64::from(patience)).into());
        show("after how many ticks a thread gives up", (timer::ticks() - start) as u32);

        let late = random.within(0..2) == 0;
        let delay = if late { patience + random.within(1..5) } else { random.within(1..patience) };
        let giver = spawn(give_after, delay);
        let start = timer::ticks();
        show("whether a unit comes before the deadline", UNITS.take_before(start + u64::from(patience)).into());
        show("after how many ticks a thread continues", (timer::ticks() - start) as u32);
        giver.join();
        show("the count after that", UNITS.count());
        if late {
            let past = timer::ticks() - u64::from(random.within(0..2));
            show("whether a unit that is there is taken after the deadline", UNITS.take_before(past).into());
            show("whether one that is not there is taken too", UNITS.take_before(past).into());
        }
        show("the count at the end", UNITS.count());
    }
}
