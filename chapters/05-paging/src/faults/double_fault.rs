//! The double fault handler, on a stack of its own, so that it can report a stack overflow.
//!
//! When a stack runs into its guard page, the CPU cannot push the trap frame of the page fault onto that stack. This is
//! a second fault, for which the CPU has to push again. If that fails too, it resets the machine without any message.
//! So this vector goes through a task gate: the CPU saves its registers in one task state segment (TSS), and loads
//! them, ESP included, from another (Intel SDM volume 3A, chapter "Task Management": "Task Switching").
//!
//! ```text
//!   IDT[8]: task gate --> GDT[4]: the TSS of this handler    EIP, ESP, CR3 with which it begins
//!                                 back link --> the TSS that was in use    EIP, ESP, ... as they were
//! ```
//! The handler finds the interrupted TSS by the back link alone, because a later chapter may load a TSS of its own.
//!
//! The handler's stack has a guard page as well. There is no third stack: if this one overflows, the machine resets,
//! but no variable is overwritten.

#![cfg(target_os = "none")]

use crate::faults::regions;
use crate::faults::tss;
use crate::frames::page::Frame;
use boot::stop::{self, Trace};
use common::{VirtAddr, image};
use interrupts::gate::{Gate, Kind};
use segments::gdt::{self, CODE, DATA};
use x86::Ring;
use x86::bits32::task::TaskStateSegment;
use x86::controlregs::cr2;
use x86::segmentation::SegmentSelector;

const DOUBLE_FAULT: u8 = 8;

// ANCHOR: init
/// Installs the double fault handler, which runs in the address space of `directory`.
///
/// # Safety
/// As for [`set_page_directory`]. It is called once.
pub(crate) unsafe fn init(directory: Frame) {
    // SAFETY: no gate leads to this TSS yet, so the CPU does not use it.
    let tss = unsafe { &mut *tss::DOUBLE_FAULT.fields() };
    tss.eip = handle as *const () as u32;
    tss.esp = image::fault_stack().end.as_u32(); // 8 KiB, eight times what a report takes
    tss.eflags = 1 << 1; // this bit is always set; interrupts are off
    tss.cs = CODE.bits();
    (tss.ss, tss.ds, tss.es, tss.fs, tss.gs) = (DATA.bits(), DATA.bits(), DATA.bits(), DATA.bits(), DATA.bits());
    // SAFETY: the caller guarantees it.
    unsafe { set_page_directory(directory) };
    let gate = Gate::new(Kind::Task, tss::DOUBLE_FAULT_SELECTOR.bits(), VirtAddr::new(0), Ring::Ring0);
    // SAFETY: the selector names the handler's TSS, which is filled in above.
    unsafe { interrupts::idt::set_gate(DOUBLE_FAULT, gate) };
}

/// Makes the handler run in the address space of `directory` from now on.
///
/// # Safety
/// The address space maps the kernel for as long as the handler may run in it.
#[inline]
pub unsafe fn set_page_directory(directory: Frame) {
    // SAFETY: a single write of a field that the CPU reads only when a double fault occurs.
    unsafe { (&raw mut (*tss::DOUBLE_FAULT.fields()).cr3).write_unaligned(directory.address().as_u32()) };
}
// ANCHOR_END: init

// ANCHOR: handle
/// The handler. The TSS that the CPU left is all that it has of the interrupted code.
extern "C" fn handle() -> ! {
    let tss = interrupted();
    // SAFETY: reading CR2 changes nothing.
    let address = VirtAddr::new(unsafe { cr2() } as u32);
    let (esp, ebp, eip) = (tss.esp, tss.ebp, tss.eip);
    let trace = Trace { eip: Some(VirtAddr::new(eip)), esp: VirtAddr::new(esp), ebp: VirtAddr::new(ebp) };
    let place = regions::locate(address);
    // CR2 may be left from an older page fault. It is the cause only if the stack ends there.
    let at_end_of_stack = (1..=crate::PAGE_BYTES).contains(&esp.wrapping_sub(address.as_u32()));
    if place.is_guard_page() && at_end_of_stack {
        let words =
            format_args!("stack overflow: {} ran into its guard page at {address}\n  ESP {esp:#010x}", place.name());
        stop::report("EXCEPTION", words, &trace)
    } else {
        let words = "double fault (vector 8): the CPU could not enter the handler of an exception";
        let last = format_args!("the last page fault, if there was one, was at {address} in {place}");
        stop::report("EXCEPTION", format_args!("{words}\n  ESP {esp:#010x}; {last}"), &trace)
    }
}

/// The TSS in which the CPU saved the interrupted registers.
fn interrupted() -> TaskStateSegment {
    // SAFETY: only the CPU writes this field, when it enters the handler.
    let link = unsafe { (&raw const (*tss::DOUBLE_FAULT.fields()).link).read_unaligned() };
    let descriptor = gdt::loaded()[usize::from(SegmentSelector::from_raw(link).index())].read();
    // SAFETY: the task register named it, so a TSS lies there. The handler does not return, so the CPU is done with it.
    unsafe { (descriptor.base() as *const TaskStateSegment).read() }
}
// ANCHOR_END: handle
