//! The tests of chapter 7's kernel.
//!
//! A virtual machine loses ticks when its host is busy. So a test measures short spans of time until one of them is
//! right. If the kernel is wrong, all of them are wrong.

#![no_std]
#![no_main]

use common::lock::interrupts_off;
use core::arch::{asm, global_asm};
use core::mem;
use core::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, Ordering::Relaxed};
use core::time::Duration;
use harness::{End, Test, test};
use interrupts::TrapFrame;
use interrupts::gate::Gate;
use timer::irq::Irq;
use timer::rate::{FASTEST_HZ, INPUT_HZ, RateError, SLOWEST_HZ};
use timer::{pic, rtc};
use x86::bits32::eflags::{self, EFlags};
use x86::io;

harness::boot!(TESTS, up to interrupts);

const TESTS: &[Test] = &[
    test!(every_line_except_the_timers_is_masked),
    test!(a_line_of_the_slave_opens_the_cascade),
    test!(a_line_unmasked_before_the_timer_stays_unmasked),
    test!(the_timers_line_cannot_be_masked).ends(End::Stop("PANIC: the timer's line cannot be masked")),
    test!(a_pc_without_interrupt_controllers_is_rejected)
        .flags("-machine q35,pic=off")
        .ends(End::Stop("STOP: this kernel needs a PC's interrupt controllers (8259A) and finds none")),
    test!(a_pc_without_an_interval_timer_is_rejected)
        .flags("-machine q35,pit=off")
        .ends(End::Stop("STOP: this kernel needs a PC's interval timer (8254) and finds none")),
    test!(a_rate_below_19_hz_is_rejected),
    test!(a_rate_above_the_limit_is_rejected),
    test!(the_slowest_rate_is_kept),
    test!(the_fastest_rate_is_programmed),
    test!(no_tick_is_lost_at_1000_hz),
    test!(uptime_is_the_time_that_has_passed),
    test!(no_tick_arrives_before_the_start),
    test!(a_tick_is_over_before_the_callback),
    test!(ticks_do_not_nest),
    test!(registers_survive_ticks),
    test!(interrupts_of_the_slave_repeat),
    test!(the_clock_interrupts_once_per_second),
    test!(the_clock_keeps_its_other_settings),
    test!(the_clock_is_started_with_interrupts_off),
    test!(a_spurious_interrupt_7_ends_nothing),
    test!(a_spurious_interrupt_15_ends_nothing_at_the_slave),
    test!(a_line_that_stops_requesting_ends_the_cascade),
    test!(a_line_7_that_keeps_requesting_is_not_spurious)
        .flags("-device isa-serial,iobase=0x2e8,irq=7")
        .ends(End::Stop("PANIC: line 7 interrupted and has no handler")),
    test!(a_line_15_that_keeps_requesting_is_not_spurious)
        .ends(End::Stop("PANIC: line 15 interrupted and has no handler")),
    test!(a_second_rate_is_a_bug).ends(End::Stop("PANIC: the timer already has a rate")),
    test!(a_start_without_a_rate_is_a_bug).ends(End::Stop("PANIC: the timer has no rate")),
    test!(a_start_without_handlers_is_a_bug).ends(End::Stop("PANIC: the vectors have no handlers")),
    test!(a_second_callback_is_a_bug).ends(End::Stop("PANIC: the ticks already have a callback")),
    test!(a_start_with_a_guard_is_a_bug).ends(End::Stop("PANIC: cannot turn interrupts on: a guard")),
    test!(a_start_in_a_tick_is_a_bug).ends(End::Stop("PANIC: cannot turn interrupts on: a guard or a handler")),
    test!(a_guard_leaked_in_a_tick_ends_with_it),
    test!(a_billion_guards_are_a_bug).ends(End::Stop("PANIC: a billion guards keep interrupts off")),
    test!(no_tick_arrives_after_the_end).ends(End::Halt),
];

const PULSES_PER_TICK: u16 = 1193;

fn start_at_1000_hz() {
    assert_eq!(timer::init(1000).expect("a possible rate").divisor(), PULSES_PER_TICK);
    timer::start();
}

/// Channel 2 of the timer, which counts the same pulses and does not interrupt.
struct Stopwatch;

impl Stopwatch {
    const CONTROL: u16 = 0x43;
    const CHANNEL_2: u16 = 0x42;
    const GATE: u16 = 0x61;

