//! The kernel of chapter 7: it counts ticks, and checks the count against another clock.

#![no_std]
#![no_main]

use boot::entry::Handover;
use boot::{information, serial, stop};
use core::fmt;
use core::sync::atomic::{AtomicU32, Ordering::Relaxed};
use interrupts::TrapFrame;
use screen::println;
use timer::irq::Irq;
use timer::rate::{INPUT_HZ, Rate};
use timer::{pic, rtc};

boot::entry!(kernel, screen::last_words);

const RATE_HZ: u32 = 100;

fn kernel(handover: Handover) -> ! {
    serial::init(); // COM1 carries the log
    let boot = handover.information(); // the boot information
    screen::init(); // text on the screen
    segments::init(); // flat segments of our own
    interrupts::init(); // a handler for every vector
    paging::init(&boot); // memory in protected pages
    heap::init(); // memory of any size
    let rate = timer::init(RATE_HZ).expect("100 Hz is within the timer's range"); // ticks at this rate
    timer::start(); // interrupts are on from here
    demonstrate(rate);
    stop::end(information::command_line(&boot), screen::write)
}

// ANCHOR: demonstrate
fn demonstrate(rate: Rate) {
    println!("Hello from chapter 7.");
    println!("Asked for {RATE_HZ} Hz, the timer ticks at {rate}: {INPUT_HZ} Hz divided by {}.", rate.divisor());

    // SAFETY: the handler changes no register, and ends the interrupt.
    unsafe { interrupts::register(Irq::RealTimeClock.vector(), second_begins) };
    pic::unmask(Irq::RealTimeClock);
    rtc::start();
    timer::on_tick(tell_the_time);
    println!("Waiting for the real-time clock to begin a second, and another:");
    let first = wait_for_next_second();
    let second = wait_for_next_second();
    pic::mask(Irq::RealTimeClock);

    judge(rate, second - first);
    let [master, slave] = pic::spurious_interrupts();
    println!("Spurious interrupts: {master} on line 7, {slave} on line 15.");
}
// ANCHOR_END: demonstrate

/// Compares the number of ticks in one second with the expected number.
fn judge(rate: Rate, ticks: u64) {
    let due = u64::from(rate.millihertz());
    let percent = |millihertz: u64| Thousandths(millihertz * 100_000 / due);
    println!("That second had {ticks} ticks; {} were due.", Thousandths(due));
    println!("The two clocks differ by {} %; one tick is {} %.", percent((ticks * 1000).abs_diff(due)), percent(1000));
}

/// A number of thousandths, which is displayed with a decimal point.
struct Thousandths(u64);

impl fmt::Display for Thousandths {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{}.{:03}", self.0 / 1000, self.0 % 1000)
    }
}

// ANCHOR: second
static SECONDS: AtomicU32 = AtomicU32::new(0);

extern "C" fn second_begins(_: &mut TrapFrame) {
    SECONDS.fetch_add(1, Relaxed);
    rtc::acknowledge();
    pic::end_of_interrupt(Irq::RealTimeClock);
}

/// Waits until a second begins, and returns the number of ticks until then.
fn wait_for_next_second() -> u64 {
    let before = SECONDS.load(Relaxed);
    while SECONDS.load(Relaxed) == before {
        // SAFETY: interrupts are on, so the CPU sleeps until the next tick at most.
        unsafe { x86::halt() };
    }
    timer::ticks()
}
// ANCHOR_END: second

/// Prints the time four times a second. The next tick is 10 ms away, long enough to print a line.
fn tell_the_time() {
    let ticks = timer::ticks();
    if ticks.is_multiple_of(u64::from(RATE_HZ) / 4) {
        println!("  {ticks:>3} ticks, {:>4} ms", timer::uptime().as_millis());
    }
}
