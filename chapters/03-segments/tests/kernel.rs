//! The tests of chapter 3's kernel: which table the CPU uses, and which changes to it are refused.

#![no_std]
#![no_main]

use boot::{information, serial};
use common::lock::{interrupts_off, let_interrupts_in};
use common::{VirtAddr, image};
use core::arch::{asm, global_asm};
use core::mem;
use core::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use harness::{End, Test, test};
use segments::GdtEntry;
use segments::descriptor::{Access, Descriptor, Flags};
use segments::gdt::{self, CODE, DATA, ReplaceError, TableError};
use spin::Once;
use x86::Ring;
use x86::bits32::eflags::EFlags;
use x86::bits32::task::TaskStateSegment;
use x86::dtables::{DescriptorTablePointer, lidt};
use x86::io;
use x86::segmentation::{self, SegmentSelector, load_fs};
use x86::task::load_tr;

harness::boot!(TESTS, handover => {
    serial::init();
    let boot = handover.information();
    if information::command_line(&boot).contains("the_table_is_not_known_before_init") {
        gdt::loaded();
    }
    boot
}, up to segments);

const TESTS: &[Test] = &[
    test!(the_cpu_uses_our_table),
    test!(every_segment_register_refers_to_our_table),
    test!(every_segment_is_flat),
    test!(there_is_no_local_table),
    test!(a_larger_table_can_take_its_place),
    test!(a_copy_keeps_what_the_cpu_has_marked),
    test!(a_table_without_the_flat_segments_is_rejected),
    test!(a_table_that_drops_moves_or_changes_a_descriptor_is_rejected),
    test!(a_table_has_as_many_entries_as_a_selector_can_name),
    test!(setting_up_again_changes_nothing),
    test!(a_register_finds_the_replacement_when_it_is_loaded_again),
    test!(the_flat_segments_cannot_be_replaced),
    test!(a_descriptor_that_is_not_in_the_table_cannot_be_replaced),
    test!(a_system_descriptor_cannot_be_replaced),
    test!(an_entry_keeps_its_access),
    test!(the_table_is_not_known_before_init).ends(End::Stop("PANIC: no table has been loaded yet")),
    test!(a_table_that_is_too_long_stops_with_a_message).ends(End::Stop("PANIC: a table has at most 8192 entries, at")),
    test!(a_table_that_drops_an_entry_stops_with_a_message)
        .ends(End::Stop("PANIC: entry 1 of the loaded table is missing or different, at")),
    test!(a_copy_of_another_length_is_a_bug)
        .ends(End::Stop("the old table and the added entries do not fill the new table\n  left: 4\n right: 5")),
    test!(no_interrupt_finds_half_of_a_table),
];

fn the_table_is_not_known_before_init() {
    unreachable!("it was asked for while the kernel came up");
}

/// The descriptors of the loaded table, in an array, because there is no heap yet.
fn loaded<const N: usize>() -> [Descriptor; N] {
    assert_eq!(gdt::loaded().len(), N);
    core::array::from_fn(|index| gdt::loaded()[index].read())
}

fn the_cpu_uses_our_table() {
    assert!(image::kernel().contains(&VirtAddr::from(gdt::loaded().as_ptr())));
    assert_eq!(loaded(), [Descriptor::NULL, Descriptor::FLAT_CODE, Descriptor::FLAT_DATA]);
}

fn every_segment_register_refers_to_our_table() {
    assert_eq!(segmentation::cs(), CODE);
    let data = [segmentation::ds(), segmentation::es(), segmentation::fs(), segmentation::gs(), segmentation::ss()];
    assert!(data.iter().all(|selector| *selector == DATA), "{data:?}");
}

/// Reads through three segment registers. Only a flat segment makes the offset the address of the word.
fn every_segment_is_flat() {
    static WORD: u32 = 0x5E61_1E47;
    let (through_fs, through_gs, through_cs): (u32, u32, u32);
    // SAFETY: the `asm!` only reads. In a flat segment, the offset of a variable is its address.
    unsafe {
        asm!(
            "mov {0:e}, fs:[{3}]", "mov {1:e}, gs:[{3}]", "mov {2:e}, cs:[{3}]",
            out(reg) through_fs, out(reg) through_gs, lateout(reg) through_cs, in(reg) &raw const WORD,
        );
    }
    assert_eq!([through_fs, through_gs, through_cs], [WORD; 3]);
}

