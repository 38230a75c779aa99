//! The tests of chapter 4's kernel: what interrupts leave unchanged, and which report an exception ends with.

#![no_std]
#![no_main]

#[path = "kernel/names.rs"]
mod names;

use common::VirtAddr;
use common::lock::{interrupts_off, let_interrupts_in, with_interrupts_in};
use core::arch::{asm, global_asm};
use core::sync::atomic::{AtomicU32, Ordering::Relaxed};
use harness::{End, Test, test};
use interrupts::exceptions::BREAKPOINT;
use interrupts::gate::{Gate, Kind};
use interrupts::{TrapFrame, UserTrapFrame, idt};
use segments::descriptor::{Access, Descriptor, Flags};
use segments::gdt::{CODE, DATA};
use segments::{GdtEntry, gdt};
use spin::Once;
use x86::Ring;
use x86::bits32::eflags::{self, EFlags};
use x86::bits32::task::TaskStateSegment;
use x86::io::{inb, outb};
use x86::segmentation::{SegmentSelector, load_fs, load_gs};

harness::boot!(TESTS, up to interrupts);

const TESTS: &[Test] = &[
    test!(a_breakpoint_returns),
    test!(a_handler_may_change_the_registers),
    test!(every_register_flag_and_segment_survives),
    test!(compiled_handlers_find_the_direction_flag_clear),
    test!(handlers_run_with_interrupts_off_and_iret_restores_them),
    test!(an_interrupt_during_a_handler_waits_until_the_interrupted_code_lets_it_in),
    test!(every_vector_reaches_its_own_stub_with_its_own_error_code),
    test!(interrupts_nest),
    test!(esp_in_the_frame_is_the_interrupted_one),
    test!(a_handler_can_be_restored),
    test!(a_vector_without_a_handler_can_be_restored).ends(End::Stop("EXCEPTION: interrupt 0x80 has no handler")),
    test!(setting_up_again_changes_nothing),
    test!(a_breakpoint_in_ring_3_reports_and_changes_its_stack),
    test!(ring_3_can_use_only_the_gate_opened_to_it),
    test!(an_exception_in_ring_3_stops_with_its_own_registers).ends(End::Stop(
        "ESP 0x50000000\n  EFLAGS 0x00000002  CS 0x001b  DS 0x0023  ES 0x0023  FS 0x0023  GS 0x0023\n  SS 0x0023  EIP ",
    )),
    test!(a_division_by_zero_stops_with_its_name)
        .ends(End::Stop("EXCEPTION: divide error (vector 0)\n  EAX 0x00000007"))
        .told(&["in `kernel::a_division_by_zero_stops_with_its_name`"]),
    test!(a_division_by_zero_in_rust_is_a_panic)
        .ends(End::Stop("PANIC: attempt to divide by zero, at chapters/04-interrupts/tests/kernel.rs"))
        .told(&["in `kernel::a_division_by_zero_in_rust_is_a_panic`"]),
    test!(an_invalid_opcode_stops_with_its_name)
        .ends(End::Stop("EXCEPTION: invalid opcode (vector 6)\n  EAX"))
        .told(&["in `kernel::an_invalid_opcode_stops_with_its_name`"]),
    test!(a_bad_selector_stops_with_its_error_code)
        .ends(End::Stop("EXCEPTION: general protection fault (vector 13), error code 0x0100: entry 32 of the GDT"))
        .told(&["in `kernel::a_bad_selector_stops_with_its_error_code`"]),
    test!(a_fault_caused_by_no_segment_says_so)
        .ends(End::Stop("EXCEPTION: general protection fault (vector 13), error code 0: not caused by a segment")),
    test!(a_missing_gate_is_blamed_on_the_idt)
        .ends(End::Stop("EXCEPTION: segment not present (vector 11), error code 0x0202: entry 64 of the IDT\n  EAX")),
    test!(an_error_code_names_the_ldt_and_a_device).ends(End::Stop(
        "EXCEPTION: segment not present (vector 11), error code 0x0105: entry 32 of the LDT, while delivering an external interrupt\n",
    )),
    test!(an_interrupt_without_a_handler_stops).ends(End::Stop("EXCEPTION: interrupt 0x80 has no handler")),
    test!(an_exception_while_printing_is_reported).ends(End::Stop("EXCEPTION: invalid opcode (vector 6)")),
    test!(an_exception_inside_a_handler_stops_with_its_name)
        .ends(End::Stop("EXCEPTION: general protection fault (vector 13), error code 0x0108: entry 33 of the GDT"))
        .told(&["in `kernel::an_exception_inside_a_handler_stops_with_its_name::fail`"]),
    test!(an_exception_while_an_exception_is_reported_ends_the_run)
        .ends(End::Stop("EXCEPTION: \n(stopped again while reporting that: invalid opcode (vector 6)\n  EAX"))
        .told(&["in `<kernel::Faulty as core::fmt::Display>::fmt`"]),
    test!(a_handler_may_let_interrupts_in_for_a_while),
    test!(a_handler_that_lets_interrupts_in_with_a_guard_is_a_bug)
        .ends(End::Stop("PANIC: cannot turn interrupts on: a guard keeps them off")),
    names::DEBUG,
    names::NON_MASKABLE,
    names::BREAKPOINT,
    names::OVERFLOW,
    names::BOUND,
    names::NO_DEVICE,
    names::DOUBLE_FAULT,
    names::COPROCESSOR,
    names::INVALID_TSS,
    names::STACK_SEGMENT,
    names::PAGE_FAULT,
    names::RESERVED,
    names::X87,
    names::ALIGNMENT,
    names::MACHINE_CHECK,
    names::SIMD,
    names::VIRTUALIZATION,
    names::CONTROL,
    names::HYPERVISOR,
    names::VMM,
    names::SECURITY,
];

