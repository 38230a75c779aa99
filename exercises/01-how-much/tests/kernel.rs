//! Judges exercise 1.1: the memory of real machines, and random memory maps.

#![no_std]
#![no_main]

use boot::entry::Handover;
use boot::{information, serial};
use ex01_how_much::available_kib;
use harness::seeded::{Random, show};
use harness::{Test, test};
use multiboot2::BootInformation;
use spin::Once;

harness::boot!(TESTS, handover => begin(handover), up to serial);

static BOOT: Once<BootInformation<'static>> = Once::new();

const TESTS: &[Test] = &[
    test!(a_machine_with_17_mib).memory_mib(17),
    test!(a_machine_with_123_mib).memory_mib(123),
    test!(random_maps),
    test!(maps_beyond_4_gib),
    test!(no_map),
];

/// Keeps the boot information for the tests.
fn begin(handover: Handover) -> &'static BootInformation<'static> {
    serial::init();
    let information = handover.information();
    BOOT.call_once(|| information)
}

/// Shows both halves of what the function returns.
fn show_kib(kib: Option<u64>) {
    show("whether the available memory is known", kib.is_some().into());
    show("the available memory in KiB, modulo 2^32", kib.unwrap_or(0) as u32);
    show("the available memory in units of 4 TiB", (kib.unwrap_or(0) >> 32) as u32);
}

fn a_machine_with_17_mib() {
    show_kib(available_kib(BOOT.get().expect("set before any test runs")));
}

fn a_machine_with_123_mib() {
    show_kib(available_kib(BOOT.get().expect("set before any test runs")));
}

/// What a boot loader could have left in memory.
#[repr(align(8))]
struct Words([u32; 128]);

impl Words {
    /// Boot information with a memory map of these areas: start, size and type.
    fn with_map(areas: &[(u64, u64, u32)]) -> (Self, usize) {
        let mut words = Self([0; _]);
        let mut count = 2;
        let mut push = |word: u32| {
            words.0[count] = word;
            count += 1;
        };
        [6, 16 + 24 * areas.len() as u32, 24, 0].into_iter().for_each(&mut push);
        for &(start, size, kind) in areas {
            let [start, size] = [start, size].map(|number| [number as u32, (number >> 32) as u32]);
            [start[0], start[1], size[0], size[1], kind, 0].into_iter().for_each(&mut push);
        }
        [0, 8].into_iter().for_each(&mut push);
        words.0[0] = 4 * count as u32;
        (words, 4 * count)
    }

    fn show_kib(&self, length: usize) {
        // SAFETY: the words are initialized, and so many bytes lie within them.
        let bytes = unsafe { core::slice::from_raw_parts(self.0.as_ptr().cast::<u8>(), length) };
        // SAFETY: the promise is broken: no loader wrote this. But nothing else than the exercise reads it.
        let information = unsafe { information::read(bytes) };
        show_kib(available_kib(&information.expect("the map is sound")));
    }
}

/// Shows the result for a random map whose areas have fewer bytes than `most`.
fn show_random_map(random: &mut Random, most: u64) {
    let mut areas = [(0, 0, 0); 12];
    let mut start = 0;
    let count = random.within(6..13) as usize;
    for (number, area) in areas[..count].iter_mut().enumerate() {
        let size = (u64::from(random.word()) << 32 | u64::from(random.word())) % most;
        // Four areas are available for certain. Of the others, some have a type that no manual describes.
        let kind = if number < 4 { 1 } else { [1, 2, 3, 4, 5, 12][random.within(0..6) as usize] };
        *area = (start, size, kind);
        start += size + u64::from(random.within(0..2)) * 0x1_0000;
    }
    random.shuffle(&mut areas[..count]);
    let (words, length) = Words::with_map(&areas[..count]);
    words.show_kib(length);
}

fn random_maps() {
    let mut random = Random::new();
    for _ in 0..40 {
        // All areas together have less than 4 GiB.
        show_random_map(&mut random, (1 << 32) / 12);
    }
}

fn maps_beyond_4_gib() {
    let mut random = Random::new();
    for _ in 0..20 {
        show_random_map(&mut random, 1 << 34);
        show_random_map(&mut random, 1 << 45);
    }
}

fn no_map() {
    let mut words = Words([0; _]);
    // The size, and the last tag.
    (words.0[0], words.0[3]) = (16, 8);
    words.show_kib(16);
}
