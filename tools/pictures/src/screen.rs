//! Every chapter: the boot information, the log, and the screen at the end of the demonstration.

use crate::boot_information::BootInformation;
use crate::{Files, log_file, names};
use anyhow::{Context, Result};
use probe::sitting::Sitting;
use scenes::{cells, screen};

/// The port of the display controller's registers.
const CONTROLLER: u16 = 0x3D4;

/// Reads the boot information, lets the kernel run to the end of its demonstration, and reads the screen.
pub fn take(mut sitting: Sitting, chapter: &str) -> Result<Files> {
    let boot_information = BootInformation::of(&mut sitting)?;
    sitting.go_to(names::END)?;
    let bytes = sitting.read(cells::ADDRESS, cells::BYTES)?;
    let mut cursor = [0; 4];
    for (value, index) in cursor.iter_mut().zip(screen::CURSOR) {
        let answer = sitting.ask(&format!("i /b {CONTROLLER:#x}.{index:#x}"))?;
        let found = answer.split_once("= 0x").and_then(|(_, digits)| u8::from_str_radix(digits.trim(), 16).ok());
        *value = found.with_context(|| format!("QEMU answers \"{answer}\" when asked for the cursor"))?;
    }
    let mut files = screen::files(chapter, &bytes, cursor, true)?;
    files.extend([boot_information.file(chapter)?, log_file(chapter, &sitting.finish()?)]);
    Ok(files)
}