/// Registers `handler` for `vector`, and returns the previous one.
fn register(vector: u8, handler: idt::Handler) -> idt::Handler {
    // SAFETY:
    // 1. Where a handler of these tests changes a register, the interrupted `asm!` expects it.
    // 2. A device interrupts in one test only, once, so its interrupt need not be ended.
    unsafe { interrupts::register(vector, handler) }
}

extern "C" fn do_nothing(_: &mut TrapFrame) {}

fn a_breakpoint_returns() {
    register(BREAKPOINT, do_nothing);
    // SAFETY: the handler does nothing.
    unsafe { asm!("int3") };
}

fn a_handler_may_change_the_registers() {
    extern "C" fn change(frame: &mut TrapFrame) {
        (frame.eax, frame.ecx, frame.edx, frame.edi) = (1, 2, 3, 4);
    }
    register(BREAKPOINT, change);
    let (eax, ecx, edx, edi): (u32, u32, u32, u32);
    // SAFETY: the handler changes the registers named here.
    unsafe { asm!("int3", out("eax") eax, out("ecx") ecx, out("edx") edx, out("edi") edi) };
    assert_eq!([eax, ecx, edx, edi], [1, 2, 3, 4]);
}

// Fills every register with a value of its own, is interrupted, and stores the values afterwards.
//
// The words at `before` and `after`, in order: EAX EBX ECX EDX ESI EDI EBP EFLAGS DS ES FS GS. At `after`, ESP before
// and after the interrupt follow.
global_asm!(
    ".global survive",
    "survive:",
    "pusha",
    "mov esi, offset {before}",
    "mov ds, [esi + 32]",
    "mov es, [esi + 36]",
    "mov fs, [esi + 40]",
    "mov gs, [esi + 44]",
    "push dword ptr [esi + 28]",
    "popfd",
    "mov eax, [esi]",
    "mov ebx, [esi + 4]",
    "mov ecx, [esi + 8]",
    "mov edx, [esi + 12]",
    "mov edi, [esi + 20]",
    "mov ebp, [esi + 24]",
    "mov [{after} + 48], esp",
    "mov esi, [esi + 16]",
    "int3",
    "mov [{after} + 52], esp",
    "mov [{after}], eax",
    "mov [{after} + 4], ebx",
    "mov [{after} + 8], ecx",
    "mov [{after} + 12], edx",
    "mov [{after} + 16], esi",
    "mov [{after} + 20], edi",
    "mov [{after} + 24], ebp",
    "pushfd",
    "pop dword ptr [{after} + 28]",
    "mov [{after} + 32], ds",
    "mov [{after} + 36], es",
    "mov [{after} + 40], fs",
    "mov [{after} + 44], gs",
    "mov ecx, 0x10",
    "mov ds, ecx",
    "mov es, ecx",
    "mov fs, ecx",
    "mov gs, ecx",
    "cld",
    "popa",
    "ret",
    before = sym BEFORE,
    after = sym AFTER,
);

