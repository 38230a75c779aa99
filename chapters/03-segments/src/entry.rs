//! An entry of the GDT: a descriptor in memory that the CPU reads, and sometimes writes.
//!
//! The CPU marks a segment as accessed, and a task state segment as busy, in the table itself. So a table
//! is no constant, even if the kernel never changes it, and Rust has to know: the two words of an entry are
//! atomic, as if another thread wrote them.

#![cfg(target_os = "none")]
#![forbid(unsafe_code)]

use crate::descriptor::Descriptor;
use common::lock::{InterruptsOff, interrupts_off};
use core::sync::atomic::{AtomicU32, Ordering::Relaxed};

// ANCHOR: entry
/// One entry of a table that can be loaded.
#[repr(C, align(8))]
pub struct GdtEntry {
    low: AtomicU32,
    high: AtomicU32,
}

const _: () = assert!(size_of::<GdtEntry>() == size_of::<Descriptor>());

impl GdtEntry {
    /// An entry that holds `descriptor`.
    pub const fn new(descriptor: Descriptor) -> Self {
        Self { low: AtomicU32::new(descriptor.0 as u32), high: AtomicU32::new((descriptor.0 >> 32) as u32) }
    }

    /// The descriptor that is there now, with what the CPU has marked in it. Both words are of the same one: interrupts
    /// are off meanwhile.
    pub fn read(&self) -> Descriptor {
        let _off = interrupts_off();
        Descriptor(u64::from(self.low.load(Relaxed)) | u64::from(self.high.load(Relaxed)) << 32)
    }

    /// Puts `descriptor` there. Interrupts are off, which the caller shows: one in between would find half of it.
    pub(crate) fn write(&self, descriptor: Descriptor, _: &InterruptsOff) {
        self.low.store(descriptor.0 as u32, Relaxed);
        self.high.store((descriptor.0 >> 32) as u32, Relaxed);
    }
}
// ANCHOR_END: entry
