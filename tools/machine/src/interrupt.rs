//! Ctrl-C: noticed, so that QEMU and the terminal are left in order.

use anyhow::{Context, Result};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::flag;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, LazyLock};

/// The status of a program that was interrupted, as shells have it.
pub const STATUS: u8 = 130;

static HAPPENED: LazyLock<Arc<AtomicBool>> = LazyLock::new(Arc::default);

/// Begins to notice interrupts, hang-ups and requests to end, instead of dying of them.
pub fn listen() -> Result<()> {
    for signal in [SIGINT, SIGHUP, SIGTERM] {
        flag::register(signal, HAPPENED.clone()).context("Ctrl-C cannot be noticed")?;
    }
    Ok(())
}

/// Whether one of them has happened.
pub fn happened() -> bool {
    HAPPENED.load(Relaxed)
}