const CARRY_PARITY_ZERO_SIGN_DIRECTION_OVERFLOW: u32 = 0x0CC7;

// All values differ. The last four are selectors of four more entries, all flat data segments.
static BEFORE: [AtomicU32; 12] = [
    AtomicU32::new(0xA1A2_A3A4),
    AtomicU32::new(0xB1B2_B3B4),
    AtomicU32::new(0xC1C2_C3C4),
    AtomicU32::new(0xD1D2_D3D4),
    AtomicU32::new(0xE1E2_E3E4),
    AtomicU32::new(0xF1F2_F3F4),
    AtomicU32::new(0x1112_1314),
    AtomicU32::new(CARRY_PARITY_ZERO_SIGN_DIRECTION_OVERFLOW),
    AtomicU32::new(0x18),
    AtomicU32::new(0x20),
    AtomicU32::new(0x28),
    AtomicU32::new(0x30),
];
static AFTER: [AtomicU32; 14] = [const { AtomicU32::new(0) }; 14];

fn every_register_flag_and_segment_survives() {
    static TABLE: Once<[GdtEntry; 7]> = Once::new();
    unsafe extern "C" {
        fn survive();
    }
    /// Overwrites every register, segment registers included.
    extern "C" fn trample(_: &mut TrapFrame) {
        // SAFETY: EBX, ESI and EBP are restored, as compiled code expects; all segments are flat.
        unsafe {
            asm!(
                "push ebx", "push esi", "push ebp",
                "mov ebx, 1", "mov esi, 2", "mov ebp, 3",
                "mov eax, 0x10", "mov ds, eax", "mov es, eax", "mov fs, eax", "mov gs, eax",
                "pop ebp", "pop esi", "pop ebx",
                out("eax") _, out("ecx") _, out("edx") _, out("edi") _,
            );
        }
    }
    gdt::load(TABLE.call_once(|| gdt::extended(&[Descriptor::FLAT_DATA; 4]))).expect("it must extend the loaded table");
    register(BREAKPOINT, trample);
    // SAFETY: `survive` saves and restores all registers.
    unsafe { survive() };
    let after = AFTER.each_ref().map(|word| word.load(Relaxed));
    let before = BEFORE.each_ref().map(|word| word.load(Relaxed));
    assert_eq!(before[..7], after[..7], "the general registers, in the order EAX EBX ECX EDX ESI EDI EBP");
    assert_eq!(before[7], after[7] & CARRY_PARITY_ZERO_SIGN_DIRECTION_OVERFLOW, "EFLAGS");
    assert_eq!(before[8..], after[8..12].iter().map(|word| word & 0xFFFF).collect_array(), "DS ES FS GS");
    assert_eq!(after[12], after[13], "ESP");
}

/// Four words as an array, because there is no heap yet.
trait CollectArray {
    fn collect_array(self) -> [u32; 4];
}

impl<I: Iterator<Item = u32>> CollectArray for I {
    fn collect_array(mut self) -> [u32; 4] {
        core::array::from_fn(|_| self.next().expect("four words"))
    }
}

