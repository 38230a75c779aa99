//! The tick: the interval timer's interrupt, which is counted and calls a function.

#![cfg(target_os = "none")]

use crate::counter::Counter;
use crate::irq::Irq;
use crate::pic;
use crate::rate::{Rate, RateError};
use boot::stop;
use common::lock::{InterruptCell, InterruptsOff, interrupts_off, let_interrupts_in};
use core::time::Duration;
use interrupts::gate::Gate;
use interrupts::{TrapFrame, idt};
use spin::Once;
use x86::io;

/// The port of channel 0, which is wired to [`Irq::Timer`].
const CHANNEL_0: u16 = 0x40;
const CONTROL: u16 = 0x43;
/// The command for channel 0: low byte before high byte, mode 2, binary (8254 data sheet, "Control Word Format").
const RATE_GENERATOR: u8 = 0b0011_0100;

static RATE: Once<Rate> = Once::new();
static TICKS: Counter = Counter::new();
/// The function that every tick calls. At first it does nothing.
static ON_TICK: InterruptCell<fn()> = InterruptCell::new(|| {});
static HAS_CALLBACK: InterruptCell<bool> = InterruptCell::new(false);

// ANCHOR: init
/// Sets the timer to the possible rate nearest to `rate_hz`, in hertz, and returns that rate.
///
/// The ticks begin with [`start`].
///
/// # Panics
/// If the timer already has a rate: with two rates, the number of ticks would not tell how much time has passed.
pub fn init(rate_hz: u32) -> Result<Rate, RateError> {
    let rate = Rate::nearest(rate_hz)?;
    assert!(!RATE.is_completed(), "the timer already has a rate");
    RATE.call_once(|| rate);
    pic::init();
    let [low, high] = rate.divisor().to_le_bytes();
    // SAFETY: the timer does not access memory. These ports set the rate of its channel 0.
    unsafe {
        io::outb(CONTROL, RATE_GENERATOR);
        io::outb(CHANNEL_0, low);
        io::outb(CHANNEL_0, high);
    }
    if !is_there() {
        stop!("this kernel needs a PC's interval timer (8254) and finds none");
    }
    // SAFETY: the handler changes no register, and ends the interrupt.
    unsafe { interrupts::register(Irq::Timer.vector(), tick) };
    pic::unmask(Irq::Timer);
    Ok(rate)
}
// ANCHOR_END: init

/// Whether the timer reports the mode that it has been set to. Without a timer, a read returns all ones.
fn is_there() -> bool {
    const READ_STATUS_OF_CHANNEL_0: u8 = 0b1110_0010;
    /// The order of the bytes, the mode and binary counting, at the same bits as in the control word.
    const SETTINGS: u8 = 0b0011_1111;
    // SAFETY: the timer does not access memory, and the command (8254 data sheet, "Read-Back Command") changes nothing.
    let status = unsafe {
        io::outb(CONTROL, READ_STATUS_OF_CHANNEL_0);
        io::inb(CHANNEL_0)
    };
    status & SETTINGS == RATE_GENERATOR
}

// ANCHOR: start
/// Turns interrupts on. The ticks begin.
///
/// # Panics
/// If [`init`] or `interrupts::init` has not run.
pub fn start() {
    assert!(RATE.is_completed(), "the timer has no rate");
    assert!(idt::gate(Irq::Timer.vector()) != Gate::ABSENT, "the vectors have no handlers");
    // SAFETY: `init` has moved the devices to other vectors. The timer's has a gate, so `interrupts::init` has set all.
    unsafe { let_interrupts_in() };
}
// ANCHOR_END: start

/// Makes every tick call `callback`, with interrupts off: the next tick waits until the callback returns.
///
/// The callback may switch to another thread, and return much later or never.
///
/// # Panics
/// If there is a callback already.
pub fn on_tick(callback: fn()) {
    let off = interrupts_off();
    assert!(!HAS_CALLBACK.replace(true, &off), "the ticks already have a callback");
    ON_TICK.set(callback, &off);
}

/// The rate of the ticks; `None` before [`init`].
pub fn rate() -> Option<Rate> {
    RATE.get().copied()
}

/// The number of ticks so far.
pub fn ticks() -> u64 {
    TICKS.read()
}

/// The time that the ticks so far have taken. Lost ticks are missing in it.
pub fn uptime() -> Duration {
    RATE.get().map_or(Duration::ZERO, |rate| rate.duration_of(ticks()))
}

// ANCHOR: tick
extern "C" fn tick(_: &mut TrapFrame) {
    TICKS.advance();
    // Before the callback: if it switches to another thread, that thread needs ticks too.
    pic::end_of_interrupt(Irq::Timer);
    // SAFETY: this is the handler, and it does not turn interrupts on.
    let off = unsafe { InterruptsOff::in_handler() };
    ON_TICK.get(off)();
}
// ANCHOR_END: tick
