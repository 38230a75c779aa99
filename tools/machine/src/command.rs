//! How a command ends: with a status of its own, with an error message and status 1, or with status 130 after Ctrl-C.

use crate::interrupt;
use anyhow::Result;
use std::process::ExitCode;

/// Runs a command and turns its result into an exit status. Prints the error if there is one.
pub fn status(execute: impl FnOnce() -> Result<ExitCode>) -> ExitCode {
    match interrupt::listen().and_then(|()| execute()) {
        Ok(status) => status,
        // The terminal sends Ctrl-C to the programs that we started as well. That they fail then needs no message.
        Err(_) if interrupt::happened() => ExitCode::from(interrupt::STATUS),
        Err(error) => {
            eprintln!("\n{error:#}");
            ExitCode::FAILURE
        }
    }
}
