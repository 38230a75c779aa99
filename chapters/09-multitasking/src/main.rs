//! The kernel of chapter 9: a task forks, and both tasks print what they see.

#![no_std]
#![no_main]

extern crate alloc;

use alloc::boxed::Box;
use alloc::vec::Vec;
use boot::entry::Handover;
use boot::{information, serial, stop};
use common::VirtAddr;
use core::sync::atomic::{AtomicU32, Ordering::Relaxed};
use multitasking::rule::{PRIVATE, Rule};
use multitasking::{Pid, comparison, exit, fork, getpid, map, try_wait, wait_for, with_directories};
use paging::{Flags, PAGE_BYTES, frame_allocator};
use screen::println;
use threads::{Reason, WaitQueue, input};

boot::entry!(kernel, screen::last_words);

const RATE_HZ: u32 = 100;
const TIMESLICE_TICKS: u32 = 4;

/// The usual load address of i386 programs.
const DATA: VirtAddr = VirtAddr::new(PRIVATE.start.as_u32() + 0x4_8000);

fn kernel(handover: Handover) -> ! {
    serial::init(); // COM1 carries the log
    let boot = handover.information(); // the boot information
    screen::init(); // text on the screen
    segments::init(); // flat segments of our own
    interrupts::init(); // a handler for every vector
    paging::init(&boot); // memory in protected pages
    heap::init(); // memory of any size
    timer::init(RATE_HZ).expect("100 Hz is within the timer's range"); // ticks at this rate
    timer::start(); // interrupts are on from here
    threads::init(TIMESLICE_TICKS); // this is the first of several threads now
    input::init(); // what is typed can be waited for
    multitasking::init(); // threads can have address spaces of their own, and fork
    multitasking::run(first_task).expect("there is enough memory"); // until task 1 has ended
    stop::end(information::command_line(&boot), screen::write)
}

// ANCHOR: first
/// The data in the kernel's heap that both tasks use.
struct Shared {
    value: AtomicU32,
    /// The step of the demonstration; each task waits for the other to reach one.
    step: AtomicU32,
    step_changed: WaitQueue,
}

/// The function of task 1, and after the fork of task 2 as well.
fn first_task(_: usize) {
    println!("Hello from chapter 9. Task {} forks:", me());
    map(DATA..DATA.wrapping_add(PAGE_BYTES), Flags::WRITABLE).expect("there is enough memory");
    let shared: &Shared = Box::leak(Box::new(Shared {
        value: AtomicU32::new(1),
        step: AtomicU32::new(0),
        step_changed: WaitQueue::new(),
    }));
    let on_stack = AtomicU32::new(1);
    let before = frame_allocator::taken_count();

    // SAFETY: 1. Nothing on the stack owns anything: `shared` is leaked, so neither task drops it. 2. `Shared` is
    // `Sync`. 3. It holds no reference to the stack.
    let child = unsafe { fork() }.expect("there is enough memory");
    println!("fork() returned {}, and getpid() returned {}", child.map_or(0, Pid::as_u32), me());
    if child.is_none() {
        second_task(&on_stack, shared);
    }

    shared.wait_for(1);
    tell("Now task 1 sees", &on_stack, shared);
    write(111, &on_stack, shared);
    shared.go_on_to(2);
    shared.wait_for(3);
    print_table();
    assert_eq!(try_wait(child), Ok(None), "task 2 waits for step 4");
    shared.go_on_to(4);

    let ended = wait_for(child).expect("there is a child");
    println!("wait_for({}) returned status {}.", ended.pid, ended.status);
    println!("frames in use: {before} before, {} after", frame_allocator::taken_count());
}

fn me() -> Pid {
    getpid().expect("a task is running")
}
// ANCHOR_END: first

// ANCHOR: second
fn second_task(on_stack: &AtomicU32, shared: &'static Shared) -> ! {
    write(222, on_stack, shared);
    shared.go_on_to(1);
    shared.wait_for(2);
    tell("Now task 2 sees", on_stack, shared);
    shared.go_on_to(3);
    shared.wait_for(4);
    // SAFETY: the parent has its own copy of what was on this stack at the fork. The child has added only numbers and
    // references, on which no other code relies.
    unsafe { exit(7) }
}

impl Shared {
    fn go_on_to(&self, step: u32) {
        self.step.store(step, Relaxed);
        self.step_changed.wake_all();
    }

    fn wait_for(&'static self, step: u32) {
        let is_reached = || (self.step.load(Relaxed) >= step).then_some(());
        self.step_changed.wait_until(Reason::Wait, None, is_reached);
    }
}
// ANCHOR_END: second

fn write(value: u32, on_stack: &AtomicU32, shared: &Shared) {
    println!("Task {} writes {value} to the variable on the stack, and to the one in the kernel's heap.", me());
    on_stack.store(value, Relaxed);
    shared.value.store(value, Relaxed);
}

fn tell(who: &str, on_stack: &AtomicU32, shared: &Shared) {
    let (private, linked) = (on_stack.load(Relaxed), shared.value.load(Relaxed));
    println!("{who} {private} on the stack at {on_stack:p}, and {linked} in the heap at {:p}.", &shared.value);
}

/// Prints the picture of this chapter, from the page tables of both tasks.
fn print_table() {
    println!("{:<28} {:<21} {:<10} {:<10}", "region", "range", "in task 1", "in task 2");
    let pids = [1, 2].map(|number| Pid::new(number).expect("it is not 0"));
    let rows = with_directories(pids, |directories| comparison::rows(directories).collect::<Vec<_>>());
    for row in rows.expect("both tasks are there") {
        let [first, second] = row.frames.map(|frame| frame.address());
        let word = match row.rule {
            Rule::Linked => "linked",
            Rule::Copied => "copied",
        };
        println!("{:<#28} {}-{} {first} {second} {word}", row.place, row.range.start, row.range.end);
    }
}
