//! Judges exercise 4.1: random gates, and interrupts through real ones.

#![no_std]
#![no_main]

use common::VirtAddr;
use core::arch::asm;
use core::mem::transmute;
use core::sync::atomic::{AtomicU32, Ordering::Relaxed};
use harness::seeded::{Random, Sight, look, show};
use harness::{Test, test};
use interrupts::gate::{Gate, Kind};
use interrupts::{TrapFrame, idt};
use x86::Ring;
use x86::dtables::{DescriptorTablePointer, sidt};

harness::boot!(TESTS, up to interrupts);

const TESTS: &[Test] = &[
    test!(random_gates),
    test!(random_gates_in_the_table),
    test!(interrupts_through_the_gates),
    test!(addresses_of_random_gates),
];

fn gate(random: &mut Random) -> Gate {
    let kind = if random.within(0..2) == 0 { Kind::Task } else { Kind::Interrupt };
    let ring = [Ring::Ring0, Ring::Ring1, Ring::Ring2, Ring::Ring3][random.within(0..4) as usize];
    Gate::new(kind, random.word() as u16, VirtAddr::new(random.word()), ring)
}

fn show_halves(lower: &'static str, upper: &'static str, gate: Gate) {
    // SAFETY: a gate is a transparent `u64`.
    let bits = unsafe { transmute::<Gate, u64>(gate) };
    show(lower, bits as u32);
    show(upper, (bits >> 32) as u32);
}

/// Shows a gate. The labels name its arguments, so that a person can understand which bits are wrong.
macro_rules! show_gate {
    ($($argument:expr),+) => {
        show_halves(
            concat!("bits 31 to 0 of `Gate::new(", stringify!($($argument),+), ")`"),
            concat!("bits 63 to 32 of `Gate::new(", stringify!($($argument),+), ")`"),
            Gate::new($($argument),+),
        )
    };
}

fn random_gates() {
    show_gate!(Kind::Interrupt, 0x8, VirtAddr::new(0x1234_5678), Ring::Ring0);
    show_gate!(Kind::Interrupt, 0xFFF8, VirtAddr::new(0x89AB_CDEF), Ring::Ring3);
    show_gate!(Kind::Task, 0x20, VirtAddr::new(0x1234_5678), Ring::Ring1);
    show_gate!(Kind::Task, 0x8765, VirtAddr::new(0xFEDC_BA98), Ring::Ring2);
    let mut random = Random::new();
    for _ in 0..200 {
        show_halves(
            "bits 31 to 0 of a gate with random arguments",
            "bits 63 to 32 of a gate with random arguments",
            gate(&mut random),
        );
    }
}

fn random_gates_in_the_table() {
    let mut random = Random::new();
    let mut table = DescriptorTablePointer::<u64>::default();
    // SAFETY: `sidt` writes six bytes, which is the size of `table`.
    unsafe { sidt(&mut table) };
    for _ in 0..40 {
        let vector = random.within(32..256) as u8;
        // SAFETY: no interrupt has this vector, because interrupts are off and the test executes no `int`.
        unsafe { idt::set_gate(vector, gate(&mut random)) };
        let place = table.base.wrapping_add(vector.into());
        look("a random gate in the CPU's table", Sight::Bytes(place.cast(), 8));
    }
}

fn handler(bits: u64) -> u32 {
    // SAFETY: a gate is a transparent `u64`.
    unsafe { transmute::<u64, Gate>(bits) }.handler().as_u32()
}

fn addresses_of_random_gates() {
    show("the address to which the gate 0x1234_8E00_0008_5678 leads", handler(0x1234_8E00_0008_5678));
    show("the address to which the gate 0x89AB_EE00_FFF8_CDEF leads", handler(0x89AB_EE00_FFF8_CDEF));
    let mut random = Random::new();
    for _ in 0..200 {
        let bits = u64::from(random.word()) << 32 | u64::from(random.word());
        show("the address to which a gate with random bits leads", handler(bits));
    }
}

/// What the handler adds to the interrupted EAX.
static ADDED: AtomicU32 = AtomicU32::new(0);

extern "C" fn add(frame: &mut TrapFrame) {
    frame.eax = frame.eax.wrapping_add(ADDED.load(Relaxed)).rotate_left(frame.vector % 32);
}

fn interrupts_through_the_gates() {
    let mut random = Random::new();
    for vector in [0x30, 0x80, 0xC7, 0xFF] {
        // SAFETY: the handler changes only EAX, which the `asm!` below expects, and no device uses these vectors.
        unsafe { interrupts::register(vector, add) };
    }
    for _ in 0..20 {
        ADDED.store(random.word(), Relaxed);
        let eax: u32;
        // SAFETY: the handler changes only EAX.
        unsafe { asm!("int 0x30", "int 0x80", "int 0xC7", "int 0xFF", inout("eax") random.word() => eax) };
        show("EAX after four interrupts whose handler changes it", eax);
    }
}
