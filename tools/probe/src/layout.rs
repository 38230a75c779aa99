//! Finds the fields of a kernel's variables. Rust chooses their places at each compilation, and records them only in
//! the debug information.

use crate::program::{Dwarf, Program};
use addr2line::demangle_auto;
use addr2line::gimli::{self, AttributeValue, EndianSlice, EntriesTreeNode, LittleEndian, Operation, UnitOffset};
use anyhow::{Context, Result};
use std::borrow::Cow;

type Reader<'a> = EndianSlice<'a, LittleEndian>;
type Unit<'a> = gimli::Unit<Reader<'a>>;

impl Program {
    /// The address of a field of a variable, such as `paging::frames::frame_allocator::FRAMES` and `links`.
    ///
    /// The field may be nested in other types, such as a lock. The first field of that name counts.
    pub fn field(&self, (variable, field): (&str, &str)) -> Result<u32> {
        let address = self.with_dwarf(|dwarf| {
            let mut units = dwarf.units();
            while let Some(header) = units.next()? {
                let unit = dwarf.unit(header)?;
                if let Some((of, pieces)) = type_of(dwarf, &unit, variable)? {
                    return Ok(offset_of(dwarf, &unit, of, field)?.and_then(|offset| address_in(&pieces, offset)));
                }
            }
            Ok(None)
        })?;
        address.with_context(|| format!("The kernel has no variable `{variable}` with a field `{field}`."))
    }
}

/// An address, and how many bytes of a variable are there. The compiler may split a variable into several pieces.
type Piece = (u32, u32);

/// The type of the variable and its pieces, in order, if this unit has the variable.
fn type_of(dwarf: &Dwarf, unit: &Unit, variable: &str) -> Result<Option<(UnitOffset, Vec<Piece>)>> {
    let mut entries = unit.entries();
    while let Some(entry) = entries.next_dfs()? {
        if entry.tag() != gimli::DW_TAG_variable {
            continue;
        }
        let Some(name) = entry.attr_value(gimli::DW_AT_linkage_name) else { continue };
        let name = dwarf.attr_string(unit, name)?.to_string_lossy().into_owned();
        if demangle_auto(Cow::from(name), None) == variable {
            let pieces = match entry.attr_value(gimli::DW_AT_location) {
                Some(AttributeValue::Exprloc(location)) => pieces(unit, location)?,
                _ => Vec::new(),
            };
            return Ok(unit_reference(entry.attr_value(gimli::DW_AT_type)).map(|of| (of, pieces)));
        }
    }
    Ok(None)
}

/// Reads a location: one address, or several, each with the number of bytes there.
fn pieces(unit: &Unit, location: gimli::Expression<Reader>) -> Result<Vec<Piece>> {
    let mut operations = location.operations(unit.encoding());
    let mut pieces = Vec::new();
    let mut at = None;
    while let Some(operation) = operations.next()? {
        match operation {
            Operation::Address { address } => at = Some(address as u32),
            Operation::Piece { size_in_bits, .. } => pieces.extend(at.take().map(|at| (at, size_in_bits as u32 / 8))),
            _ => {}
        }
    }
    pieces.extend(at.map(|at| (at, u32::MAX)));
    Ok(pieces)
}

/// The address of the byte at this offset in a variable that consists of these pieces.
fn address_in(pieces: &[Piece], mut offset: u32) -> Option<u32> {
    for (address, bytes) in pieces {
        if offset < *bytes {
            return Some(address + offset);
        }
        offset -= bytes;
    }
    None
}

/// The offset of a field in a type, in bytes.
fn offset_of(dwarf: &Dwarf, unit: &Unit, of: UnitOffset, field: &str) -> Result<Option<u32>> {
    let mut tree = unit.entries_tree(Some(of))?;
    search(dwarf, unit, tree.root()?, field)
}

fn search(dwarf: &Dwarf, unit: &Unit, node: EntriesTreeNode<Reader>, field: &str) -> Result<Option<u32>> {
    if node.entry().tag() == gimli::DW_TAG_array_type {
        // In an array, the first element counts.
        let Some(of) = unit_reference(node.entry().attr_value(gimli::DW_AT_type)) else { return Ok(None) };
        return offset_of(dwarf, unit, of, field);
    }
    let mut members = Vec::new();
    let mut children = node.children();
    while let Some(child) = children.next()? {
        let entry = child.entry();
        let offset = entry.attr_value(gimli::DW_AT_data_member_location).and_then(|value| value.udata_value());
        let (Some(name), Some(offset)) = (entry.attr_value(gimli::DW_AT_name), offset) else { continue };
        if dwarf.attr_string(unit, name)?.slice() == field.as_bytes() {
            return Ok(Some(offset as u32));
        }
        members.extend(unit_reference(entry.attr_value(gimli::DW_AT_type)).map(|of| (of, offset as u32)));
    }
    for (of, offset) in members {
        if let Some(inner) = offset_of(dwarf, unit, of, field)? {
            return Ok(Some(offset + inner));
        }
    }
    Ok(None)
}

fn unit_reference(value: Option<AttributeValue<Reader>>) -> Option<UnitOffset> {
    match value {
        Some(AttributeValue::UnitRef(offset)) => Some(offset),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_may_lie_in_pieces() {
        let pieces = [(0x100, 4), (0x200, 8)];
        assert_eq!([0, 3, 4, 11].map(|offset| address_in(&pieces, offset)), [0x100, 0x103, 0x200, 0x207].map(Some));
        assert_eq!((address_in(&pieces, 12), address_in(&[], 0)), (None, None));
        assert_eq!(address_in(&[(0x100, u32::MAX)], 5000), Some(0x100 + 5000));
    }
}
