//! Task state segments (TSS): where the CPU finds a good stack when the current one is of no use.
//!
//! A TSS has 104 bytes, with a field for each register (Intel SDM volume 3A, chapter "Task Management": "Task-State
//! Segment (TSS)"). The CPU offers it for switching between tasks in hardware. This kernel switches in software, so two
//! uses are left:
//!
//! ```text
//!   TR --> GDT[3]: the kernel's TSS          SS0, ESP0: the stack for an interrupt that comes in ring 3
//!                                            EIP, ESP, ...: the registers, saved at a double fault
//!          GDT[4]: the double fault's TSS    EIP, ESP, CR3, ...: where its handler begins
//!                                            back link: which TSS the registers were saved in
//! ```

#![cfg(target_os = "none")]

use common::{VirtAddr, image};
use core::cell::UnsafeCell;
use lazy_static::lazy_static;
use segments::GdtEntry;
use segments::descriptor::{Access, Descriptor, Flags};
use segments::gdt::{self, DATA};
use x86::Ring;
use x86::bits32::task::TaskStateSegment;
use x86::segmentation::SegmentSelector;
use x86::task::load_tr;

// ANCHOR: tss
/// A TSS in memory. The CPU reads and writes it on its own; the kernel writes single fields.
#[repr(align(128))] // keeps it within one page, as the CPU's manual asks
pub struct Tss(UnsafeCell<TaskStateSegment>);

const BYTES: u32 = size_of::<TaskStateSegment>() as u32;
const _: () = assert!(BYTES == 104, "the CPU's manual has 104 bytes for a TSS");

// SAFETY: each access is a single read or write, or happens where nothing else uses the TSS.
unsafe impl Sync for Tss {}

static KERNEL: Tss = Tss::new();
/// The TSS of the double fault handler.
pub static DOUBLE_FAULT: Tss = Tss::new();

const KERNEL_SELECTOR: SegmentSelector = SegmentSelector::new(3, Ring::Ring0);
pub(crate) const DOUBLE_FAULT_SELECTOR: SegmentSelector = SegmentSelector::new(4, Ring::Ring0);
// ANCHOR_END: tss

// ANCHOR: init
lazy_static! {
    /// The GDT with both TSS. It is not a constant, because the CPU marks the TSS in use as busy, in the table.
    static ref GDT: [GdtEntry; 5] = gdt::extended(&[KERNEL.descriptor(), DOUBLE_FAULT.descriptor()]);
}

/// Gives the CPU the kernel's TSS, with the boot stack as the kernel's stack.
pub(crate) fn init() {
    // SAFETY: no code runs in ring 3 yet, so the CPU does not read the fields.
    unsafe {
        (&raw mut (*KERNEL.0.get()).ss0).write_unaligned(DATA.bits());
        set_kernel_stack(image::stack().end);
    }
    gdt::load(&*GDT).expect("it must extend the loaded table");
    // SAFETY: the entry is a TSS, and is not in use yet.
    unsafe { load_tr(KERNEL_SELECTOR) };
}

/// Makes interrupts that come in ring 3 begin on the stack that ends at `top`.
///
/// # Safety
/// Below `top` lies a stack that is mapped in every address space in which ring 3 runs from now on. Whenever ring 3
/// runs, nothing on that stack is in use.
#[inline]
pub unsafe fn set_kernel_stack(top: VirtAddr) {
    // SAFETY: a single write of a field that the CPU reads only when it leaves ring 3.
    unsafe { (&raw mut (*KERNEL.0.get()).esp0).write_unaligned(top.as_u32()) };
}
// ANCHOR_END: init

impl Tss {
    /// A TSS with 0 in all registers. It opens no port to ring 3.
    pub const fn new() -> Self {
        Self(UnsafeCell::new(TaskStateSegment::new()))
    }

    /// The fields, which the kernel writes one by one.
    #[inline]
    pub(crate) const fn fields(&self) -> *mut TaskStateSegment {
        self.0.get()
    }

    /// Its descriptor while it is not in use: type 9 (Intel SDM volume 3A, chapter "Task Management": "TSS
    /// Descriptor"). The bits of [`Access`] mean something else there.
    pub fn descriptor(&'static self) -> Descriptor {
        const FREE_TSS: Access = Access::PRESENT.union(Access::EXECUTABLE).union(Access::ACCESSED);
        Descriptor::new(self.0.get() as u32, BYTES - 1, FREE_TSS, Flags::empty())
    }
}