    fn start() -> Self {
        // SAFETY: these are the ports of channel 2 and its gate. This opens the gate, leaves the speaker off, and lets
        // the channel count down from 0xFFFF.
        unsafe {
            io::outb(Self::GATE, io::inb(Self::GATE) & !0b10 | 0b01);
            io::outb(Self::CONTROL, 0b1011_0000);
            io::outb(Self::CHANNEL_2, 0xFF);
            io::outb(Self::CHANNEL_2, 0xFF);
        }
        Self
    }

    /// The number of pulses since the start, up to 65 535.
    fn pulses(&self) -> u16 {
        const LATCH: u8 = 0b1000_0000;
        // SAFETY: as above. The latch command holds the count while the test reads its two halves.
        unsafe {
            io::outb(Self::CONTROL, LATCH);
            0xFFFF - u16::from_le_bytes([io::inb(Self::CHANNEL_2), io::inb(Self::CHANNEL_2)])
        }
    }
}

/// Keeps the CPU busy for this number of pulses.
fn wait_pulses(pulses: u16) {
    let stopwatch = Stopwatch::start();
    while stopwatch.pulses() < pulses {}
}

fn wait_until(condition: impl Fn() -> bool) {
    while !condition() {
        // SAFETY: interrupts are on, so the next tick wakes the CPU.
        unsafe { x86::halt() };
    }
}

fn wait_for_tick() {
    let before = timer::ticks();
    wait_until(|| timer::ticks() != before);
}

/// The number of pulses in this number of ticks.
fn pulses_of(ticks: u64) -> u16 {
    wait_for_tick();
    let stopwatch = Stopwatch::start();
    let last = timer::ticks() + ticks;
    wait_until(|| timer::ticks() >= last);
    stopwatch.pulses()
}

fn succeeds_once(attempt: impl Fn() -> bool) -> bool {
    (0..100).any(|_| attempt())
}

/// The masks in the registers of the master and of the slave.
fn masks() -> [u8; 2] {
    // SAFETY: reading the masks changes nothing.
    unsafe { [io::inb(0x21), io::inb(0xA1)] }
}

fn every_line_except_the_timers_is_masked() {
    timer::init(100).expect("a possible rate");
    assert_eq!(masks(), [0b1111_1110, 0b1111_1111]);
}

fn a_line_of_the_slave_opens_the_cascade() {
    timer::init(100).expect("a possible rate");
    pic::unmask(Irq::Keyboard);
    assert_eq!(masks(), [0b1111_1100, 0b1111_1111]);
    pic::unmask(Irq::Mouse);
    assert_eq!(masks(), [0b1111_1000, 0b1110_1111]);
    pic::mask(Irq::Mouse);
    assert_eq!(masks(), [0b1111_1100, 0b1111_1111]);
    pic::mask(Irq::Keyboard);
    assert_eq!(masks(), [0b1111_1110, 0b1111_1111]);
}

fn a_line_unmasked_before_the_timer_stays_unmasked() {
    pic::unmask(Irq::Serial1);
    timer::init(100).expect("a possible rate");
    assert_eq!(masks(), [0b1110_1110, 0b1111_1111]);
}

fn the_timers_line_cannot_be_masked() {
    start_at_1000_hz();
    pic::mask(Irq::Timer);
}

fn a_pc_without_interrupt_controllers_is_rejected() {
    let _ = timer::init(100);
}

fn a_pc_without_an_interval_timer_is_rejected() {
    let _ = timer::init(100);
}

fn a_rate_below_19_hz_is_rejected() {
    assert_eq!(timer::init(18), Err(RateError::DivisorTooLarge(18)));
    assert!(timer::init(19).is_ok(), "what was refused counts as if it had not been asked for");
}

fn a_rate_above_the_limit_is_rejected() {
    assert_eq!(timer::init(FASTEST_HZ + 1), Err(RateError::DivisorTooSmall(FASTEST_HZ + 1)));
    assert!(timer::init(FASTEST_HZ).is_ok(), "what was refused counts as if it had not been asked for");
}

fn the_slowest_rate_is_kept() {
    let divisor = timer::init(SLOWEST_HZ).expect("a possible rate").divisor();
    timer::start();
    assert!(succeeds_once(|| pulses_of(1).abs_diff(divisor) < 1000));
}

