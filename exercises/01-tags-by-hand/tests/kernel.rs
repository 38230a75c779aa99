//! Judges exercise 1.3: the loader's own boot information, and random tags, sound and damaged.

#![no_std]
#![no_main]

use boot::entry::Handover;
use boot::serial;
use ex01_tags_by_hand::{Damage, MEMORY_MAP, Tag, area, tags};
use harness::seeded::{Random, show};
use harness::{Test, test};
use multiboot2::BootInformation;
use spin::Once;

harness::boot!(TESTS, handover => begin(handover), up to serial);

static BOOT: Once<BootInformation<'static>> = Once::new();

const TESTS: &[Test] = &[
    test!(tags_of_the_loader_and_random_ones).module().memory_mib(19),
    test!(damaged_information),
    test!(areas_of_the_loader_and_random_ones).memory_mib(45),
];

/// Keeps the boot information for the tests.
fn begin(handover: Handover) -> &'static BootInformation<'static> {
    serial::init();
    let information = handover.information();
    BOOT.call_once(|| information)
}

/// The loader's boot information, as bytes.
fn information() -> &'static [u8] {
    let boot = BOOT.get().expect("set before any test runs");
    // SAFETY: the boot information is that long, and no code changes it.
    unsafe { core::slice::from_raw_parts(boot.start_address() as *const u8, boot.total_size()) }
}

fn checksum(bytes: &[u8]) -> u32 {
    bytes.iter().fold(bytes.len() as u32, |sum, byte| sum.rotate_left(5).wrapping_mul(0x9E37_79B9) ^ u32::from(*byte))
}

fn show_tag(tag: &Tag) {
    show("the type of a tag", tag.kind);
    show("how many bytes of contents it has", tag.contents.len() as u32);
    show("a checksum of its contents", checksum(tag.contents));
}

/// Shows what is wrong with boot information, or how many tags it has.
fn show_outcome(information: &[u8]) {
    // Of endless tags, only some are counted.
    let code = match tags(information).map(|tags| tags.take(1000).count()) {
        Ok(count) => count as u32,
        Err(Damage::Size) => 0x1000_0000,
        Err(Damage::Tag(place)) => 0x2000_0000 | place as u32,
        Err(Damage::NoLastTag(place)) => 0x3000_0000 | place as u32,
    };
    show("the damage (first digit 1: size, 2: a tag, 3: no last tag; then its place), or the number of tags", code);
}

fn tags_of_the_loader_and_random_ones() {
    show_tags_of_loader();
    show_random_tags();
}

fn show_tags_of_loader() {
    let mut all = tags(information()).expect("GRUB's boot information is sound");
    // The types whose contents do not depend on the kernel: command line, name of the loader, and memory.
    for kind in [1, 2, 4, 6] {
        let same = |tag: &Tag| tag.kind == kind;
        tags(information()).expect("it is sound").filter(same).for_each(|tag| show_tag(&tag));
    }
    show("how many modules there are", all.by_ref().filter(|tag| tag.kind == 3).count() as u32);
    show("how many tags there are", tags(information()).expect("it is sound").count() as u32);
    show("whether there is one more tag after the last", all.next().is_some().into());
}

/// Boot information that a test writes.
struct Bytes {
    bytes: [u8; 4096],
    length: usize,
    /// Where each tag begins, also the last.
    places: [usize; 32],
    count: usize,
}

impl Bytes {
    /// Some random tags and the last one.
    fn random(random: &mut Random) -> Self {
        let mut this = Self { bytes: [0; _], length: 8, places: [0; _], count: 0 };
        for _ in 0..random.within(4..20) {
            // A type of 0 would end the list, and may be anywhere in the contents.
            let kind = if random.within(0..4) == 0 { random.word().max(1) } else { random.within(1..22) };
            this.push(kind, random.within(0..60), random);
        }
        this.push(0, 0, random);
        this.set_word(0, this.length as u32);
        this
    }

    fn push(&mut self, kind: u32, contents: u32, random: &mut Random) {
        let start = self.length;
        self.places[self.count] = start;
        self.count += 1;
        self.set_word(start, kind);
        self.set_word(start + 4, 8 + contents);
        self.length = (start + 8 + contents as usize).next_multiple_of(8);
        // Also what fills the space up to the next tag.
        for byte in &mut self.bytes[start + 8..self.length] {
            *byte = if random.within(0..2) == 0 { 0 } else { random.word() as u8 };
        }
    }

    fn set_word(&mut self, place: usize, word: u32) {
        self.bytes[place..place + 4].copy_from_slice(&word.to_le_bytes());
    }

