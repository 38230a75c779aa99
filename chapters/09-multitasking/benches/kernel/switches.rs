//! Switches, yields and ticks: their cost by the number of threads or tasks.

use crate::fork;
use crate::translation::Translation;
use alloc::vec::Vec;
use boot::log;
use common::Lock;
use common::lock::interrupts_off;
use core::arch::{asm, naked_asm};
use core::sync::atomic::{AtomicU32, Ordering::Relaxed};
use harness::measuring::{Figure, instructions, now};
use multitasking::{exit, run, switch_space, wait};
use threads::{Switch, Thread, ThreadId};
use timer::irq::Irq;
use timer::pic;

/// The numbers of threads or tasks with which the bench measures.
const CROWDS: [u32; 5] = [1, 2, 10, 100, 1000];

/// What the crowd does: yield all the time, wait for ticks, or end.
static DOING: AtomicU32 = AtomicU32::new(YIELD);
const YIELD: u32 = 0;
const WAIT_FOR_TICKS: u32 = 1;
const END: u32 = 2;

/// The instruction counter before a switch or a tick, in the thread that was running then.
static BEFORE: AtomicU32 = AtomicU32::new(0);

/// How many switches were measured, and their total cost.
static SWITCHES: AtomicU32 = AtomicU32::new(0);
static IN_SWITCHES: AtomicU32 = AtomicU32::new(0);

/// How many of them loaded CR3, and the translation that detects it.
static CR3_LOADS: AtomicU32 = AtomicU32::new(0);
static TRANSLATION: Lock<Option<Translation>> = Lock::new(None);

/// The cost of letting interrupts in for a moment, if none comes.
static MOMENT: AtomicU32 = AtomicU32::new(0);

/// The fewest and the most instructions of a tick, and the number of ticks.
static SHORTEST: AtomicU32 = AtomicU32::new(0);
static LONGEST: AtomicU32 = AtomicU32::new(0);
static TICKS: AtomicU32 = AtomicU32::new(0);

pub fn threads_of_one_space() {
    const NAMES: [&str; 5] = [
        "yield, one space",
        "switch, one space",
        "CR3 loads, one space",
        "tick, one space",
        "tick that switches, one space",
    ];
    for crowd in CROWDS {
        DOING.store(YIELD, Relaxed);
        let others = (1..crowd).map(|_| threads::spawn(|_| take_part(), 0).expect("there is room and memory"));
        let others: Vec<Thread> = others.collect();
        measure(crowd, &NAMES);
        others.into_iter().for_each(|thread| {
            thread.join();
        });
    }
}

pub fn tasks_in_spaces_of_their_own() {
    const NAMES: [&str; 5] = ["yield", "switch", "CR3 loads", "tick", "tick that switches"];
    run(|_| {
        for crowd in CROWDS {
            DOING.store(YIELD, Relaxed);
            for _ in 1..crowd {
                if fork().is_none() {
                    take_part();
                    // SAFETY: no code relies on what is on the stack.
                    unsafe { exit(0) };
                }
            }
            measure(crowd, &NAMES);
            while wait().is_ok() {}
        }
    })
    .expect("there is enough memory");
}

