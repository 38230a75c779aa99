//! What the kernel of chapter 1 must survive.

#![no_std]
#![no_main]

use boot::entry::Handover;
use boot::serial::{self, Serial};
use boot::stop::Trace;
use boot::{information, stop};
use common::lock::interrupts_off;
use common::{VirtAddr, image};
use core::arch::asm;
use core::fmt::Write;
use harness::{End, Test, test};
use multiboot2::{BootInformation, ElfSectionExt, ElfSectionFlags, MemoryAreaType};
use spin::Once;
use x86::bits32::eflags::{self, EFlags};
use x86::io;

harness::boot!(TESTS, handover => begin(handover), up to serial);

static BOOT: Once<BootInformation<'static>> = Once::new();

const TESTS: &[Test] = &[
    test!(the_stack_is_our_own),
    test!(flags_are_as_compiled_code_expects),
    test!(the_header_comes_first_and_adds_up_to_zero),
    test!(every_section_in_memory_lies_within_the_image),
    test!(the_parts_of_the_image_begin_on_pages_of_their_own),
    test!(uninitialized_variables_are_zero),
    test!(the_memory_map_holds_all_memory),
    test!(the_memory_map_of_a_large_machine_goes_beyond_128_mib).memory_mib(256),
    test!(the_loader_gives_its_name),
    test!(the_command_line_arrives),
    test!(a_missing_uart_does_not_hang_the_log),
    test!(every_byte_waits_for_the_transmitter),
    test!(a_log_that_is_not_read_for_a_while_continues_later)
        .ends(End::Stop("\nThe log goes on.\n\nSTOP: that was all")),
    test!(setting_up_the_log_again_changes_nothing),
    test!(a_port_is_set_up_from_any_state),
    test!(a_wrong_magic_stops_with_a_message)
        .ends(End::Stop("STOP: this kernel must be loaded by a Multiboot2 boot loader: EAX is 0x0badb002")),
    test!(a_stop_prints_its_location)
        .ends(End::Stop("STOP: here it ends\n  EIP 0x0010"))
        .told(&["in `kernel::a_stop_prints_its_location`"]),
    test!(missing_boot_information_stops_with_a_message)
        .ends(End::Stop("STOP: the boot information at 0x00000000 is damaged")),
    test!(misaligned_boot_information_stops_with_a_message).ends(End::Stop("it must begin at a multiple of 8")),
    test!(boot_information_of_more_than_1_mib_stops_with_a_message)
        .ends(End::Stop("is damaged: it claims an impossible size: 1048577 bytes")),
    test!(boot_information_of_1_mib_is_read).ends(End::Stop("is damaged: its tags are not in order: ")),
    test!(a_tag_beyond_the_end_stops_with_a_message).ends(End::Stop("is damaged: its tags are not in order: ")),
    test!(areas_of_size_0_stop_with_a_message).ends(End::Stop("is damaged: its memory map tag has an impossible size")),
    test!(a_panic_prints_its_message_and_its_location)
        .ends(End::Stop("PANIC: two and two are 5, at chapters/01-boot/tests/kernel.rs"))
        .told(&["in `kernel::a_panic_prints_its_message_and_its_location`"]),
    test!(a_value_that_cannot_be_logged_is_reported)
        .ends(End::Stop("PANIC: a value could not be formatted: the log accepts everything: Error, at")),
    test!(a_panic_while_logging_is_reported).ends(End::Stop("PANIC: while saying so, at")),
    test!(a_panic_while_stopping_ends_the_run).ends(End::Stop(
        "STOP: no words: \n(stopped again while reporting that: while saying so, at chapters/01-boot/tests",
    )),
    test!(a_panic_inside_a_panic_ends_the_run)
        .ends(End::Stop(
            "PANIC: no words: \n(stopped again while reporting that: while saying so, at chapters/01-boot/tests",
        ))
        .told(&["in `<kernel::Explosive as core::fmt::Display>::fmt`"]),
    test!(a_panic_that_cannot_be_printed_ends_the_run)
        .ends(End::Stop("PANIC: \n(stopped again while reporting that: \n(and once more)\n"))
        .told(&["in `<kernel::a_panic_that_cannot_be_printed_ends_the_run::Endless as core::fmt::Display>::fmt`"]),
    test!(a_stop_never_becomes_a_good_end).ends(End::Stop(
        "PANIC: a bug\nThe demonstration is over.\n\n\
         (stopped again while reporting that: a kernel cannot end well while it stops)",
    )),
    test!(a_stop_calls_the_callback_first).ends(End::Stop("Not yet.\n\nSTOP: now\n  EIP 0x")),
    test!(a_panic_in_the_callback_is_reported)
        .ends(End::Stop("(stopped again while reporting that: in the call, at chapters/01-boot/tests")),
    test!(a_stop_has_only_one_callback).ends(End::Stop("PANIC: a callback for stops is already set, at")),
    test!(a_chain_of_callers_may_reach_the_last_word_of_memory).ends(End::Stop("EXCEPTION: none\n  EIP 0x")),
    test!(the_caller_of_address_0_is_printed).ends(End::Stop("EXCEPTION: none\n  EIP 0x00000000\n  EIP 0x0010")),
    test!(a_long_chain_of_callers_is_cut_off).ends(End::Stop("EXCEPTION: none\n  EIP 0x00004fff\n  EIP 0x00004fff")),
    test!(a_lock_taken_twice_panics_instead_of_hanging).ends(End::Stop("PANIC: deadlock")),
    test!(a_lock_keeps_interrupts_off_while_it_is_held),
    test!(a_halt_that_would_never_end_is_a_bug)
        .ends(End::Stop("PANIC: interrupts are off, so the halt would never end")),
    test!(a_triple_fault_is_reported).ends(End::TripleFault),
    test!(a_hang_is_reported).ends(End::Hang).told(&["had not ended after", "in `kernel::a_hang_is_reported`"]),
    test!(an_endless_log_is_reported)
        .ends(End::Endless)
        .told(&["1 MiB of log", "`kernel::an_endless_log_is_reported`"]),
    test!(with_1_mib_the_kernel_is_never_loaded).memory_mib(1).ends(End::NotLoaded).told(&["too little memory"]),
    test!(with_2_mib_the_kernel_is_never_loaded).memory_mib(2).ends(End::NotLoaded).told(&["too little memory"]),
    test!(the_end_halts_the_cpu).ends(End::Halt),
    test!(a_stop_halts_the_cpu).ends(End::Halt),
];