fn the_fastest_rate_is_programmed() {
    const READ_STATUS_AND_COUNT_OF_CHANNEL_0: u8 = 0b1100_0010;
    const LOW_THEN_HIGH_IN_MODE_2: u8 = 0b11_0100;
    timer::init(FASTEST_HZ).expect("a possible rate");
    for _ in 0..100 {
        // SAFETY: the read-back command changes nothing.
        let [status, low, high] = unsafe {
            io::outb(0x43, READ_STATUS_AND_COUNT_OF_CHANNEL_0);
            [io::inb(0x40), io::inb(0x40), io::inb(0x40)]
        };
        assert_eq!(status & 0b111111, LOW_THEN_HIGH_IN_MODE_2);
        assert!(matches!([low, high], [1 | 2, 0]), "the channel counts from more than 2: {low} {high}");
    }
}

fn no_tick_is_lost_at_1000_hz() {
    start_at_1000_hz();
    assert!(succeeds_once(|| pulses_of(20).abs_diff(20 * PULSES_PER_TICK) < PULSES_PER_TICK / 2));
}

fn uptime_is_the_time_that_has_passed() {
    assert_eq!(timer::uptime(), Duration::ZERO);
    start_at_1000_hz();
    let is_right_for_20_ticks = || {
        let before = timer::uptime();
        let pulses = pulses_of(20);
        // One tick more, because `pulses_of` waits for a tick before it starts to count.
        let passed = Duration::from_micros(u64::from(pulses + PULSES_PER_TICK) * 1_000_000 / u64::from(INPUT_HZ));
        (timer::uptime() - before).abs_diff(passed) < Duration::from_micros(500)
    };
    assert!(succeeds_once(is_right_for_20_ticks));
}

fn no_tick_arrives_before_the_start() {
    timer::init(1000).expect("a possible rate");
    wait_pulses(5 * PULSES_PER_TICK);
    assert_eq!(timer::ticks(), 0);
    timer::start();
    wait_for_tick();
}

fn interrupts_are_on() -> bool {
    // SAFETY: reading EFLAGS changes nothing.
    unsafe { eflags::read() }.contains(EFlags::FLAGS_IF)
}

fn a_tick_is_over_before_the_callback() {
    static CALLS: AtomicU32 = AtomicU32::new(0);
    static IN_SERVICE: AtomicBool = AtomicBool::new(false);
    timer::on_tick(|| {
        CALLS.fetch_add(1, Relaxed);
        IN_SERVICE.fetch_or(pic::is_in_service(Irq::Timer), Relaxed);
    });
    start_at_1000_hz();
    wait_until(|| CALLS.load(Relaxed) != 0);
    assert!(!IN_SERVICE.load(Relaxed), "the callback runs in the middle of an interrupt");

    // Show that the test can fail: in this handler, the line is in service.
    static BEFORE_ITS_END: AtomicBool = AtomicBool::new(false);
    extern "C" fn look(_: &mut TrapFrame) {
        BEFORE_ITS_END.store(pic::is_in_service(Irq::Timer), Relaxed);
        pic::end_of_interrupt(Irq::Timer);
    }
    // SAFETY: the handlers of these tests change no register, and end the interrupt.
    unsafe { interrupts::register(Irq::Timer.vector(), look) };
    wait_until(|| BEFORE_ITS_END.load(Relaxed));
}

fn ticks_do_not_nest() {
    static DEPTH: AtomicU32 = AtomicU32::new(0);
    static CALLS: AtomicU32 = AtomicU32::new(0);
    timer::on_tick(|| {
        let (ticks, depth) = (timer::ticks(), DEPTH.fetch_add(1, Relaxed));
        assert!(depth == 0 && !interrupts_are_on());
        wait_pulses(3 * PULSES_PER_TICK);
        assert_eq!(timer::ticks(), ticks, "a tick came while another one was handled");
        DEPTH.fetch_sub(1, Relaxed);
        CALLS.fetch_add(1, Relaxed);
    });
    start_at_1000_hz();
    wait_until(|| CALLS.load(Relaxed) >= 5);
    assert!(interrupts_are_on());
}

