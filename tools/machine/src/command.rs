//! How a command of the project ends: with its own status, or with a sentence and status 1; 130 after Ctrl-C.

use crate::interrupt;
use anyhow::Result;
use std::process::ExitCode;

/// Obeys a command, and makes its outcome a status. An error is told.
pub fn status(obey: impl FnOnce() -> Result<ExitCode>) -> ExitCode {
    match interrupt::listen().and_then(|()| obey()) {
        Ok(status) => status,
        // Ctrl-C reaches the programs that we started as well, and their failing is no news then.
        Err(_) if interrupt::happened() => ExitCode::from(interrupt::STATUS),
        Err(error) => {
            eprintln!("\n{error:#}");
            ExitCode::FAILURE
        }
    }
}
