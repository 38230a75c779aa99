//! Where the parts of the running kernel lie, as `linker.ld` says.

#![cfg(target_os = "none")]

use crate::VirtAddr;
use core::ops::Range;

/// Not for its words: so that Cargo, which knows nothing of the linker's files, builds again when they change.
const _: &str = include_str!("../../linker.ld");

// ANCHOR: symbols
/// The linker defines a symbol's address and no value: only the address may be used.
macro_rules! address_of {
    ($symbol:ident) => {{
        unsafe extern "C" {
            safe static $symbol: u8;
        }
        VirtAddr::from(&raw const $symbol)
    }};
}

/// The whole image, from its first byte to the first byte that is not its own.
pub fn kernel() -> Range<VirtAddr> {
    address_of!(kernel_start)..address_of!(kernel_end)
}
// ANCHOR_END: symbols

/// The constants, with the Multiboot2 header.
pub fn rodata() -> Range<VirtAddr> {
    address_of!(rodata_start)..address_of!(rodata_end)
}

/// The instructions.
pub fn text() -> Range<VirtAddr> {
    address_of!(text_start)..address_of!(text_end)
}

/// The variables, `.data` and `.bss`.
pub fn data() -> Range<VirtAddr> {
    address_of!(data_start)..address_of!(data_end)
}

/// The stack of double faults with its guard page, which is the lowest page of the range.
pub fn fault_stack() -> Range<VirtAddr> {
    address_of!(fault_stack_guard)..address_of!(fault_stack_top)
}

/// The boot stack with its guard page, which is the lowest page of the range.
pub fn stack() -> Range<VirtAddr> {
    address_of!(stack_guard)..address_of!(stack_top)
}
