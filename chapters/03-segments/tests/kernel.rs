//! What the kernel of chapter 3 must survive.

#![no_std]
#![no_main]

use common::{VirtAddr, image};
use harness::{Test, test};
use segments::GdtEntry;
use segments::descriptor::{Access, Descriptor, Flags};
use segments::gdt::{self, CODE, DATA, TableError};
use spin::Once;
use x86::segmentation;

harness::boot!(TESTS, up to segments);

const TESTS: &[Test] = &[
    test!(the_cpu_uses_our_table),
    test!(every_segment_register_refers_to_our_table),
    test!(every_segment_is_flat),
    test!(a_larger_table_can_take_its_place),
    test!(a_table_without_the_flat_segments_is_refused),
];

/// The descriptors of the loaded table, as there is no heap yet.
fn loaded<const N: usize>() -> [Descriptor; N] {
    assert_eq!(gdt::loaded().len(), N);
    core::array::from_fn(|index| gdt::loaded()[index].read())
}

fn the_cpu_uses_our_table() {
    assert!(image::kernel().contains(&VirtAddr::from(gdt::loaded().as_ptr())));
    assert_eq!(loaded(), [Descriptor::NULL, Descriptor::FLAT_CODE, Descriptor::FLAT_DATA]);
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
    static LARGER: Once<[GdtEntry; 4]> = Once::new();
    gdt::load(LARGER.call_once(|| gdt::extended(&[WINDOW]))).expect("it extends the loaded table");
    assert_eq!(gdt::loaded().as_ptr(), LARGER.get().expect("it was made").as_ptr());
    assert_eq!(loaded(), [Descriptor::NULL, Descriptor::FLAT_CODE, Descriptor::FLAT_DATA, WINDOW]);
    every_segment_register_refers_to_our_table();
}

const DATA_OF_RING_0: Access = Access::PRESENT.union(Access::CODE_OR_DATA).union(Access::READ_WRITE);
const WINDOW: Descriptor = Descriptor::new(0xB_8000, 0xF9F, DATA_OF_RING_0, Flags::BITS_32);

fn a_table_without_the_flat_segments_is_refused() {
    static WRONG: [GdtEntry; 3] =
        [GdtEntry::new(Descriptor::NULL), GdtEntry::new(Descriptor::FLAT_DATA), GdtEntry::new(Descriptor::FLAT_CODE)];
    assert_eq!(gdt::load(&WRONG), Err(TableError::Drops(1)));
    assert_eq!(gdt::load(&[]), Err(TableError::Drops(0)));
    the_cpu_uses_our_table();
}