/// Keeps the boot information for the tests.
fn begin(handover: Handover) -> &'static BootInformation<'static> {
    serial::init();
    let information = handover.information();
    BOOT.call_once(|| information)
}

fn boot() -> &'static BootInformation<'static> {
    BOOT.get().expect("set before any test runs")
}

fn the_stack_is_our_own() {
    let esp: u32;
    // SAFETY: the instruction only copies a register.
    unsafe { asm!("mov {}, esp", out(reg) esp) };
    assert!(image::stack().contains(&VirtAddr::new(esp)), "ESP is {esp:#010x}");
}

fn flags_are_as_compiled_code_expects() {
    // SAFETY: reading EFLAGS changes nothing.
    let flags = unsafe { eflags::read() };
    assert!(!flags.contains(EFlags::FLAGS_IF), "interrupts are on before there are handlers");
    assert!(!flags.contains(EFlags::FLAGS_DF), "string instructions would run backwards");
}

fn the_header_comes_first_and_adds_up_to_zero() {
    let header = image::rodata().start;
    assert_eq!(header, image::kernel().start);
    // SAFETY: the linker script puts the header there, which has 24 bytes.
    let fields = unsafe { header.as_ptr::<[u32; 4]>().read() };
    assert_eq!(fields[0], 0xE852_50D6);
    assert_eq!(fields.iter().fold(0, |sum: u32, field| sum.wrapping_add(*field)), 0);
}

fn every_section_in_memory_lies_within_the_image() {
    let tag = boot().elf_sections_tag().expect("the loader passes the sections on");
    let mut seen = 0;
    for section in tag.sections().filter(|section| section.flags().contains(ElfSectionFlags::ALLOCATED)) {
        let (from, to) = (section.sh_addr as u32, (section.sh_addr + section.sh_size) as u32);
        let inside = image::kernel().start.as_u32() <= from && to <= image::kernel().end.as_u32();
        assert!(inside, "a section from {from:#x} to {to:#x} lies outside the image: linker.ld does not place it");
        seen += 1;
    }
    assert_eq!(seen, 4, "the sections in memory are .rodata, .text, .data and .bss");
}

fn the_parts_of_the_image_begin_on_pages_of_their_own() {
    for part in [image::rodata(), image::text(), image::data(), image::stack()] {
        assert!(part.start < part.end && part.start.as_u32().is_multiple_of(4096), "{part:?}");
    }
    assert_eq!(image::rodata().end, image::text().start);
    let here = VirtAddr::new(the_parts_of_the_image_begin_on_pages_of_their_own as *const () as u32);
    assert!(image::text().contains(&here));
    assert!(image::rodata().contains(&VirtAddr::from("a constant".as_ptr())));
    assert!(image::data().contains(&VirtAddr::from((&raw const BOOT).cast::<u8>())));
}

