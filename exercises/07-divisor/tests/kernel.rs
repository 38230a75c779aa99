//! Judges exercise 7.1: random rates.

#![no_std]
#![no_main]

use harness::seeded::{Random, show};
use harness::{Test, test};
use timer::rate::{FASTEST_HZ, INPUT_HZ, RateError, SLOWEST_HZ};

harness::boot!(TESTS, up to interrupts);

const TESTS: &[Test] = &[test!(a_slow_rate), test!(a_fast_rate), test!(the_fastest_rates), test!(rates_out_of_range)];

/// Asks for a rate, and shows what comes of it. The timer can get a rate once, but any number of errors.
fn show_rate(hz: u32) {
    match timer::init(hz) {
        Ok(rate) => {
            show("the divisor", rate.divisor().into());
            show("the rate in thousandths of a hertz", rate.millihertz());
        }
        Err(RateError::DivisorTooLarge(named)) => {
            show("whether the divisor is too large (1) or too small (2)", 1);
            show("the rate that the error names", named);
        }
        Err(RateError::DivisorTooSmall(named)) => {
            show("whether the divisor is too large (1) or too small (2)", 2);
            show("the rate that the error names", named);
        }
    }
}

/// A rate for which the divisor must be rounded up.
fn rounded_up(random: &mut Random, least: u32, end: u32) -> u32 {
    loop {
        let hz = random.within(least..end);
        if INPUT_HZ % hz > hz / 2 + 1 {
            return hz;
        }
    }
}

fn a_slow_rate() {
    let mut random = Random::new();
    show_rate(rounded_up(&mut random, SLOWEST_HZ, 1000));
}

fn a_fast_rate() {
    let mut random = Random::new();
    show_rate(rounded_up(&mut random, 1000, 100_000));
}

fn the_fastest_rates() {
    let mut random = Random::new();
    show_rate(rounded_up(&mut random, 300_000, FASTEST_HZ));
}

fn rates_out_of_range() {
    let mut random = Random::new();
    for _ in 0..50 {
        show_rate(random.within(0..SLOWEST_HZ));
        let most = 1 << random.within(1..31);
        show_rate(FASTEST_HZ + 1 + random.within(0..most));
    }
    show_rate(SLOWEST_HZ - 1);
    show_rate(FASTEST_HZ + 1);
}