fn there_is_no_local_table() {
    const SECOND_OF_LOCAL_TABLE: u32 = 0b1100;
    let is_readable: u8;
    // SAFETY:
    // 1. At address 8 there is memory, which the BIOS does not need any more.
    // 2. `verr` only asks whether a selector can be read; it loads nothing.
    unsafe {
        (8 as *mut Descriptor).write_volatile(Descriptor::FLAT_DATA);
        asm!("verr {:x}", "setz {}", in(reg) SECOND_OF_LOCAL_TABLE, out(reg_byte) is_readable);
    }
    assert_eq!(is_readable, 0, "a selector leads to address 8");
}

/// Loads the table with a fourth descriptor.
fn add(descriptor: Descriptor) {
    static LARGER: Once<[GdtEntry; 4]> = Once::new();
    gdt::load(LARGER.call_once(|| gdt::extended(&[descriptor]))).expect("it must extend the loaded table");
    assert_eq!(gdt::loaded().as_ptr(), LARGER.get().expect("it was made").as_ptr());
}

const FOURTH: SegmentSelector = SegmentSelector::new(3, Ring::Ring0);

const DATA_ACCESS: Access = Access::PRESENT.union(Access::CODE_OR_DATA).union(Access::READ_WRITE);

/// A data segment that contains one variable.
fn segment_of(word: &'static u32) -> Descriptor {
    Descriptor::new(VirtAddr::from(&raw const *word).as_u32(), 3, DATA_ACCESS, Flags::BITS_32)
}

static FIRST: u32 = 0x1111_1111;
static SECOND: u32 = 0x2222_2222;

fn use_fourth_as_fs() {
    // SAFETY: compiled code does not use FS.
    unsafe { load_fs(FOURTH) };
}

fn read_through_fs() -> u32 {
    let word: u32;
    // SAFETY: FS is a segment of one word, or flat.
    unsafe { asm!("mov {:e}, fs:[0]", out(reg) word) };
    word
}

/// The descriptor of a task state segment that is marked as free. No task switch uses it.
fn free_tss() -> Descriptor {
    static TSS: TaskStateSegment = TaskStateSegment::new();
    const FREE_TSS: Access = Access::PRESENT.union(Access::EXECUTABLE).union(Access::ACCESSED);
    Descriptor::new((&raw const TSS).addr() as u32, size_of::<TaskStateSegment>() as u32 - 1, FREE_TSS, Flags::empty())
}

fn a_larger_table_can_take_its_place() {
    let window = Descriptor::new(0xB_8000, 0xF9F, DATA_ACCESS, Flags::BITS_32);
    add(window);
    assert_eq!(loaded(), [Descriptor::NULL, Descriptor::FLAT_CODE, Descriptor::FLAT_DATA, window]);
    every_segment_register_refers_to_our_table();
}

fn a_copy_keeps_what_the_cpu_has_marked() {
    static COPY: Once<[GdtEntry; 5]> = Once::new();
    static FREE_AGAIN: Once<[GdtEntry; 4]> = Once::new();
    let tss = free_tss();
    add(tss);
    // SAFETY: the entry is a task state segment, and only the task register uses it.
    unsafe { load_tr(FOURTH) };
    let busy = gdt::loaded()[3].read();
    assert_eq!(busy.access(), tss.access() | Access::READ_WRITE, "bit 1 of the type: busy");
    let free = FREE_AGAIN
        .call_once(|| [Descriptor::NULL, Descriptor::FLAT_CODE, Descriptor::FLAT_DATA, tss].map(GdtEntry::new));
    assert_eq!(gdt::load(free), Err(TableError::Drops(3)), "the table in which the segment is free");
    gdt::load(COPY.call_once(|| gdt::extended(&[segment_of(&FIRST)]))).expect("it must extend the loaded table");
    assert_eq!(gdt::loaded()[3].read(), busy);
    // SAFETY: reading the task register changes nothing.
    assert_eq!(unsafe { x86::task::tr() }, FOURTH);
}

fn a_table_without_the_flat_segments_is_rejected() {
    static WRONG: [GdtEntry; 3] =
        [GdtEntry::new(Descriptor::NULL), GdtEntry::new(Descriptor::FLAT_DATA), GdtEntry::new(Descriptor::FLAT_CODE)];
    assert_eq!(gdt::load(&WRONG), Err(TableError::Drops(1)));
    assert_eq!(gdt::load(&[]), Err(TableError::Drops(0)));
    the_cpu_uses_our_table();
}

