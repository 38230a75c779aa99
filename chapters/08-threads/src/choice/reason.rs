//! Why timeslices end, and a thread's counts of the reasons.

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
    /// The thread waits for something else, such as the end of another thread.
    Wait,
    /// The thread has ended.
    Exit,
}

impl Reason {
    /// All reasons, in the order of a table's columns.
    pub const ALL: [Self; 6] = [Self::Timer, Self::Yield, Self::Sleep, Self::Input, Self::Wait, Self::Exit];
}

/// How many timeslices of a thread ended for each reason. A count that reaches the highest number stays there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts([u32; Reason::ALL.len()]);

impl Counts {
    /// These counts, in the order of [`Reason::ALL`].
    pub(crate) const fn new(counts: [u32; Reason::ALL.len()]) -> Self {
        Self(counts)
    }

    /// How many timeslices ended for this reason.
    pub const fn of(&self, reason: Reason) -> u32 {
        self.0[reason as usize]
    }

    /// How many timeslices there were.
    pub fn total(&self) -> u32 {
        self.0.iter().fold(0, |sum, count| sum.saturating_add(*count))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_has_a_count_of_its_own() {
        let counts = Counts::new([1, 2, 3, 4, 5, 6]);
        assert_eq!(Reason::ALL.map(|reason| counts.of(reason)), [1, 2, 3, 4, 5, 6]);
        assert_eq!(counts.total(), 21);
    }

    #[test]
    fn a_total_stops_at_the_highest_number() {
        assert_eq!(Counts::new([u32::MAX; 6]).total(), u32::MAX);
    }
}
