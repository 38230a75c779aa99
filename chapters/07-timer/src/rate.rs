//! The rate of the ticks: a fixed frequency divided by a whole number.
//!
//! The timer counts pulses of 1 193 182 Hz, and ticks once per so many pulses. This number, the divisor, has 16 bits,
//! so the slowest possible rate is one tick per 65 536 pulses, 18.2 Hz. A divisor of 1 is forbidden. Between these
//! limits, the driver chooses the divisor that comes nearest to the requested rate.
//!
//! Source: Intel, 8254 data sheet, "Mode 2: Rate Generator", "Minimum and Maximum Initial Counts".

#![forbid(unsafe_code)]

use core::fmt;
use core::num::NonZeroU16;
use core::time::Duration;

// ANCHOR: limits
/// The frequency of the pulses: a twelfth of the 14.318 18 MHz of the first PC's only crystal.
pub const INPUT_HZ: u32 = 1_193_182;
/// The slowest rate in whole hertz. 18 Hz would need a divisor of 17 bits.
pub const SLOWEST_HZ: u32 = INPUT_HZ.div_ceil(u16::MAX as u32);
/// The fastest rate in whole hertz: one tick per two pulses.
pub const FASTEST_HZ: u32 = INPUT_HZ / 2;
// ANCHOR_END: limits

/// A rate that the timer can tick at.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Rate {
    divisor: NonZeroU16,
}

/// Why the timer cannot tick at a requested rate.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RateError {
    /// A rate of this many hertz would need a divisor of more than 16 bits.
    DivisorTooLarge(u32),
    /// A rate of this many hertz would need a divisor below 2, which the timer does not support.
    DivisorTooSmall(u32),
}

impl Rate {
    // ANCHOR: nearest
    /// The possible rate nearest to `hz`, in hertz.
    pub(crate) fn nearest(hz: u32) -> Result<Self, RateError> {
        if hz < SLOWEST_HZ {
            return Err(RateError::DivisorTooLarge(hz));
        }
        if hz > FASTEST_HZ {
            return Err(RateError::DivisorTooSmall(hz));
        }
        let divisor = u16::try_from((INPUT_HZ + hz / 2) / hz).ok().and_then(NonZeroU16::new);
        Ok(Self { divisor: divisor.expect("between 2 and 62799") })
    }
    // ANCHOR_END: nearest

    /// The number of pulses from one tick to the next.
    pub const fn divisor(self) -> u16 {
        self.divisor.get()
    }

    /// The rate in thousandths of a hertz.
    pub const fn millihertz(self) -> u32 {
        let divisor = self.divisor() as u64;
        ((INPUT_HZ as u64 * 1000 + divisor / 2) / divisor) as u32
    }

    // ANCHOR: duration
    /// The time that so many ticks take, rounded down to nanoseconds.
    pub(crate) const fn duration_of(self, ticks: u64) -> Duration {
        const HZ: u64 = INPUT_HZ as u64;
        const NANOSECONDS: u64 = 1_000_000_000;
        let pulses = ticks * self.divisor() as u64;
        Duration::new(pulses / HZ, (pulses % HZ * NANOSECONDS / HZ) as u32)
    }
    // ANCHOR_END: duration
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{}.{:03} Hz", self.millihertz() / 1000, self.millihertz() % 1000)
    }
}

impl fmt::Display for RateError {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let (Self::DivisorTooLarge(hz) | Self::DivisorTooSmall(hz)) = self;
        write!(f, "the timer can tick at {SLOWEST_HZ} to {FASTEST_HZ} Hz, not at {hz} Hz")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_limits_are_those_of_sixteen_bits_and_of_the_data_sheet() {
        assert_eq!((SLOWEST_HZ, FASTEST_HZ), (19, 596_591));
        assert_eq!(Rate::nearest(19).map(Rate::divisor), Ok(62_799));
        assert_eq!(Rate::nearest(596_591).map(Rate::divisor), Ok(2));
        assert_eq!(Rate::nearest(18), Err(RateError::DivisorTooLarge(18)));
        assert_eq!(Rate::nearest(0), Err(RateError::DivisorTooLarge(0)));
        assert_eq!(Rate::nearest(596_592), Err(RateError::DivisorTooSmall(596_592)));
        assert_eq!(Rate::nearest(u32::MAX), Err(RateError::DivisorTooSmall(u32::MAX)));
    }

    #[test]
    fn the_true_rate_is_told() {
        let hundred = Rate::nearest(100).expect("possible");
        assert_eq!(hundred.divisor(), 11_932);
        assert_eq!(hundred.millihertz(), 99_998);
        assert_eq!(hundred.to_string(), "99.998 Hz");
        // 1 193 182 000 / 13 = 91 783 230.8
        assert_eq!(Rate::nearest(91_783).expect("possible").millihertz(), 91_783_231, "rounded to the nearest");
        assert_eq!(Rate::nearest(FASTEST_HZ).expect("possible").to_string(), "596591.000 Hz");
    }

    #[test]
    fn errors_are_sentences() {
        let error = Rate::nearest(18).expect_err("too slow");
        assert_eq!(error.to_string(), "the timer can tick at 19 to 596591 Hz, not at 18 Hz");
    }

    proptest! {
        #[test]
        fn no_other_divisor_comes_nearer(hz in SLOWEST_HZ..=FASTEST_HZ) {
            let divisor = u64::from(Rate::nearest(hz).expect("possible").divisor());
            let pulses_off = |divisor: u64| (divisor * u64::from(hz)).abs_diff(u64::from(INPUT_HZ));
            prop_assert!(pulses_off(divisor) <= pulses_off(divisor + 1));
            prop_assert!(pulses_off(divisor) <= pulses_off(divisor - 1));
        }

        #[test]
        fn a_second_holds_as_many_ticks_as_the_rate_says(hz in SLOWEST_HZ..=FASTEST_HZ) {
            let rate = Rate::nearest(hz).expect("possible");
            let thousand_seconds = rate.duration_of(u64::from(rate.millihertz()));
            let error = thousand_seconds.abs_diff(Duration::from_secs(1000));
            prop_assert!(error <= rate.duration_of(1), "{error:?}");
        }

        #[test]
        fn durations_are_exact_for_centuries(hz in SLOWEST_HZ..=FASTEST_HZ, ticks in 0..1u64 << 47) {
            let rate = Rate::nearest(hz).expect("possible");
            let pulses = u128::from(ticks) * u128::from(rate.divisor());
            prop_assert_eq!(rate.duration_of(ticks).as_nanos(), pulses * 1_000_000_000 / u128::from(INPUT_HZ));
        }
    }
}
