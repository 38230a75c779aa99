//! A gate: one entry of the interrupt descriptor table.
//!
//! ```text
//!   63            48 47          40 39       32 31            16 15             0
//!  +----------------+--------------+-----------+----------------+----------------+
//!  | handler 31..16 | P DPL 0 type |     0     | code selector  | handler 15..0  |
//!  +----------------+--------------+-----------+----------------+----------------+
//! ```
//! Source: Intel SDM volume 3A, 6.11 "IDT Descriptors".

#![forbid(unsafe_code)]

use common::VirtAddr;
use x86::Ring;

const PRESENT: u64 = 1 << 47;

// ANCHOR: kind
/// What the CPU does when it passes through a gate.
///
/// Source: Intel SDM volume 3A, 6.11 "IDT Descriptors" and 6.12.1.3 "Flag Usage By Exception- or Interrupt-Handler
/// Procedure".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Kind {
    /// Switches to another task state segment: to other registers and another stack.
    Task = 0x5,
    /// Calls the handler with interrupts off. `iret` restores the flag of the interrupted code, so no stub needs `cli`
    /// or `sti`.
    Interrupt = 0xE,
}
// ANCHOR_END: kind

/// One entry of the interrupt descriptor table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(transparent)]
pub struct Gate(u64);

const _: () = assert!(size_of::<Gate>() == 8);

// ANCHOR: gate
impl Gate {
    /// Leads nowhere: an interrupt with this vector raises a general protection fault instead.
    pub const ABSENT: Self = Self(0);

    /// The gate that leads to the code at `handler` in the segment that `selector` names.
    ///
    /// A task gate has no handler: its `selector` names a task state segment. `privilege` is the least privileged ring
    /// that may use the gate with `int`. The CPU does not check it for exceptions and hardware interrupts.
    pub const fn new(kind: Kind, selector: u16, handler: VirtAddr, privilege: Ring) -> Self {
        let (handler, selector) = (handler.as_u32() as u64, selector as u64);
        let access = PRESENT | (privilege as u64) << 45 | (kind as u64) << 40;
        Self((handler & 0xFFFF) | selector << 16 | access | (handler >> 16) << 48)
    }

    /// The address to which the gate leads.
    pub const fn handler(self) -> VirtAddr {
        VirtAddr::new((self.0 & 0xFFFF | self.0 >> 48 << 16) as u32)
    }
}
// ANCHOR_END: gate

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interrupt_gate_has_the_bytes_of_the_manual() {
        let gate = Gate::new(Kind::Interrupt, 0x08, VirtAddr::new(0x1234_5678), Ring::Ring0);
        assert_eq!(gate.0, 0x1234_8E00_0008_5678);
        assert_eq!(gate.handler(), VirtAddr::new(0x1234_5678));
    }

    #[test]
    fn every_bit_of_the_handler_comes_back() {
        for handler in (0..32).map(|bit| VirtAddr::new(1 << bit)) {
            assert_eq!(Gate::new(Kind::Interrupt, 0xFFFF, handler, Ring::Ring3).handler(), handler);
        }
    }

    #[test]
    fn a_task_gate_has_the_bytes_of_the_manual() {
        assert_eq!(Gate::new(Kind::Task, 0x20, VirtAddr::new(0), Ring::Ring0).0, 0x0000_8500_0020_0000);
    }

    #[test]
    fn the_ring_that_may_use_a_gate_has_its_two_bits() {
        let gate = |ring| Gate::new(Kind::Interrupt, 0x08, VirtAddr::new(0x1234_5678), ring).0;
        assert_eq!(gate(Ring::Ring3), 0x1234_EE00_0008_5678);
        assert_eq!(gate(Ring::Ring1), 0x1234_AE00_0008_5678);
    }
}
