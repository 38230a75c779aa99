//! A double fault, on a stack of its own: how a stack overflow comes to be told at all.
//!
//! A full stack cannot take the frame of the page fault that its guard page causes. That is a second
//! fault, for which the CPU needs a stack again; and if that fails too, it resets the machine without a
//! word. So this vector goes through a task gate: the CPU saves all registers in one task state segment
//! (TSS) and loads all of them, ESP included, from another (Intel SDM volume 3, 7.2 and 7.3).
//!
//! ```text
//!   IDT[8]: task gate --> GDT[4]: TSS of this handler     EIP, ESP, CR3 to begin with
//!              TR      --> GDT[3]: TSS of everything else  EIP, ESP, ... as they were
//! ```

use crate::page::Frame;
use crate::regions;
use boot::stop::{self, Trace};
use common::VirtAddr;
use core::cell::UnsafeCell;
use core::sync::atomic::AtomicU32;
use interrupts::gate::{Gate, Kind};
use lazy_static::lazy_static;
use segments::GdtEntry;
use segments::descriptor::{Access, Descriptor, Flags};
use segments::gdt::{self, CODE, DATA};
use x86::Ring;
use x86::bits32::task::TaskStateSegment;
use x86::controlregs::cr2;
use x86::segmentation::SegmentSelector;
use x86::task::load_tr;

const DOUBLE_FAULT: u8 = 8;
const EVERYTHING_ELSE: SegmentSelector = SegmentSelector::new(3, Ring::Ring0);
const HANDLER: SegmentSelector = SegmentSelector::new(4, Ring::Ring0);

/// The CPU's manual has 104 bytes for a TSS.
const TSS_BYTES: u32 = size_of::<TaskStateSegment>() as u32;
const _: () = assert!(TSS_BYTES == 104);

// ANCHOR: tss
/// A TSS. The CPU reads and writes it by itself; the kernel writes single fields, before or between.
#[repr(align(128))]
struct Tss(UnsafeCell<TaskStateSegment>);

// SAFETY: each access is a single write, or happens in the handler, when nothing else runs any more.
unsafe impl Sync for Tss {}

static OF_EVERYTHING_ELSE: Tss = Tss(UnsafeCell::new(TaskStateSegment::new()));
static OF_HANDLER: Tss = Tss(UnsafeCell::new(TaskStateSegment::new()));
/// The handler's stack: 8 KiB, eight times what the report of a stop takes.
static STACK: [AtomicU32; 2048] = [const { AtomicU32::new(0) }; 2048];
// ANCHOR_END: tss

lazy_static! {
    /// The GDT with both task state segments. The CPU marks the one in use as busy, in the table.
    static ref GDT: [GdtEntry; 5] = gdt::extended(&[descriptor(&OF_EVERYTHING_ELSE), descriptor(&OF_HANDLER)]);
}

// ANCHOR: init
/// Prepares for double faults; the handler runs in the address space of `directory`.
pub fn init(directory: Frame) {
    // SAFETY: nothing has set a gate to this TSS yet, so the CPU does not use it.
    let tss = unsafe { &mut *OF_HANDLER.0.get() };
    tss.eip = handle as *const () as u32;
    tss.esp = STACK.as_ptr_range().end as u32;
    tss.eflags = 1 << 1; // a bit that is always set: interrupts are off
    tss.cs = CODE.bits();
    (tss.ss, tss.ds, tss.es, tss.fs, tss.gs) = (DATA.bits(), DATA.bits(), DATA.bits(), DATA.bits(), DATA.bits());
    tss.iobp_offset = TSS_BYTES as u16; // no map of permitted ports
    // SAFETY: it is the kernel's own.
    unsafe { set_page_directory(directory) };
    gdt::load(&*GDT).expect("it extends the loaded table");
    // SAFETY: the entry is a TSS that nobody uses yet.
    unsafe { load_tr(EVERYTHING_ELSE) };
    let gate = Gate::new(Kind::Task, HANDLER.bits(), VirtAddr::new(0), Ring::Ring0);
    // SAFETY: the selector names the TSS of the handler, which has been filled in above.
    unsafe { interrupts::idt::set_gate(DOUBLE_FAULT, gate) };
}
// ANCHOR_END: init

/// Lets the handler run in the address space of `directory` from now on.
///
/// # Safety
/// The address space maps the kernel, for as long as the handler is to run in it.
#[inline]
pub unsafe fn set_page_directory(directory: Frame) {
    // SAFETY: a single write of a field that the CPU reads only when a double fault occurs.
    unsafe { (&raw mut (*OF_HANDLER.0.get()).cr3).write_unaligned(directory.address().as_u32()) };
}

// ANCHOR: handle
/// Where a double fault goes on, with nothing of what it interrupted but the other TSS.
extern "C" fn handle() -> ! {
    // SAFETY: the CPU has left that TSS, and will not use it again: this function does not return.
    let tss = unsafe { *OF_EVERYTHING_ELSE.0.get() };
    // SAFETY: reading CR2 changes nothing.
    let address = VirtAddr::new(unsafe { cr2() } as u32);
    let (esp, ebp, eip) = (tss.esp, tss.ebp, tss.eip);
    let trace = Trace { eip: Some(VirtAddr::new(eip)), esp: VirtAddr::new(esp), ebp: VirtAddr::new(ebp) };
    let place = regions::locate(address);
    // CR2 is of the last page fault, which may be an old one: only if the stack ends there is it the cause.
    let at_end_of_stack = (1..=crate::PAGE_BYTES).contains(&esp.wrapping_sub(address.as_u32()));
    if place.is_guard_page() && at_end_of_stack {
        let words =
            format_args!("stack overflow: {} ran into its guard page at {address}\n  ESP {esp:#010x}", place.name());
        stop::report("EXCEPTION", words, &trace)
    } else {
        let words = "double fault (vector 8): the handler of an exception could not be entered";
        let last = format_args!("the last page fault, if there was one, was at {address} in {place}");
        stop::report("EXCEPTION", format_args!("{words}\n  ESP {esp:#010x}; {last}"), &trace)
    }
}
// ANCHOR_END: handle

/// The descriptor of a TSS that is free: type 9 (Intel SDM volume 3, 7.2.2), all other bits of
/// [`Access`] have another meaning for it.
fn descriptor(tss: &'static Tss) -> Descriptor {
    const FREE_TSS: Access = Access::PRESENT.union(Access::EXECUTABLE).union(Access::ACCESSED);
    Descriptor::new(tss.0.get() as u32, TSS_BYTES - 1, FREE_TSS, Flags::empty())
}
