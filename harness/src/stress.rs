//! What stress tests need: a number of rounds, and a seed for all their decisions.
//!
//! Both are on the command line: `seed=17 rounds=1000`. A machine whose clock counts instructions repeats
//! a run with the same seed, down to the last tick. To show that it did, a test combines everything it sees
//! into one number (a checksum). It logs that number now and then, and at the end.

use core::fmt;
use core::sync::atomic::{AtomicU32, Ordering::Relaxed};

static SEED: AtomicU32 = AtomicU32::new(0);
static ROUNDS: AtomicU32 = AtomicU32::new(0);
static LOGGED: AtomicU32 = AtomicU32::new(0);
static STIRRED: AtomicU32 = AtomicU32::new(0);

/// Reads the two words from the command line.
///
/// # Panics
/// If the seed or the rounds are not numbers.
pub(crate) fn read(command_line: &str) {
    SEED.store(number(command_line, "seed="), Relaxed);
    ROUNDS.store(number(command_line, "rounds="), Relaxed);
}

/// The seed of this run's random numbers.
pub fn seed() -> u32 {
    SEED.load(Relaxed)
}

/// How many rounds this run has. At least one.
pub fn rounds() -> u32 {
    ROUNDS.load(Relaxed).max(1)
}

/// Adds `value` to the checksum, which depends on the order too. Only one thread of a test may call this.
pub fn stir(value: u32) {
    let stirred = STIRRED.load(Relaxed);
    STIRRED.store((stirred.rotate_left(5) ^ value).wrapping_mul(0x9E37_79B9), Relaxed);
}

/// Logs the progress of the test, at every hundredth of its rounds and at its end.
pub fn tell(done: u32, log: fn(fmt::Arguments)) {
    let hundredths = (u64::from(done) * 100 / u64::from(rounds())).min(100) as u32;
    if LOGGED.swap(hundredths, Relaxed) != hundredths {
        log(format_args!("{done} of {} rounds with seed {}: {:#010x}\n", rounds(), seed(), STIRRED.load(Relaxed)));
    }
}

/// The number after `name` on the command line, or 0 if there is none.
fn number(command_line: &str, name: &str) -> u32 {
    let word = command_line.split_ascii_whitespace().find_map(|word| word.strip_prefix(name));
    word.map_or(0, |word| word.parse().unwrap_or_else(|_| panic!("{name}{word} is not a number")))
}
