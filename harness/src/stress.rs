//! The frame of the long tests: how far they go, and the seed that all their decisions come from.
//!
//! Two words of the command line say that: `seed=17 rounds=1000`. A machine whose clock counts
//! instructions does the same again with the same seed, up to the last tick. To show that it did, a test
//! stirs what it sees into one number, which is logged now and then, and in the end.

use core::fmt;
use core::sync::atomic::{AtomicU32, Ordering::Relaxed};

static SEED: AtomicU32 = AtomicU32::new(0);
static ROUNDS: AtomicU32 = AtomicU32::new(0);
static LOGGED: AtomicU32 = AtomicU32::new(0);
static STIRRED: AtomicU32 = AtomicU32::new(0);

/// Reads the two words.
///
/// # Panics
/// If the seed or the rounds are no numbers.
pub(crate) fn read(command_line: &str) {
    SEED.store(number(command_line, "seed="), Relaxed);
    ROUNDS.store(number(command_line, "rounds="), Relaxed);
}

/// The number that the random numbers of this run begin with.
pub fn seed() -> u32 {
    SEED.load(Relaxed)
}

/// How many rounds this run goes; at least one.
pub fn rounds() -> u32 {
    ROUNDS.load(Relaxed).max(1)
}

/// Stirs in `value`; the order counts as well. Only one thread of a test may do that.
pub fn stir(value: u32) {
    let stirred = STIRRED.load(Relaxed);
    STIRRED.store((stirred.rotate_left(5) ^ value).wrapping_mul(0x9E37_79B9), Relaxed);
}

/// Logs how far the test has come, at every hundredth of the way and at its end.
pub fn tell(done: u32, log: fn(fmt::Arguments)) {
    let hundredths = (u64::from(done) * 100 / u64::from(rounds())).min(100) as u32;
    if LOGGED.swap(hundredths, Relaxed) != hundredths {
        log(format_args!("{done} of {} rounds with seed {}: {:#010x}\n", rounds(), seed(), STIRRED.load(Relaxed)));
    }
}

/// The number behind `name` on the command line; 0 if there is none.
fn number(command_line: &str, name: &str) -> u32 {
    let word = command_line.split_ascii_whitespace().find_map(|word| word.strip_prefix(name));
    word.map_or(0, |word| word.parse().unwrap_or_else(|_| panic!("{name}{word} is no number")))
}
