//! What the kernel of chapter 5 must survive.

#![no_std]
#![no_main]

use boot::entry::Handover;
use boot::{information, serial};
use common::lock::let_interrupts_in;
use common::{Lock, PhysAddr, VirtAddr, image};
use core::arch::asm;
use core::fmt;
use core::mem;
use core::sync::atomic::{AtomicBool, AtomicU32, Ordering::Relaxed};
use harness::{End, Test, test};
use interrupts::{TrapFrame, UserTrapFrame, exceptions};
use multiboot2::{BootInformation, BootInformationHeader, MemoryArea, MemoryAreaType};
use paging::directory::{Directory, MapError, NotMapped};
use paging::page_fault::{PAGE_FAULT, PageFault};
use paging::regions::{self, Region};
use paging::tss::{self, Tss};
use paging::{Entry, Flags, Frame, KERNEL, OwnedFrame, PAGE_BYTES, Page, TooManyOwners, frame_allocator};
use segments::descriptor::{self, Access, Descriptor};
use segments::{GdtEntry, gdt};
use spin::Once;
use x86::Ring;
use x86::bits32::eflags::EFlags;
use x86::controlregs::{Cr0, cr0};
use x86::io;
use x86::segmentation::SegmentSelector;
use x86::task::load_tr;

harness::boot!(TESTS, handover => begin(handover), up to interrupts, then {
    let words = information::command_line(boot());
    if words.contains("no_second_name_before_paging") {
        regions::add(Region::new(VirtAddr::new(0)..VirtAddr::new(u32::MAX), |_, f| f.write_str("all of it")));
    } else if words.contains("before_paging") {
        drop(KERNEL.lock());
    }
    // A kernel that only lists its tests needs no paging, so the list comes even if paging is broken.
    if words.contains("with_interrupts_off") {
        init_step_by_step();
    } else if !words.contains("test=?") {
        paging::init(boot());
    }
});

static BOOT: Once<BootInformation<'static>> = Once::new();

const SOMEWHERE: VirtAddr = VirtAddr::new(0x5000_0000);

const TESTS: &[Test] = &[
    test!(every_free_frame_is_handed_out_once_and_no_other),
    test!(memory_both_reserved_and_available_is_not_used),
    test!(a_boot_without_a_memory_map_is_rejected).ends(End::Stop("STOP: the boot loader gave no memory map")),
    test!(a_map_that_reserves_everything_is_rejected)
        .ends(End::Stop("STOP: the memory map leaves no memory for this kernel")),
    test!(a_map_with_only_one_frame_is_rejected)
        .ends(End::Stop("STOP: there is no memory for the kernel's page tables")),
    test!(a_map_that_ends_beyond_all_addresses_is_used_up_to_128_mib),
    test!(a_module_is_never_handed_out).module(),
    test!(a_module_above_all_free_memory_can_be_read).module().memory_mib(128),
    test!(a_module_that_ends_beyond_128_mib_is_rejected)
        .module()
        .ends(End::Stop("STOP: a module lies beyond 128 MiB, where this kernel cannot read it")),
    test!(a_module_beyond_128_mib_is_rejected)
        .module()
        .ends(End::Stop("STOP: a module lies beyond 128 MiB, where this kernel cannot read it")),
    test!(boot_information_in_free_memory_is_never_handed_out),
    test!(every_frame_can_be_used_in_8_mib).memory_mib(8),
    test!(every_frame_can_be_used_in_128_mib).memory_mib(128),
    test!(memory_above_128_mib_is_left_alone).memory_mib(200),
    test!(dropped_frames_are_freed),
    test!(a_frame_freed_twice_stops).ends(End::Stop("PANIC: a frame cannot be freed: AlreadyFree(Frame(")),
    test!(a_frame_at_two_pages_is_freed_with_the_second_one),
    test!(too_many_owners_are_rejected_and_none_is_lost),
    test!(the_map_is_as_promised),
    test!(a_mapped_page_can_be_used_and_translated),
    test!(tables_are_empty_whatever_was_in_their_frames),
    test!(the_first_tables_are_empty_in_memory_full_of_ones),
    test!(unmapping_takes_effect_at_once)
        .ends(End::Stop("a read of 0x50000000 in no region of the kernel: the page is not present")),
    test!(an_unmapped_and_freed_page_is_gone_at_once)
        .ends(End::Stop("a read of 0x50000000 in no region of the kernel: the page is not present")),
    test!(protecting_takes_effect_at_once)
        .ends(End::Stop("a write to 0x50000000 in no region of the kernel: the page is read-only")),
    test!(protecting_keeps_the_frame_and_its_owner),
    test!(the_identity_map_can_be_protected_and_owns_nothing),
    test!(mapping_twice_is_rejected),
    test!(mapping_without_memory_is_an_error_and_loses_nothing),
    test!(mapping_several_pages_is_all_or_nothing),
    test!(a_page_that_is_in_the_way_stays_and_nothing_is_lost),
    test!(clearing_a_frame_leaves_the_next_one_alone),
    test!(large_pages_are_walked_and_translated),
    test!(only_rights_and_available_bits_are_granted),
    test!(an_entry_that_is_not_present_maps_nothing),
    test!(an_entry_that_is_present_is_not_filled).ends(End::Stop("PANIC: entry 1 of the directory is present")),
    test!(a_linked_directory_has_the_same_page_tables),
    test!(a_directory_that_others_link_to_gets_no_page_table)
        .ends(End::Stop("PANIC: a new page table would be missing in the directories that already share the others")),
    test!(a_stack_that_is_all_guard_page_is_rejected).ends(End::Stop("PANIC: a stack is larger than its guard page")),
    test!(page_0_is_not_mapped)
        .ends(End::Stop(
            "EXCEPTION: page fault: a read of 0x00000000 in page 0, which is never mapped: the page is not present",
        ))
        .told(&["in `kernel::page_0_is_not_mapped`"]),
    test!(a_write_to_an_unmapped_page_is_reported).ends(End::Stop(
        "EXCEPTION: page fault: a write to 0x50000000 in no region of the kernel: the page is not present",
    )),
    test!(a_protection_fault_is_not_repaired)
        .ends(End::Stop("page fault: a write to 0x50000000 in no region of the kernel: the page is read-only")),
    test!(a_page_fault_in_ring_3_is_reported)
        .ends(End::Stop("in the kernel's variables by ring 3: the page belongs to the kernel")),
    test!(a_page_that_ring_3_may_only_read_is_reported)
        .ends(End::Stop("a write to 0x50000010 in no region of the kernel by ring 3: the page is read-only")),
    test!(the_stack_of_a_program_is_reported).ends(End::Stop("  ESP 0x12345678\n  EFLAGS")),
    test!(a_reserved_bit_is_reported).ends(End::Stop(
        "page fault: a read of 0x50000000 in no region of the kernel: a reserved bit is set in its entry",
    )),
    test!(instructions_cannot_be_written)
        .ends(End::Stop("in the kernel's instructions: the page is read-only"))
        .told(&["inlined into `kernel::instructions_cannot_be_written`"]),
    test!(constants_cannot_be_written)
        .ends(End::Stop(
            "EXCEPTION: page fault: a write to 0x00100000 in the kernel's constants: the page is read-only",
        ))
        .told(&["inlined into `kernel::constants_cannot_be_written`"]),
    test!(a_jump_to_0_is_reported)
        .ends(End::Stop(
            "an instruction fetch from 0x00000000 in page 0, which is never mapped: the page is not present",
        ))
        .told(&["EIP was 0x00000000, which is not in the kernel", "called from `kernel::a_jump_to_0_is_reported`"]),
    test!(a_jump_to_an_unmapped_page_is_a_fetch).ends(End::Stop(
        "page fault: an instruction fetch from 0x50000000 in no region of the kernel: the page is not present",
    )),
    test!(a_write_to_the_guard_page_is_reported).ends(End::Stop("stack overflow: a write to")),
    test!(a_stack_overflow_is_reported)
        .ends(End::Stop("EXCEPTION: stack overflow: the boot stack ran into its guard page at"))
        .told(&["in `kernel::recurse_forever`"]),
    test!(a_stack_overflow_by_one_large_frame_is_reported).ends(End::Stop("stack overflow")),
    test!(the_stack_of_double_faults_has_a_guard_page)
        .ends(End::Stop("EXCEPTION: stack overflow: the stack of double faults ran into its guard page at")),
    test!(a_double_fault_is_reported_whichever_tss_was_in_use)
        .ends(End::Stop("EXCEPTION: stack overflow: the boot stack ran into its guard page at"))
        .told(&["in `kernel::recurse_forever`"]),
    test!(a_double_fault_for_another_reason_says_so)
        .ends(End::Stop(
            "EXCEPTION: double fault (vector 8): the CPU could not enter the handler of an exception\n  ESP",
        ))
        .told(&["in `kernel::a_double_fault_for_another_reason_says_so`"]),
    test!(a_double_fault_reports_the_last_page_fault)
        .ends(End::Stop("; the last page fault, if there was one, was at 0x50000000 in no region of the kernel\n")),
    test!(a_stop_without_a_stack_says_why_it_lists_no_callers).ends(End::Stop(
        "\n  EIP 0x50000000\n  The stack cannot be read at 0x00000000: the chain of callers ends here.\n",
    )),
    test!(a_stop_in_a_damaged_chain_says_where_the_chain_ends)
        .ends(End::Stop("\n  The stack cannot be read at 0x60000004: the chain of callers ends here.\n"))
        .told(&["in `kernel::a_stop_in_a_damaged_chain_says_where_the_chain_ends`"]),
    test!(the_kernels_map_before_paging_is_rejected)
        .ends(End::Stop("PANIC: call `paging::init` first: it finds the memory for page tables")),
    test!(paging_before_interrupts_is_rejected)
        .ends(End::Stop("PANIC: call `interrupts::init` first: page faults need handlers")),
    test!(paging_is_set_up_once).ends(End::Stop("PANIC: the free frames are already found")),
    test!(paging_is_set_up_with_interrupts_off),
    test!(an_old_cpu_stops_with_a_message)
        .cpu("pentium,-pse")
        .ends(End::Stop("STOP: this kernel needs a CPU with pages of 4 MiB")),
    test!(boot_information_beyond_128_mib_is_rejected)
        .memory_mib(200)
        .ends(End::Stop("STOP: the boot information lies beyond 128 MiB, where this kernel cannot read it")),
    test!(unused_memory_is_reported)
        .memory_mib(200)
        .ends(End::Stop("Memory above 128 MiB is not used: 73600 KiB of it.\n\nSTOP: that is all")),
    test!(a_tss_ends_with_its_fields),
    test!(a_seventeenth_region_is_a_bug)
        .ends(End::Stop("sixteen have names\n\nPANIC: 16 regions are enough for every chapter")),
    test!(a_guard_page_gets_no_second_name_before_paging).ends(End::Stop("PANIC: a region of memory has one name")),
    test!(a_directory_has_1024_entries).ends(End::Stop("PANIC: a table has 1024 entries, at")),
    test!(a_range_of_entries_ends_with_the_table).ends(End::Stop("PANIC: a table has 1024 entries, at")),
    test!(the_parts_of_the_identity_map_have_names).ends(End::Stop(
        "PANIC: BIOS and screen memory, the boot stack, memory above the kernel, no region of the kernel, at",
    )),
    test!(a_location_prints_in_full_in_short_and_in_columns)
        .ends(End::Stop("PANIC: the guard page of task 1's stack, the guard page of a stack, task 1's stack   |")),
];

