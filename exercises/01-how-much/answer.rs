//! Exercise 1.1: how much memory the machine has.
//!
//! The boot loader passes on a map of the memory, area by area. A kernel often needs only the sum.

#![no_std]

use multiboot2::{BootInformation, MemoryAreaType};

/// How much memory the map calls available, in KiB, rounded down. `None` if the loader gave no map.
pub fn available_kib(information: &BootInformation) -> Option<u64> {
    let map = information.memory_map_tag()?;
    let available = map.memory_areas().iter().filter(|area| area.typ() == MemoryAreaType::Available);
    Some(available.map(|area| area.size()).sum::<u64>() / 1024)
}
