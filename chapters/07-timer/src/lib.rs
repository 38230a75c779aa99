//! Chapter 7: time, as a device that interrupts.
//!
//! Sixteen lines lead from the devices of a PC to two interrupt controllers (PIC): [`irq`] knows the
//! lines, and [`pic`] drives the pair. On line 0 sits the interval timer (PIT), which divides a fixed
//! frequency by a number, so it can tick at some rates exactly and at others nearly: [`mod@rate`]. Each
//! [`tick`] is counted ([`counter`]). The real-time clock ([`rtc`]) runs on a crystal of its own and so
//! can tell whether the count is right.

#![cfg_attr(target_os = "none", no_std)]
#![cfg_attr(not(target_os = "none"), allow(dead_code))] // the host only tests what is pure logic

pub mod irq;
pub mod pic;
pub mod rate;
mod counter;
mod tick;
pub mod rtc;

#[cfg(target_os = "none")]
pub use tick::{init, on_tick, rate, start, ticks, uptime};
