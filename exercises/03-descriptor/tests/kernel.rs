//! Judges exercise 3.1: descriptors of random segments.

#![no_std]
#![no_main]

use core::fmt::{self, Write};
use core::mem::transmute;
use harness::seeded::{Random, Sight, look, show};
use harness::{End, Test, test};
use segments::descriptor::{Access, Descriptor, Flags};
use segments::{GdtEntry, gdt};
use spin::Once;
use x86::Ring;
use x86::segmentation::{SegmentSelector, load_fs, load_gs};

harness::boot!(TESTS, up to segments);

const TESTS: &[Test] = &[
    test!(random_descriptors),
    test!(random_segments_in_fs_and_gs),
    test!(limits_of_random_descriptors),
    test!(the_smallest_and_largest_limits),
    test!(a_limit_that_does_not_fit).ends(End::Stop("PANIC: a segment's limit has 20 bits")),
];

const MOST: u32 = 0xF_FFFF;

fn access(random: &mut Random) -> Access {
    Access::from_bits_retain(random.word() as u8)
}

fn flags(random: &mut Random) -> Flags {
    Flags::from_bits_retain(random.within(0..16) as u8)
}

fn show_bits(descriptor: Descriptor) {
    // SAFETY: a descriptor is a transparent `u64`.
    let bits = unsafe { transmute::<Descriptor, u64>(descriptor) };
    show("the lower half of a descriptor, bits 31 to 0", bits as u32);
    show("the upper half of a descriptor, bits 63 to 32", (bits >> 32) as u32);
}

fn random_descriptors() {
    let mut random = Random::new();
    for _ in 0..200 {
        let (base, limit) = (random.word(), random.within(0..MOST + 1));
        show_bits(Descriptor::new(base, limit, access(&mut random), flags(&mut random)));
    }
}

/// A data segment that ring 0 can load.
fn data(random: &mut Random) -> Descriptor {
    let mut access = Access::PRESENT | Access::CODE_OR_DATA;
    access.set(Access::READ_WRITE, random.within(0..2) == 0);
    access.set(Access::RING_3, random.within(0..2) == 0);
    let mut flags = Flags::BITS_32;
    flags.set(Flags::LIMIT_IN_PAGES, random.within(0..2) == 0);
    Descriptor::new(random.word(), random.within(0..MOST + 1), access, flags)
}

fn random_segments_in_fs_and_gs() {
    static TABLE: Once<[GdtEntry; 19]> = Once::new();
    let mut random = Random::new();
    let more: [Descriptor; 16] = core::array::from_fn(|_| data(&mut random));
    gdt::load(TABLE.call_once(|| gdt::extended(&more))).expect("it extends the loaded table");
    for index in (3..19).step_by(2) {
        // SAFETY: compiled code does not use FS and GS.
        unsafe {
            load_fs(SegmentSelector::new(index, Ring::Ring0));
            load_gs(SegmentSelector::new(index + 1, Ring::Ring0));
        }
        look("two random segments in FS and GS", Sight::Registers);
    }
}

/// A line of text.
struct Line {
    bytes: [u8; 128],
    length: usize,
}

impl Write for Line {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let room = self.bytes.get_mut(self.length..self.length + text.len()).ok_or(fmt::Error)?;
        room.copy_from_slice(text.as_bytes());
        self.length += text.len();
        Ok(())
    }
}

/// The limit as the descriptor's text shows it.
fn printed_limit(descriptor: Descriptor) -> u32 {
    let mut line = Line { bytes: [0; 128], length: 0 };
    write!(line, "{descriptor}").expect("a line has room for it");
    let text = core::str::from_utf8(&line.bytes[..line.length]).expect("it is text");
    let (_, limit) = text.split_once("limit 0x").expect("the text has the limit");
    u32::from_str_radix(&limit[..8], 16).expect("the limit has eight digits")
}

fn limits_of_random_descriptors() {
    let mut random = Random::new();
    for _ in 0..200 {
        let bits = u64::from(random.word()) << 32 | u64::from(random.word());
        // SAFETY: a descriptor is a transparent `u64`.
        let descriptor = unsafe { transmute::<u64, Descriptor>(bits) };
        show("the limit of a descriptor, in bytes", printed_limit(descriptor));
    }
}

fn the_smallest_and_largest_limits() {
    let mut random = Random::new();
    for limit in [0, 1, MOST - 1, MOST] {
        show_bits(Descriptor::new(random.word(), limit, access(&mut random), flags(&mut random)));
    }
}

fn a_limit_that_does_not_fit() {
    let limit = Random::new().within(MOST + 1..u32::MAX);
    show_bits(Descriptor::new(0, limit, Access::PRESENT, Flags::BITS_32));
}
