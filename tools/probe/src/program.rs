//! Reads a kernel's file: the addresses of its lines, functions and variables.
//!
//! A place to stop at is usually a line of the source. It is named by its text and not by its number, which changes
//! when lines above it come and go. The line table in the debug information has its addresses.

use addr2line::demangle_auto;
use addr2line::gimli::{self, DwarfSections, EndianSlice, LittleEndian};
use anyhow::{Context, Result, ensure};
use object::{Object, ObjectSection, ObjectSymbol};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};

/// The sections of debug information, as gimli reads them.
pub type Dwarf<'a> = gimli::Dwarf<EndianSlice<'a, LittleEndian>>;

/// Every kernel's first function in Rust.
pub const ENTRY_IN_RUST: &str = "kernel_main";

/// Where to stop.
#[derive(Clone, Copy, Debug)]
pub enum Checkpoint<'a> {
    /// Before a line of the source: the path of the file from the workspace's root, then the text of the line, without
    /// the spaces around it. No other line of the file may have this text.
    Line(&'a str, &'a str),
    /// Before the first instruction of the function with this name, such as `boot::stop::end`.
    Function(&'a str),
}

/// A kernel's file.
#[derive(Clone)]
pub struct Program {
    root: PathBuf,
    bytes: Vec<u8>,
    symbols: BTreeMap<String, u32>,
}

impl Program {
    /// Reads `kernel`, whose source lies under `root`.
    pub fn read(kernel: &Path, root: &Path) -> Result<Self> {
        let bytes = fs::read(kernel).with_context(|| format!("{} could not be read", kernel.display()))?;
        let file = object::File::parse(bytes.as_slice())?;
        let symbols = file.symbols().filter_map(|symbol| {
            let name = demangle_auto(Cow::from(symbol.name().ok()?), None).into_owned();
            Some((name, u32::try_from(symbol.address()).ok()?))
        });
        let symbols = symbols.collect();
        Ok(Self { root: root.into(), symbols, bytes })
    }

    /// The address of the function, the variable, or the linker's symbol with this name.
    pub fn symbol(&self, name: &str) -> Result<u32> {
        let found = self.symbols.get(name).copied();
        found.with_context(|| {
            format!("The kernel has no symbol `{name}`. If it is a function, it may have been inlined.")
        })
    }

    /// The name of the function or variable that an address lies in, or of the last one before it.
    pub fn function_at(&self, address: u32) -> Result<String> {
        let found = self.functions(0..address.saturating_add(1)).pop();
        found.map(|(_, name)| name).with_context(|| format!("The kernel has no symbol at or before {address:#010x}."))
    }

    /// The functions and variables in this range of addresses, from the lowest up.
    pub fn functions(&self, range: Range<u32>) -> Vec<(u32, String)> {
        let mut found = BTreeMap::new();
        for (name, start) in self.symbols.iter().filter(|(_, start)| range.contains(start)) {
            // Several may begin at one address, such as a part of the image and its first function. The longest name
            // says most.
            let longest: &mut &String = found.entry(*start).or_insert(name);
            if name.len() >= longest.len() {
                *longest = name;
            }
        }
        found.into_iter().map(|(start, name)| (start, name.clone())).collect()
    }

    /// The addresses of all breakpoints that are needed to stop at `checkpoint`.
    pub fn addresses(&self, checkpoint: Checkpoint) -> Result<Vec<u32>> {
        match checkpoint {
            Checkpoint::Function(name) => Ok(vec![self.symbol(name)?]),
            Checkpoint::Line(file, words) => {
                let path = self.root.join(file);
                let source = fs::read_to_string(&path).with_context(|| format!("{file} could not be read"))?;
                let line = only_line(&source, words).with_context(|| format!("searching {file}"))?;
                let addresses = self.starts_of_line(&path, line)?;
                ensure!(!addresses.is_empty(), "No instruction belongs to line {line} of {file}, \"{words}\".");
                Ok(addresses)
            }
        }
    }

