//! The report of a page fault: which address, where it lies, which access, and why it is forbidden.

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
    /// The error code of a page fault (Intel SDM volume 3A, 4.7 "Page-Fault Exceptions").
    ///
    /// There is another bit for instruction fetches, but the CPU sets it only with features that this kernel does not
    /// use.
    #[derive(Clone, Copy)]
    struct Cause: u32 {
        /// The page is present, and its entry forbids the access. If clear, the page is absent.
        const PROTECTION = 1 << 0;
        /// The access was a write.
        const WRITE = 1 << 1;
        /// The access came from ring 3.
        const USER = 1 << 2;
        /// A reserved bit is set in an entry.
        const RESERVED = 1 << 3;
    }
}
// ANCHOR_END: cause

/// What the CPU reports about a page fault.
pub struct PageFault {
    /// The virtual address of the access.
    pub address: VirtAddr,
    cause: Cause,
    eip: VirtAddr,
}

// ANCHOR: of
impl PageFault {
    /// The page fault that led to `frame`. The handler calls this before anything else can fault, because CR2
    /// holds only the address of the last page fault.
    pub fn of(frame: &TrapFrame) -> Self {
        // SAFETY: reading CR2 changes nothing.
        let address = VirtAddr::new(unsafe { cr2() } as u32);
        Self { address, cause: Cause::from_bits_truncate(frame.error_code), eip: VirtAddr::new(frame.eip) }
    }

    /// Whether it was a write; otherwise it was a read or a fetch.
    pub const fn is_write(&self) -> bool {
        self.cause.contains(Cause::WRITE)
    }

    /// Whether the page is present and its entry forbids the access; otherwise the page is absent.
    pub const fn is_protection(&self) -> bool {
        // For a reserved bit, a CPU sets both bits; QEMU sets only the second.
        self.cause.intersects(Cause::PROTECTION.union(Cause::RESERVED))
    }

    /// Whether the access came from ring 3.
    pub const fn is_from_ring_3(&self) -> bool {
        self.cause.contains(Cause::USER)
    }
}
// ANCHOR_END: of

// ANCHOR: words
impl fmt::Display for PageFault {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        // If an instruction begins in one page and continues in an absent one, this prints "a read".
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
            "the page belongs to the kernel"
        } else {
            "the page is read-only"
        };
        let place = regions::locate(self.address);
        let overflow = if place.is_guard_page() { "stack overflow: " } else { "page fault: " };
        write!(f, "{overflow}{access} {} in {place}{from}: {reason}", self.address)
    }
}

/// Whether ring 3 may not even read the page. The error code does not say, so this asks the tables.
fn is_the_kernels(address: VirtAddr) -> bool {
    walk::rights_in_use(Page::containing(address)).is_some_and(|rights| !rights.contains(Flags::USER))
}
// ANCHOR_END: words

/// From now on, a page fault is explained and ends the kernel.
pub(crate) fn init() {
    // SAFETY: the handler does not return.
    unsafe { interrupts::register(PAGE_FAULT, explain) };
}

extern "C" fn explain(frame: &mut TrapFrame) {
    let fault = PageFault::of(frame);
    exceptions::report(frame, format_args!("{fault}"))
}
