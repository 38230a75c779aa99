//! Judges exercise 4.4: random numbers of steps through code whose instructions have different lengths.

#![no_std]
#![no_main]

use core::arch::global_asm;
use core::sync::atomic::Ordering::Relaxed;
use ex04_single_steps::{DEBUG, MOST_STEPS, NEXT, TAKEN, TRAP_FLAG, WANTED, breakpoint, step};
use harness::seeded::{Random, show};
use harness::{Test, test};
use interrupts::exceptions::BREAKPOINT;

harness::boot!(TESTS, up to interrupts, then {
    // SAFETY: the handlers are the exercise's. They change only TF, which lets the code continue in any case.
    unsafe {
        interrupts::register(BREAKPOINT, breakpoint);
        interrupts::register(DEBUG, step);
    }
});

const TESTS: &[Test] = &[test!(addresses_of_steps), test!(numbers_of_steps), test!(several_breakpoints)];

// Instructions of many lengths, some of which jump: extern "C" fn walk(value: u32, flags: *mut u32) -> u32.
global_asm!(
    ".global walk",
    "walk:",
    "mov eax, [esp + 4]",
    "mov ecx, [esp + 8]",
    "int3",
    ".global after_breakpoint",
    "after_breakpoint:",
    "nop",
    "add eax, 0x12345678",
    "rol eax, 7",
    "jmp 3f",
    "ud2",
    "3: push ebx",
    "mov ebx, 3",
    "4: imul eax, eax, 0x01010101",
    "dec ebx",
    "jnz 4b",
    "pop ebx",
    "pushfd",
    "pop [ecx]",
    "xor eax, 0x55",
    "ret",
);

unsafe extern "C" {
    fn walk(value: u32, flags: *mut u32) -> u32;
    static after_breakpoint: u8;
}

/// Walks with this many steps, and shows the result.
fn show_walk(steps: u32, value: u32) {
    WANTED.store(steps, Relaxed);
    let mut flags = 0;
    // SAFETY: the function changes only EAX, ECX and `flags`, with or without steps.
    let result = unsafe { walk(value, &raw mut flags) };
    show("the result of the code that was stepped", result);
    show("how many steps were taken", TAKEN.load(Relaxed));
    // The steps may have ended before, or go on after the flags are pushed.
    show("whether TF was set where the code saved its flags", (flags & TRAP_FLAG != 0).into());
}

fn show_addresses() {
    let start = (&raw const after_breakpoint).addr() as u32;
    for next in NEXT.iter().take(TAKEN.load(Relaxed).min(18) as usize) {
        show("where the next instruction is, in bytes from the breakpoint", next.load(Relaxed).wrapping_sub(start));
    }
}

fn addresses_of_steps() {
    let mut random = Random::new();
    for _ in 0..20 {
        show_walk(random.within(1..18), random.word());
        show_addresses();
    }
}

fn numbers_of_steps() {
    let mut random = Random::new();
    for _ in 0..40 {
        show_walk(random.within(0..16), random.word());
    }
}

fn several_breakpoints() {
    let mut random = Random::new();
    for _ in 0..30 {
        show_walk(random.within(0..MOST_STEPS as u32 / 4), random.word());
        show_addresses();
        show_walk(random.within(1..3), random.word());
        show_addresses();
    }
}
