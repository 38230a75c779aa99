//! The table that the CPU has loaded, and the selectors that name its entries.
//!
//! A table that lacks a descriptor in use causes an exception, perhaps much later: when an instruction loads that
//! selector again. The kernel cannot find all selectors in use. They are in the segment registers, in the task
//! register, in the gates of chapter 4, and in the saved registers of interrupted code. So the table only grows: a new
//! table has every entry of the loaded one, and more after them. One change is allowed: [`replace`] gives a code or
//! data segment another base and limit. After it, each selector can be loaded as before.

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
/// The selector of the code segment, for CS.
pub const CODE: SegmentSelector = SegmentSelector::new(1, Ring::Ring0);

/// The selector of the data segment, for DS, ES, FS, GS and SS.
pub const DATA: SegmentSelector = SegmentSelector::new(2, Ring::Ring0);

/// Whether the CPU has loaded a table of this kernel.
static LOADED: AtomicBool = AtomicBool::new(false);

static FLAT: [GdtEntry; 3] =
    [GdtEntry::new(Descriptor::NULL), GdtEntry::new(Descriptor::FLAT_CODE), GdtEntry::new(Descriptor::FLAT_DATA)];
// ANCHOR_END: selectors

/// The largest number of entries: a selector has 13 bits for an entry's number.
const MOST_ENTRIES: usize = 1 << 13;

// ANCHOR: errors
/// Why a table cannot replace the loaded one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TableError {
    /// The new table lacks this entry of the loaded table, or has a different descriptor there.
    Drops(usize),
    /// The table has more than 8192 entries, the most that a selector can name.
    TooLong,
}

/// Why a descriptor cannot be replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReplaceError {
    /// The selector names no entry of the loaded table.
    NotInTable,
    /// The entry is the null descriptor or a flat segment. Compiled code depends on the flat segments.
    Flat,
    /// The entry is not a code or data segment: it is a system segment, such as a task state segment, or empty.
    System,
    /// The new descriptor has different access rights.
    OtherAccess,
}
// ANCHOR_END: errors

// ANCHOR: init
/// Loads the table of the two flat segments, and every segment register from it. Further calls do nothing.
pub fn init() {
    let _off = interrupts_off();
    if LOADED.load(Relaxed) {
        return;
    }
    // SAFETY:
    // 1. The table is a static, so it is never freed.
    // 2. Its segments are flat, as the boot loader's were: every address means the same before and after.
    unsafe {
        lgdt(&DescriptorTablePointer::new_from_slice(&FLAT));
        // Until a register is loaded again, the CPU uses the copy of the old descriptor in its hidden part (Intel SDM
        // volume 3A, 3.4.3 "Segment Registers").
        load_cs(CODE);
        load_ds(DATA);
        load_es(DATA);
        load_fs(DATA);
        load_gs(DATA);
        load_ss(DATA);
        // No local descriptor table. After a reset there is one at address 0, and a selector could name its entries.
        load_ldtr(SegmentSelector::new(0, Ring::Ring0));
    }
    LOADED.store(true, Relaxed);
}
// ANCHOR_END: init

// ANCHOR: loaded
/// The table that the CPU uses now, according to `sgdt`.
///
/// # Panics
/// Before [`init`]: the boot loader's table may already be overwritten.
pub fn loaded() -> &'static [GdtEntry] {
    assert!(LOADED.load(Relaxed), "no table has been loaded yet");
    let mut pointer = DescriptorTablePointer::<GdtEntry>::default();
    // SAFETY: `sgdt` writes six bytes, which is the size of `pointer`.
    unsafe { sgdt(&mut pointer) };
    let entries = (usize::from(pointer.limit) + 1) / size_of::<GdtEntry>();
    // SAFETY: the CPU's table is that of `init` or one that `load` accepted. Both are `'static`, of this length.
    unsafe { core::slice::from_raw_parts(pointer.base, entries) }
}
// ANCHOR_END: loaded

// ANCHOR: extended
/// A copy of the loaded table, followed by the descriptors of `more`: `N` entries. The caller stores it in a static and
/// then loads it.
///
/// # Panics
/// If the loaded table and `more` together do not have `N` entries.
pub fn extended<const N: usize>(more: &[Descriptor]) -> [GdtEntry; N] {
    let loaded = loaded();
    assert_eq!(loaded.len() + more.len(), N, "the old table and the added entries do not fill the new table");
    core::array::from_fn(|index| match loaded.get(index) {
        Some(entry) => GdtEntry::new(entry.read()),
        None => GdtEntry::new(more[index - loaded.len()]),
    })
}
// ANCHOR_END: extended

// ANCHOR: load
/// Makes `table` the GDT. It must have all entries of the loaded table, so no segment register has to be loaded again.
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
    // SAFETY: the table is never freed, and every selector in use names the same descriptor as before.
    unsafe { lgdt(&DescriptorTablePointer::new_from_slice(table)) };
    Ok(())
}
// ANCHOR_END: load

// ANCHOR: replace
/// Replaces the descriptor of the entry that `selector` names, and returns the old one.
///
/// A register with this selector keeps the old segment until it is loaded again. That can happen at any moment, from
/// the saved registers of a thread. So the new descriptor must have the access rights of the old one, and a register
/// that could be loaded before still can. The flat segments cannot be replaced, because compiled code depends on them.
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
    // `ACCESSED` does not count: the CPU sets it when it loads the segment.
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
            Self::Drops(index) => write!(f, "entry {index} of the loaded table is missing or different"),
            Self::TooLong => write!(f, "a table has at most {MOST_ENTRIES} entries"),
        }
    }
}