fn compiled_handlers_find_the_direction_flag_clear() {
    extern "C" fn check(_: &mut TrapFrame) {
        // SAFETY: reading EFLAGS changes nothing.
        assert!(!unsafe { eflags::read() }.contains(EFlags::FLAGS_DF));
    }
    register(BREAKPOINT, check);
    // SAFETY: the flag is clear again before compiled code continues.
    unsafe { asm!("std", "int3", "cld") };
}

fn handlers_run_with_interrupts_off_and_iret_restores_them() {
    extern "C" fn check(_: &mut TrapFrame) {
        // SAFETY: reading EFLAGS changes nothing.
        assert!(!unsafe { eflags::read() }.contains(EFlags::FLAGS_IF), "the gate turns interrupts off");
    }
    register(BREAKPOINT, check);
    let flags: u32;
    // SAFETY: all lines of the interrupt controllers are masked here, so nothing can arrive.
    unsafe {
        outb(0x21, 0xFF);
        outb(0xA1, 0xFF);
        asm!("sti", "int3", "pushfd", "pop {}", "cli", out(reg) flags);
    }
    assert!(EFlags::from_bits_truncate(flags).contains(EFlags::FLAGS_IF), "iret brings the flag back");
}

fn an_interrupt_during_a_handler_waits_until_the_interrupted_code_lets_it_in() {
    /// The vector to which the BIOS has assigned the line of the real-time clock.
    const CLOCK: u8 = 0x70;
    static CAME: AtomicU32 = AtomicU32::new(0);
    extern "C" fn count(_: &mut TrapFrame) {
        // Without an EOI, the controllers do not deliver this interrupt again.
        CAME.fetch_add(1, Relaxed);
    }
    extern "C" fn wait_for_clock(_: &mut TrapFrame) {
        // SAFETY: reading the second controller's requests changes nothing.
        while unsafe { inb(0xA0) } & 1 == 0 {}
    }
    register(CLOCK, count);
    register(BREAKPOINT, wait_for_clock);
    // SAFETY:
    // 1. All lines are masked except the clock's and the one that connects the second controller to the first.
    // 2. The values written to the clock let it interrupt 1024 times per second, and do not change the time.
    // 3. The handlers change no register.
    unsafe {
        outb(0x21, !(1 << 2));
        outb(0xA1, !(1 << 0));
        for (register, value) in [(0x0A, 0x26), (0x0B, 0x42)] {
            outb(0x70, register);
            outb(0x71, value);
        }
        // Reading register C confirms an earlier interrupt. Without that, the clock raises no new one.
        outb(0x70, 0x0C);
        inb(0x71);
        outb(0xA0, 0x0A);
        asm!("int3");
    }
    assert_eq!(CAME.load(Relaxed), 0, "interrupts are off here, and so they are in the stub");
    // SAFETY: only the clock can interrupt here, and its handler changes no register.
    unsafe { asm!("sti", "nop", "cli") };
    assert_eq!(CAME.load(Relaxed), 1);
}

// Imitates the CPU's part of an interrupt, with an error code (EDX nonzero) or without: pushes the words and jumps to
// the stub at EAX. The `call` in it pushes the address of the `ret`.
global_asm!(
    ".global deliver",
    "deliver:",
    "pushfd",
    "push 0x08",
    "call 7f",
    "6: ret",
    "7: test edx, edx",
    "jz 8f",
    "push edx",
    "8: jmp eax",
);

