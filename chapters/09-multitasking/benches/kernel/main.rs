//! The costs of the finished kernel: start, forks, switches, ticks.

#![no_std]
#![no_main]

extern crate alloc;

mod forks;
mod switches;
#[path = "../../tests/translation/mod.rs"]
mod translation;

use boot::{log, serial};
use core::sync::atomic::{AtomicU32, Ordering::Relaxed};
use forks::{forks, frames_lost};
use harness::measuring::{Figure, now};
use harness::{Test, test};
use multitasking::Pid;
use switches::{tasks_in_spaces_of_their_own, threads_of_one_space};

harness::boot!(BENCHES, handover => {
    ENTRY.store(now(), Relaxed);
    serial::init();
    handover.information()
}, up to heap, then {
    timer::init(RATE_HZ).expect("within the timer's range");
    threads::init(TIMESLICE_TICKS);
    threads::input::init();
    multitasking::init();
});

/// Most ticks end no timeslice, but some do.
const TIMESLICE_TICKS: u32 = 4;
const RATE_HZ: u32 = 8000;

const BENCHES: &[Test] = &[
    test!(start),
    test!(forks).memory_mib(64),
    test!(frames_lost),
    test!(threads_of_one_space).memory_mib(128),
    test!(tasks_in_spaces_of_their_own).memory_mib(128),
];

/// The instruction counter at the kernel's start.
static ENTRY: AtomicU32 = AtomicU32::new(0);

/// Reports a figure that is not a point of a curve.
fn tell(name: &'static str, total: u32) {
    log!("{}", Figure::new(name, total));
}

/// Forks, and returns the child's number in the parent. The stacks of these benches hold no pointers into the heap, and
/// the heap holds none into the stacks.
fn fork() -> Option<Pid> {
    // SAFETY: see above.
    unsafe { multitasking::fork() }.expect("there is room and memory for a child")
}

fn start() {
    let tell_cost = |_| tell("entry to the first task", now().wrapping_sub(ENTRY.load(Relaxed)));
    multitasking::run(tell_cost).expect("there is enough memory");
}
