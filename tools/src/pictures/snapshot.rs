//! A machine at one moment: its registers and its memory.

use super::memory::Memory;
use super::walk::Space;
use crate::monitor::number_after;
use anyhow::{Context, Result};

/// In CR4: pages of 4 MiB.
const PSE: u32 = 1 << 4;

/// The registers, as QEMU's monitor tells them.
#[derive(Clone)]
pub struct Registers(pub String);

impl Registers {
    /// A register of 32 bits, by its name in capital letters: `EIP`, `CR3`; of EFLAGS the name is `EFL`.
    pub fn get(&self, name: &str) -> Result<u32> {
        number_after(&self.0, &format!("{name}=")).with_context(|| format!("QEMU tells of no register {name}"))
    }
}

/// A machine at one moment.
#[derive(Clone)]
pub struct Snapshot {
    /// The registers.
    pub registers: Registers,
    /// Physical memory, all of it.
    pub memory: Memory,
}

impl Snapshot {
    /// The address space that the CPU is using.
    pub fn space(&self) -> Result<Space> {
        self.space_of(self.registers.get("CR3")?)
    }

    /// The address space with this page directory.
    pub fn space_of(&self, cr3: u32) -> Result<Space> {
        Space::walk(&self.memory, cr3, self.registers.get("CR4")? & PSE != 0)
    }

    /// The word at a virtual address of a space; none if it is not mapped.
    pub fn word(&self, space: &Space, address: u32) -> Option<u32> {
        self.memory.word(space.translate(address)?)
    }
}
