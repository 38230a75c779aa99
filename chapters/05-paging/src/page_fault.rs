//! A page fault in words: which address, where it lies, what was tried, and why that is forbidden.

use crate::regions;
use bitflags::bitflags;
use common::VirtAddr;
use core::fmt;
use interrupts::{TrapFrame, exceptions};
use x86::controlregs::cr2;

/// The vector of page faults.
pub const PAGE_FAULT: u8 = 14;

// ANCHOR: cause
bitflags! {
    /// The error code of a page fault (Intel SDM volume 3, 4.7).
    ///
    /// There is a fifth bit for instruction fetches, but without PAE the CPU leaves it zero.
    #[derive(Clone, Copy)]
    struct Cause: u32 {
        /// The page is there; its entry forbids the access. Otherwise the page is not there.
        const PROTECTION = 1 << 0;
        /// The access was a write.
        const WRITE = 1 << 1;
        /// The access came from ring 3.
        const USER = 1 << 2;
    }
}
// ANCHOR_END: cause

/// What the CPU tells of a page fault.
pub struct PageFault {
    /// The address that was used.
    pub address: VirtAddr,
    cause: Cause,
    eip: VirtAddr,
}

// ANCHOR: of
impl PageFault {
    /// The page fault that led to `frame`. To be asked before anything else can fault: CR2 holds the
    /// address of the last one only.
    pub fn of(frame: &TrapFrame) -> Self {
        // SAFETY: reading CR2 changes nothing.
        let address = VirtAddr::new(unsafe { cr2() } as u32);
        Self { address, cause: Cause::from_bits_truncate(frame.error_code), eip: VirtAddr::new(frame.eip) }
    }
}
// ANCHOR_END: of

// ANCHOR: words
impl fmt::Display for PageFault {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        // An instruction that begins in one page and goes on in a missing one passes for a read.
        let access = if self.address == self.eip {
            "an instruction fetch from"
        } else if self.cause.contains(Cause::WRITE) {
            "a write to"
        } else {
            "a read of"
        };
        let from = if self.cause.contains(Cause::USER) { " by ring 3" } else { "" };
        let reason = if !self.cause.contains(Cause::PROTECTION) {
            "the page is not present"
        } else if self.cause.contains(Cause::WRITE) {
            "the page may not be written"
        } else {
            "the page is the kernel's"
        };
        let place = regions::locate(self.address);
        let overflow = if place.is_guard_page() { "stack overflow: " } else { "page fault: " };
        write!(f, "{overflow}{access} {} in {place}{from}: {reason}", self.address)
    }
}
// ANCHOR_END: words

/// Explains page faults from now on, and ends the kernel.
pub fn init() {
    // SAFETY: the handler does not return.
    unsafe { interrupts::register(PAGE_FAULT, explain) };
}

extern "C" fn explain(frame: &mut TrapFrame) {
    let fault = PageFault::of(frame);
    exceptions::report(frame, format_args!("{fault}"))
}
