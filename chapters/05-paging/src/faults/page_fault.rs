//! A page fault in words: which address, where it lies, what was tried, and why that is forbidden.

#![cfg(target_os = "none")]

use crate::faults::regions;
use crate::frames::page::Page;
use crate::tables::entry::Flags;
use crate::tables::walk;
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
    /// There is another bit for instruction fetches, but without PAE the CPU leaves it zero.
    #[derive(Clone, Copy)]
    struct Cause: u32 {
        /// The page is there; its entry forbids the access. Otherwise the page is not there.
        const PROTECTION = 1 << 0;
        /// The access was a write.
        const WRITE = 1 << 1;
        /// The access came from ring 3.
        const USER = 1 << 2;
        /// A bit is set in an entry that must not be.
        const RESERVED = 1 << 3;
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

    /// Whether it was a write, and otherwise a read or a fetch.
    pub const fn is_write(&self) -> bool {
        self.cause.contains(Cause::WRITE)
    }

    /// Whether the page is there, and its entry forbids the access; otherwise the page is absent.
    pub const fn is_protection(&self) -> bool {
        // A CPU says both of a reserved bit; QEMU says the second alone.
        self.cause.intersects(Cause::PROTECTION.union(Cause::RESERVED))
    }

    /// Whether a program in ring 3 wanted the access.
    pub const fn is_from_ring_3(&self) -> bool {
        self.cause.contains(Cause::USER)
    }
}
// ANCHOR_END: of

// ANCHOR: words
impl fmt::Display for PageFault {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        // An instruction that begins in one page and goes on in a missing one passes for a read.
        let access = if self.address == self.eip {
            "an instruction fetch from"
        } else if self.is_write() {
            "a write to"
        } else {
            "a read of"
        };
        let from = if self.is_from_ring_3() { " by ring 3" } else { "" };
        let reason = if !self.is_protection() {
            "the page is not present"
        } else if self.cause.contains(Cause::RESERVED) {
            "a reserved bit is set in its entry"
        } else if self.is_from_ring_3() && is_the_kernels(self.address) {
            "the page is the kernel's"
        } else {
            "the page may not be written"
        };
        let place = regions::locate(self.address);
        let overflow = if place.is_guard_page() { "stack overflow: " } else { "page fault: " };
        write!(f, "{overflow}{access} {} in {place}{from}: {reason}", self.address)
    }
}

/// Whether ring 3 may not even read the page: the error code does not tell.
fn is_the_kernels(address: VirtAddr) -> bool {
    walk::rights_in_use(Page::containing(address)).is_some_and(|rights| !rights.contains(Flags::USER))
}
// ANCHOR_END: words

/// Explains page faults from now on, and ends the kernel.
pub(crate) fn init() {
    // SAFETY: the handler does not return.
    unsafe { interrupts::register(PAGE_FAULT, explain) };
}

extern "C" fn explain(frame: &mut TrapFrame) {
    let fault = PageFault::of(frame);
    exceptions::report(frame, format_args!("{fault}"))
}
