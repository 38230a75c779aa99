//! Exercise 3.2: a window of memory that begins at offset 0 of FS.
//!
//! This is the use of segments that has survived: the same offset means another place, depending on the base of FS.

#![no_std]

use core::arch::asm;
use segments::descriptor::{Access, Descriptor, Flags};
use segments::{GdtEntry, gdt};
use spin::Once;
use x86::Ring;
use x86::segmentation::{SegmentSelector, load_fs};

/// The window's entry of the GDT: the first one after the flat segments.
pub const WINDOW: SegmentSelector = SegmentSelector::new(3, Ring::Ring0);

/// The access rights of every window: data of ring 0 that may be written.
pub const ACCESS: Access = Access::PRESENT.union(Access::CODE_OR_DATA).union(Access::READ_WRITE);

/// The room for the longer table. It is a static, because the CPU uses the table for good.
static TABLE: Once<[GdtEntry; 4]> = Once::new();

/// The descriptor of a window of `bytes` bytes, at least 1, that begins at `base`. It has [`ACCESS`] and 32 bits.
///
/// The limit of a window of at most 1 MiB counts bytes. A larger one is rounded up to whole pages.
pub fn descriptor(base: u32, bytes: u32) -> Descriptor {
    panic!("exercise 3.2: write `descriptor`")
}

/// Appends the window to the GDT, as the entry [`WINDOW`], and loads FS with it. It is called once.
///
/// # Panics
/// If the loaded table has other entries than the flat segments.
pub fn open(base: u32, bytes: u32) {
    panic!("exercise 3.2: write `open`")
}

/// Moves the window that is open, and gives it another size. The next access through FS finds it in its new place.
///
/// # Panics
/// If no window is open.
pub fn move_to(base: u32, bytes: u32) {
    panic!("exercise 3.2: write `move_to`")
}

/// Writes a byte through the window.
///
/// # Safety
/// The byte is in the window, and no code relies on its value.
pub unsafe fn write(offset: u32, value: u8) {
    // SAFETY: see above.
    unsafe { asm!("mov byte ptr fs:[{}], {}", in(reg) offset, in(reg_byte) value, options(nostack, preserves_flags)) };
}

/// Reads a byte through the window.
///
/// # Safety
/// The byte is in the window.
pub unsafe fn read(offset: u32) -> u8 {
    let value: u8;
    // SAFETY: see above.
    unsafe {
        asm!(
            "mov {}, byte ptr fs:[{}]",
            out(reg_byte) value,
            in(reg) offset,
            options(nostack, preserves_flags, readonly),
        );
    }
    value
}