// Fills the general-purpose registers, waits until a word is no longer zero, and stores the registers. While it waits,
// it changes only the arithmetic flags.
global_asm!(
    ".global survive",
    "survive:",
    "pusha",
    "mov eax, 0xA1A2A3A4",
    "mov ebx, 0xB1B2B3B4",
    "mov ecx, 0xC1C2C3C4",
    "mov edx, 0xD1D2D3D4",
    "mov esi, 0xE1E2E3E4",
    "mov edi, 0xF1F2F3F4",
    "mov ebp, 0x11121314",
    "mov [{after} + 28], esp",
    "std",
    "2: cmp dword ptr [{enough}], 0",
    "je 2b",
    "mov [{after}], eax",
    "mov [{after} + 4], ebx",
    "mov [{after} + 8], ecx",
    "mov [{after} + 12], edx",
    "mov [{after} + 16], esi",
    "mov [{after} + 20], edi",
    "mov [{after} + 24], ebp",
    "sub [{after} + 28], esp",
    "pushfd",
    "pop dword ptr [{after} + 32]",
    "cld",
    "popa",
    "ret",
    after = sym AFTER,
    enough = sym ENOUGH,
);

static AFTER: [AtomicU32; 9] = [const { AtomicU32::new(0) }; 9];
static ENOUGH: AtomicU32 = AtomicU32::new(0);

fn registers_survive_ticks() {
    unsafe extern "C" {
        /// Restores all registers.
        safe fn survive();
    }
    timer::on_tick(|| {
        if timer::ticks() == 20 {
            ENOUGH.store(1, Relaxed);
        }
    });
    start_at_1000_hz();
    survive();
    let after = AFTER.each_ref().map(|word| word.load(Relaxed));
    let filled = [0xA1A2A3A4, 0xB1B2B3B4, 0xC1C2C3C4, 0xD1D2D3D4, 0xE1E2E3E4, 0xF1F2F3F4, 0x11121314, 0];
    assert_eq!(after[..8], filled, "in the order EAX EBX ECX EDX ESI EDI EBP, and by how much ESP differs");
    assert!(EFlags::from_bits_truncate(after[8]).contains(EFlags::FLAGS_IF | EFlags::FLAGS_DF));
}

static CLOCK_INTERRUPTS: AtomicU32 = AtomicU32::new(0);

extern "C" fn clock(_: &mut TrapFrame) {
    CLOCK_INTERRUPTS.fetch_add(1, Relaxed);
    rtc::acknowledge();
    pic::end_of_interrupt(Irq::RealTimeClock);
}

/// Changes the events for which the real-time clock interrupts.
fn write_register_b(change: fn(u8) -> u8) {
    write_register(0x0B, change);
}

/// Changes register A or B of the real-time clock.
fn write_register(register: u8, change: fn(u8) -> u8) {
    // The interrupt handler selects registers too.
    let _off = interrupts_off();
    // SAFETY: these registers do not hold the time.
    unsafe {
        io::outb(0x70, register);
        let value = io::inb(0x71);
        io::outb(0x71, change(value));
    }
}

/// Makes the real-time clock interrupt 1024 times per second, and call `handler`.
fn start_fast_clock(handler: interrupts::idt::Handler) {
    const PERIODIC: u8 = 0x40;
    // SAFETY: the handlers of these tests change no register, and end the interrupt.
    unsafe { interrupts::register(Irq::RealTimeClock.vector(), handler) };
    pic::unmask(Irq::RealTimeClock);
    write_register_b(|register| register | PERIODIC);
    rtc::acknowledge();
}

fn interrupts_of_the_slave_repeat() {
    start_at_1000_hz();
    start_fast_clock(clock);
    wait_until(|| CLOCK_INTERRUPTS.load(Relaxed) >= 10);
    pic::mask(Irq::RealTimeClock);
    assert!(!pic::is_in_service(Irq::RealTimeClock) && !pic::is_in_service(Irq::Cascade));
}

