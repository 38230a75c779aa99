//! What a student reads about her result, in every format.

use crate::judge::{Failure, Judged, Verdict};
use crate::result::{Graded, Status};

/// What the tests are worth that are not here, because only an instructor has them.
pub fn withheld(graded: &Graded) -> u32 {
    graded.max_points.saturating_sub(graded.judgement.tests.iter().map(|judged| judged.points).sum())
}

/// A sentence about withheld tests, if there are some.
pub fn about_withheld(graded: &Graded) -> Option<String> {
    let points = withheld(graded);
    (points > 0).then(|| format!("More tests, worth {points} points, are judged after the deadline."))
}

/// The whole result, in a few sentences. `shows_hidden` says whether she sees the results of hidden tests now.
pub fn summary(graded: &Graded, shows_hidden: bool) -> String {
    if let Some(why) = &graded.judgement.refused {
        return format!("The answer was refused, and has no points. {why}");
    }
    match graded.status {
        Status::InfraError => {
            return "This is no grade. The machine that grades could not judge every test. That is not the answer's \
                    fault, and the answer will be judged again."
                .into();
        }
        Status::Partial => return "This is no grade yet. Some tests are still to be judged.".into(),
        Status::Graded | Status::Refused => {}
    }
    let (public, hidden) = (Count::of(graded, false), Count::of(graded, true));
    let withheld = about_withheld(graded);
    let mut sentences = match hidden.all {
        0 if withheld.is_none() => vec![format!("{} of {} tests passed.", public.good, public.all)],
        0 => vec![format!("{} of {} public tests passed.", public.good, public.all)],
        _ if shows_hidden => vec![format!(
            "{} of {} public tests passed, and {} of {} hidden ones.",
            public.good, public.all, hidden.good, hidden.all
        )],
        _ => vec![
            format!("{} of {} public tests passed.", public.good, public.all),
            format!("The results of the hidden tests ({}) are shown once the grades are published.", hidden.all),
        ],
    };
    sentences.extend(withheld);
    sentences.join(" ")
}

/// How many tests there are, and how many passed.
struct Count {
    good: usize,
    all: usize,
}

impl Count {
    fn of(graded: &Graded, hidden: bool) -> Self {
        let tests = || graded.judgement.tests.iter().filter(|judged| judged.hidden == hidden);
        let good = tests().filter(|judged| matches!(judged.verdict, Verdict::Passed)).count();
        Self { good, all: tests().count() }
    }
}

/// What was found about a test, as a sentence; nothing if it passed. Of a hidden test she sees only whether it passed.
pub fn finding(judged: &Judged) -> String {
    match &judged.verdict {
        Verdict::Pending => "It is not judged yet.".into(),
        Verdict::InfraError(_) if judged.hidden => "The machine that grades could not judge it.".into(),
        Verdict::InfraError(why) => format!("The machine that grades could not judge it: {why}"),
        Verdict::Failed(failure) if !judged.hidden => match failure.cause.is_before_any_run() {
            true => failure.reason.clone(),
            false => format!("In {}: {}", failure.run, failure.reason),
        },
        Verdict::Passed | Verdict::Failed(_) => String::new(),
    }
}

/// The failure of a test, unless the test is hidden.
pub fn failure(judged: &Judged) -> Option<&Failure> {
    match &judged.verdict {
        Verdict::Failed(failure) if !judged.hidden => Some(failure),
        _ => None,
    }
}

/// What was found about a test, with the kernel's log.
pub fn finding_and_log(judged: &Judged) -> String {
    let log = failure(judged).map_or("", |failure| failure.log.trim_end());
    let parts = [finding(judged), log.to_owned()];
    parts.iter().filter(|part| !part.is_empty()).cloned().collect::<Vec<_>>().join("\n\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::export::samples;

    #[test]
    fn nothing_says_all_while_tests_are_withheld_or_not_judged() {
        assert_eq!(summary(&samples::passed(), false), "3 of 3 tests passed.");
        assert_eq!(
            summary(&samples::withheld(), false),
            "3 of 3 public tests passed. More tests, worth 4 points, are judged after the deadline."
        );
        for graded in [samples::infra_error(), samples::partial()] {
            assert!(summary(&graded, true).starts_with("This is no grade"));
        }
        let hidden = samples::hidden();
        assert!(summary(&hidden, true).contains("and 1 of 2 hidden ones."));
        assert!(summary(&hidden, false).contains("(2) are shown once the grades are published."));
    }

    #[test]
    fn a_hidden_test_says_only_whether_it_passed() {
        for graded in samples::all() {
            for judged in graded.judgement.tests.iter().filter(|judged| judged.hidden) {
                let text = finding_and_log(judged);
                assert!(!text.contains(samples::SECRET), "{text}");
            }
        }
        let partly = samples::partly();
        assert!(finding_and_log(&partly.judgement.tests[1]).starts_with("In frames_are_given_once: Frame: right is"));
    }
}