fn uninitialized_variables_are_zero() {
    static ZEROS: [core::sync::atomic::AtomicU32; 4096] = [const { core::sync::atomic::AtomicU32::new(0) }; 4096];
    assert!(ZEROS.iter().all(|word| word.load(core::sync::atomic::Ordering::Relaxed) == 0));
}

/// The usable memory in the map, in KiB.
fn usable_kib() -> u64 {
    let areas = boot().memory_map_tag().expect("a memory map").memory_areas();
    areas.iter().filter(|area| area.typ() == MemoryAreaType::Available).map(|area| area.size() / 1024).sum()
}

fn the_memory_map_holds_all_memory() {
    assert!((15 * 1024..=16 * 1024).contains(&usable_kib()), "{} KiB", usable_kib());
}

fn the_memory_map_of_a_large_machine_goes_beyond_128_mib() {
    assert!((255 * 1024..=256 * 1024).contains(&usable_kib()), "{} KiB", usable_kib());
}

fn the_loader_gives_its_name() {
    assert!(information::loader_name(boot()).starts_with("GRUB"));
}

fn the_command_line_arrives() {
    assert!(information::command_line(boot()).contains("test=the_command_line_arrives"));
}

fn a_missing_uart_does_not_hang_the_log() {
    const COM4: u16 = 0x2E8;
    // SAFETY: QEMU's PC has no COM4.
    let mut absent = unsafe { Serial::new(COM4) };
    absent.init();
    absent.write_str("into the void").expect("every byte is dropped or sent");

    // A port that never looks like a ready transmitter.
    const NEVER_READY: u16 = 0x00;
    // SAFETY:
    // 1. The promise is broken: these ports belong to the controller for direct memory access.
    // 2. But `send` writes nothing, because no UART there is ever ready, and reading the registers changes nothing.
    let mut stuck = unsafe { Serial::new(NEVER_READY) };
    // So much text that the kernel could not wait for every byte.
    for _ in 0..10_000 {
        stuck.write_str("a transmitter that is never ready").expect("every byte is dropped or sent");
    }
}

fn every_byte_waits_for_the_transmitter() {
    /// Bit 5 of this port says that channel 2 of the timer has counted down. To the driver, it is a slow transmitter.
    const LINE_STATUS: u16 = 0x61;
    const PULSES: [u8; 2] = 1000u16.to_le_bytes();
    // SAFETY: the byte goes to the port five below, which no device uses.
    let mut slow = unsafe { Serial::new(LINE_STATUS - 5) };
    // SAFETY: this only reads the status.
    let is_ready = || unsafe { io::inb(LINE_STATUS) & 0x20 != 0 };
    loop {
        // SAFETY: nothing else uses channel 2, and the loudspeaker stays off.
        unsafe {
            io::outb(0x61, 0x01);
            io::outb(0x43, 0b1011_0000);
            PULSES.into_iter().for_each(|byte| io::outb(0x42, byte));
        }
        // On a busy host, the timer may have counted down already.
        let needs_time = !is_ready();
        slow.write_char('x').expect("every byte is dropped or sent");
        if needs_time {
            break;
        }
    }
    assert!(is_ready());
}

fn a_log_that_is_not_read_for_a_while_continues_later() {
    /// More than the log waits, and much more than the host needs to read a byte.
    const LOOKS: u32 = 100_000;
    let is_ready = |_| {
        // SAFETY: reading the status changes nothing that this test uses.
        unsafe { io::inb(serial::COM1 + 5) & 0x20 != 0 }
    };
    boot::log!("the host reads nothing for a while");
    // The buffers between the kernel and the host hold some of it.
    while (0..LOOKS).any(is_ready) {
        boot::log!("This line fills what lies between the serial port and its reader, which does not read.");
    }
    boot::log!("This line is lost.");
    while !(0..LOOKS).any(is_ready) {}
    boot::log!("\nThe log goes on.");
    stop!("that was all");
}

fn with_1_mib_the_kernel_is_never_loaded() {
    unreachable!("there is not enough memory for this");
}

fn with_2_mib_the_kernel_is_never_loaded() {
    unreachable!("there is not enough memory for this");
}

fn setting_up_the_log_again_changes_nothing() {
    const INTERRUPT_ENABLE: u16 = serial::COM1 + 1;
    const MODEM_CONTROL: u16 = serial::COM1 + 4;
    // SAFETY: the port now interrupts when it receives a byte, as in chapter 8. But interrupts are off here.
    let registers = unsafe {
        io::outb(INTERRUPT_ENABLE, 0x01);
        io::outb(MODEM_CONTROL, 0x0B);
        serial::init();
        [io::inb(INTERRUPT_ENABLE), io::inb(MODEM_CONTROL)]
    };
    assert_eq!(registers, [0x01, 0x0B]);
}