/// Keeps the boot information for the tests, changed as the chosen test wants it.
fn begin(handover: Handover) -> &'static BootInformation<'static> {
    serial::init();
    let mut information = handover.information();
    let words = information::command_line(&information);
    if words.contains("before_interrupts") {
        paging::init(&information);
    }
    if let Some((_, change)) = CHANGES.iter().find(|(name, _)| words.contains(name)) {
        information = changed(&information, *change);
    } else if words.contains("information_in_free_memory") {
        information = moved(&information, IN_FREE_MEMORY);
    } else if words.contains("information_beyond_128_mib") {
        information = moved(&information, BEYOND_128_MIB);
    }
    BOOT.call_once(|| information)
}

/// A part of the memory that the boot loader calls available.
const RESERVED: core::ops::Range<u64> = 0xA0_0800..0xB0_0800;

/// The address of a module that is far from the free memory.
const FAR_AWAY: VirtAddr = VirtAddr::new(100 << 20);

/// All free memory, in the test in which memory is full of ones at first.
const FULL_OF_ONES: core::ops::Range<u32> = 8 << 20..12 << 20;

const AVAILABLE: u64 = 1;
const NOT_AVAILABLE: u64 = 2;

/// Changes two tags before a test's kernel reads them: that of the memory map (Multiboot2 3.6.8), and that of the
/// module (3.6.6), if there is one.
type Change = fn(&mut [u64], &mut [u64]);

/// The changes, by a part of the test's name.
const CHANGES: &[(&str, Change)] = &[
    ("reserved_and_available", |tag, _| {
        let area = areas(tag).iter_mut().find(|area| area[2] != AVAILABLE).expect("the BIOS reserves some");
        *area = [RESERVED.start, RESERVED.end - RESERVED.start, NOT_AVAILABLE];
    }),
    // The type is in the lower half of the first word. The new one means nothing.
    ("without_a_memory_map", |tag, _| tag[0] += 1000),
    ("reserves_everything", |tag, _| areas(tag)[0] = [0, u64::MAX, NOT_AVAILABLE]),
    ("only_one_frame", |tag, _| {
        areas(tag).fill([0, 0, AVAILABLE]);
        areas(tag)[0] = [8 << 20, 4096, AVAILABLE];
    }),
    ("full_of_ones", |tag, _| {
        let bytes = FULL_OF_ONES.end - FULL_OF_ONES.start;
        areas(tag).fill([0, 0, AVAILABLE]);
        areas(tag)[0] = [FULL_OF_ONES.start.into(), bytes.into(), AVAILABLE];
        // SAFETY: paging is off, the kernel lies elsewhere, and the boot information has been copied.
        unsafe { (FULL_OF_ONES.start as *mut u8).write_bytes(0xFF, bytes as usize) };
    }),
    ("ends_beyond_all_addresses", |tag, _| areas(tag)[0] = [2 << 20, u64::MAX, AVAILABLE]),
    ("module_above_all_free_memory", |tag, module| {
        areas(tag).fill([0, 0, AVAILABLE]);
        areas(tag)[0] = [8 << 20, 4 << 20, AVAILABLE];
        let (from, to) = (module[1] as u32, (module[1] >> 32) as u32);
        // SAFETY: paging is off, and nothing uses the memory there.
        unsafe { (from as *const u8).copy_to(FAR_AWAY.as_ptr(), (to - from) as usize) };
        place(module, FAR_AWAY.as_u32(), FAR_AWAY.as_u32() + (to - from));
    }),
    ("module_that_ends_beyond_128_mib", |_, module| place(module, (128 << 20) - 4096, (128 << 20) + 1)),
    ("module_beyond_128_mib", |_, module| place(module, 1 << 30, (1 << 30) + 1)),
];

