//! The walk for one address: the words that the CPU reads, one after the other, to translate it.
//!
//! Source: Intel SDM volume 3A, 4.3 (32-bit paging).

use crate::error::Error;
use crate::memory::Memory;
use crate::model::Address;
use crate::walk::{FRAME, LARGE, LARGE_FRAME, PAGE_BYTES, PRESENT, PSE, USER, WRITABLE};
use serde::{Serialize, Serializer};

/// The size in bytes of a word, and of an entry of a table.
const WORD: u32 = 4;
const ACCESSED: u32 = 1 << 5;
const DIRTY: u32 = 1 << 6;

/// The bits of an entry that mean something to the hardware and that a reader has to know, with their names.
const FLAGS: [(u32, &str); 6] = [
    (PRESENT, "present"),
    (WRITABLE, "writable"),
    (USER, "user"),
    (ACCESSED, "accessed"),
    (DIRTY, "dirty"),
    (LARGE, "large page"),
];
/// The bits that the hardware leaves to the kernel.
const AVAILABLE: [u32; 3] = [9, 10, 11];

/// The walk for one address.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Translation {
    /// The virtual address.
    pub address: Address,
    /// The value of CR3.
    pub cr3: Address,
    /// The words that are read: an entry of the directory, one of a table unless the page is large, the word itself.
    pub steps: Vec<Step>,
    /// The physical address that the virtual one translates to.
    pub physical: Address,
}

/// A word that is read, and the words around it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Step {
    /// The name of the table or the frame that holds it.
    pub place: &'static str,
    /// The physical address of that table or frame.
    pub start: Address,
    /// The name of the field of the virtual address that selects the word.
    pub field: &'static str,
    /// The highest and the lowest of these bits.
    pub bits: (u32, u32),
    /// The value of the field.
    pub number: u32,
    /// The physical address of the word.
    pub at: Address,
    /// The word.
    #[serde(serialize_with = "hexadecimal")]
    pub value: u32,
    /// It and the words around it, from the lowest address up.
    pub around: Vec<Numbered>,
    /// For an entry, the frame that it points to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub frame: Option<Address>,
    /// For an entry, its flags.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub flags: Vec<Flag>,
}

/// A word with its number: the index of an entry in its table, or the offset of a byte in its frame.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Numbered {
    /// The number.
    pub number: u32,
    /// The word.
    #[serde(serialize_with = "hexadecimal")]
    pub value: u32,
}

/// A flag of an entry.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Flag {
    /// Its bit.
    pub bit: u32,
    /// Its name.
    pub name: String,
    /// Whether it is set.
    pub is_set: bool,
}

impl Translation {
    /// Walks the tables from CR3 for this address. `own_bits` names the kernel's own bits.
    ///
    /// # Errors
    /// [`Error::TableOutside`], and [`Error::NotMapped`].
    pub fn of(memory: Memory, cr3: u32, cr4: u32, address: u32, own_bits: &[(u32, &str)]) -> Result<Self, Error> {
        let mut steps = Vec::new();
        let physical = steps_of(memory, cr3, cr4, address, own_bits, &mut steps)?;
        Ok(Self { address: Address(address.into()), cr3: Address(cr3.into()), steps, physical })
    }
}

/// Puts the words that are read into `steps`, as far as the walk gets, and returns the physical address.
///
/// # Errors
/// As for [`Translation::of`].
pub fn steps_of(
    memory: Memory,
    cr3: u32,
    cr4: u32,
    address: u32,
    own_bits: &[(u32, &str)],
    steps: &mut Vec<Step>,
) -> Result<Address, Error> {
    let mut entry = |place, start, bits| -> Result<u32, Error> {
        let step = Step::entry(memory, place, start, bits, address, own_bits)?;
        let value = step.value;
        steps.push(step);
        if value & PRESENT != 0 { Ok(value) } else { Err(Error::NotMapped(format!("{address:#010x}"))) }
    };
    let directory = entry("page directory", cr3 & FRAME, (31, 22))?;
    let (frame, offset_bits) = if cr4 & PSE != 0 && directory & LARGE != 0 {
        (directory & LARGE_FRAME, 22)
    } else {
        (entry("page table", directory & FRAME, (21, 12))? & FRAME, 12)
    };
    if let Some(last) = steps.last_mut() {
        last.frame = Some(Address(frame.into()));
    }
    let offset = bits(address, (offset_bits - 1, 0));
    steps.push(Step::word(memory, frame, offset_bits, offset)?);
    Ok(Address((frame + offset).into()))
}

