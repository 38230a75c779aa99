//! Judges exercise 3.2: windows of random places and sizes.

#![no_std]
#![no_main]

use core::mem::transmute;
use core::sync::atomic::{AtomicU8, Ordering::Relaxed};
use ex03_window_in_fs::{WINDOW, descriptor, move_to, open, read, write};
use harness::seeded::{Random, Sight, look, show};
use harness::{Test, test};
use segments::descriptor::{Access, Descriptor};
use segments::gdt;

harness::boot!(TESTS, up to segments);

const TESTS: &[Test] = &[test!(windows_of_random_sizes), test!(the_memory_of_a_window), test!(a_window_that_moves)];

const MEMORY_BYTES: u32 = 0x4000;

/// The memory behind the windows.
static MEMORY: [AtomicU8; MEMORY_BYTES as usize] = [const { AtomicU8::new(0) }; MEMORY_BYTES as usize];

fn base_of(place: u32) -> u32 {
    (&raw const MEMORY).addr() as u32 + place
}

/// Shows the descriptor's bits, except the one that the CPU sets itself.
fn show_bits(descriptor: Descriptor) {
    // SAFETY: a descriptor is a transparent `u64`.
    let bits = unsafe { transmute::<Descriptor, u64>(descriptor) } & !(u64::from(Access::ACCESSED.bits()) << 40);
    show("the lower half of a window's descriptor", bits as u32);
    show("the upper half of a window's descriptor, without the bit for accessed", (bits >> 32) as u32);
}

/// Sizes around those where a mistake shows, and random ones.
fn bytes(random: &mut Random, turn: u32) -> u32 {
    const MIB: u32 = 1 << 20;
    match turn {
        0 => 1,
        1 => MIB,
        2 => MIB + 1,
        3 => random.within(2..0x1000) << 20,
        4 => (random.within(0x101..0x1000) << 12) + 1,
        5 => u32::MAX,
        _ if random.within(0..2) == 0 => random.within(1..MIB),
        _ => random.within(MIB..u32::MAX),
    }
}

fn windows_of_random_sizes() {
    let mut random = Random::new();
    for turn in 0..50 {
        let (base, bytes) = (random.word(), bytes(&mut random, turn));
        show_bits(descriptor(base, bytes));
    }
    let (base, bytes) = (random.word(), bytes(&mut random, 6));
    open(base, bytes);
    look("a window of random size in FS", Sight::Registers);
}

/// Writes and reads random bytes of a window that begins at `place` of the memory.
fn use_window(random: &mut Random, place: u32, bytes: u32) {
    for _ in 0..20 {
        let (offset, value) = (random.within(0..bytes), random.word() as u8);
        // SAFETY: the window is a part of `MEMORY`, whose bytes may have any value.
        unsafe { write(offset, value) };
        show("a byte of the memory that was written through the window", byte(place + offset).load(Relaxed).into());
        let (offset, value) = (random.within(0..bytes), random.word() as u8);
        byte(place + offset).store(value, Relaxed);
        // SAFETY: as above.
        show("a byte of the memory that is read through the window", unsafe { read(offset) }.into());
    }
}

fn byte(place: u32) -> &'static AtomicU8 {
    &MEMORY[place as usize]
}

/// The place and the size of a window in the memory.
fn within_memory(random: &mut Random) -> (u32, u32) {
    let (place, bytes) = (random.within(1..MEMORY_BYTES / 2), random.within(100..MEMORY_BYTES / 2));
    (place, bytes)
}

fn look_at_memory() {
    look("the memory behind the window", Sight::Bytes(MEMORY.as_ptr().cast(), MEMORY_BYTES as usize));
}

fn the_memory_of_a_window() {
    let mut random = Random::new();
    let (place, bytes) = within_memory(&mut random);
    open(base_of(place), bytes);
    use_window(&mut random, place, bytes);
    look_at_memory();
    show("the selector in FS", x86::segmentation::fs().bits().into());
    show("how many entries the table has", gdt::loaded().len() as u32);
}

fn a_window_that_moves() {
    let mut random = Random::new();
    let (place, bytes) = within_memory(&mut random);
    open(base_of(place), bytes);
    for _ in 0..20 {
        let (place, bytes) = within_memory(&mut random);
        move_to(base_of(place), bytes);
        use_window(&mut random, place, bytes);
        let entry = gdt::loaded()[usize::from(WINDOW.index())].read();
        show("whether the table's entry has the window's new base", (entry.base() == base_of(place)).into());
        show("how many entries the table has after a move", gdt::loaded().len() as u32);
    }
    look_at_memory();
}
