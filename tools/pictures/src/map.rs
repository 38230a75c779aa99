//! Chapter 5: the kernel's address space, with the access rights of each part, and the walk for an address in the page
//! that the page fault handler has mapped.

use crate::{Files, known, machine_of, names, own_bits, regions};
use anyhow::{Context, Result, ensure};
use memory_map::model::Picture;
use memory_map::translation::Translation;
use probe::program::Program;
use probe::sitting::Sitting;
use scenes::Album as _;
use scenes::map::{Album, Plan};
use std::ops::Range;

/// What has to be known about the kernel.
pub fn plan(program: &Program, boot_information: Range<u64>) -> Result<Plan> {
    let mut regions = regions::of_window(program)?;
    regions.push(regions::name("the page that the handler mapped", names::SOMEWHERE..names::SOMEWHERE + 4096));
    Ok(Plan {
        title: "The kernel's map: what is mapped where, and what may be done there".into(),
        stopped_before: names::PAGE_IS_THERE.into(),
        known: known(program, boot_information, regions, regions::guards(program)?)?,
        address: names::SOMEWHERE as u32,
    })
}

/// Stops once the demonstration has written to the page.
pub fn take(mut sitting: Sitting) -> Result<Files> {
    let snapshot = sitting.until(names::PAGE_IS_THERE.into())?;
    let machine = machine_of(&snapshot)?;
    let plan = plan(&sitting.program, sitting.boot_information.clone())?;
    let log = sitting.finish()?;
    let mut album = Album { plan, own_bits: own_bits() };
    let picture = album.picture(&machine, &album.plan.title)?;
    let are_all_unmapped = album.plan.known.unmapped.iter().all(|named| {
        picture.spaces[0].regions.iter().any(|region| (&region.name, region.frames.len()) == (&named.name, 0))
    });
    ensure!(are_all_unmapped, "Something is mapped where nothing may be: {:?}", picture.spaces[0]);
    agree(&picture, &log)?;
    agree_on_walk(&album.walk(&machine)?, &log)?;
    album.moment(0, &machine)
}

/// Checks that the picture agrees with the kernel's own map, which it prints before the fault.
fn agree(picture: &Picture, log: &str) -> Result<()> {
    for region in picture.spaces[0]
        .regions
        .iter()
        .filter(|region| !region.frames.is_empty() && region.start.0 != names::SOMEWHERE)
    {
        let kib = (region.end.0 - region.start.0) / 1024;
        let row = format!("  {:<28}  {}  {kib:>6} KiB  {}", region.name, region.start, region.rights);
        ensure!(
            log.lines().any(|line| line.trim_end() == row),
            "The kernel's own map lacks this row of {}:\n{row}\n{log}",
            picture.name
        );
    }
    Ok(())
}

/// Checks that the walk ends where the demonstration has written, and at what it has written.
fn agree_on_walk(walk: &Translation, log: &str) -> Result<()> {
    let said = format!("The write succeeded, at physical address {}.", walk.physical);
    ensure!(log.contains(&said), "The kernel does not say \"{said}\".\n{log}");
    let written = walk.steps.last().context("a walk has steps")?.value;
    ensure!(written == names::WRITTEN, "at {} is {written}, which the demonstration has not written", walk.physical);
    Ok(())
}
