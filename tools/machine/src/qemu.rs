//! The program QEMU: its name, its version, and the windows that it can open.

use std::io;
use std::process::{Command, Output};

/// The program.
pub const PROGRAM: &str = "qemu-system-i386";

/// The output of its `--version`.
pub fn version() -> io::Result<Output> {
    Command::new(PROGRAM).arg("--version").output()
}

/// The kinds of window that it can open, one on each line.
pub fn windows() -> io::Result<String> {
    let output = Command::new(PROGRAM).args(["-display", "help"]).output()?;
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
