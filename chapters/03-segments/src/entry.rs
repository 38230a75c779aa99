//! An entry of the GDT: a descriptor in memory that the CPU reads, and sometimes writes.
//!
//! The CPU sets bits in the table: it marks a segment as accessed, and a task state segment as busy. So a table is not
//! a constant, even if the kernel never changes it, and a plain `static` could end up in read-only memory. An entry is
//! therefore two atomic words, as if another thread wrote them.

#![cfg(target_os = "none")]
#![forbid(unsafe_code)]

use crate::descriptor::Descriptor;
use common::lock::{InterruptsOff, interrupts_off};
use core::sync::atomic::{AtomicU32, Ordering::Relaxed};

// ANCHOR: entry
/// One entry of a GDT.
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

    /// The current descriptor, including the bits that the CPU has set. Interrupts are off during the two loads, so
    /// both words belong to the same descriptor.
    pub fn read(&self) -> Descriptor {
        let _off = interrupts_off();
        Descriptor(u64::from(self.low.load(Relaxed)) | u64::from(self.high.load(Relaxed)) << 32)
    }

    /// Replaces the descriptor. The caller proves that interrupts are off: between the two stores, an interrupt handler
    /// would find half of the old descriptor and half of the new one.
    pub(crate) fn write(&self, descriptor: Descriptor, _: &InterruptsOff) {
        self.low.store(descriptor.0 as u32, Relaxed);
        self.high.store((descriptor.0 >> 32) as u32, Relaxed);
    }
}
// ANCHOR_END: entry
