//! The kernel of chapter 6: `Box` and `Vec`, and how the heap reuses the memory that they free.

#![no_std]
#![no_main]

extern crate alloc;

use alloc::boxed::Box;
use alloc::vec::Vec;
use boot::entry::Handover;
use boot::{information, serial, stop};
use heap::check::Usage;
use screen::println;

boot::entry!(kernel, screen::last_words);

fn kernel(handover: Handover) -> ! {
    serial::init(); // COM1 carries the log
    let boot = handover.information(); // the boot information
    screen::init(); // text on the screen
    segments::init(); // flat segments of our own
    interrupts::init(); // a handler for every vector
    paging::init(&boot); // memory in protected pages
    heap::init(); // memory of any size
    demonstrate();
    stop::end(information::command_line(&boot), screen::write)
}

// ANCHOR: demonstrate
fn demonstrate() {
    println!("Hello from chapter 6.");
    show("An empty heap");
    let [first, second, third] = [1, 2, 3].map(|number| Box::new([number; 100]));
    println!(
        "Three boxes, at {:p}, {:p} and {:p}: {}, {}, {}.",
        &*first, &*second, &*third, first[0], second[0], third[0]
    );
    show("With three boxes");
    drop(first);
    drop(third);
    show("Without the first and the third");
    drop(second);
    show("Without the second: merged with both neighbors");

    let again = Box::new([4; 100]);
    println!("A box of the same size, at {:p} again.", &*again);
    let squares: Vec<u32> = (0..2000).map(|number| number * number).collect();
    println!("A vector of {} squares, the last one {}.", squares.len(), squares[squares.len() - 1]);
    show("The heap has grown for it");
    drop(squares);
    drop(again);
    show("All freed; the heap keeps its memory");
}
// ANCHOR_END: demonstrate

fn show(when: &str) {
    let Usage { total_bytes, used_blocks, used_bytes, free_blocks, largest_free_bytes, .. } = heap::usage();
    println!("{when}:");
    println!(
        "  {total_bytes} bytes, {used_blocks} blocks in use with {used_bytes} bytes, {free_blocks} free, the largest {largest_free_bytes}"
    );
}