/// The areas of the map: the start of each, its size in bytes, and its type.
fn areas(tag: &mut [u64]) -> &mut [[u64; 3]] {
    tag[2..].as_chunks_mut().0
}

/// Makes the tag say that the module lies from `start` up to, but not including, `end`.
fn place(module: &mut [u64], start: u32, end: u32) {
    module[1] = u64::from(start) | u64::from(end) << 32;
}

/// A changed copy of the boot information.
fn changed(boot: &BootInformation, change: Change) -> BootInformation<'static> {
    #[repr(align(8))]
    struct Copy([u64; 1024]);
    static COPY: Lock<Copy> = Lock::new(Copy([0; 1024]));
    let words = |from: usize, bytes: usize| {
        let from = (from - boot.start_address()) / 8;
        from..from + bytes.div_ceil(8)
    };
    let map = boot.memory_map_tag().expect("a memory map");
    let map = words((&raw const *map).addr(), size_of_val(map));
    let module = boot.module_tags().next().map_or(0..0, |tag| words((&raw const *tag).addr(), size_of_val(tag)));
    let copy = &mut COPY.lock().0;
    // SAFETY: all of the boot loader's information lies there, at a multiple of 8.
    let original = unsafe { core::slice::from_raw_parts(boot.start_address() as *const u64, boot.total_size() / 8) };
    copy[..original.len()].copy_from_slice(original);
    let [map, module] = copy.get_disjoint_mut([map, module]).expect("they are different tags");
    change(map, module);
    // SAFETY: this is a copy of good information, at an aligned address, and no code writes to it any more.
    let loaded = unsafe { BootInformation::load(copy.as_ptr().cast::<BootInformationHeader>()) };
    loaded.expect("the tags of the copy are as good as those of the original")
}

/// Addresses that the memory map calls available, with nothing in use there.
const IN_FREE_MEMORY: usize = 9 << 20;
const BEYOND_128_MIB: usize = 160 << 20;

/// The boot information, moved to where another boot loader might have put it.
fn moved(boot: &BootInformation, to: usize) -> BootInformation<'static> {
    // SAFETY: the boot loader's information lies there. Nothing uses its new place, and paging is off.
    unsafe { (boot.start_address() as *const u8).copy_to(to as *mut u8, boot.total_size()) };
    // SAFETY: this is a copy of good information, at an aligned address, and no code writes to it any more.
    let loaded = unsafe { BootInformation::load(to as *const BootInformationHeader) };
    loaded.expect("the tags of the copy are as good as those of the original")
}

fn boot() -> &'static BootInformation<'static> {
    BOOT.get().expect("set before any test runs")
}

fn allocate() -> OwnedFrame {
    frame_allocator::allocate().expect("there is enough memory")
}

fn overlaps(frame: Frame, from: u64, to: u64) -> bool {
    let start = u64::from(frame.address().as_u32());
    start < to && from < start + u64::from(PAGE_BYTES)
}

/// Allocates all frames, and fills each with its number.
fn take_all(mut check: impl FnMut(Frame)) -> u32 {
    let mut count = 0;
    while let Some(frame) = frame_allocator::allocate().map(OwnedFrame::into_frame) {
        check(frame);
        // SAFETY: the frame was free, so nothing else uses it.
        unsafe { frame.in_window().address().as_ptr::<[u32; 1024]>().write([frame.number(); 1024]) };
        count += 1;
    }
    count
}

/// Whether all of the frame is memory that is not in use.
fn is_free_memory(frame: Frame) -> bool {
    let from = u64::from(frame.address().as_u32());
    let is_inside = |area: &MemoryArea| area.start_address() <= from && from + 4096 <= area.end_address();
    let areas = boot().memory_map_tag().expect("a memory map").memory_areas();
    let kernel = image::kernel();
    areas.iter().any(|area| area.typ() == MemoryAreaType::Available && is_inside(area))
        && frame.address().as_u32() >= 1 << 20
        && !overlaps(frame, kernel.start.as_u32().into(), kernel.end.as_u32().into())
        && !overlaps(frame, boot().start_address() as u64, boot().end_address() as u64)
}

fn every_free_frame_is_handed_out_once_and_no_other() {
    let (free, taken) = (frame_allocator::free_count(), frame_allocator::taken_count());
    let mut seen = [0u64; 32768 / 64];
    let count = take_all(|frame| {
        let (word, bit) = (frame.number() as usize / 64, frame.number() % 64);
        assert_eq!(seen[word] >> bit & 1, 0, "{frame:?} is handed out twice");
        seen[word] |= 1 << bit;
        assert!(is_free_memory(frame), "{frame:?}");
    });
    assert_eq!((count, frame_allocator::free_count()), (free, 0));
    let all = (0..32768).map(Frame::from_number).filter(|frame| is_free_memory(*frame)).count();
    assert_eq!((count + taken) as usize, all, "none is wasted");
    assert!(
        frame_allocator::allocate().is_none() && frame_allocator::allocate().is_none(),
        "no memory is no memory, however often asked"
    );
}

fn memory_both_reserved_and_available_is_not_used() {
    let areas = boot().memory_map_tag().expect("a memory map").memory_areas();
    assert!(areas.iter().any(|area| area.start_address() == RESERVED.start && area.end_address() == RESERVED.end));
    take_all(|frame| assert!(!overlaps(frame, RESERVED.start, RESERVED.end), "{frame:?}"));
}

fn a_boot_without_a_memory_map_is_rejected() {
    // The kernel of this test stops before this point, and so do those of the next two.
}

fn a_map_that_reserves_everything_is_rejected() {}

fn a_map_with_only_one_frame_is_rejected() {}

fn a_map_that_ends_beyond_all_addresses_is_used_up_to_128_mib() {
    let count = core::iter::from_fn(frame_allocator::allocate)
        .map(|owned| assert!(owned.into_frame().number() < 32768))
        .count();
    assert!((32000..32768).contains(&count), "{count} frames");
    assert_eq!(KERNEL.lock().mappings().last().map(|last| last.page.address().as_u32()), Some(124 << 20));
}

fn a_module_is_never_handed_out() {
    let module = boot().module_tags().next().expect("the loader loads a module");
    assert!(module.module_size() > 60_000, "{module:?}");
    take_all(|frame| {
        let (from, to) = (module.start_address().into(), module.end_address().into());
        assert!(!overlaps(frame, from, to), "{frame:?} is the module's");
    });
    // SAFETY: the module's frames are not handed out, so the module is unchanged.
    let text = unsafe { core::slice::from_raw_parts(module.start_address() as *const u8, 18) };
    assert_eq!(text, b"a module for the t");
}

fn a_module_above_all_free_memory_can_be_read() {
    let module = boot().module_tags().next().expect("the loader loads a module");
    assert_eq!(module.start_address(), FAR_AWAY.as_u32());
    for address in [FAR_AWAY, VirtAddr::new(module.end_address() - 1)] {
        assert_eq!(KERNEL.lock().translate(address), Some(PhysAddr::new(address.as_u32())));
    }
    // SAFETY: the module is there, and no code writes to it.
    let text = unsafe { core::slice::from_raw_parts(FAR_AWAY.as_ptr::<u8>(), module.module_size() as usize) };
    assert!(text.chunks(23).all(|line| b"a module for the tests\n".starts_with(line)));
}