fn a_table_that_drops_moves_or_changes_a_descriptor_is_rejected() {
    static TABLES: Once<[[GdtEntry; 5]; 2]> = Once::new();
    let flat = gdt::loaded();
    let [first, second] = [&FIRST, &SECOND].map(segment_of);
    add(first);
    let table = |fourth, fifth| {
        [Descriptor::NULL, Descriptor::FLAT_CODE, Descriptor::FLAT_DATA, fourth, fifth].map(GdtEntry::new)
    };
    let [moves, changes] = TABLES.call_once(|| [table(Descriptor::NULL, first), table(second, first)]);
    for refused in [flat, moves, changes] {
        assert_eq!(gdt::load(refused), Err(TableError::Drops(3)));
        assert_eq!(loaded::<4>()[3], first);
    }
    // No register had the selector so far. It can still be loaded, and names the same segment.
    use_fourth_as_fs();
    assert_eq!(read_through_fs(), FIRST);
}

const fn flat<const N: usize>() -> [GdtEntry; N] {
    let mut table = [const { GdtEntry::new(Descriptor::NULL) }; N];
    table[1] = GdtEntry::new(Descriptor::FLAT_CODE);
    table[2] = GdtEntry::new(Descriptor::FLAT_DATA);
    table
}

static TOO_LONG: [GdtEntry; 8193] = flat();

fn a_table_has_as_many_entries_as_a_selector_can_name() {
    static LONGEST: [GdtEntry; 8192] = flat();
    assert_eq!(gdt::load(&TOO_LONG), Err(TableError::TooLong));
    gdt::load(&LONGEST).expect("it must extend the loaded table");
    assert_eq!(gdt::loaded().len(), 8192);
}

fn setting_up_again_changes_nothing() {
    add(segment_of(&FIRST));
    use_fourth_as_fs();
    segments::init();
    assert_eq!((gdt::loaded().len(), segmentation::fs()), (4, FOURTH));
}

fn a_register_finds_the_replacement_when_it_is_loaded_again() {
    let [first, second] = [&FIRST, &SECOND].map(segment_of);
    add(first);
    use_fourth_as_fs();
    assert_eq!(read_through_fs(), FIRST);
    let old = gdt::replace(FOURTH, second).expect("it is data as well");
    assert_eq!((old.base(), old.access()), (first.base(), DATA_ACCESS | Access::ACCESSED), "the CPU has marked it");
    assert_eq!(read_through_fs(), FIRST, "the register's copy");
    use_fourth_as_fs();
    assert_eq!(read_through_fs(), SECOND);
}

fn the_flat_segments_cannot_be_replaced() {
    for index in 0..3 {
        for ring in [Ring::Ring0, Ring::Ring3] {
            let replaced = gdt::replace(SegmentSelector::new(index, ring), segment_of(&FIRST));
            assert_eq!(replaced, Err(ReplaceError::Flat));
        }
    }
    the_cpu_uses_our_table();
}

fn a_descriptor_that_is_not_in_the_table_cannot_be_replaced() {
    assert_eq!(gdt::replace(FOURTH, segment_of(&FIRST)), Err(ReplaceError::NotInTable));
    add(segment_of(&FIRST));
    let in_another_table = FOURTH | SegmentSelector::TI_LDT;
    assert_eq!(gdt::replace(in_another_table, segment_of(&SECOND)), Err(ReplaceError::NotInTable));
    assert_eq!(gdt::loaded()[3].read(), segment_of(&FIRST));
}

fn a_system_descriptor_cannot_be_replaced() {
    static LARGER: Once<[GdtEntry; 5]> = Once::new();
    let fifth = SegmentSelector::new(4, Ring::Ring0);
    add(free_tss());
    gdt::load(LARGER.call_once(|| gdt::extended(&[segment_of(&FIRST)]))).expect("it must extend the loaded table");
    assert_eq!(gdt::replace(FOURTH, segment_of(&FIRST)), Err(ReplaceError::System), "free");
    // SAFETY: the entry is a task state segment, and only the task register uses it.
    unsafe { load_tr(FOURTH) };
    for new in [segment_of(&FIRST), Descriptor::NULL, free_tss()] {
        assert_eq!(gdt::replace(FOURTH, new), Err(ReplaceError::System), "in use");
    }
    assert_eq!(gdt::replace(fifth, free_tss()), Err(ReplaceError::OtherAccess), "a segment by a task state segment");
}

