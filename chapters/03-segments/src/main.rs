//! The kernel of chapter 3: it prints the segments that the CPU has loaded, and adds one.

#![no_std]
#![no_main]

use boot::entry::Handover;
use boot::{information, serial, stop};
use screen::println;
use segments::descriptor::{Access, Descriptor, Flags};
use segments::{GdtEntry, gdt};
use spin::Once;
use x86::Ring;
use x86::segmentation::{self, SegmentSelector};

boot::entry!(kernel, screen::last_words);

fn kernel(handover: Handover) -> ! {
    serial::init(); // COM1 carries the log
    let boot = handover.information(); // the boot information
    screen::init(); // text on the screen
    segments::init(); // flat segments of our own
    demonstrate();
    stop::end(information::command_line(&boot), screen::write)
}

// ANCHOR: demonstrate
fn demonstrate() {
    println!("Hello from chapter 3. The segments that the CPU has loaded:");
    print_loaded();
    println!(
        "CS is {:#04x}, DS is {:#04x}, SS is {:#04x}.",
        segmentation::cs().bits(),
        segmentation::ds().bits(),
        segmentation::ss().bits()
    );
    println!("Every segment begins at 0 and ends at 4 GiB: an offset is an address.");
    extend();
}

fn print_loaded() {
    for (index, entry) in gdt::loaded().iter().enumerate() {
        println!("  {:#04x}: {}", index * 8, entry.read());
    }
}
// ANCHOR_END: demonstrate

// ANCHOR: extend
/// Loads a longer table, replaces its last entry, and tries to load the first table again.
fn extend() {
    const FOURTH: SegmentSelector = SegmentSelector::new(3, Ring::Ring0);
    static LONGER: Once<[GdtEntry; 4]> = Once::new();
    let shorter = gdt::loaded();
    println!("A copy of the table, with one more segment, takes its place:");
    gdt::load(LONGER.call_once(|| gdt::extended(&[page_at(0x10_0000)]))).expect("it has all that the table has");
    print_loaded();
    println!("The last entry is replaced:");
    gdt::replace(FOURTH, page_at(0x10_1000)).expect("it is data as well");
    print_loaded();
    let refused = gdt::load(shorter).expect_err("it lacks the last entry");
    println!("The first table cannot come back: {refused}.");
}

/// A data segment of one page that begins at `base`.
const fn page_at(base: u32) -> Descriptor {
    let data = Access::PRESENT.union(Access::CODE_OR_DATA).union(Access::READ_WRITE);
    Descriptor::new(base, 0xFFF, data, Flags::BITS_32)
}
// ANCHOR_END: extend
