//! The kernel's own address space, and the switch that turns paging on.

#![cfg(target_os = "none")]

use crate::faults::page_fault::{self, PAGE_FAULT};
use crate::faults::regions::{self, Region};
use crate::faults::{double_fault, tss};
use crate::frames::frame_allocator;
use crate::frames::page::{Frame, PAGE_BYTES, Page, WINDOW_END};
use crate::tables::directory::{Directory, PAGES_PER_TABLE};
use crate::tables::entry::{Entry, Flags};
use crate::tables::table::Table;
use boot::stop::stop;
use common::lock::interrupts_off;
use common::{Lock, PhysAddr, VirtAddr, image};
use core::arch::x86::__cpuid;
use core::ops::Range;
use interrupts::gate::Gate;
use interrupts::idt;
use lazy_static::lazy_static;
use multiboot2::BootInformation;
use x86::controlregs::{Cr0, Cr4, cr0, cr0_write, cr3_write, cr4, cr4_write};

lazy_static! {
    /// The kernel's own address space. [`init`] is the first to use it, and so makes it.
    pub static ref KERNEL: Lock<Directory> = Lock::new(build());
}

/// The kernel is mapped page by page up to here, and in large pages from here on.
const FIRST_LARGE_PAGE: u32 = PAGES_PER_TABLE * PAGE_BYTES;

// ANCHOR: init
/// Finds the free memory, builds the kernel's address space, and turns paging on.
///
/// Stops with a message on a CPU without large pages. The first Pentium has them.
///
/// # Panics
/// If it is called before `interrupts::init`, or twice.
pub fn init(boot: &BootInformation) {
    let _off = interrupts_off(); // no handler runs while this is half done
    assert!(idt::gate(PAGE_FAULT) != Gate::ABSENT, "call `interrupts::init` first: page faults need handlers");
    const PSE: u32 = 1 << 3; // in EDX of leaf 1: Intel SDM volume 2A, CPUID
    if __cpuid(1).edx & PSE == 0 {
        stop!("this kernel needs a CPU with pages of 4 MiB (PSE): a Pentium or newer");
    }
    frame_allocator::init(boot);
    for (region, _) in parts() {
        regions::add(region);
    }
    let kernel = KERNEL.lock().frame();
    page_fault::init();
    tss::init();
    // SAFETY: the kernel's address space maps the kernel, and stays.
    unsafe { double_fault::init(kernel) };
    // SAFETY: the kernel's address space maps everything in use at the address that it has already.
    unsafe {
        cr4_write(cr4() | Cr4::CR4_ENABLE_PSE);
        cr3_write(u64::from(kernel.address().as_u32()));
        // Without WP, ring 0 may write to every page (SDM volume 3A, 4.6.1 "Determination of Access Rights").
        cr0_write(cr0() | Cr0::CR0_ENABLE_PAGING | Cr0::CR0_WRITE_PROTECT);
    }
}
// ANCHOR_END: init

// ANCHOR: parts
/// The parts of the identity map: for each, a function that prints its name, and its flags if it is mapped.
fn parts() -> [(Region, Option<Flags>); 8] {
    let below_kernel = VirtAddr::new(PAGE_BYTES)..VirtAddr::new(1 << 20);
    let behind_kernel = image::kernel().end..VirtAddr::new(WINDOW_END);
    let stack =
        |range: Range<VirtAddr>, name| Region::stacks(range.clone(), range.end.as_u32() - range.start.as_u32(), name);
    let (read, write) = (Some(Flags::empty()), Some(Flags::WRITABLE));
    [
        (
            Region::new(VirtAddr::new(0)..VirtAddr::new(PAGE_BYTES), |_, f| {
                f.write_str("page 0, which is never mapped")
            }),
            None,
        ),
        (Region::new(below_kernel, |_, f| f.write_str("BIOS and screen memory")), write),
        (Region::new(image::rodata(), |_, f| f.write_str("the kernel's constants")), read),
        (Region::new(image::text(), |_, f| f.write_str("the kernel's instructions")), read),
        (Region::new(image::data(), |_, f| f.write_str("the kernel's variables")), write),
        (stack(image::fault_stack(), |_, f| f.write_str("the stack of double faults")), write),
        (stack(image::stack(), |_, f| f.write_str("the boot stack")), write),
        (Region::new(behind_kernel, |_, f| f.write_str("memory above the kernel")), write),
    ]
}
// ANCHOR_END: parts

// ANCHOR: build
/// Builds the address space from [`parts`]: each mapped page means the frame with the page's own number.
fn build() -> Directory {
    assert!(frame_allocator::end() > 0, "call `paging::init` first: it finds the memory for page tables");
    // SAFETY: no directory is in use yet whose place it could take.
    let kernel = unsafe { Directory::new() };
    let (Some(mut kernel), Some(first)) = (kernel, frame_allocator::allocate_cleared()) else {
        stop!("there is no memory for the kernel's page tables");
    };
    let first = first.into_frame();
    // SAFETY: the frame was free, and now holds an empty table.
    let table = unsafe { Table::in_frame(first) };
    for (region, flags) in parts() {
        let Some(flags) = flags else { continue };
        for page in Page::range(region.mapped()).take_while(|page| page.directory_index() == 0) {
            let frame = Frame::containing(PhysAddr::new(page.address().as_u32()));
            // SAFETY: the index is a page's. The address means the same memory as before, so no reference is affected.
            unsafe { table.set(page.table_index(), Entry::new(frame, flags)) };
        }
    }
    // SAFETY: the frame holds a page table, and is never freed.
    unsafe { kernel.fill(0, Entry::new(first, Flags::WRITABLE)) };
    for index in 1..frame_allocator::end().div_ceil(FIRST_LARGE_PAGE) {
        let frame = Frame::from_number(index * PAGES_PER_TABLE);
        // SAFETY: each address means the same memory as before.
        unsafe { kernel.fill(index as usize, Entry::new(frame, Flags::WRITABLE | Flags::LARGE)) };
    }
    kernel
}
// ANCHOR_END: build