fn a_port_is_set_up_from_any_state() {
    let register = |offset| serial::COM1 + offset;
    // SAFETY: COM1 is a UART. It sends nothing in between, and interrupts are off.
    let (controls, divisor) = unsafe {
        io::outb(register(1), 0x0F); // interrupts for everything
        io::outb(register(2), 0x00); // no FIFO
        io::outb(register(4), 0x1C); // looped back to itself
        io::outb(register(3), 0x9E); // seven bits, even parity, two stop bits; access to the divisor
        io::outb(register(0), 0x80);
        io::outb(register(1), 0x01);
        Serial::new(serial::COM1).init();
        let controls = [1, 2, 3, 4].map(|offset| io::inb(register(offset)));
        io::outb(register(3), 0x80);
        let divisor = [0, 1].map(|offset| io::inb(register(offset)));
        io::outb(register(3), controls[2]);
        (controls, divisor)
    };
    assert_eq!(controls, [0x00, 0xC1, 0x03, 0x03], "no interrupts, none pending, the FIFO, the line, the modem");
    assert_eq!(divisor, [1, 0]);
}

/// Enters the kernel again, like a loader, with these values in EAX and EBX.
fn enter_again(eax: u32, ebx: u32) -> ! {
    // SAFETY: `_start` sets up everything it needs, and nothing from this run is used again.
    unsafe { asm!("mov ebx, {ebx}", "jmp _start", in("eax") eax, ebx = in(reg) ebx, options(noreturn)) }
}

fn a_wrong_magic_stops_with_a_message() {
    enter_again(0x0BAD_B002, 0);
}

fn missing_boot_information_stops_with_a_message() {
    // SAFETY: the promise is broken: there is no boot information at the address. The kernel must notice that.
    unsafe { kernel_main(multiboot2::MAGIC, 0) };
}

fn a_stop_prints_its_location() {
    stop!("here it ends");
}

fn misaligned_boot_information_stops_with_a_message() {
    // SAFETY: the promise is broken, as above.
    let handover = unsafe { Handover::new(multiboot2::MAGIC, boot().start_address() as u32 + 4) };
    handover.information();
}

/// Reads a copy of the boot information in which `word` replaces the word at `offset`.
fn read_with_word(offset: usize, word: u32) {
    /// Aligned to 8, as boot information must be. (On this target, a `u64` alone is aligned only to 4.) It is as
    /// large as boot information may claim to be, and zero after the loader's bytes.
    #[repr(align(8))]
    struct Copy([u64; (1 << 20) / 8]);
    static COPY: common::Lock<Copy> = common::Lock::new(Copy([0; _]));
    let copy = COPY.lock().0.as_mut_ptr();
    // SAFETY: the boot information is that long, the copy has room for it, and no other code uses the copy.
    unsafe {
        copy.copy_from_nonoverlapping(boot().start_address() as *const u64, boot().total_size() / 8);
        copy.byte_add(offset).cast::<u32>().write(word);
    }
    // SAFETY: the promise is broken: one word is wrong. The kernel must notice that.
    let handover = unsafe { Handover::new(multiboot2::MAGIC, copy as u32) };
    handover.information();
}

/// Where the tag of the memory map begins.
fn offset_of_map() -> usize {
    let map = boot().memory_map_tag().expect("a memory map");
    (&raw const *map).addr() - boot().start_address()
}

fn boot_information_of_more_than_1_mib_stops_with_a_message() {
    read_with_word(0, (1 << 20) + 1);
}

fn boot_information_of_1_mib_is_read() {
    read_with_word(0, 1 << 20);
}

fn a_tag_beyond_the_end_stops_with_a_message() {
    read_with_word(offset_of_map() + 4, 0x1_0000);
}

fn areas_of_size_0_stop_with_a_message() {
    read_with_word(offset_of_map() + 8, 0);
}

fn a_panic_prints_its_message_and_its_location() {
    panic!("two and two are {}", 2 + 3);
}

/// A value that panics when it is formatted.
struct Explosive;

impl core::fmt::Display for Explosive {
    fn fmt(&self, _: &mut core::fmt::Formatter) -> core::fmt::Result {
        panic!("while saying so");
    }
}

