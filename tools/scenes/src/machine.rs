//! A machine at one moment: the registers that pictures use, and its memory.

use anyhow::Result;
use memory_map::memory::Memory;
use memory_map::walk::Space;
use serde::Deserialize;

/// The registers that pictures use.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
#[allow(missing_docs, reason = "each has its register's name")]
pub struct Registers {
    pub esp: u32,
    pub ecx: u32,
    pub edx: u32,
    pub cr3: u32,
    pub cr4: u32,
    /// The selector in it.
    pub cs: u32,
    /// The address of the table, and its limit.
    pub gdt: (u32, u32),
}

/// A machine at one moment.
#[derive(Clone, Copy)]
pub struct Machine<'a> {
    /// The registers.
    pub registers: Registers,
    /// All of physical memory.
    pub memory: Memory<'a>,
}

impl Machine<'_> {
    /// The address space that the CPU is using.
    pub fn space(&self) -> Result<Space> {
        self.space_of(self.registers.cr3)
    }

    /// The address space with this page directory.
    pub fn space_of(&self, cr3: u32) -> Result<Space> {
        Ok(Space::walk(self.memory, cr3, self.registers.cr4)?)
    }

    /// The word at a virtual address of an address space; `None` if the address is not mapped.
    pub fn word(&self, space: &Space, address: u32) -> Option<u32> {
        self.memory.word(space.translate(address)?)
    }
}
