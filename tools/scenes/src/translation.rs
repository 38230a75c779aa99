//! Chapter 5: the walk for one address, in the page that the page fault handler has mapped.

use crate::Files;
use crate::machine::Machine;
use crate::paper::identifier;
use anyhow::Result;
use memory_map::translation::Translation;
use memory_map::translation_drawing;

const NAME: &str = "05-walk";

/// The walk for this address. `own_bits` are the kernel's own bits of an entry, with their names.
pub fn walk(machine: &Machine, address: u32, own_bits: &[(u32, String)]) -> Result<Translation> {
    let own_bits: Vec<(u32, &str)> = own_bits.iter().map(|(bit, name)| (*bit, name.as_str())).collect();
    Ok(Translation::of(machine.memory, machine.registers.cr3, machine.registers.cr4, address, &own_bits)?)
}

/// The picture of a walk.
pub fn files(walk: &Translation) -> Result<Files> {
    let title = format!("How the CPU finds what lies at {}", walk.address);
    let drawing = format!("{}\n", translation_drawing::draw(walk, &identifier(NAME), &title));
    let json = serde_json::to_string_pretty(walk)? + "\n";
    let files = [("svg", drawing), ("json", json), ("md", translation_drawing::tables(walk))];
    Ok(files.into_iter().map(|(ending, content)| (format!("{NAME}.{ending}"), content)).collect())
}
