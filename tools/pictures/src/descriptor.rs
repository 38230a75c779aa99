//! Chapter 3: the eight bytes that describe the code segment, once the table is loaded and reported in the log.

use crate::{Files, log_file, machine_of, names};
use anyhow::{Result, ensure};
use probe::sitting::Sitting;
use scenes::{Album, descriptor};

/// Stops at the end.
pub fn take(mut sitting: Sitting) -> Result<Files> {
    let snapshot = sitting.until(names::END)?;
    let machine = machine_of(&snapshot)?;
    let descriptor::Facts { base, limit, .. } = descriptor::facts(&machine)?;
    let mut files = descriptor::Album.now(&machine)?;
    let log = sitting.finish()?;
    let selector = machine.registers.cs;
    let said = format!("  {selector:#04x}: base {base}, limit {limit}, ring {}, readable code", selector & 3);
    ensure!(log.lines().any(|line| line.starts_with(&said)), "The kernel does not say: {said}\n{log}");
    files.extend([log_file("03", &log)]);
    Ok(files)
}
