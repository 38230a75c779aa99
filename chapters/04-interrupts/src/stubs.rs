//! The 256 stubs, in assembly, and the constants that they share with Rust.

#![cfg(target_os = "none")]

use crate::idt::HANDLERS;
use crate::trap_frame::TrapFrame;
use common::VirtAddr;
use core::arch::global_asm;
use core::mem::offset_of;

// ANCHOR: numbers
/// The exceptions for which the CPU pushes an error code, one bit each: 8, 10 to 14, 17, 21, 29 and 30.
///
/// Source: Intel SDM volume 3A, table 6-1; AMD64 manual volume 2, table 8-1 (29 and 30).
const PUSHES_ERROR_CODE: u32 = 1 << 8 | 0b11111 << 10 | 1 << 17 | 1 << 21 | 1 << 29 | 1 << 30;

/// The size of a stub: a push of a byte, a push of four bytes, and a jump.
const STUB_BYTES: usize = 2 + 5 + 5;

global_asm!(
    include_str!("stubs.s"),
    PUSHES_ERROR_CODE = const PUSHES_ERROR_CODE,
    DATA_SELECTOR = const 2 * 8,
    VECTOR = const offset_of!(TrapFrame, vector),
    HANDLERS = sym HANDLERS,
    options(att_syntax),
);

const _: () = assert!(segments::gdt::DATA.bits() == 2 * 8);
// ANCHOR_END: numbers

// ANCHOR: address
/// The address of the stub for `vector`.
pub fn address(vector: u8) -> VirtAddr {
    unsafe extern "C" {
        safe static interrupt_stubs: u8;
    }
    VirtAddr::from(&raw const interrupt_stubs).wrapping_add(u32::from(vector) * STUB_BYTES as u32)
}
// ANCHOR_END: address

/// The address of the code with which every stub ends: it returns to interrupted code through the [`TrapFrame`] on top
/// of the stack.
pub fn interrupt_return() -> VirtAddr {
    unsafe extern "C" {
        #[link_name = "interrupt_return"]
        safe static code: u8;
    }
    VirtAddr::from(&raw const code)
}
