//! The kernel of chapter 5: it prints its own map, uses a page, and repairs a page fault.

#![no_std]
#![no_main]

use boot::entry::Handover;
use boot::{information, serial, stop};
use common::VirtAddr;
use core::ops::Range;
use interrupts::TrapFrame;
use paging::page_fault::{PAGE_FAULT, PageFault};
use paging::{Flags, KERNEL, PAGE_BYTES, Page, frame_allocator, regions};
use screen::println;

boot::entry!(kernel, screen::last_words);

/// A page that nobody uses.
const SOMEWHERE: VirtAddr = VirtAddr::new(0x5000_0000);

fn kernel(handover: Handover) -> ! {
    serial::init(); // COM1 carries the log
    let boot = handover.information(); // what the loader tells
    screen::init(); // text on the screen
    segments::init(); // flat segments of our own
    interrupts::init(); // a handler for every vector
    paging::init(&boot); // memory in protected pages
    demonstrate();
    stop::end(information::command_line(&boot))
}

// ANCHOR: demonstration
fn demonstrate() {
    println!(
        "Hello from chapter 5. {} frames are free, {} in use. The map:",
        frame_allocator::free_count(),
        frame_allocator::taken_count()
    );
    print_map();
    println!("Now a write to {SOMEWHERE}, where no page is.");
    // SAFETY: the handler removes the cause of the fault, and changes no register.
    unsafe { interrupts::register(PAGE_FAULT, repair) };
    // SAFETY: the page fault is answered by a page.
    unsafe { SOMEWHERE.as_ptr::<u32>().write_volatile(42) };
    let meant = KERNEL.lock().translate(SOMEWHERE).expect("the handler mapped it");
    println!("The write went on, to {meant} in physical memory.");
    // SAFETY: nobody uses the page after this.
    unsafe { KERNEL.lock().unmap_and_free(one_page(SOMEWHERE)) };
}
// ANCHOR_END: demonstration

/// One line for each run of pages with the same name and the same rights.
fn print_map() {
    let kernel = KERNEL.lock();
    let mut mappings = kernel.mappings().peekable();
    while let Some(first) = mappings.next() {
        let place = regions::locate(first.page.address());
        let writable = first.flags.contains(Flags::WRITABLE);
        let mut end = first.page.address().wrapping_add(first.pages * PAGE_BYTES);
        let goes_on = |next: &paging::directory::Mapping, end| {
            next.page.address() == end
                && next.flags.contains(Flags::WRITABLE) == writable
                && regions::locate(end).is_same_region(&place)
        };
        while let Some(next) = mappings.next_if(|next| goes_on(next, end)) {
            end = end.wrapping_add(next.pages * PAGE_BYTES);
        }
        let kib = (end.as_u32() - first.page.address().as_u32()) / 1024;
        let rights = if writable { "read, write" } else { "read" };
        println!("  {place:<28}  {}  {kib:>6} KiB  {rights}", first.page.address());
    }
}

// ANCHOR: repair
/// Answers a page fault with a page, and lets the instruction try again.
extern "C" fn repair(frame: &mut TrapFrame) {
    let fault = PageFault::of(frame);
    println!("Repaired: {fault}.");
    // SAFETY: nothing was there, so nobody relied on anything there.
    let mapped = unsafe { KERNEL.lock().map_free_frames(one_page(fault.address), Flags::WRITABLE) };
    mapped.expect("the page was not present, and memory is not out");
}
// ANCHOR_END: repair

fn one_page(address: VirtAddr) -> Range<VirtAddr> {
    let page = Page::containing(address).address();
    page..page.wrapping_add(PAGE_BYTES)
}
