//! The table as the CPU has it loaded, and the selectors that name its entries.
//!
//! Selectors are everywhere: in the segment registers, in the task register, in the gates of chapter 4, and
//! in the saved registers of code that was interrupted. The kernel cannot find them all. So the table only
//! grows: what is loaded in place of it has every entry that it has, and more behind them. One thing may change:
//! [`replace`] gives an entry of data or code another base and limit. Each selector can be loaded as before.

#![cfg(target_os = "none")]

use crate::descriptor::{Access, Descriptor};
use crate::entry::GdtEntry;
use common::lock::interrupts_off;
use core::fmt;
use core::sync::atomic::{AtomicBool, Ordering::Relaxed};
use x86::Ring;
use x86::bits32::segmentation::load_cs;
use x86::dtables::{DescriptorTablePointer, lgdt, load_ldtr, sgdt};
use x86::segmentation::{SegmentSelector, load_ds, load_es, load_fs, load_gs, load_ss};

// ANCHOR: selectors
/// The entry for instructions: CS.
pub const CODE: SegmentSelector = SegmentSelector::new(1, Ring::Ring0);

/// The entry for data and the stack: DS, ES, FS, GS, SS.
pub const DATA: SegmentSelector = SegmentSelector::new(2, Ring::Ring0);

/// Has the CPU a table of ours?
static LOADED: AtomicBool = AtomicBool::new(false);

static FLAT: [GdtEntry; 3] =
    [GdtEntry::new(Descriptor::NULL), GdtEntry::new(Descriptor::FLAT_CODE), GdtEntry::new(Descriptor::FLAT_DATA)];
// ANCHOR_END: selectors

/// The most entries that a selector can tell apart.
const MOST_ENTRIES: usize = 1 << 13;

// ANCHOR: errors
/// Why a table cannot take the place of the loaded one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TableError {
    /// The entry of this number is in the loaded table, and is missing or another in the new one.
    Drops(usize),
    /// The table has more entries than a selector can tell apart: 8192.
    TooLong,
}

/// Why a descriptor cannot be replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReplaceError {
    /// The loaded table has no such entry.
    NotInTable,
    /// The entry is the null descriptor or a flat segment, on which compiled code runs.
    Flat,
    /// The entry holds no data or code: it is for the CPU's own use, as a task state segment is, or empty.
    System,
    /// The new descriptor does not have the access of the old one.
    OtherAccess,
}
// ANCHOR_END: errors

// ANCHOR: init
/// Loads the table of the two flat segments, and every segment register from it. The second call changes
/// nothing.
pub fn init() {
    let _off = interrupts_off();
    if LOADED.load(Relaxed) {
        return;
    }
    // SAFETY: the table is a static, so it stays, and its segments are flat: every address means the same
    // before and after.
    unsafe {
        lgdt(&DescriptorTablePointer::new_from_slice(&FLAT));
        // Each register holds a copy of its descriptor until it is loaded again (SDM volume 3, 3.4.3).
        load_cs(CODE);
        load_ds(DATA);
        load_es(DATA);
        load_fs(DATA);
        load_gs(DATA);
        load_ss(DATA);
        // No table of a program's own: after a reset, a selector may name entries of one that lies at address 0.
        load_ldtr(SegmentSelector::new(0, Ring::Ring0));
    }
    LOADED.store(true, Relaxed);
}
// ANCHOR_END: init

// ANCHOR: loaded
/// The table that the CPU uses now, as `sgdt` finds it.
///
/// # Panics
/// Before [`init`]: the boot loader's table need not be there any more.
pub fn loaded() -> &'static [GdtEntry] {
    assert!(LOADED.load(Relaxed), "no table has been loaded yet");
    let mut pointer = DescriptorTablePointer::<GdtEntry>::default();
    // SAFETY: `sgdt` writes six bytes, the size of the pointer.
    unsafe { sgdt(&mut pointer) };
    let entries = (usize::from(pointer.limit) + 1) / size_of::<GdtEntry>();
    // SAFETY: the CPU's table is the one of `init` or was given to `load`: it stays, and so many entries lie there.
    unsafe { core::slice::from_raw_parts(pointer.base, entries) }
}
// ANCHOR_END: loaded

// ANCHOR: extended
/// A copy of the loaded table, with the descriptors of `more` behind it: `N` entries, to be put where they
/// can stay, and then loaded.
///
/// # Panics
/// If that makes more or fewer than `N` entries.
pub fn extended<const N: usize>(more: &[Descriptor]) -> [GdtEntry; N] {
    let loaded = loaded();
    assert_eq!(loaded.len() + more.len(), N, "the table and what is added to it have another length");
    core::array::from_fn(|index| match loaded.get(index) {
        Some(entry) => GdtEntry::new(entry.read()),
        None => GdtEntry::new(more[index - loaded.len()]),
    })
}
// ANCHOR_END: extended

// ANCHOR: load
/// Makes `table` the GDT. It has all that the loaded one has, so no segment register needs to be loaded again.
///
/// # Panics
/// Before [`init`].
pub fn load(table: &'static [GdtEntry]) -> Result<(), TableError> {
    let _off = interrupts_off();
    if table.len() > MOST_ENTRIES {
        return Err(TableError::TooLong);
    }
    for (index, entry) in loaded().iter().enumerate() {
        if table.get(index).is_none_or(|new| new.read() != entry.read()) {
            return Err(TableError::Drops(index));
        }
    }
    // SAFETY: the table stays, and each selector that is anywhere in use means in it what it meant before.
    unsafe { lgdt(&DescriptorTablePointer::new_from_slice(table)) };
    Ok(())
}
// ANCHOR_END: load

// ANCHOR: replace
/// Puts `descriptor` into the entry that `selector` names, and returns the one that was there.
///
/// A register that holds the selector keeps the old segment until it is loaded again. It may be loaded at any
/// moment, from the saved registers of some thread; so what can be loaded now must stay so, and keeps its access.
/// Compiled code runs on the two flat segments alone, which stay as they are.
///
/// # Panics
/// Before [`init`].
pub fn replace(selector: SegmentSelector, descriptor: Descriptor) -> Result<Descriptor, ReplaceError> {
    let off = interrupts_off();
    let index = usize::from(selector.index());
    let entry = loaded().get(index).filter(|_| !selector.contains(SegmentSelector::TI_LDT));
    let entry = entry.ok_or(ReplaceError::NotInTable)?;
    let old = entry.read();
    if index < FLAT.len() {
        return Err(ReplaceError::Flat);
    }
    if !old.access().contains(Access::CODE_OR_DATA) {
        return Err(ReplaceError::System);
    }
    // The CPU marks a segment as accessed when it is loaded.
    if descriptor.access() | Access::ACCESSED != old.access() | Access::ACCESSED {
        return Err(ReplaceError::OtherAccess);
    }
    entry.write(descriptor, &off);
    Ok(old)
}
// ANCHOR_END: replace

impl fmt::Display for TableError {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::Drops(index) => write!(f, "entry {index} of the loaded table is missing or another"),
            Self::TooLong => write!(f, "a table has at most {MOST_ENTRIES} entries"),
        }
    }
}
