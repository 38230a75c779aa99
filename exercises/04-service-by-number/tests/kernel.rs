//! Judges exercise 4.3: random services with random arguments.

#![no_std]
#![no_main]

use ex04_service_by_number::{ADD, KEEP, MOST_CHARACTERS, SQUARE, STATE, call, install};
use harness::seeded::{Random, Sight, look, show};
use harness::{Test, test};

harness::boot!(TESTS, up to interrupts);

const TESTS: &[Test] = &[test!(squares_and_sums), test!(characters), test!(unknown_numbers)];

fn show_call(service: u32, argument: u32) {
    let (result, ecx) = call(service, argument);
    show("the result of a service", result);
    show("whether ECX is as before", (ecx == argument).into());
}

fn squares_and_sums() {
    let mut random = Random::new();
    install();
    for _ in 0..200 {
        let service = if random.within(0..2) == 0 { SQUARE } else { ADD };
        let argument = if random.within(0..4) == 0 { random.word() } else { random.within(0..1000) };
        show_call(service, argument);
    }
}

fn characters() {
    let mut random = Random::new();
    install();
    for _ in 0..MOST_CHARACTERS + 8 {
        // Only the low byte is the character.
        show_call(KEEP, random.word());
        if random.within(0..8) == 0 {
            show_call(SQUARE, random.within(0..100));
        }
    }
    let state = STATE.lock();
    look("the characters that the kernel has kept", Sight::Bytes(state.text.as_ptr(), state.text.len()));
    show("how many characters it has kept", state.length as u32);
}

fn unknown_numbers() {
    let mut random = Random::new();
    install();
    for _ in 0..100 {
        let number = if random.within(0..2) == 0 { random.within(4..300) } else { random.word() | 4 };
        show_call(number, random.word());
        show_call(0, random.word());
        let state = STATE.lock();
        show("how many characters are kept after an unknown number", state.length as u32);
        show("the sum after an unknown number", state.sum);
    }
}
