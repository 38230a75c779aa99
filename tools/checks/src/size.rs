//! The size of a kernel without its symbols and debug information.

use anyhow::{Context, Result};
use machine::cargo::Profile;
use machine::kernels::{self, Kind};
use machine::workspace::{Chapter, Workspace};
use object::{Object, ObjectSection};
use std::fs;

/// The size of the kernel of `chapter` in bytes, built to be small: its instructions, its constants, and its variables
/// with initial values.
pub fn of_kernel(workspace: &Workspace, chapter: &Chapter) -> Result<u64> {
    let kernel = kernels::build(workspace, &[chapter], Kind::Demonstration, Profile::Release)?.remove(0);
    let kernel = kernel.context("The kernel could not be built; the reason is printed above.")?;
    let kernel = fs::read(kernel)?;
    let kernel = object::File::parse(&*kernel)?;
    let sizes = [".text", ".rodata", ".data"].map(|name| kernel.section_by_name(name).map_or(0, |part| part.size()));
    Ok(sizes.iter().sum())
}
