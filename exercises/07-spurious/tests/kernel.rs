//! Judges exercise 7.2: lines that are put into service in a random choice, and interrupts that are spurious.
//!
//! Interrupts stay off. A line gets into service without the CPU's help: the poll command makes a controller behave as
//! if the CPU had asked for the vector (8259A data sheet, "Poll Command").

#![no_std]
#![no_main]

use core::arch::asm;
use harness::seeded::{Random, show};
use harness::{End, Test, test};
use timer::irq::Irq;
use timer::pic;
use x86::io;

harness::boot!(TESTS, up to interrupts, then {
    timer::init(1000).expect("within the timer's range");
});

/// Serial ports that interrupt on the lines 5, 9 and 11, besides the port of the log.
const PORTS: &str = "-device isa-serial,iobase=0x2e8,irq=5 -device isa-serial,iobase=0x2f8,irq=11 \
                     -device isa-serial,iobase=0x3e8,irq=9";

const TESTS: &[Test] = &[
    test!(lines_in_service).flags(PORTS),
    test!(ends_in_a_random_order).flags(PORTS),
    test!(spurious_interrupts_of_the_master).flags(PORTS),
    test!(spurious_interrupts_of_the_slave).flags(PORTS),
    test!(a_true_interrupt_7)
        .flags("-device isa-serial,iobase=0x2e8,irq=7")
        .ends(End::Stop("PANIC: line 7 interrupted and has no handler")),
    test!(a_true_interrupt_15)
        .flags("-device isa-serial,iobase=0x2e8,irq=15")
        .ends(End::Stop("PANIC: line 15 interrupted and has no handler")),
];

const MASTER: u16 = 0x20;
const SLAVE: u16 = 0xA0;

/// A line of the tests, and the serial port that requests it. The timer has none.
#[derive(Clone, Copy)]
struct Line {
    irq: Irq,
    port: Option<u16>,
}

/// From the lowest priority to the highest, so that each interrupts those before it.
const LINES: [Line; 4] = [
    Line { irq: Irq::Parallel2, port: Some(0x2E8) },
    Line { irq: Irq::Free11, port: Some(0x2F8) },
    Line { irq: Irq::Free9, port: Some(0x3E8) },
    Line { irq: Irq::Timer, port: None },
];

fn out(port: u16, value: u8) {
    // SAFETY: the ports of the controllers and of the additional serial ports. Interrupts are off.
    unsafe { io::outb(port, value) };
}

fn read(port: u16) -> u8 {
    // SAFETY: as above.
    unsafe { io::inb(port) }
}

/// The lines in service: those of the slave in bits 8 to 15.
fn in_service() -> u32 {
    const SHOW_IN_SERVICE: u8 = 0x0B;
    let [master, slave] = [MASTER, SLAVE].map(|port| {
        out(port, SHOW_IN_SERVICE);
        u32::from(read(port))
    });
    slave << 8 | master
}

/// Masks all lines except these.
fn open(lines: u16) {
    let [master, slave] = (!lines).to_le_bytes();
    out(MASTER + 1, master);
    out(SLAVE + 1, slave);
}

/// Lets the controller take an interrupt. Waits until there is one.
fn poll(port: u16) {
    const POLL: u8 = 0x0C;
    const IS_ONE: u8 = 0x80;
    loop {
        out(port, POLL);
        if read(port) & IS_ONE != 0 {
            return;
        }
    }
}

/// Lets the line's serial port request an interrupt, because its transmitter is empty.
fn request(line: Line) {
    const OUT_2: u8 = 0x08;
    const TRANSMITTER_EMPTY: u8 = 0x02;
    if let Some(port) = line.port {
        out(port + 4, OUT_2);
        out(port + 1, 0);
        out(port + 1, TRANSMITTER_EMPTY);
    }
}

/// Puts a line into service, as if the CPU had taken its interrupt.
fn take(line: Line) {
    const CASCADE: u8 = 1 << 2;
    request(line);
    let number = line.irq as u16;
    if number < 8 {
        open(1 << number);
        poll(MASTER);
    } else {
        open(1 << number | u16::from(CASCADE));
        if in_service() as u8 & CASCADE == 0 {
            poll(MASTER);
        }
        poll(SLAVE);
    }
}

/// A random choice of lines.
fn lines(random: &mut Random) -> impl Iterator<Item = Line> {
    let chosen = random.within(1..16);
    LINES.into_iter().enumerate().filter(move |(place, _)| chosen & 1 << place != 0).map(|(_, line)| line)
}

/// Ends everything, without the answer's help.
fn end_all() {
    const END_OF_INTERRUPT: u8 = 0x20;
    for _ in 0..8 {
        out(MASTER, END_OF_INTERRUPT);
        out(SLAVE, END_OF_INTERRUPT);
    }
}

fn lines_in_service() {
    const ASKED: [Irq; 8] = [
        Irq::Timer,
        Irq::Keyboard,
        Irq::Cascade,
        Irq::Parallel2,
        Irq::RealTimeClock,
        Irq::Free9,
        Irq::Free11,
        Irq::Coprocessor,
    ];
    let mut random = Random::new();
    let show_all = || {
        let bits = ASKED.iter().fold(0, |bits, irq| bits | u32::from(pic::is_in_service(*irq)) << *irq as u32);
        show("the lines that are said to be in service, one bit for each", bits);
    };
    for _ in 0..20 {
        show_all();
        lines(&mut random).for_each(|line| {
            take(line);
            show_all();
        });
        end_all();
    }
}

fn ends_in_a_random_order() {
    let mut random = Random::new();
    for _ in 0..20 {
        lines(&mut random).for_each(take);
        show("the lines in service before the first EOI, one bit for each", in_service());
        let mut order = LINES;
        random.shuffle(&mut order);
        for line in order {
            pic::end_of_interrupt(line.irq);
            show("the line whose interrupt was ended", line.irq as u32);
            show("the lines in service after its EOI, one bit for each", in_service());
        }
        end_all();
    }
}

fn spurious_interrupts_of_the_master() {
    let mut random = Random::new();
    for _ in 0..20 {
        lines(&mut random).for_each(take);
        show("the lines in service before a spurious interrupt 7, one bit for each", in_service());
        // SAFETY: the handler of this vector returns.
        unsafe { asm!("int 0x27") };
        show("the lines in service after it", in_service());
        show("how many spurious interrupts 7 were counted", pic::spurious_interrupts()[0]);
        end_all();
    }
    show("how many spurious interrupts 15 were counted", pic::spurious_interrupts()[1]);
}

fn spurious_interrupts_of_the_slave() {
    let mut random = Random::new();
    for _ in 0..20 {
        lines(&mut random).for_each(take);
        show("the lines in service before a spurious interrupt 15, one bit for each", in_service());
        // SAFETY: the handler of this vector returns.
        unsafe { asm!("int 0x2F") };
        show("the lines in service after it", in_service());
        show("how many spurious interrupts 15 were counted", pic::spurious_interrupts()[1]);
        end_all();
    }
    show("how many spurious interrupts 7 were counted", pic::spurious_interrupts()[0]);
}

fn a_true_interrupt_7() {
    take(Line { irq: Irq::Parallel1, port: Some(0x2E8) });
    // SAFETY: the handler of this vector stops the kernel.
    unsafe { asm!("int 0x27") };
}

fn a_true_interrupt_15() {
    take(Line { irq: Irq::Disk2, port: Some(0x2E8) });
    // SAFETY: the handler of this vector stops the kernel.
    unsafe { asm!("int 0x2F") };
}