    /// The bytes that are loaded from the file to this address.
    pub fn code(&self, address: u32, bytes: usize) -> Result<&[u8]> {
        let file = object::File::parse(self.bytes.as_slice())?;
        let found = file.sections().find_map(|section| {
            let start = u64::from(address).checked_sub(section.address())? as usize;
            let section = section.file_range().filter(|_| section.address() != 0 && start < section.size() as usize)?;
            self.bytes.get(section.0 as usize + start..section.0 as usize + start + bytes)
        });
        found.with_context(|| format!("the kernel's file has nothing that is loaded to {address:#010x}"))
    }

    /// Calls `show` with the debug information.
    pub fn with_dwarf<T>(&self, show: impl FnOnce(&Dwarf) -> Result<T>) -> Result<T> {
        let file = object::File::parse(self.bytes.as_slice())?;
        let load = |id: gimli::SectionId| -> Result<Cow<[u8]>> {
            let section = file.section_by_name(id.name());
            Ok(section.map_or(Ok(Cow::default()), |section| section.uncompressed_data())?)
        };
        let sections = DwarfSections::load(load)?;
        show(&sections.borrow(|section| EndianSlice::new(section, LittleEndian)))
    }

    /// The first address of every piece of code that was made from a line.
    ///
    /// The compiler splits the code of a line, and makes several copies of a function that it inlines. So all pieces
    /// count: the line begins with the piece that the CPU reaches first.
    fn starts_of_line(&self, path: &Path, line: u64) -> Result<Vec<u32>> {
        // What the linker has left out is listed as if it were at address 0.
        let first = self.symbol("text_start")?;
        self.with_dwarf(|dwarf| {
            let mut addresses = Vec::new();
            let mut units = dwarf.units();
            while let Some(header) = units.next()? {
                let unit = dwarf.unit(header)?;
                let Some(program) = unit.line_program.clone() else { continue };
                let folder = |slice: EndianSlice<LittleEndian>| PathBuf::from(slice.to_string_lossy().into_owned());
                let compiled_in = unit.comp_dir.map(folder).unwrap_or_default();
                let mut rows = program.rows();
                let mut was_there = false;
                while let Some((header, row)) = rows.next_row()? {
                    if row.end_sequence() {
                        was_there = false;
                        continue;
                    }
                    let is_line = row.line().is_some_and(|number| number.get() == line);
                    let is_there = is_line && {
                        let file = row.file(header).context("a line without a file")?;
                        let parent = file.directory(header).map(|name| dwarf.attr_string(&unit, name)).transpose()?;
                        let name = folder(dwarf.attr_string(&unit, file.path_name())?);
                        compiled_in.join(parent.map(folder).unwrap_or_default()).join(name) == path
                    };
                    if is_there && !was_there && row.is_stmt() && row.address() >= u64::from(first) {
                        addresses.push(row.address() as u32);
                    }
                    was_there = is_there;
                }
            }
            addresses.sort_unstable();
            addresses.dedup();
            Ok(addresses)
        })
    }
}

/// The number of the only line with exactly this text.
fn only_line(source: &str, words: &str) -> Result<u64> {
    let found = (1..).zip(source.lines()).filter(|(_, line)| line.trim() == words.trim()).map(|(number, _)| number);
    let numbers: Vec<u64> = found.collect();
    ensure!(!numbers.is_empty(), "There is no line \"{words}\".");
    ensure!(numbers.len() == 1, "There are several lines \"{words}\": {numbers:?}.");
    Ok(numbers[0])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_found_by_its_words_at_any_number() {
        assert_eq!(only_line("a\n    let b = 1;\nc\n", "let b = 1;").expect("there is one"), 2);
    }

    #[test]
    fn no_match_and_two_matches_are_errors() {
        let error = |source| only_line(source, "b();").expect_err("not one line").to_string();
        assert_eq!(error("a();\nb(); // more\n"), "There is no line \"b();\".");
        assert_eq!(error("b();\na();\n  b();\n"), "There are several lines \"b();\": [1, 3].");
    }
}
