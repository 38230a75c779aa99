//! Each exception ends the kernel with its own name.
//!
//! The CPU raises the exception where QEMU's CPU can. For the other vectors the test imitates the CPU.

use common::VirtAddr;
use core::arch::asm;
use harness::{End, Test};
use interrupts::gate::{Gate, Kind};
use interrupts::idt;
use segments::descriptor::{Access, Descriptor, Flags};
use segments::gdt::CODE;
use segments::{GdtEntry, gdt};
use spin::Once;
use x86::Ring;
use x86::controlregs::{Cr0, Cr4, cr0, cr0_write, cr3_write, cr4, cr4_write};

/// A test of this name that must end with this report.
const fn called(name: &'static str, run: fn(), report: &'static str) -> Test {
    Test::new(name, run).ends(End::Stop(report))
}

pub const DEBUG: Test = called("a_single_step_is_called_debug", single_step, "EXCEPTION: debug (vector 1)\n");
pub const NON_MASKABLE: Test =
    called("vector_2_is_called_non_maskable_interrupt", deliver::<2>, "EXCEPTION: non-maskable interrupt (vector 2)\n");
pub const BREAKPOINT: Test =
    called("a_breakpoint_is_called_breakpoint", breakpoint, "EXCEPTION: breakpoint (vector 3)\n");
pub const OVERFLOW: Test = called("an_overflow_is_called_overflow", overflow, "EXCEPTION: overflow (vector 4)\n");
pub const BOUND: Test =
    called("an_index_out_of_bounds_is_called_so", index_out_of_bounds, "EXCEPTION: bound range exceeded (vector 5)\n");
pub const NO_DEVICE: Test =
    called("a_busy_fpu_is_called_not_available", busy_fpu, "EXCEPTION: device not available (vector 7)\n");
pub const DOUBLE_FAULT: Test =
    called("a_double_fault_is_called_so", double_fault, "EXCEPTION: double fault (vector 8), error code 0x0000\n");
pub const COPROCESSOR: Test = called(
    "vector_9_is_called_coprocessor_segment_overrun",
    deliver::<9>,
    "EXCEPTION: coprocessor segment overrun (vector 9)\n",
);
pub const INVALID_TSS: Test = called(
    "a_tss_that_is_too_short_is_called_invalid",
    invalid_tss,
    "EXCEPTION: invalid TSS (vector 10), error code 0x0018: entry 3 of the GDT\n",
);
pub const STACK_SEGMENT: Test = called(
    "a_stack_segment_that_is_not_present_is_called_so",
    absent_stack_segment,
    "EXCEPTION: stack-segment fault (vector 12), error code 0x0018: entry 3 of the GDT\n",
);
pub const PAGE_FAULT: Test = called(
    "a_page_fault_is_called_so",
    page_fault,
    "EXCEPTION: page fault (vector 14), error code 0x0002: a write of a page that is not present\n",
);
pub const RESERVED: Test = called("vector_15_is_called_reserved", deliver::<15>, "EXCEPTION: reserved (vector 15)\n");
pub const X87: Test = called(
    "a_division_by_the_fpu_is_called_x87_error",
    divide_by_zero_in_the_fpu,
    "EXCEPTION: x87 floating-point error (vector 16)\n",
);
pub const ALIGNMENT: Test = called(
    "vector_17_is_called_alignment_check",
    deliver::<17>,
    "EXCEPTION: alignment check (vector 17), error code 0x00e0\n",
);
pub const MACHINE_CHECK: Test =
    called("vector_18_is_called_machine_check", deliver::<18>, "EXCEPTION: machine check (vector 18)\n");
pub const SIMD: Test =
    called("vector_19_is_called_simd_error", deliver::<19>, "EXCEPTION: SIMD floating-point error (vector 19)\n");
pub const VIRTUALIZATION: Test = called(
    "vector_20_is_called_virtualization_exception",
    deliver::<20>,
    "EXCEPTION: virtualization exception (vector 20)\n",
);
pub const CONTROL: Test = called(
    "vector_21_is_called_control_protection",
    deliver::<21>,
    "EXCEPTION: control protection exception (vector 21), error code 0x00e0\n",
);
pub const HYPERVISOR: Test = called(
    "vector_28_is_called_hypervisor_injection",
    deliver::<28>,
    "EXCEPTION: hypervisor injection exception (vector 28)\n",
);
pub const VMM: Test = called(
    "vector_29_is_called_vmm_communication",
    deliver::<29>,
    "EXCEPTION: VMM communication exception (vector 29), error code 0x00e0\n",
);
pub const SECURITY: Test = called(
    "vector_30_is_called_security_exception",
    deliver::<30>,
    "EXCEPTION: security exception (vector 30), error code 0x00e0\n",
);

