//! The kernel of chapter 5: it prints its own map, repairs a page fault, and shares a frame between two pages.

#![no_std]
#![no_main]

use boot::entry::Handover;
use boot::{information, serial, stop};
use common::VirtAddr;
use core::ops::Range;
use interrupts::{TrapFrame, exceptions};
use paging::page_fault::{PAGE_FAULT, PageFault};
use paging::{Flags, KERNEL, PAGE_BYTES, Page, frame_allocator, regions};
use screen::println;

boot::entry!(kernel, screen::last_words);

/// An address at which nothing is mapped.
const SOMEWHERE: VirtAddr = VirtAddr::new(0x5000_0000);

/// Two more pages at which nothing is mapped.
const PAGES: [VirtAddr; 2] = [VirtAddr::new(0x6000_0000), VirtAddr::new(0x7000_0000)];

/// Marks every page that [`repair`] maps. The CPU ignores the bit.
const REPAIRED: Flags = Flags::AVAILABLE_10;

fn kernel(handover: Handover) -> ! {
    serial::init(); // COM1 carries the log
    let boot = handover.information(); // the boot information
    screen::init(); // text on the screen
    segments::init(); // flat segments of our own
    interrupts::init(); // a handler for every vector
    paging::init(&boot); // memory in protected pages
    demonstrate();
    stop::end(information::command_line(&boot), screen::write)
}

// ANCHOR: demonstration
fn demonstrate() {
    println!(
        "Hello from chapter 5. {} frames are free, {} in use. The map:",
        frame_allocator::free_count(),
        frame_allocator::taken_count()
    );
    print_map();
    show_repair();
    show_sharing();
}

/// Writes where nothing is mapped, and lets the page fault handler map a page there.
fn show_repair() {
    println!("Now a write to {SOMEWHERE}, where no page is present.");
    // SAFETY: the handler removes the cause of the fault, or does not return. It changes no register.
    let previous = unsafe { interrupts::register(PAGE_FAULT, repair) };
    // SAFETY: the handler maps the page, and nothing else uses it.
    unsafe { SOMEWHERE.as_ptr::<u32>().write_volatile(42) };
    let meant = KERNEL.lock().translate(SOMEWHERE).expect("the handler mapped it");
    println!("The write succeeded, at physical address {meant}.");
    // SAFETY: the handler was registered before.
    unsafe { interrupts::register(PAGE_FAULT, previous) };
    let repaired = KERNEL.lock().mappings().find(|mapping| mapping.flags.contains(REPAIRED)).expect("the one page");
    // SAFETY: the page is not used after this.
    unsafe { KERNEL.lock().unmap_and_free(one_page(repaired.page.address())) };
}
// ANCHOR_END: demonstration

// ANCHOR: sharing
/// Maps one frame at two pages: a value written at one is read at the other. Chapter 9 calls this *linked*.
fn show_sharing() {
    let owned = frame_allocator::allocate().expect("there is enough memory");
    let (frame, share) = (owned.frame(), owned.share().expect("it has one owner"));
    let [first, second] = PAGES.map(Page::containing);
    // Make the page tables first, so that memory cannot run out between the two pages.
    for page in PAGES {
        KERNEL.lock().make_tables(one_page(page)).expect("there is enough memory");
    }
    for (page, share) in [(first, owned), (second, share)] {
        // SAFETY: nothing is mapped at these pages, and there are no references to the frame.
        unsafe { KERNEL.lock().map(page, share, Flags::WRITABLE) }.expect("the page is free").flush();
    }
    println!("One frame, {}, at two pages:", frame.address());
    print_page(first);
    print_page(second);
    println!("{} was written through the first and read through the second.", write_and_read(43));
    // SAFETY: the second page is only read from now on.
    unsafe { KERNEL.lock().protect(second, Flags::empty()) }.expect("it is mapped").flush();
    println!("Now the second page is read-only:");
    print_page(second);
    println!("{} was written through the first and read through the second.", write_and_read(44));
    for page in [first, second] {
        // SAFETY: the page is not used after this.
        let (share, flush) = unsafe { KERNEL.lock().unmap(page) }.expect("it is mapped");
        flush.flush();
        drop(share);
        println!("Unmapped at {}; owners left: {}.", page.address(), frame_allocator::owner_count(frame));
    }
}

/// Writes `value` at the first of [`PAGES`], and reads the second.
fn write_and_read(value: u32) -> u32 {
    let [first, second] = PAGES.map(VirtAddr::as_ptr::<u32>);
    // SAFETY: both pages are mapped, and there are no references to their frame.
    unsafe {
        first.write_volatile(value);
        second.read_volatile()
    }
}
// ANCHOR_END: sharing

/// Prints one line for each run of pages with the same name and the same rights.
fn print_map() {
    let kernel = KERNEL.lock();
    let mut mappings = kernel.mappings().peekable();
    while let Some(first) = mappings.next() {
        let place = regions::locate(first.page.address());
        let writable = first.flags.contains(Flags::WRITABLE);
        let mut end = first.page.address().wrapping_add(first.pages * PAGE_BYTES);
        let goes_on = |next: &paging::walk::Mapping, end| {
            next.page.address() == end
                && next.flags.contains(Flags::WRITABLE) == writable
                && regions::locate(end).is_same_region(&place)
        };
        while let Some(next) = mappings.next_if(|next| goes_on(next, end)) {
            end = end.wrapping_add(next.pages * PAGE_BYTES);
        }
        let kib = (end.as_u32() - first.page.address().as_u32()) / 1024;
        println!("  {place:<28}  {}  {kib:>6} KiB  {}", first.page.address(), rights(first.flags));
    }
}

/// Prints one line for one page: which frame it means, and its rights.
fn print_page(page: Page) {
    let kernel = KERNEL.lock();
    let (Some(meant), Some(granted)) = (kernel.translate(page.address()), kernel.rights(page)) else { return };
    println!("  {} means {meant}  {}", page.address(), rights(granted));
}

fn rights(flags: Flags) -> &'static str {
    if flags.contains(Flags::WRITABLE) { "read, write" } else { "read" }
}

// ANCHOR: repair
/// Maps a page where there is none, so that the CPU repeats the instruction with success.
extern "C" fn repair(frame: &mut TrapFrame) {
    let fault = PageFault::of(frame);
    if fault.is_protection() {
        // A new frame would not help: the page is present and forbids the access.
        exceptions::report(frame, format_args!("{fault}"));
    }
    println!("Repaired: {fault}.");
    // SAFETY: nothing was mapped there, so no code relies on what is there.
    let mapped = unsafe { KERNEL.lock().map_free_frames(one_page(fault.address), Flags::WRITABLE | REPAIRED) };
    mapped.expect("the page was not present, and there is enough memory");
}
// ANCHOR_END: repair

fn one_page(address: VirtAddr) -> Range<VirtAddr> {
    let page = Page::containing(address).address();
    page..page.wrapping_add(PAGE_BYTES)
}
