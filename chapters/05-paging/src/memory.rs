//! The free frames of this machine: found once, then handed out and taken back.

use crate::frames::{FrameError, Frames, MOST_FRAMES};
use crate::page::{Frame, PAGE_BYTES, WINDOW_END};
use boot::stop::stop;
use common::{Lock, image};
use core::arch::asm;
use multiboot2::{BootInformation, MemoryArea, MemoryAreaType};
use screen::println;

static FRAMES: Lock<Frames> = Lock::new(Frames::new());

/// Adds to the free frames what the memory map calls available, but for what is in use.
pub fn init(boot: &BootInformation) {
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
    other.iter().filter(|area| area.typ() != available).for_each(|area| keep(area.start_address(), end_of(area)));

    let mut beyond = 0;
    // From the highest down: the last one added is the first one given out.
    for area in map.memory_areas().iter().rev().filter(|area| area.typ() == available) {
        let from = area.start_address().div_ceil(u64::from(PAGE_BYTES));
        let to = end_of(area) / u64::from(PAGE_BYTES);
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

/// The first address behind the highest frame that may be handed out.
pub fn end() -> u32 {
    FRAMES.lock().end().address().as_u32()
}

/// The first address behind `area`; firmware may tell of one that ends with the address space.
fn end_of(area: &MemoryArea) -> u64 {
    area.start_address().saturating_add(area.size())
}