fn a_module_that_ends_beyond_128_mib_is_rejected() {
    // The kernel of this test stops before this point, and so does that of the next.
}

fn a_module_beyond_128_mib_is_rejected() {}

fn boot_information_in_free_memory_is_never_handed_out() {
    assert_eq!(boot().start_address(), IN_FREE_MEMORY);
    let end = boot().end_address() as u64;
    take_all(|frame| assert!(!overlaps(frame, IN_FREE_MEMORY as u64, end), "{frame:?}"));
    assert!(information::command_line(boot()).contains("information_in_free_memory"));
}

/// Allocates and fills all frames, and then checks that each still holds its own number.
fn use_every_frame(expected: core::ops::Range<u32>) {
    let count = take_all(|_| ());
    assert!(expected.contains(&count), "{count} frames");
    for number in 256..32768 {
        let frame = Frame::from_number(number);
        let page = frame.in_window().address();
        if KERNEL.lock().translate(page).is_some() && !image::kernel().contains(&page) {
            // SAFETY: the page is mapped, and reading has no effect.
            let words = unsafe { page.as_ptr::<[u32; 1024]>().read_volatile() };
            if words[0] == number && words[1] == number {
                assert!(words.iter().all(|word| *word == number), "{frame:?} is not 4 KiB of memory of its own");
            }
        }
    }
}

fn every_frame_can_be_used_in_8_mib() {
    use_every_frame(1650..1792);
}

fn every_frame_can_be_used_in_128_mib() {
    use_every_frame(32300..32512);
}

fn memory_above_128_mib_is_left_alone() {
    take_all(|frame| assert!(frame.address().as_u32() < 128 << 20, "{frame:?}"));
    assert!(KERNEL.lock().translate(VirtAddr::new(128 << 20)).is_none());
}

fn dropped_frames_are_freed() {
    let before = (frame_allocator::free_count(), frame_allocator::taken_count());
    let frames = [(); 10].map(|()| allocate());
    assert_eq!((frame_allocator::free_count(), frame_allocator::taken_count()), (before.0 - 10, before.1 + 10));
    drop(frames);
    assert_eq!((frame_allocator::free_count(), frame_allocator::taken_count()), before);
}

fn a_frame_freed_twice_stops() {
    let frame = allocate().into_frame();
    // SAFETY: the second one is not sound; the test is about that.
    (0..2).for_each(|_| drop(unsafe { OwnedFrame::from_frame(frame) }));
}

fn a_frame_at_two_pages_is_freed_with_the_second_one() {
    let owned = allocate();
    let frame = owned.frame();
    let pages = [SOMEWHERE, SOMEWHERE.wrapping_add(PAGE_BYTES)].map(Page::containing);
    let mut kernel = KERNEL.lock();
    kernel.make_tables(SOMEWHERE..SOMEWHERE.wrapping_add(2 * PAGE_BYTES)).expect("there is enough memory");
    let taken = frame_allocator::taken_count();
    for (page, share) in pages.into_iter().zip([owned.share().expect("it has one owner"), owned]) {
        // SAFETY: nothing else is mapped at these pages, and nothing refers to the frame.
        unsafe { kernel.map(page, share, Flags::WRITABLE) }.expect("the page is free").flush();
    }
    let [first, second] = pages.map(|page| page.address().as_ptr::<u32>());
    for value in 1..100 {
        // SAFETY: both pages are mapped, and no reference to them exists.
        let read = unsafe {
            first.write_volatile(value);
            second.read_volatile()
        };
        assert_eq!(read, value);
    }
    for (page, owners_left) in pages.into_iter().zip([1, 0]) {
        assert_eq!(frame_allocator::taken_count(), taken);
        // SAFETY: the page is not used any more.
        let (owned, flush) = unsafe { kernel.unmap(page) }.expect("it is mapped");
        flush.flush();
        assert_eq!((owned.frame(), frame_allocator::owner_count(frame)), (frame, owners_left + 1));
        drop(owned);
        assert_eq!(frame_allocator::owner_count(frame), owners_left);
    }
    assert_eq!(frame_allocator::taken_count(), taken - 1);
    assert_eq!(allocate().frame(), frame, "what was freed last is the first to be used again");
}

fn too_many_owners_are_rejected_and_none_is_lost() {
    let owned = allocate();
    let frame = owned.frame();
    (1..32_766).for_each(|_| mem::forget(owned.share().expect("there can be 32,766")));
    for _ in 0..3 {
        assert_eq!(owned.share().err(), Some(TooManyOwners(frame)));
    }
    // SAFETY: these are the shares forgotten above.
    (1..32_766).for_each(|_| drop(unsafe { OwnedFrame::from_frame(frame) }));
    assert_eq!(frame_allocator::owner_count(frame), 1);
    assert!(owned.share().is_ok(), "there is room again");
    drop(owned);
    assert_eq!(frame_allocator::owner_count(frame), 0);
}

fn the_map_is_as_promised() {
    let kernel = KERNEL.lock();
    let rights = |address: VirtAddr| {
        let found = kernel.mappings().find(|mapping| {
            let offset = address.as_u32().wrapping_sub(mapping.page.address().as_u32());
            offset < mapping.pages * PAGE_BYTES
        });
        found.map(|mapping| {
            assert_eq!(mapping.page.address().as_u32(), mapping.frame.address().as_u32(), "the window is the identity");
            assert!(!mapping.flags.contains(Flags::USER), "{address} can be read by ring 3");
            mapping.flags.contains(Flags::WRITABLE)
        })
    };
    let (page, end) = (PAGE_BYTES, image::kernel().end);
    assert_eq!(rights(VirtAddr::new(0)), None);
    assert_eq!(rights(VirtAddr::new(page)), Some(true));
    assert_eq!(rights(VirtAddr::new(0xB8000)), Some(true));
    for (range, writable) in [(image::rodata(), false), (image::text(), false), (image::data(), true)] {
        assert!(Page::range(range.clone()).all(|page| rights(page.address()) == Some(writable)), "{range:?}");
    }
    for stack in [image::fault_stack(), image::stack()] {
        let (guard, rest) = (stack.start, stack.start.wrapping_add(page)..stack.end);
        assert_eq!(rights(guard), None);
        assert!(Page::range(rest).all(|page| rights(page.address()) == Some(true)), "{stack:?}");
    }
    assert_eq!(rights(end), Some(true));
    assert_eq!(rights(VirtAddr::new(15 << 20)), Some(true));
    assert_eq!(rights(VirtAddr::new(16 << 20)), None);
    // SAFETY: reading CR0 changes nothing.
    assert!(unsafe { cr0() }.contains(Cr0::CR0_WRITE_PROTECT | Cr0::CR0_ENABLE_PAGING));
}

fn a_mapped_page_can_be_used_and_translated() {
    let owned = allocate();
    let (frame, page) = (owned.frame(), Page::containing(SOMEWHERE));
    // SAFETY: the frame was free, and is only read through the identity map below.
    unsafe { KERNEL.lock().map(page, owned, Flags::WRITABLE) }.expect("the page is free").flush();
    let there = SOMEWHERE.wrapping_add(0x123 * 4);
    // SAFETY: the page was just mapped, to a frame that was free.
    unsafe { there.as_ptr::<u32>().write_volatile(0xFEED_F00D) };
    let meant = KERNEL.lock().translate(there);
    assert_eq!(meant, Some(PhysAddr::new(frame.address().as_u32() + 0x123 * 4)));
    let window = frame.in_window().address().wrapping_add(0x123 * 4);
    // SAFETY: the identity map has the frame too.
    assert_eq!(unsafe { window.as_ptr::<u32>().read_volatile() }, 0xFEED_F00D);
    let count = KERNEL.lock().mappings().filter(|mapping| mapping.page == page).count();
    assert_eq!(count, 1, "the walk finds the page once");
}

