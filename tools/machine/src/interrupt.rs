//! Catches Ctrl-C, so that a command can end QEMU and restore the terminal before it ends itself.

use anyhow::{Context, Result};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::flag;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, LazyLock};

/// The status of an interrupted program by the convention of shells: 128 and the number of SIGINT, which is 2.
pub const STATUS: u8 = 130;

static HAPPENED: LazyLock<Arc<AtomicBool>> = LazyLock::new(Arc::default);

/// From now on, SIGINT, SIGHUP and SIGTERM are only noted and do not end this program.
pub fn listen() -> Result<()> {
    for signal in [SIGINT, SIGHUP, SIGTERM] {
        flag::register(signal, HAPPENED.clone()).context("Ctrl-C cannot be caught")?;
    }
    Ok(())
}

/// Whether one of these signals has arrived.
pub fn happened() -> bool {
    HAPPENED.load(Relaxed)
}
