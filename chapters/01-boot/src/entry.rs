//! The Multiboot2 header, and the way into Rust.
//!
//! The boot loader searches the first 32 KiB of the file for the header. Then it jumps to `_start` in `entry.s`,
//! which sets up a stack and calls `kernel_main`. The macro [`entry!`](crate::entry!) defines that function.

#![cfg(target_os = "none")]

use core::arch::global_asm;

global_asm!(include_str!("entry.s"));

// ANCHOR: header
/// The fixed part of a Multiboot2 header, with the tag that ends it (Multiboot2 3.1.1, 3.1.3).
#[repr(C, align(8))]
struct Header {
    magic: u32,
    architecture: u32,
    length: u32,
    checksum: u32,
    end_type: u16,
    end_flags: u16,
    end_size: u32,
}

const MAGIC: u32 = 0xE852_50D6;
const I386_PROTECTED_MODE: u32 = 0;
const LENGTH: u32 = size_of::<Header>() as u32;
const _: () = assert!(LENGTH == 24);

#[used]
#[unsafe(link_section = ".multiboot2")]
static HEADER: Header = Header {
    magic: MAGIC,
    architecture: I386_PROTECTED_MODE,
    length: LENGTH,
    // The four fields add up to zero, modulo 2^32.
    checksum: 0u32.wrapping_sub(MAGIC + I386_PROTECTED_MODE + LENGTH),
    end_type: 0,
    end_flags: 0,
    end_size: 8,
};
// ANCHOR_END: header

// ANCHOR: handover
/// What the boot loader left in EAX and EBX. Only the entry code makes one, because `new` is `unsafe`.
pub struct Handover {
    pub(crate) magic: u32,
    pub(crate) address: u32,
}

impl Handover {
    /// The contents of EAX and EBX at entry.
    ///
    /// # Safety
    /// If `magic` is that of a Multiboot2 loader, its boot information is at `address`, and no code ever changes it.
    pub unsafe fn new(magic: u32, address: u32) -> Self {
        Self { magic, address }
    }
}
// ANCHOR_END: handover

// ANCHOR: macro
/// Makes `$main` the kernel's first function, and `$last_words` the output of its stops and panics.
///
/// `$main` is a `fn(Handover) -> !`. `$last_words` is a `fn(core::fmt::Arguments)` that must work at any
/// moment, even while a lock is held or a fault is being reported.
#[macro_export]
macro_rules! entry {
    ($main:path, $last_words:path) => {
        /// The first Rust function to run.
        ///
        /// # Safety
        /// Only `_start` calls it, with the loader's EAX and EBX.
        #[unsafe(no_mangle)]
        unsafe extern "C" fn kernel_main(magic: u32, address: u32) -> ! {
            let main: fn($crate::entry::Handover) -> ! = $main;
            // SAFETY: the values are the loader's, as the caller promises. No chapter writes to the boot
            // information: chapter 5 does not hand out its memory.
            main(unsafe { $crate::entry::Handover::new(magic, address) })
        }

        #[unsafe(no_mangle)]
        fn kernel_last_words(words: core::fmt::Arguments) {
            $last_words(words);
        }

        #[panic_handler]
        fn panic(info: &core::panic::PanicInfo) -> ! {
            $crate::stop::panicked(info)
        }
    };
}
// ANCHOR_END: macro