fn tables_are_empty_whatever_was_in_their_frames() {
    let dirty = [(); 3].map(|()| allocate());
    for owned in &dirty {
        // SAFETY: the frame was free, so nothing else uses it.
        unsafe { owned.frame().in_window().address().as_ptr::<[u32; 1024]>().write([u32::MAX; 1024]) };
    }
    let [first, second, third] = dirty;
    let frame = second.frame();
    drop((first, second));
    // SAFETY: it takes no other directory's place.
    let mut directory = unsafe { Directory::new() }.expect("there is enough memory");
    assert_eq!(directory.frame(), frame, "the dirty frame is the directory's now");
    assert_eq!(directory.mappings().count(), 0);
    // SAFETY: the address space is not in use.
    unsafe { directory.map(Page::containing(SOMEWHERE), third, Flags::empty()) }.expect("the page is free").ignore();
    assert_eq!(directory.mappings().count(), 1);
}

fn the_first_tables_are_empty_in_memory_full_of_ones() {
    let kernel = KERNEL.lock();
    assert!(FULL_OF_ONES.contains(&kernel.frame().address().as_u32()));
    for nothing in [VirtAddr::new(0), image::stack().start, VirtAddr::new(FULL_OF_ONES.end), SOMEWHERE] {
        assert_eq!(kernel.translate(nothing), None, "{nothing}");
    }
    let is_identity = |page: Page, frame: Frame| page.address().as_u32() == frame.address().as_u32();
    assert!(kernel.mappings().all(|mapping| is_identity(mapping.page, mapping.frame)));
}

fn unmapping_takes_effect_at_once() {
    a_mapped_page_can_be_used_and_translated();
    // SAFETY: the test uses the page once more, to see that it is gone.
    let (_, flush) = unsafe { KERNEL.lock().unmap(Page::containing(SOMEWHERE)) }.expect("it is mapped");
    flush.flush();
    assert_eq!(KERNEL.lock().translate(SOMEWHERE), None);
    // SAFETY: not sound: the page is gone; the test is about that.
    unsafe { SOMEWHERE.as_ptr::<u32>().read_volatile() };
}

fn an_unmapped_and_freed_page_is_gone_at_once() {
    let pages = SOMEWHERE..SOMEWHERE.wrapping_add(2 * PAGE_BYTES);
    // SAFETY: the pages are not used.
    unsafe { KERNEL.lock().map_free_frames(pages.clone(), Flags::WRITABLE) }.expect("there is enough memory");
    // SAFETY: just mapped.
    unsafe { SOMEWHERE.as_ptr::<u32>().write_volatile(1) };
    let free = frame_allocator::free_count();
    // SAFETY: the test uses one page once more, to see that it is gone.
    unsafe { KERNEL.lock().unmap_and_free(pages) };
    assert_eq!(frame_allocator::free_count(), free + 2);
    // SAFETY: not sound: the page is gone; the test is about that.
    unsafe { SOMEWHERE.as_ptr::<u32>().read_volatile() };
}

fn protecting_takes_effect_at_once() {
    a_mapped_page_can_be_used_and_translated();
    // SAFETY: the test writes to the page once more, to see that it cannot.
    unsafe { KERNEL.lock().protect(Page::containing(SOMEWHERE), Flags::empty()) }.expect("it is mapped").flush();
    let there = SOMEWHERE.wrapping_add(0x123 * 4);
    // SAFETY: it can be read as before.
    assert_eq!(unsafe { there.as_ptr::<u32>().read_volatile() }, 0xFEED_F00D);
    // SAFETY: not sound: the page is read-only; the test is about that.
    unsafe { SOMEWHERE.as_ptr::<u32>().write_volatile(0) };
}

fn protecting_keeps_the_frame_and_its_owner() {
    let owned = allocate();
    let (frame, page) = (owned.frame(), Page::containing(SOMEWHERE));
    let mut kernel = KERNEL.lock();
    // SAFETY: nothing else uses the page or the frame.
    unsafe {
        kernel.map(page, owned, Flags::empty()).expect("the page is free").flush();
        assert_eq!(kernel.rights(page), Some(Flags::PRESENT));
        kernel.protect(page, Flags::WRITABLE | Flags::USER | Flags::AVAILABLE_10).expect("it is mapped").flush();
    }
    assert_eq!(kernel.rights(page), Some(Flags::PRESENT | Flags::WRITABLE | Flags::USER));
    assert_eq!(kernel.translate(SOMEWHERE), Some(frame.address()));
    // SAFETY: as above.
    unsafe { SOMEWHERE.as_ptr::<u32>().write_volatile(1) };
    let flags = kernel.mappings().find(|mapping| mapping.page == page).expect("it is mapped").flags;
    assert!(flags.contains(Flags::OWNED | Flags::AVAILABLE_10 | Flags::DIRTY), "{flags:?}");
    // SAFETY: as above.
    let (owned, flush) = unsafe { kernel.unmap(page) }.expect("it is mapped");
    flush.flush();
    assert_eq!((owned.frame(), frame_allocator::owner_count(frame)), (frame, 1));
    // SAFETY: as above.
    assert_eq!(unsafe { kernel.protect(page, Flags::WRITABLE) }.map(|_| ()), Err(NotMapped(page)));
}

fn the_identity_map_can_be_protected_and_owns_nothing() {
    let frame = allocate().into_frame();
    let page = frame.in_window();
    let mut kernel = KERNEL.lock();
    for rights in [Flags::empty(), Flags::WRITABLE] {
        // SAFETY: the frame was free, so its page is not used.
        unsafe { kernel.protect(page, rights) }.expect("it is mapped").flush();
        assert_eq!(kernel.rights(page), Some(rights | Flags::PRESENT));
        // SAFETY: as above.
        assert_eq!(unsafe { kernel.unmap(page) }.map(|_| ()), Err(NotMapped(page)));
    }
    assert_eq!((kernel.translate(page.address()), frame_allocator::owner_count(frame)), (Some(frame.address()), 1));
    let large = Page::containing(VirtAddr::new(8 << 20));
    // SAFETY: the kernel refuses it.
    assert_eq!(unsafe { kernel.protect(large, Flags::empty()) }.map(|_| ()), Err(NotMapped(large)));
    assert_eq!(kernel.rights(large), Some(Flags::PRESENT | Flags::WRITABLE));
}

fn mapping_twice_is_rejected() {
    let owned = allocate();
    let frame = owned.frame();
    let [again, and_again] = [(); 2].map(|()| owned.share().expect("it has few owners"));
    let page = Page::containing(SOMEWHERE);
    let mut kernel = KERNEL.lock();
    // SAFETY: the pages are not used.
    unsafe {
        assert_eq!(kernel.unmap(page).map(|_| ()), Err(NotMapped(page)));
        kernel.map(page, owned, Flags::empty()).expect("the page is free").flush();
        assert_eq!(kernel.map(page, again, Flags::WRITABLE).map(|_| ()), Err(MapError::AlreadyMapped(frame)));
        let large = Page::containing(VirtAddr::new(8 << 20));
        let error = kernel.map(large, and_again, Flags::WRITABLE).map(|_| ());
        assert_eq!(error, Err(MapError::AlreadyMapped(Frame::containing(PhysAddr::new(8 << 20)))));
        assert_eq!(kernel.unmap(large).map(|_| ()), Err(NotMapped(large)));
    }
    assert_eq!(frame_allocator::owner_count(frame), 1, "what could not be mapped has been given back");
}

