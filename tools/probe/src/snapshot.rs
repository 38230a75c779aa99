//! A machine at one moment: its registers and its memory.

use anyhow::{Context, Result, bail};
use machine::monitor::number_after;
use memory_map::memory::Memory;
use memory_map::walk::Space;

/// The registers, as QEMU's monitor prints them.
#[derive(Clone)]
pub struct Registers(pub String);

impl Registers {
    /// A register of 32 bits, by its name in capital letters, such as `EIP` or `CR3`. The name of EFLAGS is `EFL`.
    pub fn get(&self, name: &str) -> Result<u32> {
        number_after(&self.0, &format!("{name}=")).with_context(|| format!("QEMU does not print the register {name}"))
    }

    /// The selector in a segment register, such as `CS`.
    pub fn segment(&self, name: &str) -> Result<u32> {
        self.numbers(name)?.first().copied().with_context(|| format!("QEMU does not print the selector in {name}"))
    }

    /// The address and the limit of a descriptor table, such as `GDT`.
    pub fn table(&self, name: &str) -> Result<(u32, u32)> {
        match self.numbers(name)?[..] {
            [base, limit] => Ok((base, limit)),
            _ => bail!("QEMU does not print where the {name} is"),
        }
    }

    /// The numbers in a line that begins with `name`, such as `GDT=     0010b000 00000017`.
    fn numbers(&self, name: &str) -> Result<Vec<u32>> {
        let numbers = |line: &str| {
            let (_, numbers) = line.trim_start().strip_prefix(name)?.split_once('=')?;
            Some(numbers.split_whitespace().map_while(|word| u32::from_str_radix(word, 16).ok()).collect())
        };
        self.0.lines().find_map(numbers).with_context(|| format!("QEMU does not print a line about {name}"))
    }
}

/// A machine at one moment.
#[derive(Clone)]
pub struct Snapshot {
    /// The registers.
    pub registers: Registers,
    /// All of physical memory.
    pub bytes: Vec<u8>,
}

impl Snapshot {
    /// Physical memory.
    pub fn memory(&self) -> Memory<'_> {
        Memory(&self.bytes)
    }

    /// The address space that the CPU is using.
    pub fn space(&self) -> Result<Space> {
        self.space_of(self.registers.get("CR3")?)
    }

    /// The address space with this page directory.
    pub fn space_of(&self, cr3: u32) -> Result<Space> {
        Ok(Space::walk(self.memory(), cr3, self.registers.get("CR4")?)?)
    }

    /// The word at a virtual address of an address space; `None` if the address is not mapped.
    pub fn word(&self, space: &Space, address: u32) -> Option<u32> {
        self.memory().word(space.translate(address)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segments_and_tables_are_found_in_their_lines() {
        let registers = Registers("ES =0010 00000000 ffffffff 00cf9300\r\nCS =0008 00000000 ffffffff 00cf9b00 DPL=0 CS32 [-RA]\r\nGDT=     0010b000 00000017\r\n".into());
        assert_eq!(registers.segment("CS").expect("a selector"), 8);
        assert_eq!(registers.table("GDT").expect("a table"), (0x10_B000, 0x17));
        assert!(registers.table("IDT").is_err() && registers.table("CS").is_err());
    }
}
