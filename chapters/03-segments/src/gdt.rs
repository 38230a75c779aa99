//! The table as the CPU has it loaded, and the selectors that name its entries.

use crate::descriptor::Descriptor;
use core::sync::atomic::{AtomicBool, Ordering::Relaxed};
use x86::Ring;
use x86::bits32::segmentation::load_cs;
use x86::dtables::{DescriptorTablePointer, lgdt, sgdt};
use x86::segmentation::{SegmentSelector, load_ds, load_es, load_fs, load_gs, load_ss};

// ANCHOR: selectors
/// The entry for instructions: CS.
pub const CODE: SegmentSelector = SegmentSelector::new(1, Ring::Ring0);

/// The entry for data and the stack: DS, ES, FS, GS, SS.
pub const DATA: SegmentSelector = SegmentSelector::new(2, Ring::Ring0);

/// Has a table of ours been loaded?
static LOADED: AtomicBool = AtomicBool::new(false);

static FLAT: [Descriptor; 3] = [Descriptor::NULL, Descriptor::FLAT_CODE, Descriptor::FLAT_DATA];
// ANCHOR_END: selectors

/// Loads the table of the two flat segments.
pub fn init() {
    load(&FLAT);
}

// ANCHOR: load
/// Makes `table` the GDT and loads every segment register from it.
///
/// # Panics
/// If the table does not begin with the null descriptor and the two flat segments: they are what
/// compiled code runs on.
pub fn load(table: &'static [Descriptor]) {
    assert!(table[..FLAT.len()] == FLAT, "a table must begin with the flat segments");
    // SAFETY: the table stays where it is for ever, and its first entries, which the registers then
    // refer to, are the flat segments: every address means the same before and after.
    unsafe {
        lgdt(&DescriptorTablePointer::new_from_slice(table));
        // Each register holds a copy of its descriptor until it is loaded again (SDM volume 3, 3.4.3).
        load_cs(CODE);
        load_ds(DATA);
        load_es(DATA);
        load_fs(DATA);
        load_gs(DATA);
        load_ss(DATA);
    }
    LOADED.store(true, Relaxed);
}
// ANCHOR_END: load

// ANCHOR: loaded
/// The table that the CPU uses now, as `sgdt` finds it.
///
/// # Panics
/// Before [`init`]: the boot loader's table need not be there any more.
pub fn loaded() -> &'static [Descriptor] {
    let mut pointer = DescriptorTablePointer::<Descriptor>::default();
    // SAFETY: `sgdt` writes six bytes, the size of the pointer.
    unsafe { sgdt(&mut pointer) };
    let entries = (usize::from(pointer.limit) + 1) / size_of::<Descriptor>();
    assert!(LOADED.load(Relaxed), "no table has been loaded yet");
    // SAFETY: the CPU's table was given to `load`, so it lies there for ever.
    unsafe { core::slice::from_raw_parts(pointer.base, entries) }
}
// ANCHOR_END: loaded