fn every_vector_reaches_its_own_stub_with_its_own_error_code() {
    static SEEN: [AtomicU32; 3] = [const { AtomicU32::new(0) }; 3];
    extern "C" fn look(frame: &mut TrapFrame) {
        for (seen, found) in SEEN.iter().zip([frame.vector, frame.error_code, frame.cs().into()]) {
            seen.store(found, Relaxed);
        }
    }
    let with_error_code = [8, 10, 11, 12, 13, 14, 17, 21, 29, 30];
    for vector in 0..=255u8 {
        register(vector, look);
        let error_code = if with_error_code.contains(&vector) { 0xE0_0000 + u32::from(vector) } else { 0 };
        let handler = idt::gate(vector).handler();
        // SAFETY: the stub restores all registers and returns to the `ret`.
        unsafe { asm!("call deliver", in("eax") handler.as_u32(), in("edx") error_code) };
        let seen = SEEN.each_ref().map(|word| word.load(Relaxed));
        assert_eq!(seen, [u32::from(vector), error_code, 0x08], "vector {vector}");
    }
}

fn interrupts_nest() {
    static DEPTH: AtomicU32 = AtomicU32::new(0);
    extern "C" fn again(frame: &mut TrapFrame) {
        let depth = DEPTH.fetch_add(1, Relaxed) + 1;
        if depth < 10 {
            // SAFETY: the handler changes EAX only.
            unsafe { asm!("int3", inout("eax") 0 => _) };
        }
        frame.eax += depth;
    }
    register(BREAKPOINT, again);
    let eax: u32;
    // SAFETY: the handler changes EAX only.
    unsafe { asm!("int3", inout("eax") 100 => eax) };
    assert_eq!((DEPTH.load(Relaxed), eax), (10, 101));
}

fn esp_in_the_frame_is_the_interrupted_one() {
    static SEEN: AtomicU32 = AtomicU32::new(0);
    extern "C" fn look(frame: &mut TrapFrame) {
        SEEN.store(frame.esp().as_u32(), Relaxed);
    }
    register(BREAKPOINT, look);
    let esp: u32;
    // SAFETY: the handler changes nothing.
    unsafe { asm!("mov {}, esp", "int3", out(reg) esp) };
    assert_eq!(SEEN.load(Relaxed), esp);
}

static CALLS: AtomicU32 = AtomicU32::new(0);

extern "C" fn add_1(_: &mut TrapFrame) {
    CALLS.fetch_add(1, Relaxed);
}

extern "C" fn add_10(_: &mut TrapFrame) {
    CALLS.fetch_add(10, Relaxed);
}

/// How much a call of the breakpoint's handler adds.
fn added_by_a_breakpoint() -> u32 {
    let before = CALLS.load(Relaxed);
    // SAFETY: the handlers of these tests change no register.
    unsafe { asm!("int3") };
    CALLS.load(Relaxed) - before
}

fn a_handler_can_be_restored() {
    register(BREAKPOINT, add_1);
    assert_eq!(added_by_a_breakpoint(), 1);
    let previous = register(BREAKPOINT, add_10);
    assert_eq!(added_by_a_breakpoint(), 10);
    register(BREAKPOINT, previous);
    assert_eq!(added_by_a_breakpoint(), 1);
}

fn a_vector_without_a_handler_can_be_restored() {
    let previous = register(0x80, add_1);
    // SAFETY: the handler changes no register.
    unsafe { asm!("int 0x80") };
    assert_eq!(CALLS.load(Relaxed), 1);
    register(0x80, previous);
    // SAFETY: the handler ends the kernel.
    unsafe { asm!("int 0x80") };
}

fn setting_up_again_changes_nothing() {
    register(BREAKPOINT, add_1);
    let gate = open_to_ring_3(BREAKPOINT);
    interrupts::init();
    assert_eq!(idt::gate(BREAKPOINT), gate);
    assert_eq!(added_by_a_breakpoint(), 1);
}

/// Lets ring 3 use the gate of `vector`.
fn open_to_ring_3(vector: u8) -> Gate {
    let gate = Gate::new(Kind::Interrupt, CODE.bits(), idt::gate(vector).handler(), Ring::Ring3);
    // SAFETY: the new gate leads to the stub of the old one, and the stub handles interrupts from every ring.
    unsafe { idt::set_gate(vector, gate) };
    gate
}