fn mapping_without_memory_is_an_error_and_loses_nothing() {
    let owned = allocate();
    take_all(|_| ());
    // SAFETY: it takes no other directory's place.
    assert!(unsafe { Directory::new() }.is_none());
    let before = KERNEL.lock().mappings().count();
    // SAFETY: the page is not used.
    let error = unsafe { KERNEL.lock().map(Page::containing(SOMEWHERE), owned, Flags::empty()) }.map(|_| ());
    assert_eq!((error, frame_allocator::free_count()), (Err(MapError::OutOfMemory), 1));
    assert_eq!(KERNEL.lock().mappings().count(), before);
}

fn mapping_several_pages_is_all_or_nothing() {
    let pages = SOMEWHERE..SOMEWHERE.wrapping_add(4 * PAGE_BYTES);
    let mut kernel = KERNEL.lock();
    kernel.make_tables(pages.clone()).expect("there is enough memory");
    let frames = [(); 3].map(|()| allocate());
    take_all(|_| ());
    drop(frames);
    let before = kernel.mappings().count();
    // SAFETY: the pages are not used.
    let error = unsafe { kernel.map_free_frames(pages, Flags::WRITABLE) };
    assert_eq!((error, frame_allocator::free_count()), (Err(MapError::OutOfMemory), 3));
    assert_eq!(kernel.mappings().count(), before);
}

fn a_page_that_is_in_the_way_stays_and_nothing_is_lost() {
    let pages = SOMEWHERE..SOMEWHERE.wrapping_add(4 * PAGE_BYTES);
    let there = SOMEWHERE.wrapping_add(2 * PAGE_BYTES);
    let owned = allocate();
    let frame = owned.frame();
    let mut kernel = KERNEL.lock();
    // SAFETY: the page is not used.
    unsafe { kernel.map(Page::containing(there), owned, Flags::WRITABLE) }.expect("the page is free").flush();
    let free = frame_allocator::free_count();
    // SAFETY: the pages are not used.
    let error = unsafe { kernel.map_free_frames(pages.clone(), Flags::WRITABLE) };
    assert_eq!((error, frame_allocator::free_count()), (Err(MapError::AlreadyMapped(frame)), free));
    assert_eq!((kernel.translate(there), kernel.translate(pages.start)), (Some(frame.address()), None));
}

fn clearing_a_frame_leaves_the_next_one_alone() {
    let frames = [(); 10].map(|()| allocate());
    for owned in &frames {
        let frame = owned.frame();
        // SAFETY: the frame was free, so nothing else uses it.
        unsafe { frame.in_window().address().as_ptr::<[u32; 1024]>().write([frame.number(); 1024]) };
    }
    // Every other frame is free now, with frames in use on both sides.
    let mut kept = frames.map(Some);
    let freed = [1, 3, 5, 7, 9].map(|index| kept[index].take().map(|owned| owned.frame()));
    let again = [(); 5].map(|()| frame_allocator::allocate_cleared().expect("there is enough memory"));
    for owned in &again {
        let frame = owned.frame();
        assert!(freed.contains(&Some(frame)), "the frames freed last are the first to be used again");
        // SAFETY: the frame was free.
        assert_eq!(unsafe { frame.in_window().address().as_ptr::<[u32; 1024]>().read() }, [0; 1024]);
    }
    for frame in kept.iter().flatten().map(OwnedFrame::frame) {
        // SAFETY: written above.
        let words = unsafe { frame.in_window().address().as_ptr::<[u32; 1024]>().read() };
        assert!(words.iter().all(|word| *word == frame.number()), "{frame:?} was written to");
    }
}

fn large_pages_are_walked_and_translated() {
    let kernel = KERNEL.lock();
    assert_eq!(kernel.translate(VirtAddr::new(0x00C1_2345)), Some(PhysAddr::new(0x00C1_2345)));
    let large = kernel.mappings().filter(|mapping| mapping.pages == 1024);
    assert!(large.map(|mapping| mapping.page.address().as_u32()).eq([4 << 20, 8 << 20, 12 << 20]));
}

fn only_rights_and_available_bits_are_granted() {
    let owned = allocate();
    let (frame, page) = (owned.frame(), Page::containing(SOMEWHERE));
    const NOTES: Flags = Flags::AVAILABLE_10.union(Flags::AVAILABLE_11);
    const GRANTED: Flags = Flags::WRITABLE.union(Flags::USER).union(NOTES);
    let everything = Flags::from_bits_retain(u32::MAX);
    let found =
        || KERNEL.lock().mappings().find(|mapping| mapping.page == page).map(|found| (found.frame, found.flags));
    let expected = Some((frame, GRANTED | Flags::PRESENT | Flags::OWNED));
    // SAFETY: nothing uses the page or the frame.
    unsafe { KERNEL.lock().map(page, owned, everything) }.expect("the page is free").flush();
    assert_eq!(found(), expected);
    // SAFETY: as above.
    unsafe { KERNEL.lock().protect(page, everything) }.expect("it is mapped").flush();
    assert_eq!(found(), expected);
}

fn an_entry_that_is_not_present_maps_nothing() {
    let pages = SOMEWHERE..SOMEWHERE.wrapping_add(PAGE_BYTES);
    let mut kernel = KERNEL.lock();
    kernel.make_tables(pages).expect("there is enough memory");
    let before = kernel.mappings().count();
    let table = kernel.entry(Page::containing(SOMEWHERE).directory_index()).frame().in_window();
    // SAFETY: the table maps nothing, and neither does this entry: all its bits are set except P.
    unsafe { table.address().as_ptr::<u32>().write(!Flags::PRESENT.bits()) };
    assert_eq!((kernel.mappings().count(), kernel.translate(SOMEWHERE)), (before, None));
}

fn an_entry_that_is_present_is_not_filled() {
    let mut kernel = KERNEL.lock();
    let first = kernel.entry(0);
    // SAFETY: the kernel refuses it.
    unsafe { kernel.fill(1, first) };
}

/// A directory that shares two entries with the kernel's: the first one, which maps the kernel, and that of
/// [`SOMEWHERE`].
fn link_to(kernel: &mut Directory) -> Directory {
    let somewhere = Page::containing(SOMEWHERE).directory_index();
    // SAFETY: the CPU does not use it.
    unsafe { kernel.link([0..1, somewhere..somewhere + 1]) }.expect("there is enough memory")
}

fn a_linked_directory_has_the_same_page_tables() {
    let page = Page::containing(SOMEWHERE);
    let mut kernel = KERNEL.lock();
    kernel.make_tables(SOMEWHERE..SOMEWHERE.wrapping_add(PAGE_BYTES)).expect("there is enough memory");
    let linked = link_to(&mut kernel);
    for index in 0..1024 {
        let expected =
            if [0, page.directory_index()].contains(&index) { kernel.entry(index).frame().number() } else { 0 };
        assert_eq!(linked.entry(index).frame().number(), expected, "entry {index}");
    }
    let owned = allocate();
    let frame = owned.frame();
    assert_eq!(linked.translate(SOMEWHERE), None);
    // SAFETY: nothing uses the page or the frame.
    unsafe { kernel.map(page, owned, Flags::USER) }.expect("the page is free").flush();
    assert_eq!(linked.translate(SOMEWHERE), Some(frame.address()), "what the kernel maps is mapped in both");
    assert_eq!(linked.rights(page), Some(Flags::PRESENT | Flags::USER));
}

