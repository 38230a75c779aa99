//! The kernel of chapter 3: it shows the segments that the CPU has loaded.

#![no_std]
#![no_main]

use boot::entry::Handover;
use boot::{information, serial, stop};
use screen::println;
use segments::gdt;
use x86::segmentation;

boot::entry!(kernel, screen::last_words);

fn kernel(handover: Handover) -> ! {
    serial::init(); // COM1 carries the log
    let boot = handover.information(); // what the loader tells
    screen::init(); // text on the screen
    segments::init(); // flat segments of our own
    demonstrate();
    stop::end(information::command_line(&boot))
}

// ANCHOR: demonstrate
fn demonstrate() {
    println!("Hello from chapter 3. The segments that the CPU has loaded:");
    for (index, descriptor) in gdt::loaded().iter().enumerate() {
        println!("  {:#04x}: {descriptor}", index * 8);
    }
    println!(
        "CS is {:#04x}, DS is {:#04x}, SS is {:#04x}.",
        segmentation::cs().bits(),
        segmentation::ds().bits(),
        segmentation::ss().bits()
    );
    println!("Every segment begins at 0 and ends at 4 GiB: an offset is an address.");
}
// ANCHOR_END: demonstrate
