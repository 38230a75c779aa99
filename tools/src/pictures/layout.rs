//! Where the fields of a kernel's variables lie: Rust decides that anew whenever it compiles, and writes
//! it down in the debug information.

use super::program::{Dwarf, Program};
use addr2line::demangle_auto;
use addr2line::gimli::{self, AttributeValue, EndianSlice, EntriesTreeNode, LittleEndian, UnitOffset};
use anyhow::{Context, Result};
use std::borrow::Cow;

type Reader<'a> = EndianSlice<'a, LittleEndian>;
type Unit<'a> = gimli::Unit<Reader<'a>>;

impl Program {
    /// The address of a field of a variable, such as `paging::memory::FRAMES` and `links`.
    ///
    /// The field may lie deep inside of others, in a lock around it for instance. The first of that name counts.
    pub fn field(&self, variable: &str, field: &str) -> Result<u32> {
        let offset = self.with_dwarf(|dwarf| {
            let mut units = dwarf.units();
            while let Some(header) = units.next()? {
                let unit = dwarf.unit(header)?;
                if let Some(found) = type_of(dwarf, &unit, variable)? {
                    return offset_of(dwarf, &unit, found, field);
                }
            }
            Ok(None)
        })?;
        let offset =
            offset.with_context(|| format!("The kernel has no variable `{variable}` with a field `{field}`."))?;
        Ok(self.symbol(variable)? + offset)
    }
}

/// The type of the variable, if this unit has it.
fn type_of(dwarf: &Dwarf, unit: &Unit, variable: &str) -> Result<Option<UnitOffset>> {
    let mut entries = unit.entries();
    while let Some(entry) = entries.next_dfs()? {
        if entry.tag() != gimli::DW_TAG_variable {
            continue;
        }
        let Some(name) = entry.attr_value(gimli::DW_AT_linkage_name) else { continue };
        let name = dwarf.attr_string(unit, name)?.to_string_lossy().into_owned();
        if demangle_auto(Cow::from(name), None) == variable {
            return Ok(unit_reference(entry.attr_value(gimli::DW_AT_type)));
        }
    }
    Ok(None)
}

/// How far behind the beginning of a type its field lies.
fn offset_of(dwarf: &Dwarf, unit: &Unit, of: UnitOffset, field: &str) -> Result<Option<u32>> {
    let mut tree = unit.entries_tree(Some(of))?;
    search(dwarf, unit, tree.root()?, field)
}

fn search(dwarf: &Dwarf, unit: &Unit, node: EntriesTreeNode<Reader>, field: &str) -> Result<Option<u32>> {
    if node.entry().tag() == gimli::DW_TAG_array_type {
        // Of many values in a row, the first.
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