fn an_entry_keeps_its_access() {
    let of_ring_3 = Descriptor::new(0, 0xF_FFFF, DATA_ACCESS | Access::RING_3, Flags::LIMIT_IN_PAGES);
    let unfit = [Descriptor::NULL, Descriptor::FLAT_CODE, of_ring_3];
    add(Descriptor::FLAT_DATA);
    for unfit in unfit {
        assert_eq!(gdt::replace(FOURTH, unfit), Err(ReplaceError::OtherAccess), "no register holds it");
    }
    use_fourth_as_fs();
    for unfit in unfit {
        assert_eq!(gdt::replace(FOURTH, unfit), Err(ReplaceError::OtherAccess), "FS holds it");
    }
    gdt::replace(FOURTH, segment_of(&FIRST)).expect("it is data as well");
    gdt::replace(FOURTH, Descriptor::FLAT_DATA).expect("it is data as well");
    use_fourth_as_fs();
    assert_eq!(gdt::loaded()[3].read(), Descriptor::FLAT_DATA);
}

fn a_table_that_is_too_long_stops_with_a_message() {
    panic!("{}", gdt::load(&TOO_LONG).expect_err("it is too long"));
}

fn a_table_that_drops_an_entry_stops_with_a_message() {
    static NULL: [GdtEntry; 1] = [GdtEntry::new(Descriptor::NULL)];
    panic!("{}", gdt::load(&NULL).expect_err("it has no segments"));
}

fn a_copy_of_another_length_is_a_bug() {
    let _: [GdtEntry; 5] = gdt::extended(&[segment_of(&FIRST)]);
}

/// Whether interrupts were on at the last step, and how often they have been turned off.
static WERE_ON: AtomicBool = AtomicBool::new(true);
static TIMES_OFF: AtomicUsize = AtomicUsize::new(0);

// While the trap flag is set, the CPU comes here after each instruction, with EIP on top of the stack and CS and EFLAGS
// above it. Source: Intel SDM volume 3B, 18.3.1.4 "Single-Step Exception Condition".
global_asm!(
    ".global step",
    "step: pushad",
    "push dword ptr [esp + 40]", // EFLAGS, above eight registers, EIP and CS
    "call {}",
    "pop eax",
    "popad",
    "iretd",
    sym stepped,
);

extern "C" fn stepped(flags: u32) {
    let are_on = EFlags::from_bits_truncate(flags).contains(EFlags::FLAGS_IF);
    if WERE_ON.swap(are_on, Relaxed) && !are_on {
        TIMES_OFF.fetch_add(1, Relaxed);
    }
}

/// Calls each of `works` in single steps, with interrupts on. Returns how often each one turns them off.
fn times_interrupts_are_off<const N: usize>(works: [fn(); N]) -> [usize; N] {
    unsafe extern "C" {
        safe static step: u8;
    }
    let handler = u64::from(VirtAddr::from(&raw const step).as_u32());
    let gate = (handler >> 16) << 48 | 0x8E00 << 32 | u64::from(CODE.bits()) << 16 | handler & 0xFFFF;
    let gates = [0, gate];
    // SAFETY:
    // 1. Every line of the interrupt controllers is masked, so no hardware interrupt arrives.
    // 2. Only the single step remains. Its handler changes no register.
    unsafe {
        io::outb(0x21, 0xFF);
        io::outb(0xA1, 0xFF);
        lidt(&DescriptorTablePointer::new_from_slice(&gates));
        let_interrupts_in();
    }
    let times = works.map(|work| {
        let before = TIMES_OFF.load(Relaxed);
        // SAFETY: as above.
        unsafe { asm!("pushfd", "or dword ptr [esp], 0x100", "popfd") }; // the trap flag
        work();
        // SAFETY: only the trap flag changes.
        unsafe { asm!("pushfd", "and dword ptr [esp], ~0x100", "popfd") };
        TIMES_OFF.load(Relaxed) - before
    });
    mem::forget(interrupts_off());
    times
}

fn no_interrupt_finds_half_of_a_table() {
    static ENTRY: GdtEntry = GdtEntry::new(Descriptor::FLAT_DATA);
    let nothing = || ();
    let read = || assert_eq!(ENTRY.read(), Descriptor::FLAT_DATA);
    let load = || gdt::load(gdt::loaded()).expect("it is loaded");
    assert_eq!(times_interrupts_are_off([nothing, read, gdt::init, load]), [0, 1, 1, 1]);
}