/// Measures the cost of a switch and of a tick in a crowd of `crowd`, this thread included.
fn measure(crowd: u32, names: &[&'static str; 5]) {
    const ROUNDS: u32 = 20;
    let [yielding, switching, loading_cr3, tick, tick_that_switches] = names;
    let _off = interrupts_off();
    let yield_often = || (0..ROUNDS).for_each(|_| threads::yield_now());
    // Once, so that all have started.
    yield_often();
    let total = instructions(yield_often);
    // SAFETY: it does what `switch_space` does, and counts.
    unsafe { threads::switch_by(timed) };
    TRANSLATION.lock().insert(Translation::new()).remember();
    yield_often();
    [&SWITCHES, &IN_SWITCHES, &CR3_LOADS].into_iter().for_each(|sum| sum.store(0, Relaxed));
    yield_often();
    // SAFETY: this is the switch that was replaced.
    unsafe { threads::switch_by(switch_space) };
    let [switches, in_switches, cr3_loads] = [&SWITCHES, &IN_SWITCHES, &CR3_LOADS].map(|sum| sum.load(Relaxed));

    // SAFETY: it masks the timer's line without the driver; interrupts are off.
    unsafe { x86::io::outb(0x21, x86::io::inb(0x21) | 1) };
    // The interrupt of another device may come in one of the five.
    let shortest = (0..5).map(|_| cost_of_a_moment()).min().expect("there are some");
    MOMENT.store(shortest, Relaxed);
    pic::unmask(Irq::Timer);
    SHORTEST.store(u32::MAX, Relaxed);
    LONGEST.store(0, Relaxed);
    TICKS.store(0, Relaxed);
    DOING.store(WAIT_FOR_TICKS, Relaxed);
    while TICKS.load(Relaxed) < 50 {
        let_a_tick_in();
    }
    DOING.store(END, Relaxed);
    let (shortest, longest) = (SHORTEST.load(Relaxed), LONGEST.load(Relaxed));
    log!("{}", Figure::new(tick, shortest).at(crowd));
    if crowd > 1 {
        log!("{}", Figure::new(yielding, total).of_rounds(ROUNDS * crowd).at(crowd));
        log!("{}", Figure::new(switching, in_switches).of_rounds(switches).at(crowd));
        log!("{}", Figure::new(loading_cr3, cr3_loads).of_rounds(switches).at(crowd));
        log!("{}", Figure::new(tick_that_switches, longest).at(crowd));
    }
}

/// The work of each member of a crowd. Interrupts are off, except in the moments that let ticks in.
fn take_part() {
    let _off = interrupts_off();
    while DOING.load(Relaxed) == YIELD {
        threads::yield_now();
    }
    while DOING.load(Relaxed) == WAIT_FOR_TICKS {
        let_a_tick_in();
    }
}

/// Switches as this kernel does, and measures the cost beyond a call of a function that does nothing. It
/// returns in another thread.
///
/// # Safety
/// As for `switch_space`.
unsafe extern "fastcall" fn timed(from: ThreadId, to: ThreadId) {
    // SAFETY: the caller's.
    let cost = unsafe { cost_of(switch_space, from, to) };
    // SAFETY: it does nothing.
    let nothing = unsafe { cost_of(switch_nothing, from, to) };
    add(&SWITCHES, 1);
    add(&IN_SWITCHES, cost - nothing);
    let translation = TRANSLATION.lock();
    if let Some(translation) = &*translation {
        add(&CR3_LOADS, u32::from(translation.is_forgotten()));
        translation.remember();
    }
}

/// # Safety
/// As for `switch`.
#[inline(never)]
unsafe fn cost_of(switch: Switch, from: ThreadId, to: ThreadId) -> u32 {
    BEFORE.store(now(), Relaxed);
    // SAFETY: the caller's.
    unsafe { switch(from, to) };
    now().wrapping_sub(BEFORE.load(Relaxed))
}

/// # Safety
/// Any code may do nothing.
#[unsafe(naked)]
unsafe extern "fastcall" fn switch_nothing(_: ThreadId, _: ThreadId) {
    naked_asm!("ret")
}

/// Interrupts are off, so nothing comes between the load and the store.
fn add(sum: &AtomicU32, more: u32) {
    sum.store(sum.load(Relaxed).wrapping_add(more), Relaxed);
}

/// Lets a tick in if one is due, and records its cost.
fn let_a_tick_in() {
    let cost = cost_of_a_moment() - MOMENT.load(Relaxed);
    if cost > 0 {
        SHORTEST.store(SHORTEST.load(Relaxed).min(cost), Relaxed);
        LONGEST.store(LONGEST.load(Relaxed).max(cost), Relaxed);
        add(&TICKS, 1);
    }
}

/// Lets interrupts in for a moment. If a tick switches threads, the moment ends in another thread.
#[inline(never)]
fn cost_of_a_moment() -> u32 {
    BEFORE.store(now(), Relaxed);
    // SAFETY: every vector has a handler; afterwards interrupts are off again, as they were.
    unsafe { asm!("sti", "nop", "cli") };
    now().wrapping_sub(BEFORE.load(Relaxed))
}
