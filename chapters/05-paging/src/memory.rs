//! The kernel's memory: the free frames, its own address space, and paging turned on.

use crate::directory::{Directory, PAGES_PER_TABLE};
use crate::entry::{Entry, Flags};
use crate::frames::{FrameError, Frames, MOST_FRAMES};
use crate::page::{Frame, PAGE_BYTES, Page, WINDOW_END};
use crate::regions::{self, Region};
use crate::{double_fault, page_fault};
use boot::stop::stop;
use common::{Lock, VirtAddr, image};
use core::arch::{asm, x86::__cpuid};
use lazy_static::lazy_static;
use multiboot2::{BootInformation, MemoryAreaType};
use screen::println;
use x86::controlregs::{Cr0, Cr4, cr0, cr0_write, cr3_write, cr4, cr4_write};

static FRAMES: Lock<Frames> = Lock::new(Frames::new());

lazy_static! {
    /// The kernel's own address space, made on first use, which is in [`init`].
    pub static ref KERNEL: Lock<Directory> = Lock::new(build());
}

/// How far the kernel is mapped page by page; what lies behind is mapped by large pages.
const FIRST_LARGE_PAGE: u32 = PAGES_PER_TABLE * PAGE_BYTES;

/// Finds the free memory, builds the kernel's address space, and turns paging on.
///
/// Stops with a sentence on a CPU without large pages: the first Pentium has them.
pub fn init(boot: &BootInformation) {
    const PSE: u32 = 1 << 3; // in EDX of leaf 1: SDM volume 2, CPUID
    if __cpuid(1).edx & PSE == 0 {
        stop!("this kernel needs a CPU with pages of 4 MiB (PSE): a Pentium or newer");
    }
    find_free_frames(boot);
    for (region, _) in parts() {
        regions::add(region);
    }
    let kernel = KERNEL.lock().frame();
    page_fault::init();
    double_fault::init(kernel);
    // SAFETY: the kernel's address space maps everything in use to the address it has already.
    unsafe {
        cr4_write(cr4() | Cr4::CR4_ENABLE_PSE);
        cr3_write(u64::from(kernel.address().as_u32()));
        // Without WP, ring 0 may write to every page, whatever its entry says (SDM volume 3, 4.6.1).
        cr0_write(cr0() | Cr0::CR0_ENABLE_PAGING | Cr0::CR0_WRITE_PROTECT);
    }
}

/// Takes a frame, with whatever is in it; none if memory is out.
#[inline]
pub fn allocate() -> Option<Frame> {
    FRAMES.lock().allocate()
}

/// Takes a frame filled with zeros; none if memory is out.
pub fn allocate_cleared() -> Option<Frame> {
    let frame = allocate()?;
    let start = frame.in_window().address().as_u32();
    // SAFETY: the frame was free, so nobody else refers to it. The direction flag is clear, as always in
    // compiled code.
    unsafe {
        asm!(
            "rep stosd",
            in("eax") 0,
            inout("edi") start => _,
            inout("ecx") PAGE_BYTES / 4 => _,
            options(nostack, preserves_flags),
        );
    }
    Some(frame)
}

/// Gives a frame back.
///
/// # Panics
/// If it is free already or never was the allocator's: both are bugs of the caller.
#[inline]
pub fn free(frame: Frame) {
    if let Err(error) = FRAMES.lock().free(frame) {
        panic!("a frame cannot be given back: {error:?}");
    }
}

/// How many frames are free.
pub fn free_count() -> u32 {
    FRAMES.lock().free_count()
}

/// How many frames are in use, those not counted that were never free.
pub fn taken_count() -> u32 {
    FRAMES.lock().taken_count()
}

/// Adds to the free frames what the memory map calls available, but for what is in use.
fn find_free_frames(boot: &BootInformation) {
    let map = boot.memory_map_tag().unwrap_or_else(|| stop!("the boot loader gave no memory map"));
    if boot.end_address() > WINDOW_END as usize {
        stop!("the boot information lies beyond 128 MiB, where this kernel cannot read it");
    }
    let mut frames = FRAMES.lock();
    let mut keep = |from: u64, to: u64| {
        let from = (from / u64::from(PAGE_BYTES)).min(MOST_FRAMES as u64) as u32;
        let to = to.div_ceil(u64::from(PAGE_BYTES)).min(MOST_FRAMES as u64) as u32;
        (from..to).for_each(|number| frames.keep(Frame::from_number(number)));
    };
    keep(0, 1 << 20);
    keep(image::kernel().start.as_u32().into(), image::kernel().end.as_u32().into());
    keep(boot.start_address() as u64, boot.end_address() as u64);
    for module in boot.module_tags() {
        keep(module.start_address().into(), module.end_address().into());
    }
    // Where the map contradicts itself, "not available" is believed.
    let (available, other) = (MemoryAreaType::Available, map.memory_areas());
    other.iter().filter(|area| area.typ() != available).for_each(|area| keep(area.start_address(), area.end_address()));

    let mut beyond = 0;
    // From the highest down: the last one added is the first one given out.
    for area in map.memory_areas().iter().rev().filter(|area| area.typ() == available) {
        let from = area.start_address().div_ceil(u64::from(PAGE_BYTES));
        let to = area.end_address() / u64::from(PAGE_BYTES);
        let seen = to.min(MOST_FRAMES as u64);
        beyond += to.saturating_sub(from.max(seen));
        for number in (from..seen).rev() {
            match frames.add(Frame::from_number(number as u32)) {
                Ok(()) | Err(FrameError::NotOurs(_) | FrameError::AlreadyFree(_)) => {}
            }
        }
    }
    drop(frames);
    if beyond > 0 {
        println!("Memory above 128 MiB is not used: {} KiB of it.", beyond * 4);
    }
}

/// The identity window in parts: what each is called, and its flags if it is mapped.
fn parts() -> [(Region, Option<Flags>); 7] {
    let below_kernel = VirtAddr::new(PAGE_BYTES)..VirtAddr::new(1 << 20);
    let behind_kernel = image::kernel().end..VirtAddr::new(WINDOW_END);
    let stack_bytes = image::stack().end.as_u32() - image::stack().start.as_u32();
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
        (Region::stacks(image::stack(), stack_bytes, |_, f| f.write_str("the boot stack")), write),
        (Region::new(behind_kernel, |_, f| f.write_str("memory behind the kernel")), write),
    ]
}

/// Builds the address space of [`parts`]: every page that is mapped lies in the frame of its own number.
fn build() -> Directory {
    let mut kernel = Directory::new().expect("the first frames cannot be missing");
    for (region, flags) in parts() {
        let Some(flags) = flags else { continue };
        for page in Page::range(region.mapped()).take_while(|page| page.address().as_u32() < FIRST_LARGE_PAGE) {
            let frame = Frame::from_number(page.address().as_u32() / PAGE_BYTES);
            // SAFETY: paging is off or the same address meant the same before, so nothing changes hands.
            unsafe { kernel.map(page, frame, flags) }.expect("the first 4 MiB need one table").ignore();
        }
    }
    for index in 1..memory_end().div_ceil(FIRST_LARGE_PAGE) {
        let frame = Frame::from_number(index * PAGES_PER_TABLE);
        // SAFETY: as above: these are large pages at their own addresses.
        unsafe { kernel.entries_mut()[index as usize] = Entry::new(frame, Flags::WRITABLE | Flags::LARGE) };
    }
    kernel
}

/// The first address behind the highest frame that may be handed out.
fn memory_end() -> u32 {
    FRAMES.lock().end().address().as_u32()
}
