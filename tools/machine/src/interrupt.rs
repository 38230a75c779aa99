//! Ctrl-C: noticed, so that QEMU and the terminal are left in order.

use anyhow::{Context, Result};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

/// The status of a program that was interrupted, as shells have it.
pub const STATUS: u8 = 130;

static HAPPENED: AtomicBool = AtomicBool::new(false);

/// Begins to notice interrupts, hang-ups and requests to end, instead of dying of them.
pub fn listen() -> Result<()> {
    ctrlc::set_handler(|| HAPPENED.store(true, Relaxed)).context("Ctrl-C cannot be noticed")
}

/// Whether one of them has happened.
pub fn happened() -> bool {
    HAPPENED.load(Relaxed)
}
