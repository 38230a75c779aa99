//! Chapter 5: the walk for one address, in the page that the page fault handler has mapped.

use crate::paper::identifier;
use crate::{Files, names};
use anyhow::{Context, Result, ensure};
use memory_map::translation::Translation;
use memory_map::translation_drawing;
use probe::snapshot::Snapshot;

const NAME: &str = "05-walk";

/// Makes the picture of the walk, once the demonstration has written to the page.
pub fn files(snapshot: &Snapshot, log: &str) -> Result<Files> {
    let (cr3, cr4) = (snapshot.registers.get("CR3")?, snapshot.registers.get("CR4")?);
    let own_bits = names::OWN_BITS.map(|(flag, name)| (flag.bits().trailing_zeros(), name));
    let walk = Translation::of(snapshot.memory(), cr3, cr4, names::SOMEWHERE as u32, &own_bits)?;
    let said = format!("The write succeeded, at physical address {}.", walk.physical);
    ensure!(log.contains(&said), "The kernel does not say \"{said}\".\n{log}");
    let written = walk.steps.last().context("a walk has steps")?.value;
    ensure!(written == names::WRITTEN, "at {} is {written}, which the demonstration has not written", walk.physical);
    let title = format!("How the CPU finds what lies at {}", walk.address);
    let drawing = format!("{}\n", translation_drawing::draw(&walk, &identifier(NAME), &title));
    let json = serde_json::to_string_pretty(&walk)? + "\n";
    let files = [("svg", drawing), ("json", json), ("md", translation_drawing::tables(&walk))];
    Ok(files.into_iter().map(|(ending, content)| (format!("{NAME}.{ending}"), content)).collect())
}