fn the_clock_interrupts_once_per_second() {
    // SAFETY: the handlers of these tests change no register, and end the interrupt.
    unsafe { interrupts::register(Irq::RealTimeClock.vector(), clock) };
    timer::init(100).expect("a possible rate");
    timer::start();
    pic::unmask(Irq::RealTimeClock);
    // The worst that firmware may have left: two settings that stop the clock, and interrupts 1024 times per second
    // once it runs.
    write_register(0x0A, |register| register | 0x70);
    write_register_b(|register| register | 0xC0);
    rtc::start();
    let seconds_take_100_ticks = || {
        let wait_for_second = || {
            let seconds = CLOCK_INTERRUPTS.load(Relaxed);
            wait_until(|| CLOCK_INTERRUPTS.load(Relaxed) != seconds);
            timer::ticks()
        };
        (99..=101).contains(&(wait_for_second().abs_diff(wait_for_second())))
    };
    assert!((0..5).any(|_| seconds_take_100_ticks()));
}

fn the_clock_keeps_its_other_settings() {
    static REGISTER_B: AtomicU8 = AtomicU8::new(0);
    for left in [0xE0, 0xEF] {
        REGISTER_B.store(left, Relaxed);
        write_register_b(|_| REGISTER_B.load(Relaxed));
        rtc::start();
        write_register_b(|register| {
            REGISTER_B.store(register, Relaxed);
            register
        });
        assert_eq!(REGISTER_B.load(Relaxed), left & 0x0F | 0x10, "what {left:#x} has become");
    }
}

fn the_clock_is_started_with_interrupts_off() {
    const DEBUG: u8 = 1;
    static WERE_ON: AtomicBool = AtomicBool::new(true);
    static TIMES_OFF: AtomicU32 = AtomicU32::new(0);
    extern "C" fn step(frame: &mut TrapFrame) {
        let are_on = EFlags::from_bits_truncate(frame.eflags).contains(EFlags::FLAGS_IF);
        if WERE_ON.swap(are_on, Relaxed) && !are_on {
            TIMES_OFF.fetch_add(1, Relaxed);
        }
    }
    // SAFETY: the handlers of these tests change no register.
    unsafe { interrupts::register(DEBUG, step) };
    start_at_1000_hz();
    // SAFETY: with the trap flag set, the CPU calls the handler after each instruction (Intel SDM volume 3B, 18.3.1.4,
    // "Single-Step Exception Condition").
    unsafe {
        asm!("pushfd", "or dword ptr [esp], 0x100", "popfd");
        rtc::start();
        asm!("pushfd", "and dword ptr [esp], ~0x100", "popfd");
    }
    assert_eq!(TIMES_OFF.load(Relaxed), 1, "from the first access to the clock to the last");
}

fn a_spurious_interrupt_7_ends_nothing() {
    static STILL_IN_SERVICE: AtomicBool = AtomicBool::new(false);
    extern "C" fn interrupted_by_7(_: &mut TrapFrame) {
        // SAFETY: this masks all lines of the master behind the driver's back, so that this handler runs only once. The
        // handler of vector 0x27 returns.
        unsafe {
            io::outb(0x21, 0xFF);
            asm!("int 0x27");
        };
        STILL_IN_SERVICE.store(pic::is_in_service(Irq::Timer), Relaxed);
        pic::end_of_interrupt(Irq::Timer);
    }
    timer::init(1000).expect("a possible rate");
    // SAFETY: the handlers of these tests change no register, and end the interrupt.
    unsafe { interrupts::register(Irq::Timer.vector(), interrupted_by_7) };
    timer::start();
    wait_until(|| pic::spurious_interrupts() != [0, 0]);
    assert_eq!(pic::spurious_interrupts(), [1, 0]);
    assert!(STILL_IN_SERVICE.load(Relaxed), "the end of a spurious interrupt was taken for that of the tick");
}

fn a_spurious_interrupt_15_ends_nothing_at_the_slave() {
    static STILL_IN_SERVICE: AtomicBool = AtomicBool::new(false);
    extern "C" fn interrupted_by_15(frame: &mut TrapFrame) {
        // SAFETY: the handler of vector 0x2F returns.
        unsafe { asm!("int 0x2F") };
        STILL_IN_SERVICE.store(pic::is_in_service(Irq::RealTimeClock), Relaxed);
        clock(frame);
    }
    start_at_1000_hz();
    start_fast_clock(interrupted_by_15);
    wait_until(|| CLOCK_INTERRUPTS.load(Relaxed) != 0);
    pic::mask(Irq::RealTimeClock);
    assert_eq!(pic::spurious_interrupts(), [0, CLOCK_INTERRUPTS.load(Relaxed)]);
    assert!(STILL_IN_SERVICE.load(Relaxed), "the end of a spurious interrupt was taken for that of the clock");
}

