//! What a reader may ask about an address: how it is translated.

use crate::Scene;
use memory_map::error::Error;
use memory_map::memory::Memory;
use memory_map::model::Address;
use memory_map::translation::{Flag, Step, steps_of};
use serde::Serialize;

/// How an address is translated, as far as that goes.
#[derive(Debug, Serialize)]
pub struct Walk {
    address: Address,
    cr3: Address,
    /// The words that the CPU reads.
    steps: Vec<Read>,
    /// The physical address.
    #[serde(skip_serializing_if = "Option::is_none")]
    physical: Option<Address>,
    /// Why there is none, in a sentence.
    #[serde(skip_serializing_if = "Option::is_none")]
    ends: Option<String>,
}

/// A word that the CPU reads: a step of `memory_map::translation`.
#[derive(Debug, Serialize)]
struct Read {
    place: &'static str,
    start: Address,
    field: &'static str,
    bits: (u32, u32),
    number: u32,
    at: Address,
    value: Address,
    #[serde(skip_serializing_if = "Option::is_none")]
    frame: Option<Address>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    flags: Vec<Bit>,
}

/// A flag of an entry.
#[derive(Debug, Serialize)]
struct Bit {
    bit: u32,
    name: String,
    is_set: bool,
    meaning: &'static str,
}

/// Walks the page tables for an address.
pub fn walk(memory: Memory, cr3: u32, cr4: u32, address: u32, scene: &Scene) -> Walk {
    let own_bits: Vec<(u32, &str)> = scene.own_bits.iter().map(|(bit, name)| (*bit, name.as_str())).collect();
    let mut steps = Vec::new();
    let found = steps_of(memory, cr3, cr4, address, &own_bits, &mut steps);
    let (address, cr3) = (Address(address.into()), Address(cr3.into()));
    let ends = found.as_ref().err().map(|error| match error {
        Error::NotMapped(_) => format!("Nothing is mapped at {address}: an access causes a page fault."),
        Error::NotInMemory(frame) => format!("The page is mapped, but this machine has no memory at {frame}."),
        Error::TableOutside(_) => error.to_string(),
    });
    Walk { address, cr3, steps: steps.into_iter().map(read).collect(), physical: found.ok(), ends }
}

fn read(step: Step) -> Read {
    let Step { place, start, field, bits, number, at, value, frame, flags, .. } = step;
    let flags = flags.into_iter().map(|flag| bit(flag, place)).collect();
    Read { place, start, field, bits, number, at, value: Address(value.into()), frame, flags }
}

/// A flag in words: Intel SDM volume 3A, 4.3, tables 4-4 to 4-6.
fn bit(Flag { bit, name, is_set }: Flag, place: &str) -> Bit {
    let either = |yes, no| if is_set { yes } else { no };
    let meaning = match name.as_str() {
        "present" if place == "page directory" => {
            either("the CPU goes on from here", "nothing is mapped in these 4 MiB")
        }
        "present" => either("the page has a frame", "nothing is mapped at this page"),
        "writable" => either("writing is allowed, if all entries allow it", "writing is forbidden"),
        "user" => either("ring 3 has access too, if all entries allow it", "only ring 0 has access"),
        "accessed" => either("the CPU has used it for a translation", "the CPU has not used it yet"),
        "dirty" => either("the page has been written to", "the page has not been written to"),
        "large page" => either("it leads to a frame of 4 MiB", "it leads to a page table"),
        _ => "the hardware ignores it",
    };
    Bit { bit, name, is_set, meaning }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIRECTORY: u32 = 0x1000;
    const PSE: u32 = 1 << 4;

    fn json(words: &[(u32, u32)], address: u32) -> serde_json::Value {
        let mut memory = vec![0; 0x4000];
        for (at, word) in words {
            memory[*at as usize..*at as usize + 4].copy_from_slice(&word.to_le_bytes());
        }
        let scene = Scene { chapter: "09".into(), own_bits: vec![(9, "mine".into())], subject: None };
        serde_json::to_value(walk(Memory(&memory), DIRECTORY, PSE, address, &scene)).expect("it can be written")
    }

    #[test]
    fn each_flag_of_an_entry_has_a_meaning() {
        let walk = json(&[(0x1004, 0x2203), (0x2008, 0x3061), (0x3004, 7)], 0x0040_2004);
        assert_eq!((&walk["physical"], &walk["ends"]), (&"0x00003004".into(), &serde_json::Value::Null));
        let flags = |step: usize| walk["steps"][step]["flags"].as_array().expect("an entry has flags");
        let mine = flags(0).last().expect("it has one");
        assert_eq!((&mine["name"], &mine["bit"], &mine["is_set"]), (&"mine".into(), &9.into(), &true.into()));
        assert_eq!(flags(1)[1]["meaning"], "writing is forbidden");
        assert_eq!((&walk["steps"][2]["value"], &walk["steps"][2]["flags"]), (&"0x00000007".into(), &().into()));
    }

    #[test]
    fn a_walk_that_ends_early_says_where_and_why() {
        let ends = |words: &[(u32, u32)]| {
            let walk = json(words, 0x0040_2004);
            let steps = walk["steps"].as_array().expect("a list").len();
            (steps, walk["ends"].as_str().expect("a sentence").to_owned())
        };
        let (steps, nothing) = ends(&[(0x1004, 0x2002)]);
        assert_eq!((steps, nothing.contains("page fault")), (1, true), "{nothing}");
        assert_eq!(ends(&[(0x1004, 0x2003), (0x2008, 0x3000)]), (2, nothing));
        assert_eq!(ends(&[(0x1004, 0x8003)]), (1, "There is no memory at 0x00008000 for a page table.".into()));
        let (steps, no_memory) = ends(&[(0x1004, 0x2003), (0x2008, 0x8003)]);
        assert_eq!((steps, no_memory.contains("no memory at 0x00008004")), (2, true), "{no_memory}");
    }
}
