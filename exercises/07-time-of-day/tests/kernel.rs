//! Judges exercise 7.3: a clock that is set to random times, and read.

#![no_std]
#![no_main]

use common::lock::interrupts_off;
use core::arch::asm;
use ex07_time_of_day::{HAS_24_HOURS, IS_AFTERNOON, IS_BINARY, REGISTER_B, REGISTERS, Time, now, read};
use harness::seeded::{Random, show};
use harness::{Test, test};
use interrupts::TrapFrame;
use timer::rtc;
use x86::io;

harness::boot!(TESTS, up to interrupts);

/// The clock counts the machine's own time.
const TESTS: &[Test] = &[
    test!(random_dates),
    test!(the_new_century).flags("-rtc base=1999-12-31T23:59:50,clock=vm"),
    test!(random_settings),
    test!(times_around_new_year),
    test!(an_interrupt_after_each_instruction),
];

fn write(register: u8, value: u8) {
    // SAFETY: the clock does not access memory.
    unsafe {
        io::outb(0x70, register);
        io::outb(0x71, value);
    }
}

/// Sets the clock, which then counts in this way.
fn set(time: Time, settings: u8) {
    const HALTED: u8 = 0x80;
    let _off = interrupts_off();
    let Time { year, month, day, hour, minute, second } = time;
    let number = |number: u8| if settings & IS_BINARY != 0 { number } else { ((number / 10) << 4) | (number % 10) };
    let hour = if settings & HAS_24_HOURS != 0 {
        number(hour)
    } else {
        number((hour + 11) % 12 + 1) | if hour >= 12 { IS_AFTERNOON } else { 0 }
    };
    let [year, month, day, minute, second] = [year, month, day, minute, second].map(number);
    write(REGISTER_B, settings | HALTED);
    for (register, value) in REGISTERS.into_iter().zip([year, month, day, hour, minute, second]) {
        write(register, value);
    }
    write(REGISTER_B, settings);
}

fn start_ticks() {
    timer::init(1000).expect("within the timer's range");
    timer::start();
}

/// Waits until the clock has advanced, a millisecond ago at most. So it does not advance again for nearly a second.
fn wait_for_update() {
    const REGISTER_C: u8 = 0x0C;
    const UPDATE_ENDED: u8 = 0x10;
    let has_advanced = || {
        let _off = interrupts_off();
        read(REGISTER_C) & UPDATE_ENDED != 0
    };
    has_advanced(); // clears what is old
    while !has_advanced() {
        rest(1);
    }
}

/// Halts the CPU for this many ticks, which are a millisecond long.
fn rest(ticks: u64) {
    let end = timer::ticks() + ticks;
    while timer::ticks() < end {
        // SAFETY: interrupts are on, so the next tick ends the halt.
        unsafe { x86::halt() };
    }
}

fn show_time(time: Time) {
    show("the year", time.year.into());
    show("the month", time.month.into());
    show("the day", time.day.into());
    show("the hour", time.hour.into());
    show("the minute", time.minute.into());
    show("the second", time.second.into());
}

fn time(random: &mut Random) -> Time {
    let mut within = |range| random.within(range) as u8;
    Time {
        year: within(0..100),
        month: within(1..13),
        day: within(1..29),
        hour: within(0..24),
        minute: within(0..60),
        second: within(0..60),
    }
}

fn random_dates() {
    start_ticks();
    let mut random = Random::new();
    wait_for_update();
    for _ in 0..50 {
        set(time(&mut random), HAS_24_HOURS);
        show_time(now());
    }
}

fn the_new_century() {
    start_ticks();
    let time = (0..12_000).map(|_| {
        rest(1);
        now()
    });
    match { time }.find(|time| time.month == 1) {
        Some(time) => show_time(time),
        None => show("whether the new century comes", 0),
    }
}

fn random_settings() {
    start_ticks();
    let mut random = Random::new();
    wait_for_update();
    for settings in [0, IS_BINARY, HAS_24_HOURS, IS_BINARY | HAS_24_HOURS] {
        show("the clock's settings (2: 24 hours, 4: binary)", settings.into());
        for hour in 0..24 {
            set(Time { hour, ..time(&mut random) }, settings);
            show_time(now());
        }
    }
}

fn times_around_new_year() {
    start_ticks();
    let new_year = |year| Time { year, month: 1, day: 1, hour: 0, minute: 0, second: 0 };
    let mut random = Random::new();
    for _ in 0..20 {
        wait_for_update();
        let year = random.within(1..99) as u8;
        let before = Time { year, month: 12, day: 31, hour: 23, minute: 59, second: 59 };
        set(before, HAS_24_HOURS);
        rest(995);
        // Another moment of the reading each time.
        (0..random.within(0..100)).for_each(|_| core::hint::spin_loop());
        let (mut mixtures, mut time) = (0, before);
        while time != new_year(year + 1) && mixtures < 100 {
            time = now();
            if time != before && time != new_year(year + 1) {
                mixtures += 1;
            }
        }
        show_time(time);
        show("how many times were neither the old one nor the new one", mixtures);
    }
}

fn an_interrupt_after_each_instruction() {
    extern "C" fn interrupt(frame: &mut TrapFrame) {
        const INTERRUPTS: u32 = 0x200;
        if frame.eflags & INTERRUPTS != 0 {
            rtc::acknowledge();
        }
    }
    const DEBUG: u8 = 1;
    let mut random = Random::new();
    start_ticks();
    // SAFETY: the handler changes no register.
    unsafe { interrupts::register(DEBUG, interrupt) };
    wait_for_update();
    for _ in 0..10 {
        set(time(&mut random), HAS_24_HOURS);
        show_time(step_by_step(now));
    }
}

/// Lets the CPU interrupt itself after each instruction of `work`.
#[inline(never)]
fn step_by_step(work: fn() -> Time) -> Time {
    // SAFETY: with the trap flag set, the CPU calls the handler of debug exceptions after each instruction (Intel SDM
    // volume 3B, 18.3.1.4, "Single-Step Exception Condition").
    unsafe { asm!("pushfd", "or dword ptr [esp], 0x100", "popfd") };
    let time = work();
    // SAFETY: as above.
    unsafe { asm!("pushfd", "and dword ptr [esp], ~0x100", "popfd") };
    time
}
