//! How far a run is: a line for each submission, with the time left.

use crate::result::{Graded, Status};
use std::io::{self, Write};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, Instant};

/// How many submissions there are, and how many are done.
pub struct Progress {
    start: Instant,
    all: usize,
    done: AtomicUsize,
}

impl Progress {
    /// A run begins now.
    pub fn new(all: usize) -> Self {
        Self { start: Instant::now(), all, done: AtomicUsize::new(0) }
    }

    /// Prints that a submission is done, which has taken this time.
    pub fn tell(&self, graded: &Graded, time: Duration) {
        let done = self.done.fetch_add(1, Relaxed) + 1;
        // The program that reads this may have ended.
        let _ = writeln!(io::stdout(), "{}", line(graded, time, done, self.all, self.start.elapsed()));
    }
}

/// The line for a submission that has taken this time. `elapsed` is how long the run takes by now.
fn line(graded: &Graded, time: Duration, done: usize, all: usize, elapsed: Duration) -> String {
    let left = elapsed / done as u32 * (all - done) as u32;
    let points = match (graded.status, graded.points) {
        (Status::Refused, _) => format!("refused: {}", graded.reason().trim_end_matches('.')),
        (_, Some(points)) => format!("{points} of {} points", graded.max_points),
        (_, None) => "no grade".into(),
    };
    let (student, seconds, left) = (&graded.student, time.as_secs_f32(), minutes(left));
    format!("{student}: {points} ({seconds:.1} s). {done} of {all} done, {left} left.")
}

/// A time, as a person says it.
fn minutes(time: Duration) -> String {
    match time.as_secs() {
        0 => "nothing".into(),
        seconds @ 1..120 => format!("{seconds} s"),
        seconds => format!("{} min", seconds.div_ceil(60)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::export::samples;

    #[test]
    fn the_time_left_is_that_of_the_submissions_left_at_the_speed_so_far() {
        let seconds = Duration::from_secs;
        // Two workers: the run takes less than the sum of its submissions.
        assert_eq!(
            line(&samples::partly(), seconds(9), 10, 30, seconds(50)),
            "bob: 4 of 10 points (9.0 s). 10 of 30 done, 100 s left."
        );
        let refused = line(&samples::refused(), seconds(1), 11, 30, seconds(50));
        assert!(
            refused.starts_with("dave: refused: The body of `allocate` contains `asm!` (1.0 s). 11 of 30"),
            "{refused}"
        );
        let last = line(&samples::infra_error(), Duration::from_millis(60), 30, 30, seconds(150));
        assert_eq!(last, "irene: no grade (0.1 s). 30 of 30 done, nothing left.");
    }

    #[test]
    fn times_are_said_as_a_person_does() {
        assert_eq!(minutes(Duration::from_secs(90)), "90 s");
        assert_eq!(minutes(Duration::from_secs(121)), "3 min");
    }
}
