//! Chapter 9: two address spaces, before and after a fork.

use super::Files;
use super::program::Checkpoint;
use super::sitting::Sitting;
use anyhow::Result;

const FILE: &str = "chapters/09-multitasking/src/main.rs";

/// Takes the pictures of a fork.
pub fn take(mut sitting: Sitting) -> Result<Files> {
    sitting.until(Checkpoint::Line(FILE, "let before = memory::taken_count();"))?.space()?;
    sitting.finish()?;
    Ok(Files::new())
}