fn a_directory_that_others_link_to_gets_no_page_table() {
    let mut kernel = KERNEL.lock();
    kernel.make_tables(SOMEWHERE..SOMEWHERE.wrapping_add(PAGE_BYTES)).expect("there is enough memory");
    let mut linked = link_to(&mut kernel);
    for directory in [&mut kernel, &mut linked] {
        let tables = directory.make_tables(SOMEWHERE..SOMEWHERE.wrapping_add(PAGE_BYTES));
        tables.expect("there is one already");
    }
    let further = VirtAddr::new(0x5040_0000);
    linked.make_tables(further..further.wrapping_add(PAGE_BYTES)).expect("no directory is linked to this one");
    let _ = kernel.make_tables(further..further.wrapping_add(PAGE_BYTES));
}

fn a_stack_that_is_all_guard_page_is_rejected() {
    Region::stacks(image::stack(), core::hint::black_box(PAGE_BYTES), |_, f| f.write_str("a stack"));
}

fn page_0_is_not_mapped() {
    // SAFETY: not sound: nothing is mapped there; the test is about that.
    unsafe { asm!("mov {0:e}, [{0:e}]", inout(reg) 0 => _) };
}

fn a_write_to_an_unmapped_page_is_reported() {
    // SAFETY: not sound: nothing is mapped there; the test is about that.
    unsafe { SOMEWHERE.as_ptr::<u32>().write_volatile(0) };
}

/// A handler like the demonstration's.
extern "C" fn repair(frame: &mut TrapFrame) {
    let fault = PageFault::of(frame);
    assert!(fault.is_write() && !fault.is_from_ring_3());
    if fault.is_protection() {
        exceptions::report(frame, format_args!("{fault}"));
    }
    let pages = SOMEWHERE..SOMEWHERE.wrapping_add(PAGE_BYTES);
    // SAFETY: nothing was mapped there.
    unsafe { KERNEL.lock().map_free_frames(pages, Flags::WRITABLE) }.expect("there is enough memory");
}

fn a_protection_fault_is_not_repaired() {
    // SAFETY: the handler removes the cause, or does not return.
    unsafe { interrupts::register(PAGE_FAULT, repair) };
    for value in 1..4 {
        // SAFETY: the handler maps the page.
        let read = unsafe {
            SOMEWHERE.as_ptr::<u32>().write_volatile(value);
            SOMEWHERE.as_ptr::<u32>().read_volatile()
        };
        assert_eq!(read, value);
    }
    // SAFETY: the test writes to the page once more, to see that it cannot.
    unsafe { KERNEL.lock().protect(Page::containing(SOMEWHERE), Flags::empty()) }.expect("it is mapped").flush();
    // SAFETY: not sound: the page is read-only; the test is about that.
    unsafe { SOMEWHERE.as_ptr::<u32>().write_volatile(0) };
}

/// Runs an instruction in ring 3 that writes to `target`. It lies at [`SOMEWHERE`], where ring 3 may read. Interrupts
/// begin on a stack of their own, because the boot stack is in use.
fn write_in_ring_3(target: VirtAddr) -> ! {
    static STACK: [AtomicU32; 2048] = [const { AtomicU32::new(0) }; 2048];
    static TABLE: Once<[GdtEntry; 7]> = Once::new();
    const DATA: Access = Access::PRESENT.union(Access::CODE_OR_DATA).union(Access::READ_WRITE).union(Access::RING_3);
    let flat =
        |access| Descriptor::new(0, 0xF_FFFF, access, descriptor::Flags::LIMIT_IN_PAGES | descriptor::Flags::BITS_32);
    let more = [flat(DATA | Access::EXECUTABLE), flat(DATA)];
    gdt::load(TABLE.call_once(|| gdt::extended(&more))).expect("it must extend the loaded table");
    let [code, data] = [5, 6].map(|index| SegmentSelector::new(index, Ring::Ring3));
    let pages = SOMEWHERE..SOMEWHERE.wrapping_add(PAGE_BYTES);
    // SAFETY: nothing was mapped there, and nothing else uses the page.
    unsafe {
        KERNEL.lock().map_free_frames(pages, Flags::WRITABLE).expect("there is enough memory");
        SOMEWHERE.as_ptr::<[u8; 2]>().write([0x89, 0x03]); // mov [ebx], eax
        KERNEL.lock().protect(Page::containing(SOMEWHERE), Flags::USER).expect("it is mapped").flush();
        tss::set_kernel_stack(VirtAddr::from(STACK.as_ptr_range().end));
    }
    // SAFETY: the handler does not return.
    unsafe { interrupts::register(PAGE_FAULT, told) };
    extern "C" fn told(frame: &mut TrapFrame) {
        let fault = PageFault::of(frame);
        assert!(fault.is_write() && fault.is_protection() && fault.is_from_ring_3());
        let end = VirtAddr::from(&raw const *frame).wrapping_add(size_of::<UserTrapFrame>() as u32);
        assert_eq!(end, VirtAddr::from(STACK.as_ptr_range().end), "the kernel's stack was empty");
        exceptions::report(frame, format_args!("{fault}"))
    }
    let mut frame = UserTrapFrame::new(code, data, SOMEWHERE, VirtAddr::new(0x1234_5678));
    (frame.ebx, frame.eflags) = (target.as_u32(), 1 << 1);
    // SAFETY: this is a trap frame of ring 3, whose code is mapped. The page fault that follows ends the kernel.
    unsafe { asm!("mov esp, {}", "xor ebx, ebx", "jmp interrupt_return", in(reg) &raw const frame, options(noreturn)) }
}

fn a_page_fault_in_ring_3_is_reported() {
    write_in_ring_3(image::data().start);
}

fn the_stack_of_a_program_is_reported() {
    write_in_ring_3(image::data().start);
}

fn a_reserved_bit_is_reported() {
    // Bit 21, which is no part of the address of a large page (Intel SDM volume 3A, table 4-4).
    let reserved = Frame::containing(PhysAddr::new(1 << 21));
    // SAFETY: the CPU refuses the entry, so there is no page.
    unsafe {
        KERNEL.lock().fill(Page::containing(SOMEWHERE).directory_index(), Entry::new(reserved, Flags::LARGE));
        SOMEWHERE.as_ptr::<u32>().read_volatile();
    }
}

fn a_page_that_ring_3_may_only_read_is_reported() {
    write_in_ring_3(SOMEWHERE.wrapping_add(0x10));
}

fn instructions_cannot_be_written() {
    // SAFETY: not sound: the page is read-only; the test is about that.
    unsafe { image::text().start.as_ptr::<u32>().write_volatile(0) };
}

fn constants_cannot_be_written() {
    // SAFETY: not sound: the page is read-only; the test is about that.
    unsafe { image::rodata().start.as_ptr::<u32>().write_volatile(0) };
}

fn a_jump_to_0_is_reported() {
    let null = core::hint::black_box(0usize);
    // SAFETY: not sound: there is no function at 0; the test is about that.
    let function: fn() = unsafe { core::mem::transmute(null) };
    function();
    // Without anything left to do, the compiler would turn the call into a jump.
    core::hint::black_box(());
}

fn a_jump_to_an_unmapped_page_is_a_fetch() {
    // SAFETY: not sound: nothing is mapped there; the test is about that.
    unsafe { asm!("call {}", in(reg) SOMEWHERE.as_u32()) };
}

