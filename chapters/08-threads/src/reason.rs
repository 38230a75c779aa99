//! Why timeslices end, and how often each thread's did.

#![forbid(unsafe_code)]

/// Why a thread's timeslice ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// It was used up: the timer's interrupt ended it.
    Timer,
    /// The thread gave it up.
    Yield,
    /// The thread sleeps.
    Sleep,
    /// The thread waits for input.
    Input,
    /// The thread waits for another one to end.
    Wait,
    /// The thread has ended.
    Exit,
}

impl Reason {
    /// All reasons, in the order of a table's columns.
    pub const ALL: [Self; 6] = [Self::Timer, Self::Yield, Self::Sleep, Self::Input, Self::Wait, Self::Exit];
}

/// How many timeslices of a thread ended for each reason. Each count stops at the highest number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts([u32; Reason::ALL.len()]);

impl Counts {
    /// None at all.
    pub const ZERO: Self = Self([0; Reason::ALL.len()]);

    /// How many timeslices ended for this reason.
    pub const fn of(&self, reason: Reason) -> u32 {
        self.0[reason as usize]
    }

    /// How many timeslices there were.
    pub fn total(&self) -> u32 {
        self.0.iter().fold(0, |sum, count| sum.saturating_add(*count))
    }

    /// Counts one more.
    pub fn add(&mut self, reason: Reason) {
        let count = &mut self.0[reason as usize];
        *count = count.saturating_add(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_has_a_count_of_its_own() {
        let mut counts = Counts::ZERO;
        for (index, reason) in Reason::ALL.into_iter().enumerate() {
            assert_eq!(counts.of(reason), 0);
            (0..=index).for_each(|_| counts.add(reason));
            assert_eq!(counts.of(reason), index as u32 + 1);
        }
        assert_eq!(counts.total(), 1 + 2 + 3 + 4 + 5 + 6);
    }

    #[test]
    fn a_count_stops_at_the_highest_number() {
        let mut counts = Counts([u32::MAX - 1; Reason::ALL.len()]);
        (0..3).for_each(|_| counts.add(Reason::Yield));
        assert_eq!((counts.of(Reason::Yield), counts.total()), (u32::MAX, u32::MAX));
    }
}