impl Step {
    fn entry(
        memory: Memory,
        place: &'static str,
        start: u32,
        of_address: (u32, u32),
        address: u32,
        own_bits: &[(u32, &str)],
    ) -> Result<Self, Error> {
        let number = bits(address, of_address);
        let read = |number| memory.word(start + number * WORD).ok_or(Error::TableOutside(start));
        let value = read(number)?;
        let around = around(number);
        let around = around.into_iter().map(|number| Ok(Numbered { number, value: read(number)? }));
        let around = around.collect::<Result<_, Error>>()?;
        // In an entry for a page table, bit 6 is ignored; in one for a page of 4 KiB, bit 7 has another meaning.
        let is_directory = place == "page directory";
        let without = match (is_directory, value & LARGE != 0) {
            (true, true) => 0,
            (true, false) => DIRTY,
            (false, _) => LARGE,
        };
        // If the first bit says that nothing is mapped, the others mean nothing.
        let is_present = value & PRESENT != 0;
        let known = FLAGS.iter().filter(|(mask, _)| mask & without == 0 && (is_present || *mask == PRESENT));
        let flag = |(mask, name): &(u32, &str)| Flag {
            bit: mask.trailing_zeros(),
            name: (*name).to_owned(),
            is_set: value & mask != 0,
        };
        let mut flags: Vec<Flag> = known.map(flag).collect();
        for bit in AVAILABLE.into_iter().filter(|bit| is_present && value >> bit & 1 == 1) {
            let name = own_bits.iter().find(|(own, _)| *own == bit).map_or("left to the kernel", |(_, name)| name);
            flags.push(Flag { bit, name: name.to_owned(), is_set: true });
        }
        let field = if is_directory { "directory index" } else { "table index" };
        let (at, start) = (Address((start + number * WORD).into()), Address(start.into()));
        let frame = is_present.then_some(Address((value & FRAME).into()));
        Ok(Self { place, start, field, bits: of_address, number, at, value, around, frame, flags })
    }

    /// The words around this one are left over from an earlier use of the frame, and are no part of the walk.
    fn word(memory: Memory, start: u32, offset_bits: u32, offset: u32) -> Result<Self, Error> {
        let (number, at) = (offset / WORD * WORD, start + offset / WORD * WORD);
        let value = memory.word(at).ok_or_else(|| Error::NotInMemory(format!("{at:#010x}")))?;
        let (start, at) = (Address(start.into()), Address(at.into()));
        Ok(Self {
            place: "frame",
            start,
            field: "offset",
            bits: (offset_bits - 1, 0),
            number: offset,
            at,
            value,
            around: vec![Numbered { number, value }],
            frame: None,
            flags: Vec::new(),
        })
    }
}

/// Of a table's entries, the first, the last and three around this one, as far as they exist and differ.
fn around(number: u32) -> Vec<u32> {
    const LAST: u32 = PAGE_BYTES / WORD - 1;
    let mut all = vec![0, number.saturating_sub(1), number, (number + 1).min(LAST), LAST];
    all.dedup();
    all
}

fn hexadecimal<S: Serializer>(word: &u32, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&format_args!("{word:#010x}"))
}