fn a_value_that_cannot_be_logged_is_reported() {
    struct Refusing;
    impl core::fmt::Display for Refusing {
        fn fmt(&self, _: &mut core::fmt::Formatter) -> core::fmt::Result {
            Err(core::fmt::Error)
        }
    }
    boot::log!("{Refusing}");
}

fn a_panic_while_logging_is_reported() {
    boot::log!("while the lock of the log is held: {Explosive}");
}

fn a_panic_while_stopping_ends_the_run() {
    stop!("no words: {Explosive}");
}

fn a_panic_inside_a_panic_ends_the_run() {
    panic!("no words: {Explosive}");
}

fn a_panic_that_cannot_be_printed_ends_the_run() {
    /// Its panic message contains the value itself, so reporting one panic causes the next.
    struct Endless;
    impl core::fmt::Display for Endless {
        fn fmt(&self, _: &mut core::fmt::Formatter) -> core::fmt::Result {
            panic!("{Endless}");
        }
    }
    panic!("{Endless}");
}

fn a_stop_calls_the_callback_first() {
    stop::on_stop(|| boot::log!("Not yet."));
    stop!("now");
}

fn a_panic_in_the_callback_is_reported() {
    stop::on_stop(|| panic!("in the call"));
    stop!("never said");
}

fn a_stop_has_only_one_callback() {
    stop::on_stop(|| ());
    stop::on_stop(|| panic!("the second one is not called"));
}

fn a_stop_never_becomes_a_good_end() {
    /// A value that ends the kernel well while it is formatted.
    struct Ending;
    impl core::fmt::Display for Ending {
        fn fmt(&self, _: &mut core::fmt::Formatter) -> core::fmt::Result {
            stop::end("exit", serial::write);
        }
    }
    panic!("a bug\n{Ending}");
}

fn report_with(eip: Option<VirtAddr>, esp: u32, ebp: u32) {
    let trace = Trace { eip, esp: VirtAddr::new(esp), ebp: VirtAddr::new(ebp) };
    stop::report("EXCEPTION", format_args!("none"), &trace);
}

fn a_chain_of_callers_may_reach_the_last_word_of_memory() {
    report_with(None, 0, 0xFFFF_FFFC);
}

fn the_caller_of_address_0_is_printed() {
    let stack = [image::text().start.as_u32() + 1];
    report_with(Some(VirtAddr::new(0)), (&raw const stack).addr() as u32, 0);
}

/// The whole chain would be longer than the log that the runner accepts.
fn a_long_chain_of_callers_is_cut_off() {
    const PAIRS: u32 = 8 << 20;
    for index in 0..0x2_0000 {
        let pair = (PAIRS + index * 8) as *mut u32;
        // SAFETY: this address is in memory that no code uses.
        unsafe {
            pair.write_volatile(PAIRS + index * 8 + 8);
            pair.add(1).write_volatile(0x5000);
        }
    }
    report_with(None, 0, PAIRS);
}

fn a_lock_taken_twice_panics_instead_of_hanging() {
    let lock = common::Lock::new(0);
    let _held = lock.lock();
    lock.lock();
}

fn a_lock_keeps_interrupts_off_while_it_is_held() {
    let are_on = || {
        // SAFETY: reading EFLAGS changes nothing.
        unsafe { eflags::read() }.contains(EFlags::FLAGS_IF)
    };
    let lock = common::Lock::new(0);
    drop(lock.lock());
    assert!(!are_on(), "they were off before");
    // SAFETY: all lines of the interrupt controllers are masked, so no interrupt can arrive.
    unsafe {
        io::outb(0x21, 0xFF);
        io::outb(0xA1, 0xFF);
        common::lock::let_interrupts_in();
    }
    let held = lock.lock();
    let during = are_on();
    drop(held);
    assert_eq!((during, are_on()), (false, true));
}

fn a_halt_that_would_never_end_is_a_bug() {
    // The kernel has not let interrupts in yet.
    interrupts_off().halt_until_interrupt();
}

fn a_triple_fault_is_reported() {
    let no_handlers = x86::dtables::DescriptorTablePointer::<u64> { limit: 0, base: core::ptr::null() };
    // SAFETY: none. Without handlers the CPU ends in a triple fault, which is what this test wants.
    unsafe {
        x86::dtables::lidt(&no_handlers);
        asm!("int3");
    }
}

fn a_hang_is_reported() {
    loop {
        core::hint::spin_loop();
    }
}

fn an_endless_log_is_reported() {
    for number in 0u64.. {
        boot::log!("This is line {number}, and there is always one more.");
    }
}

fn the_end_halts_the_cpu() {
    stop::end("", serial::write);
}

fn a_stop_halts_the_cpu() {
    stop!("this machine has no way out");
}
