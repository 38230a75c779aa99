//! Chapter 5: the kernel's address space, with the access rights of each part.

use crate::{Files, marks, names, regions, translation};
use anyhow::{Result, ensure};
use memory_map::drawing;
use memory_map::model::Picture;
use memory_map::scene::Scene;
use probe::sitting::Sitting;

/// Takes the picture of the map.
pub fn take(mut sitting: Sitting) -> Result<Files> {
    let snapshot = sitting.until(names::PAGE_IS_THERE.into())?;
    let (program, boot_information) = (sitting.program.clone(), sitting.boot_information.clone());
    let log = sitting.finish()?;

    let kernel = snapshot.space()?;
    let mut regions = regions::of_window(&program)?;
    regions.push(regions::name("the page that the handler mapped", names::SOMEWHERE..names::SOMEWHERE + 4096));
    let scene = Scene {
        memory: snapshot.memory(),
        marks: marks::of(&program, &snapshot)?,
        kernel: &kernel,
        spaces: vec![("the kernel", kernel.clone())],
        regions: &regions,
        unmapped: &regions::guards(&program)?,
        places: &regions::of_image(&program, boot_information)?,
        variables: &[],
    };
    let picture = scene.picture(
        "05-map",
        "The kernel's map: what is mapped where, and what may be done there",
        names::PAGE_IS_THERE.into(),
    )?;
    agree(&picture, &log)?;
    let mut files = crate::files(&picture, &drawing::draw(&picture))?;
    files.extend(translation::files(&snapshot, &log)?);
    Ok(files)
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
