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

fn random_gates() {
    let mut random = Random::new();
    for _ in 0..200 {
        // SAFETY: a gate is a transparent `u64`.
        let bits = unsafe { transmute::<Gate, u64>(gate(&mut random)) };
        show("the lower half of a gate, bits 31 to 0", bits as u32);
        show("the upper half of a gate, bits 63 to 32", (bits >> 32) as u32);
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

fn addresses_of_random_gates() {
    let mut random = Random::new();
    for _ in 0..200 {
        let bits = u64::from(random.word()) << 32 | u64::from(random.word());
        // SAFETY: a gate is a transparent `u64`.
        let gate = unsafe { transmute::<u64, Gate>(bits) };
        show("the address to which a gate leads", gate.handler().as_u32());
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
