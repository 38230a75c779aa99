//! Judges exercise 4.2: random divisions, among them many that the CPU cannot do.

#![no_std]
#![no_main]

use core::arch::asm;
use ex04_repair_a_division::{DIVIDE_ERROR, divide, repair};
use harness::seeded::{Random, show};
use harness::{Test, test};

harness::boot!(TESTS, up to interrupts, then {
    // SAFETY: the handler is the exercise's, and no code but the tests' divides by zero.
    unsafe { interrupts::register(DIVIDE_ERROR, repair) };
});

const TESTS: &[Test] = &[test!(divisions_by_zero), test!(quotients_that_do_not_fit), test!(registers_around_divisions)];

fn show_division(dividend: u64, divisor: u32) {
    let (quotient, remainder, ecx) = divide(dividend, divisor);
    show("the quotient", quotient);
    show("the remainder", remainder);
    show("ECX after the division", ecx);
}

fn divisions_by_zero() {
    let mut random = Random::new();
    for _ in 0..100 {
        // Divided by 2, this fits.
        let dividend = u64::from(random.within(0..2)) << 32 | u64::from(random.word());
        show_division(dividend, 0);
    }
}

fn quotients_that_do_not_fit() {
    let mut random = Random::new();
    for _ in 0..100 {
        let divisor = random.within(1..1 << 20);
        // From here on, the quotient needs more than 32 bits.
        let least = u64::from(divisor) << 32;
        show_division(least + u64::from(random.word()), divisor);
    }
}

fn registers_around_divisions() {
    let mut random = Random::new();
    for _ in 0..100 {
        let (ebx, esi, edi) = (random.word(), random.word(), random.word());
        let (divisor, high) = (random.within(0..3), random.within(0..2));
        let low = random.word();
        let (new_esi, new_edi, new_ebx, eax, edx): (u32, u32, u32, u32, u32);
        // SAFETY: the handler of divide errors changes only registers that are named here, and EIP.
        unsafe {
            asm!(
                "xchg esi, {esi}",
                "xchg ebx, {ebx}",
                "div ecx",
                "xchg ebx, {ebx}",
                "xchg esi, {esi}",
                esi = inout(reg) esi => new_esi,
                ebx = inout(reg) ebx => new_ebx,
                inout("edi") edi => new_edi,
                inout("ecx") divisor => _,
                inout("eax") low => eax,
                inout("edx") high => edx,
            )
        };
        show("the quotient", eax);
        show("the remainder", edx);
        show("whether EBX is as before", (new_ebx == ebx).into());
        show("whether ESI is as before", (new_esi == esi).into());
        show("whether EDI is as before", (new_edi == edi).into());
    }
}