fn a_write_to_the_guard_page_is_reported() {
    // SAFETY: not sound: nothing is mapped there; the test is about that.
    unsafe { image::stack().start.wrapping_add(100).as_ptr::<u32>().write_volatile(0) };
}

fn a_stop_without_a_stack_says_why_it_lists_no_callers() {
    // SAFETY: not sound: nothing works without a stack. The CPU cannot push the trap frame of the page fault, so there
    // is a double fault.
    unsafe { asm!("xor esp, esp", "jmp {}", in(reg) SOMEWHERE.as_u32(), options(noreturn)) };
}

fn a_stop_in_a_damaged_chain_says_where_the_chain_ends() {
    // SAFETY: `ud2` ends the kernel, with any value of EBP.
    unsafe { asm!("mov ebp, 0x60000004", "ud2", options(noreturn)) };
}

#[expect(unconditional_recursion, reason = "the stack must overflow")]
#[inline(never)]
fn recurse_forever(depth: u32) -> u32 {
    core::hint::black_box(recurse_forever(depth + 1)) + depth
}

fn a_stack_overflow_is_reported() {
    recurse_forever(0);
}

fn a_stack_overflow_by_one_large_frame_is_reported() {
    #[inline(never)]
    fn large() -> u8 {
        let large = [1u8; 256 << 10];
        core::hint::black_box(&large)[12345]
    }
    large();
}

/// Runs on the stack of double faults, so that the double fault handler has its overflow to report.
fn the_stack_of_double_faults_has_a_guard_page() {
    let lowest = image::fault_stack().start.wrapping_add(PAGE_BYTES);
    // SAFETY: not sound: nothing is mapped below that address; the test is about that.
    unsafe { asm!("mov esp, {}", "push 0", "ud2", in(reg) lowest.as_u32(), options(noreturn)) };
}

fn a_double_fault_is_reported_whichever_tss_was_in_use() {
    static ANOTHER: Tss = Tss::new();
    static TABLE: Once<[GdtEntry; 6]> = Once::new();
    gdt::load(TABLE.call_once(|| gdt::extended(&[ANOTHER.descriptor()]))).expect("it must extend the loaded table");
    // SAFETY: the entry is a TSS, and is not in use yet.
    unsafe { load_tr(SegmentSelector::new(5, Ring::Ring0)) };
    recurse_forever(0);
}

fn a_double_fault_for_another_reason_says_so() {
    use interrupts::gate::{Gate, Kind};
    let nowhere = Gate::new(Kind::Interrupt, 0x38, VirtAddr::new(0), x86::Ring::Ring0);
    // SAFETY: the selector names nothing, so the CPU does not go through these gates.
    unsafe {
        interrupts::idt::set_gate(6, nowhere);
        interrupts::idt::set_gate(13, nowhere);
    }
    // SAFETY: not sound: the CPU can deliver neither the fault nor the fault of its gate; the test is about that.
    unsafe { asm!("ud2") };
}

fn a_double_fault_reports_the_last_page_fault() {
    // SAFETY: the handler maps the page, at which nothing was mapped.
    unsafe {
        interrupts::register(PAGE_FAULT, repair);
        SOMEWHERE.as_ptr::<u32>().write_volatile(0);
    }
    a_double_fault_for_another_reason_says_so();
}

fn the_kernels_map_before_paging_is_rejected() {
    // The kernel of this test stops before this point, and so does that of the next.
}

fn paging_before_interrupts_is_rejected() {}

fn paging_is_set_up_once() {
    paging::init(boot());
}

/// How often interrupts were turned off, and whether they were on at the last step.
static TIMES_OFF: AtomicU32 = AtomicU32::new(0);
static WERE_ON: AtomicBool = AtomicBool::new(true);

/// Sets paging up with interrupts on, one instruction at a time: the CPU calls the handler after each one (Intel SDM
/// volume 3B, 18.3.1.4 "Single-Step Exception Condition").
fn init_step_by_step() {
    const DEBUG: u8 = 1;
    extern "C" fn step(frame: &mut TrapFrame) {
        let are_on = EFlags::from_bits_truncate(frame.eflags).contains(EFlags::FLAGS_IF);
        if WERE_ON.swap(are_on, Relaxed) && !are_on {
            TIMES_OFF.fetch_add(1, Relaxed);
        }
    }
    // SAFETY: every line of the interrupt controllers is masked, so only the single steps arrive, and their handler
    // changes no register.
    unsafe {
        interrupts::register(DEBUG, step);
        io::outb(0x21, 0xFF);
        io::outb(0xA1, 0xFF);
        let_interrupts_in();
        asm!("pushfd", "or dword ptr [esp], 0x100", "popfd");
        paging::init(boot());
        asm!("pushfd", "and dword ptr [esp], ~0x100", "popfd");
    }
}

fn paging_is_set_up_with_interrupts_off() {
    assert_eq!(TIMES_OFF.load(Relaxed), 1, "from its first line to its last");
    assert!(WERE_ON.load(Relaxed), "and are let in again");
}

fn an_old_cpu_stops_with_a_message() {
    // The kernel of this test stops before this point.
}

fn boot_information_beyond_128_mib_is_rejected() {
    // The kernel of this test stops before this point.
}

fn unused_memory_is_reported() {
    boot::stop::stop!("that is all");
}

fn a_tss_ends_with_its_fields() {
    for selector in [3 << 3, 4 << 3] {
        let (limit, is_known): (u32, u8);
        // SAFETY: the instruction only reads the limit of a segment.
        unsafe { asm!("lsl {:e}, {:e}", "setz {}", out(reg) limit, in(reg) selector, out(reg_byte) is_known) };
        assert_eq!((limit, is_known), (103, 1), "behind it, ring 3 would find ports that it may use");
    }
}

fn a_seventeenth_region_is_a_bug() {
    const OF_THE_KERNEL: usize = 8;
    let add = || regions::add(Region::new(SOMEWHERE..SOMEWHERE, |_, f| f.write_str("nothing")));
    (OF_THE_KERNEL..16).for_each(|_| add());
    boot::log!("sixteen have names");
    add();
}

/// Overlapping regions are refused in either order: the name that came first would hide the guard page.
fn a_guard_page_gets_no_second_name_before_paging() {
    panic!("it was hidden");
}

fn a_directory_has_1024_entries() {
    let kernel = KERNEL.lock();
    assert!(!kernel.entry(1023).is_present());
    kernel.entry(1024);
}

fn a_range_of_entries_ends_with_the_table() {
    let kernel = KERNEL.lock();
    assert!(kernel.present(0..1024).count() > 0);
    kernel.present(0..1025).count();
}

fn the_parts_of_the_identity_map_have_names() {
    let at = |address| regions::locate(VirtAddr::new(address));
    let [stack, behind] = [image::stack().end.as_u32() - 1, image::kernel().end.as_u32()].map(at);
    panic!("{}, {stack}, {behind}, {}", at(0xB_8000), at(128 << 20));
}

fn a_location_prints_in_full_in_short_and_in_columns() {
    let stack = SOMEWHERE..SOMEWHERE.wrapping_add(2 * PAGE_BYTES);
    let name = |_, f: &mut fmt::Formatter| f.write_str(if f.alternate() { "a stack" } else { "task 1's stack" });
    regions::add(Region::stacks(stack, 2 * PAGE_BYTES, name));
    let guard_page = regions::locate(SOMEWHERE);
    panic!("{guard_page}, {guard_page:#}, {:17}|", regions::locate(SOMEWHERE.wrapping_add(PAGE_BYTES)));
}