/// Enters the stub of `VECTOR` with the words on the stack that the CPU would push.
fn deliver<const VECTOR: u8>() {
    let error_code = if [17, 21, 29, 30].contains(&VECTOR) { 0xE0 } else { 0 };
    let handler = idt::gate(VECTOR).handler().as_u32();
    // SAFETY: the handler ends the kernel.
    unsafe { asm!("call deliver", in("eax") handler, in("edx") error_code) };
}

fn single_step() {
    // SAFETY: the trap's handler ends the kernel.
    unsafe { asm!("pushfd", "or dword ptr [esp], 0x100", "popfd", "nop") };
}

fn breakpoint() {
    // SAFETY: its handler ends the kernel.
    unsafe { asm!("int3") };
}

fn overflow() {
    // SAFETY: its handler ends the kernel.
    unsafe { asm!("add {:l}, 1", "into", inout(reg_abcd) 0x7F => _) };
}

fn index_out_of_bounds() {
    let bounds = [0, 9];
    // SAFETY: its handler ends the kernel.
    unsafe { asm!("bound {:e}, [{}]", in(reg) 10, in(reg) &bounds) };
}

fn busy_fpu() {
    // SAFETY: the flag says that the FPU's registers belong to another task. It only makes FPU instructions fault.
    unsafe { cr0_write(cr0() | Cr0::CR0_TASK_SWITCHED) };
    // SAFETY: the handler ends the kernel.
    unsafe { asm!("fninit") };
}

fn double_fault() {
    let nowhere = Gate::new(Kind::Interrupt, 0x38, VirtAddr::new(0), Ring::Ring0);
    // SAFETY: the selector names no segment, so the CPU does not pass through these gates.
    [6, 13].into_iter().for_each(|vector| unsafe { idt::set_gate(vector, nowhere) });
    // SAFETY: the CPU can deliver neither the fault nor the fault caused by its gate, and the handler of the double fault
    // ends the kernel.
    unsafe { asm!("ud2") };
}

/// Makes `descriptor` entry 3 of the GDT.
fn extend(descriptor: Descriptor) {
    static TABLE: Once<[GdtEntry; 4]> = Once::new();
    gdt::load(TABLE.call_once(|| gdt::extended(&[descriptor]))).expect("it must extend the loaded table");
}

fn invalid_tss() {
    const TSS: Access = Access::PRESENT.union(Access::from_bits_retain(9));
    extend(Descriptor::new(CODE.bits().into(), 10, TSS, Flags::empty()));
    // SAFETY: the CPU refuses to switch, and the handler ends the kernel.
    unsafe { asm!(".byte 0xEA", ".long 0", ".short 0x18") };
}

fn absent_stack_segment() {
    extend(Descriptor::new(0, 0xFFFF, Access::CODE_OR_DATA | Access::READ_WRITE, Flags::BITS_32));
    // SAFETY: the CPU refuses to load it, and the handler ends the kernel.
    unsafe { asm!("mov ss, {:x}", in(reg) 0x18) };
}

fn page_fault() {
    #[repr(align(4096))]
    struct Directory([u32; 1024]);
    /// An identity map of the first 4 MiB and no other page: one entry, present, writable, large.
    static DIRECTORY: Directory = {
        let mut entries = [0; 1024];
        entries[0] = 0x83;
        Directory(entries)
    };
    // SAFETY: all memory that the kernel uses lies in the first 4 MiB, which are mapped to themselves.
    unsafe {
        cr4_write(cr4() | Cr4::CR4_ENABLE_PSE);
        cr3_write(DIRECTORY.0.as_ptr().addr() as u64);
        cr0_write(cr0() | Cr0::CR0_ENABLE_PAGING);
    }
    // SAFETY: its handler ends the kernel.
    unsafe { (0x5000_0000 as *mut u32).write_volatile(0) };
}

fn divide_by_zero_in_the_fpu() {
    /// No exception is masked.
    static CONTROL: u16 = 0x0340;
    // SAFETY: no compiled code here uses the FPU. With these bits, its errors raise vector 16.
    unsafe { cr0_write((cr0() | Cr0::CR0_NUMERIC_ERROR) & !(Cr0::CR0_TASK_SWITCHED | Cr0::CR0_EMULATE_COPROCESSOR)) };
    // SAFETY: the handler ends the kernel.
    unsafe { asm!("fninit", "fldcw [{}]", "fld1", "fldz", "fdivp st(1), st", "fwait", in(reg) &raw const CONTROL) };
}