const USER_CODE: SegmentSelector = SegmentSelector::new(3, Ring::Ring3);
const USER_DATA: SegmentSelector = SegmentSelector::new(4, Ring::Ring3);
const TASK: SegmentSelector = SegmentSelector::new(5, Ring::Ring0);

/// The stack pointer of the programs in ring 3. They do not use their stack, so no memory need be there.
const USER_STACK: VirtAddr = VirtAddr::new(0x5000_0000);

// Enters ring 3 through the frame that the argument points to, and returns when a handler calls `leave_ring_3`.
global_asm!(
    ".global enter_ring_3",
    "enter_ring_3:",
    "mov eax, [esp + 4]",
    "pusha",
    "mov [{kernel_esp}], esp",
    "mov ebx, [reasons_for_interrupts_off]",
    "mov esp, eax",
    "jmp interrupt_return",
    ".global leave_ring_3",
    "leave_ring_3:",
    "mov esp, [{kernel_esp}]",
    "popa",
    "sub dword ptr [reasons_for_interrupts_off], 2", // the handler is no reason any more
    "ret",
    kernel_esp = sym KERNEL_ESP,
);

static KERNEL_ESP: AtomicU32 = AtomicU32::new(0);

unsafe extern "C" {
    fn enter_ring_3(frame: *const UserTrapFrame);
    fn leave_ring_3() -> !;
}

/// The kernel's stack for interrupts from ring 3.
static STACK: [AtomicU32; 2048] = [const { AtomicU32::new(0) }; 2048];

/// Runs `code` in ring 3 until a handler calls `leave_ring_3`.
fn run_in_ring_3(code: &'static [u8]) {
    static TABLE: Once<[GdtEntry; 6]> = Once::new();
    static TSS: Once<TaskStateSegment> = Once::new();
    const DATA_ACCESS: Access =
        Access::PRESENT.union(Access::CODE_OR_DATA).union(Access::READ_WRITE).union(Access::RING_3);
    const FREE_TSS: Access = Access::PRESENT.union(Access::EXECUTABLE).union(Access::ACCESSED);
    let tss = TSS.call_once(|| {
        let mut tss = TaskStateSegment::new();
        (tss.ss0, tss.esp0) = (DATA.bits(), STACK.as_ptr_range().end as u32);
        tss
    });
    let flat = |access| Descriptor::new(0, 0xF_FFFF, access, Flags::LIMIT_IN_PAGES | Flags::BITS_32);
    let more = [
        flat(DATA_ACCESS | Access::EXECUTABLE),
        flat(DATA_ACCESS),
        Descriptor::new(
            (&raw const *tss).addr() as u32,
            size_of::<TaskStateSegment>() as u32 - 1,
            FREE_TSS,
            Flags::empty(),
        ),
    ];
    gdt::load(TABLE.call_once(|| gdt::extended(&more))).expect("it must extend the loaded table");
    let mut frame = UserTrapFrame::new(USER_CODE, USER_DATA, VirtAddr::from(code.as_ptr()), USER_STACK);
    assert_eq!(frame.eflags, 0x202, "interrupts are on in a program");
    frame.eflags = 0x2; // but there is no handler for devices here
    // SAFETY:
    // 1. The segment is a task state segment, which no code uses yet.
    // 2. The program touches no memory, and a handler ends it.
    // 3. Compiled code does not use FS and GS.
    unsafe {
        x86::task::load_tr(TASK);
        enter_ring_3(&raw const frame);
        load_fs(DATA);
        load_gs(DATA);
    }
}

const INT3: u8 = 0xCC;
const INT: u8 = 0xCD;