    /// The place of a tag that is not the last.
    fn place(&self, random: &mut Random) -> usize {
        self.places[random.within(0..self.count as u32 - 1) as usize]
    }

    fn all(&self) -> &[u8] {
        &self.bytes[..self.length]
    }
}

fn show_random_tags() {
    let mut random = Random::new();
    for _ in 0..30 {
        let bytes = Bytes::random(&mut random);
        let all = tags(bytes.all()).expect("it is sound");
        // If an answer finds no end, some are enough to see it.
        let count = all.take(32).map(|tag| show_tag(&tag)).count();
        show("how many tags there are", count as u32);
    }
}

fn damaged_information() {
    wrong_sizes();
    wrong_tags();
}

fn wrong_sizes() {
    let mut random = Random::new();
    for length in 0..8 {
        show_outcome(&[8, 0, 0, 0, 0, 0, 0, 0][..length]);
    }
    for round in 0..40 {
        let mut bytes = Bytes::random(&mut random);
        let length = bytes.length as u32;
        match round % 4 {
            0 => bytes.set_word(0, random.word()),
            1 => bytes.set_word(0, length - 1),
            2 => bytes.set_word(0, length + random.within(1..9)),
            // The size is right, but the last tag is missing.
            _ => {
                bytes.length -= 8;
                bytes.set_word(0, length - 8);
            }
        }
        show_outcome(bytes.all());
    }
}

fn wrong_tags() {
    let mut random = Random::new();
    for round in 0..80 {
        let mut bytes = Bytes::random(&mut random);
        let place = bytes.place(&mut random);
        let rest = (bytes.length - place) as u32;
        match round % 8 {
            0 => bytes.set_word(place + 4, random.within(0..8)),
            1 => bytes.set_word(place + 4, rest + 1),
            // It takes all the rest, so no tag follows.
            2 => bytes.set_word(place + 4, rest),
            // As above, but only once it is rounded up.
            3 => bytes.set_word(place + 4, rest - 3),
            // Rounded up, or added to its place, the size is a small number again.
            4 => bytes.set_word(place + 4, u32::MAX - random.within(0..7)),
            5 => bytes.set_word(place + 4, 0u32.wrapping_sub(place as u32)),
            // Of the last tag's header, only a part is there.
            6 => {
                bytes.length -= random.within(1..8) as usize;
                bytes.set_word(0, bytes.length as u32);
            }
            // The last tag comes earlier. What follows does not matter.
            _ => [0, 8].into_iter().zip([0, 4]).for_each(|(word, more)| bytes.set_word(place + more, word)),
        }
        show_outcome(bytes.all());
    }
}

fn show_area(contents: &[u8], number: usize) {
    let area = area(contents, number);
    show("whether there is an area with this number", area.is_some().into());
    if let Some(area) = area {
        show("the low half of its start", area.start as u32);
        show("the high half of its start", (area.start >> 32) as u32);
        show("the low half of its size", area.size as u32);
        show("the high half of its size", (area.size >> 32) as u32);
        show("its type", area.kind);
    }
}

fn areas_of_the_loader_and_random_ones() {
    show_map_of_loader();
    show_random_areas();
}

fn show_map_of_loader() {
    let mut all = tags(information()).expect("GRUB's boot information is sound");
    let map = all.find(|tag| tag.kind == MEMORY_MAP).expect("GRUB gives a memory map");
    (0..20).for_each(|number| show_area(map.contents, number));
}

fn show_random_areas() {
    let mut random = Random::new();
    for round in 0..24 {
        let mut contents = [0; 512];
        contents.fill_with(|| random.word() as u8);
        // Later versions of the contract may have longer areas.
        let bytes = [24, 24, 32, 40, 8, 16][round % 6];
        contents[..4].copy_from_slice(&u32::to_le_bytes(bytes));
        let count = random.within(0..8);
        // Sometimes a part of one more area, which does not count.
        let more = [0, bytes - 1, 4][random.within(0..3) as usize];
        let contents = &contents[..8 + (count * bytes + more) as usize];
        (0..count as usize + 3).for_each(|number| show_area(contents, number));
        for number in [usize::MAX, 1 << 29, usize::MAX / 24 + 1, usize::MAX / 32 + 1] {
            show_area(contents, number);
        }
    }
    // Not even the two words before the areas, and areas of an impossible size.
    (0..8).for_each(|length| show_area(&[24, 0, 0, 0, 0, 0, 0, 0][..length], 0));
    for bytes in [0, 1, 8, u32::MAX, u32::MAX - 7] {
        let mut contents = [0; 64];
        contents[..4].copy_from_slice(&u32::to_le_bytes(bytes));
        (0..3).for_each(|number| show_area(&contents, number));
    }
}
