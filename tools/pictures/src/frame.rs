//! Chapter 4: the words that an interrupt leaves on the stack, where the handler begins.

use crate::{Files, functions, log_file, machine_of, names};
use anyhow::{Result, ensure};
use interrupts::TrapFrame;
use probe::program::Program;
use probe::sitting::Sitting;
use scenes::Album as _;
use scenes::frame::{Album, FRAME_WORDS, Plan};

// The picture's frame is the kernel's.
const _: () = assert!(size_of::<TrapFrame>() == 4 * FRAME_WORDS as usize);

/// What has to be known about the kernel.
pub fn plan(program: &Program) -> Result<Plan> {
    Ok(Plan { vector_and_eax: names::VECTOR_AND_EAX, functions: functions(program)? })
}

/// Stops at the beginning of the handler.
pub fn take(mut sitting: Sitting) -> Result<Files> {
    let snapshot = sitting.until(names::HANDLER)?;
    let machine = machine_of(&snapshot)?;
    let mut album = Album::new(plan(&sitting.program)?);
    let facts = album.facts(&machine)?;
    let mut files = album.moment(0, &machine)?;
    let log = sitting.finish()?;
    for said in [format!("ESP {}", facts.esp_before), format!("just before {}.", facts.eip())] {
        ensure!(log.contains(&said), "The kernel does not say \"{said}\".\n{log}");
    }
    files.extend([log_file("04", &log)]);
    Ok(files)
}
