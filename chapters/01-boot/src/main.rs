//! The kernel of chapter 1: it prints its boot loader, its command line and the memory map.

#![no_std]
#![no_main]

use boot::entry::Handover;
use boot::{information, log, serial, stop};
use multiboot2::BootInformation;

boot::entry!(kernel, serial::last_words);

fn kernel(handover: Handover) -> ! {
    serial::init(); // COM1 carries the log
    let boot = handover.information(); // the boot information
    demonstrate(&boot);
    stop::end(information::command_line(&boot), serial::write)
}

fn demonstrate(boot: &BootInformation) {
    log!("Hello from chapter 1.");
    log!("Booted by:    {}", information::loader_name(boot));
    log!("Command line: \"{}\"", information::command_line(boot));
    log!("The memory map, in KiB:");
    let map = boot.memory_map_tag().unwrap_or_else(|| stop!("the boot loader gave no memory map"));
    for area in map.memory_areas() {
        let (from, to) = (area.start_address() / 1024, area.start_address().saturating_add(area.size()) / 1024);
        log!("{from:>10} to {to:>10}  {:>10} KiB  {:?}", area.size() / 1024, area.typ());
    }
}
