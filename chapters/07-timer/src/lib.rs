//! Chapter 7: time, from a device that interrupts.
//!
//! Sixteen lines (IRQs) lead from the devices of a PC to two interrupt controllers (PICs). [`irq`] knows the
//! lines, and [`pic`] is the driver of the pair. Line 0 belongs to the interval timer (PIT). It divides a fixed
//! frequency by a whole number, so it reaches some rates exactly and others only nearly: [`mod@rate`]. The kernel
//! counts each [`tick`] ([`counter`]). The real-time clock ([`rtc`]) runs on a crystal of its own, so it can
//! show whether the count is right.

#![cfg_attr(target_os = "none", no_std)]
#![cfg_attr(not(target_os = "none"), allow(dead_code))] // the host tests only the parts without hardware

pub mod irq;
pub mod pic;
pub mod rate;
mod counter;
mod tick;
pub mod rtc;

#[cfg(target_os = "none")]
pub use tick::{init, on_tick, rate, start, ticks, uptime};