fn a_breakpoint_in_ring_3_reports_and_changes_its_stack() {
    const MOVED: u32 = 0x1230;
    extern "C" fn look(frame: &mut TrapFrame) {
        assert!(frame.is_from_ring_3());
        assert_eq!((frame.cs(), frame.ss()), (USER_CODE.bits(), USER_DATA.bits()));
        match CALLS.fetch_add(1, Relaxed) {
            0 => {
                assert_eq!(frame.esp(), USER_STACK);
                let stack = frame.user_stack().expect("it is from ring 3");
                assert_eq!((stack.esp, stack.ss), (USER_STACK.as_u32(), USER_DATA.bits().into()));
                stack.esp = MOVED;
                frame.ebp = 7;
            }
            _ => {
                assert_eq!((frame.esp(), frame.ebp), (VirtAddr::new(MOVED), 7), "the program went on with these");
                // SAFETY: the program ends here.
                unsafe { leave_ring_3() }
            }
        }
    }
    extern "C" fn look_from_ring_0(frame: &mut TrapFrame) {
        assert_eq!((frame.is_from_ring_3(), frame.cs(), frame.ss()), (false, CODE.bits(), DATA.bits()));
        assert!(frame.user_stack().is_none());
    }
    open_to_ring_3(BREAKPOINT);
    register(BREAKPOINT, look);
    run_in_ring_3(&[INT3, INT3]);
    assert_eq!(CALLS.load(Relaxed), 2);
    register(BREAKPOINT, look_from_ring_0);
    added_by_a_breakpoint();
}

fn ring_3_can_use_only_the_gate_opened_to_it() {
    const GENERAL_PROTECTION: u8 = 13;
    const INT_BYTES: usize = 2;
    /// An `int` for every vector, and an `int3` as the end.
    static PROGRAM: [u8; 256 * INT_BYTES + 1] = {
        let mut code = [INT; 256 * INT_BYTES + 1];
        let mut vector = 0;
        while vector < 256 {
            code[vector * INT_BYTES + 1] = vector as u8;
            vector += 1;
        }
        code[256 * INT_BYTES] = INT3;
        code
    };
    /// The vector of the next `int`.
    static NEXT: AtomicU32 = AtomicU32::new(0);
    extern "C" fn refused(frame: &mut TrapFrame) {
        const OF_THE_IDT: u32 = 2;
        let vector = NEXT.fetch_add(1, Relaxed);
        assert_eq!(frame.error_code, vector << 3 | OF_THE_IDT, "{frame}");
        frame.eip += INT_BYTES as u32;
    }
    extern "C" fn let_through(frame: &mut TrapFrame) {
        assert_eq!(frame.vector, u32::from(BREAKPOINT), "ring 3 came through the gate of this vector");
        if NEXT.load(Relaxed) == 256 {
            // SAFETY: the program ends here.
            unsafe { leave_ring_3() };
        }
        assert_eq!(NEXT.fetch_add(1, Relaxed), frame.vector);
    }
    (0..=255).for_each(|vector| _ = register(vector, let_through));
    register(GENERAL_PROTECTION, refused);
    open_to_ring_3(BREAKPOINT);
    run_in_ring_3(&PROGRAM);
    assert_eq!(NEXT.load(Relaxed), 256);
}

fn an_exception_in_ring_3_stops_with_its_own_registers() {
    open_to_ring_3(BREAKPOINT);
    run_in_ring_3(&[INT3]);
}

fn a_division_by_zero_stops_with_its_name() {
    // SAFETY: not given: it faults, which is the test.
    unsafe { asm!("div {:e}", in(reg) 0, inout("eax") 7 => _, inout("edx") 0 => _) };
}

fn a_division_by_zero_in_rust_is_a_panic() {
    let zero = core::hint::black_box(0);
    core::hint::black_box(7 / zero);
}

fn an_invalid_opcode_stops_with_its_name() {
    // SAFETY: not given: it faults, which is the test.
    unsafe { asm!("ud2") };
}

fn a_bad_selector_stops_with_its_error_code() {
    // SAFETY: not given: there is no entry 32, which is the test.
    unsafe { asm!("mov fs, {:x}", in(reg) 32 * 8) };
}