/// Whether the real-time clock has requested an interrupt.
fn the_clock_requests() -> bool {
    const SHOW_REQUESTED: u8 = 0x0A;
    // SAFETY: reading the slave's requests changes nothing.
    unsafe {
        io::outb(0xA0, SHOW_REQUESTED);
        io::inb(0xA0) & 1 != 0
    }
}

fn a_line_that_stops_requesting_ends_the_cascade() {
    start_at_1000_hz();
    start_fast_clock(clock);
    let before = pic::spurious_interrupts();
    let off = interrupts_off();
    while !the_clock_requests() {}
    // The slave has signaled the master. With all its lines masked, it withdraws the signal.
    // SAFETY: this masks the lines of the slave behind the driver's back.
    unsafe { io::outb(0xA1, 0xFF) };
    drop(off);
    wait_for_tick();
    assert_eq!((before, pic::spurious_interrupts()), ([0, 0], [0, 1]));
    assert!(!pic::is_in_service(Irq::Cascade), "nothing will ever come from the slave again");
}

fn a_line_7_that_keeps_requesting_is_not_spurious() {
    const COM4: u16 = 0x2E8;
    start_at_1000_hz();
    pic::unmask(Irq::Parallel1);
    // SAFETY: nothing else uses this serial port. It interrupts because its transmitter is empty.
    unsafe {
        io::outb(COM4 + 4, 0x08);
        io::outb(COM4 + 1, 0x02);
    }
    wait_pulses(u16::MAX);
}

fn a_line_15_that_keeps_requesting_is_not_spurious() {
    const IDENTIFY_PACKET_DEVICE: u8 = 0xA1;
    start_at_1000_hz();
    pic::unmask(Irq::Disk2);
    // SAFETY: this asks the CD drive for its identity, and the drive answers with an interrupt.
    unsafe {
        io::outb(0x376, 0);
        io::outb(0x176, 0xA0);
        io::outb(0x177, IDENTIFY_PACKET_DEVICE);
    }
    wait_pulses(u16::MAX);
}

fn a_second_rate_is_a_bug() {
    timer::init(100).expect("a possible rate");
    let _ = timer::init(200);
}

fn a_start_without_a_rate_is_a_bug() {
    timer::start();
}

fn a_start_without_handlers_is_a_bug() {
    timer::init(100).expect("a possible rate");
    // SAFETY: no tick can arrive, because interrupts are off.
    unsafe { interrupts::idt::set_gate(Irq::Timer.vector(), Gate::ABSENT) };
    timer::start();
}

fn a_second_callback_is_a_bug() {
    timer::on_tick(|| {});
    timer::on_tick(|| {});
}

fn a_start_with_a_guard_is_a_bug() {
    start_at_1000_hz();
    let _off = interrupts_off();
    timer::start();
}

fn a_start_in_a_tick_is_a_bug() {
    timer::on_tick(timer::start);
    start_at_1000_hz();
    wait_for_tick();
}

fn a_guard_leaked_in_a_tick_ends_with_it() {
    timer::on_tick(|| mem::forget(interrupts_off()));
    start_at_1000_hz();
    (0..3).for_each(|_| wait_for_tick());
    drop(interrupts_off());
    assert!(interrupts_are_on());
}

fn a_billion_guards_are_a_bug() {
    unsafe extern "C" {
        /// The count in `common/src/lock.rs`.
        safe static reasons_for_interrupts_off: AtomicU32;
    }
    assert_eq!(reasons_for_interrupts_off.load(Relaxed), 1, "the start");
    // As if a guard had been leaked a billion times. There is room for one more.
    reasons_for_interrupts_off.store((1 << 31) - 3, Relaxed);
    mem::forget(interrupts_off());
    mem::forget(interrupts_off());
}

fn no_tick_arrives_after_the_end() {
    static IS_OVER: AtomicBool = AtomicBool::new(false);
    timer::on_tick(|| {
        while IS_OVER.load(Relaxed) {
            screen::println!("a tick");
        }
    });
    start_at_1000_hz();
    screen::println!("The demonstration is over.");
    wait_for_tick(); // so that there is time before the next one
    IS_OVER.store(true, Relaxed);
    common::qemu::halt();
}
