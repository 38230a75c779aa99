//! The address ranges of the running kernel's parts, from `linker.ld`.

#![cfg(target_os = "none")]

use crate::VirtAddr;
use core::ops::Range;

/// Makes Cargo, which does not track the linker's files, build again when the script changes.
const _: &str = include_str!("../../linker.ld");

// ANCHOR: symbols
/// The address of a linker symbol. There is no variable at it, so no code may read the symbol.
macro_rules! address_of {
    ($symbol:ident) => {{
        unsafe extern "C" {
            safe static $symbol: u8;
        }
        VirtAddr::from(&raw const $symbol)
    }};
}

/// The whole image, from its first byte to the first byte after it.
pub fn kernel() -> Range<VirtAddr> {
    address_of!(kernel_start)..address_of!(kernel_end)
}
// ANCHOR_END: symbols

/// The constants, including the Multiboot2 header.
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

/// The stack of the double fault handler. The lowest page of the range is its guard page.
pub fn fault_stack() -> Range<VirtAddr> {
    address_of!(fault_stack_guard)..address_of!(fault_stack_top)
}

/// The boot stack. The lowest page of the range is its guard page.
pub fn stack() -> Range<VirtAddr> {
    address_of!(stack_guard)..address_of!(stack_top)
}