fn a_fault_caused_by_no_segment_says_so() {
    // SAFETY: not given: a stack needs a segment, and the null selector names none, which is the test.
    unsafe { asm!("mov ss, {:x}", in(reg) 0) };
}

fn a_missing_gate_is_blamed_on_the_idt() {
    // SAFETY: the gate is marked as not present below, before it is used.
    unsafe { idt::set_gate(64, Gate::new(Kind::Interrupt, CODE.bits(), VirtAddr::new(0), Ring::Ring0)) };
    // SAFETY: the gate is marked as not present below, so the CPU refuses to go through it.
    unsafe {
        let mut table = x86::dtables::DescriptorTablePointer::<u64>::default();
        x86::dtables::sidt(&mut table);
        let gate = table.base.add(64).cast_mut();
        gate.write_volatile(gate.read_volatile() & !(1 << 47));
        asm!("int 64");
    }
}

fn an_error_code_names_the_ldt_and_a_device() {
    let handler = idt::gate(11).handler();
    // SAFETY: the handler does not return. QEMU never sets the bit for an external interrupt, so the test sets it.
    unsafe { asm!("call deliver", in("eax") handler.as_u32(), in("edx") 32 << 3 | 0b101) };
}

fn an_interrupt_without_a_handler_stops() {
    // SAFETY: not given: the vector has no handler, which is the test.
    unsafe { asm!("int 0x80") };
}

/// A value that faults while it is formatted.
struct Faulty;

impl core::fmt::Display for Faulty {
    fn fmt(&self, _: &mut core::fmt::Formatter) -> core::fmt::Result {
        // SAFETY: not given: it faults, which is the test.
        unsafe { asm!("ud2", options(noreturn)) }
    }
}

fn an_exception_while_printing_is_reported() {
    screen::println!("while the locks of screen and log are held: {Faulty}");
}

fn an_exception_inside_a_handler_stops_with_its_name() {
    extern "C" fn fail(_: &mut TrapFrame) {
        // SAFETY: not given: there is no entry 33, which is the test.
        unsafe { asm!("mov fs, {:x}", in(reg) 33 * 8) }
    }
    register(BREAKPOINT, fail);
    // SAFETY: the handler does not return.
    unsafe { asm!("int3") };
}

fn an_exception_while_an_exception_is_reported_ends_the_run() {
    extern "C" fn fail(frame: &mut TrapFrame) {
        interrupts::exceptions::report(frame, format_args!("{Faulty}"));
    }
    register(BREAKPOINT, fail);
    // SAFETY: the handler does not return.
    unsafe { asm!("int3") };
}

/// Turns interrupts on, and runs `handler` through a breakpoint.
fn interrupt_with(handler: idt::Handler) {
    register(BREAKPOINT, handler);
    // SAFETY: all lines of the interrupt controllers are masked here, so nothing can arrive.
    unsafe {
        outb(0x21, 0xFF);
        outb(0xA1, 0xFF);
        let_interrupts_in();
        asm!("int3");
    }
}

fn a_handler_may_let_interrupts_in_for_a_while() {
    fn are_on() -> bool {
        // SAFETY: reading EFLAGS changes nothing.
        unsafe { eflags::read() }.contains(EFlags::FLAGS_IF)
    }
    extern "C" fn let_in(_: &mut TrapFrame) {
        assert!(!are_on());
        // SAFETY: the caller is the handler, and the code that it has interrupted had interrupts on.
        unsafe { with_interrupts_in(|| assert!(are_on())) };
        assert!(!are_on());
    }
    interrupt_with(let_in);
    assert!(are_on());
}

fn a_handler_that_lets_interrupts_in_with_a_guard_is_a_bug() {
    extern "C" fn hold_a_guard(_: &mut TrapFrame) {
        let _off = interrupts_off();
        // SAFETY: not given: a guard is held, which is the test.
        unsafe { with_interrupts_in(|| ()) };
    }
    interrupt_with(hold_a_guard);
}