fn bits(address: u32, (highest, lowest): (u32, u32)) -> u32 {
    address << (31 - highest) >> (31 - highest + lowest)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIRECTORY: u32 = 0x1000;
    const TABLE: u32 = 0x2000;
    const FRAME_AT: u32 = 0x5000;
    const ADDRESS: u32 = 0x5040_3008;

    fn memory(more: &[(u32, u32)]) -> Vec<u8> {
        let mut bytes = vec![0; 0x1_0000];
        let words = [(DIRECTORY + 0x141 * 4, TABLE | 0x27), (TABLE + 3 * 4, FRAME_AT | 0x663), (FRAME_AT + 8, 42)];
        for (address, word) in words.iter().chain(more) {
            bytes[*address as usize..*address as usize + 4].copy_from_slice(&word.to_le_bytes());
        }
        bytes
    }

    fn walk(memory: &[u8]) -> Result<Translation, Error> {
        Translation::of(Memory(memory), DIRECTORY | 0x18, PSE, ADDRESS, &[(10, "mine")])
    }

    #[test]
    fn an_address_is_three_numbers_and_each_finds_a_word() {
        let found = walk(&memory(&[])).expect("it is mapped");
        let numbers: Vec<_> = found.steps.iter().map(|step| (step.number, step.at.0, step.value)).collect();
        assert_eq!(numbers, [(0x141, 0x1504, TABLE | 0x27), (3, 0x200C, FRAME_AT | 0x663), (8, 0x5008, 42)]);
        assert_eq!((found.physical.0, found.steps[1].frame), (0x5008, Some(Address(FRAME_AT.into()))));
        assert_eq!(
            found.steps[0].around.iter().map(|word| word.number).collect::<Vec<_>>(),
            [0, 0x140, 0x141, 0x142, 0x3FF]
        );
        let words: Vec<_> = found.steps[2].around.iter().map(|word| (word.number, word.value)).collect();
        assert_eq!(words, [(8, 42)], "what else lies in the frame is none of the walk's");
    }

    #[test]
    fn flags_are_those_that_the_entry_has() {
        let found = walk(&memory(&[])).expect("it is mapped");
        let flags = |step: &Step| {
            let flag = |Flag { bit, name, is_set }: &Flag| format!("{bit} {name} {}", u32::from(*is_set));
            step.flags.iter().map(flag).collect::<Vec<_>>()
        };
        let directory = ["0 present 1", "1 writable 1", "2 user 1", "5 accessed 1", "7 large page 0"];
        let table = [
            "0 present 1",
            "1 writable 1",
            "2 user 0",
            "5 accessed 1",
            "6 dirty 1",
            "9 left to the kernel 1",
            "10 mine 1",
        ];
        assert_eq!(
            (flags(&found.steps[0]), flags(&found.steps[1])),
            (directory.map(String::from).into(), table.map(String::from).into())
        );
    }

    #[test]
    fn a_large_page_has_no_table_and_a_long_offset() {
        let large = memory(&[(DIRECTORY + 0x141 * 4, 0x00C0_0000 | LARGE | PRESENT)]);
        let found = walk(&large);
        assert_eq!(found, Err(Error::NotInMemory("0x00c03008".into())));
        let found = walk(&[large, vec![0; 16 << 20]].concat()).expect("it is mapped");
        assert_eq!((found.steps.len(), found.steps[1].number, found.physical.0), (2, 0x3008, 0x00C0_3008));
    }

    #[test]
    fn an_unmapped_address_has_no_walk() {
        let error = walk(&memory(&[(TABLE + 12, FRAME_AT)])).expect_err("it is not present").to_string();
        assert!(error.contains("0x50403008"), "{error}");
        assert!(walk(&memory(&[(DIRECTORY + 0x141 * 4, 0x00F0_0001)])).is_err(), "no memory is there");
    }

    /// The two walks of this library agree on every page.
    #[test]
    fn it_agrees_with_the_walk_of_the_whole_space() {
        let memory = memory(&[(DIRECTORY, LARGE | PRESENT)]);
        let space = crate::walk::Space::walk(Memory(&memory), DIRECTORY, PSE).expect("the tables are in memory");
        let found = walk(&memory).expect("it is mapped");
        assert_eq!(space.translate(ADDRESS).map(u64::from), Some(found.physical.0));
    }
}
