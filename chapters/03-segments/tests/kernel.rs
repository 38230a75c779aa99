//! What the kernel of chapter 3 must survive.

#![no_std]
#![no_main]

use common::{VirtAddr, image};
use harness::{End, Test, test};
use segments::descriptor::{Access, Descriptor, Flags};
use segments::gdt::{self, CODE, DATA};
use x86::segmentation;

harness::boot!(TESTS, up to segments);

const TESTS: &[Test] = &[
    test!(the_cpu_uses_our_table),
    test!(every_segment_register_refers_to_our_table),
    test!(every_segment_is_flat),
    test!(a_larger_table_can_take_its_place),
    test!(a_table_without_the_flat_segments_is_refused).ends(End::Stop("a table must begin with the flat segments")),
];

fn the_cpu_uses_our_table() {
    assert!(image::kernel().contains(&VirtAddr::from(gdt::loaded().as_ptr())));
    assert_eq!(gdt::loaded(), [Descriptor::NULL, Descriptor::FLAT_CODE, Descriptor::FLAT_DATA]);
}

fn every_segment_register_refers_to_our_table() {
    assert_eq!(segmentation::cs(), CODE);
    let data = [segmentation::ds(), segmentation::es(), segmentation::fs(), segmentation::gs(), segmentation::ss()];
    assert!(data.iter().all(|selector| *selector == DATA), "{data:?}");
}

/// Reads through the segment that a selector names, at an offset that only a flat segment makes right.
fn every_segment_is_flat() {
    static WORD: u32 = 0x5E61_1E47;
    let (through_fs, through_gs, through_cs): (u32, u32, u32);
    // SAFETY: reads a constant through three segments; in a flat one its offset is its address.
    unsafe {
        core::arch::asm!(
            "mov {0:e}, fs:[{3}]", "mov {1:e}, gs:[{3}]", "mov {2:e}, cs:[{3}]",
            out(reg) through_fs, out(reg) through_gs, lateout(reg) through_cs, in(reg) &raw const WORD,
        );
    }
    assert_eq!([through_fs, through_gs, through_cs], [WORD; 3]);
}

fn a_larger_table_can_take_its_place() {
    static LARGER: [Descriptor; 4] = [
        Descriptor::NULL,
        Descriptor::FLAT_CODE,
        Descriptor::FLAT_DATA,
        Descriptor::new(0, 0, Access::empty(), Flags::empty()),
    ];
    gdt::load(&LARGER);
    assert_eq!(gdt::loaded(), LARGER);
    every_segment_register_refers_to_our_table();
}

fn a_table_without_the_flat_segments_is_refused() {
    static WRONG: [Descriptor; 3] = [Descriptor::NULL, Descriptor::FLAT_DATA, Descriptor::FLAT_CODE];
    gdt::load(&WRONG);
}
