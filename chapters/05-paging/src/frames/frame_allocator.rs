//! The free frames of this machine: found once, then handed out and freed.

#![cfg(target_os = "none")]

use crate::frames::frame_table::FrameTable;
use crate::frames::memory_map;
use crate::frames::owned_frame::OwnedFrame;
use crate::frames::page::{Frame, PAGE_BYTES, WINDOW_END};
use boot::stop::stop;
use common::{Lock, image};
use core::arch::asm;
use core::sync::atomic::{AtomicU32, Ordering::Relaxed};
use multiboot2::BootInformation;
use screen::println;

pub(crate) static FRAMES: Lock<FrameTable> = Lock::new(FrameTable::new());
static END: AtomicU32 = AtomicU32::new(0);

/// Finds the free frames: those that the memory map calls available, except those in use.
///
/// Stops with a message if there is no memory map, if something that the boot loader put into memory lies beyond the
/// identity map, or if no frame is free.
pub(crate) fn init(boot: &BootInformation) {
    let claims = memory_map::claims(boot).unwrap_or_else(|| stop!("the boot loader gave no memory map"));
    if boot.end_address() > WINDOW_END as usize {
        stop!("the boot information lies beyond 128 MiB, where this kernel cannot read it");
    }
    let Some(modules_end) = memory_map::modules_end(boot) else {
        stop!("a module lies beyond 128 MiB, where this kernel cannot read it");
    };
    let mut frames = FRAMES.lock();
    let unused = memory_map::give_free(&mut frames, claims, image::kernel());
    if frames.free_count() == 0 {
        stop!("the memory map leaves no memory for this kernel");
    }
    END.store(frames.end().address().as_u32().max(modules_end).max(boot.end_address() as u32), Relaxed);
    drop(frames);
    if unused > 0 {
        println!("Memory above 128 MiB is not used: {} KiB of it.", u64::from(unused) * 4);
    }
}

/// Hands out a frame with its old contents. None if no frame is free.
#[inline]
pub fn allocate() -> Option<OwnedFrame> {
    // SAFETY: the frame was free, and the allocator has just counted one owner: the value made here.
    FRAMES.lock().allocate().map(|frame| unsafe { OwnedFrame::from_frame(frame) })
}

// ANCHOR: cleared
/// Hands out a frame filled with zeros. None if no frame is free.
pub fn allocate_cleared() -> Option<OwnedFrame> {
    let owned = allocate()?;
    let start = owned.frame().in_window().address().as_u32();
    // SAFETY: the frame was free, so nothing else refers to it. The direction flag is clear, as compiled code
    // keeps it.
    unsafe {
        asm!(
            "rep stosd",
            in("eax") 0,
            inout("edi") start => _,
            inout("ecx") PAGE_BYTES / 4 => _,
            options(nostack, preserves_flags),
        );
    }
    Some(owned)
}
// ANCHOR_END: cleared

/// How many owners a frame has: 0 if it is free or never belonged to the allocator.
pub fn owner_count(frame: Frame) -> u32 {
    FRAMES.lock().owner_count(frame)
}

/// How many frames are free.
pub fn free_count() -> u32 {
    FRAMES.lock().free_count()
}

/// How many frames are in use, without those that were never free. A frame with several owners counts once.
pub fn taken_count() -> u32 {
    FRAMES.lock().taken_count()
}

/// The first address behind all memory that the kernel uses: the frames, the modules and the boot information.
pub(crate) fn end() -> u32 {
    END.load(Relaxed)
}
