//! Records for tests: whatever can become of a submission, and names that hurt.

use crate::judge::{Cause, Failure, Judged, Judgement, Verdict};
use crate::result::{FORMAT, Graded, Status};
use crate::run::Page;

/// Only an instructor may read this.
pub const SECRET: &str = "the hidden test's own words";

/// One of each.
pub fn all() -> Vec<Graded> {
    let mut all = vec![passed(), partly(), not_compiled(), refused(), infra_error(), partial(), hidden(), withheld()];
    all.extend(NAMES.map(|name| Graded { student: name.into(), answer: None, ..passed() }));
    all
}

/// Names that hurt.
pub const NAMES: [&str; 8] = [
    "Müller, \"Zoë\"",
    "two\nlines",
    "=cmd|' -C calc'!A1",
    "+1",
    "-1",
    "@sum",
    "\tafter a tab; =1",
    "<b>&amp;]]>\u{1}",
];

/// All tests passed.
pub fn passed() -> Graded {
    graded("alice", Status::Graded, [passed_test("kept", 4), passed_test("once", 4), passed_test("all-used", 2)])
}

/// One test passed; one shows something wrong, one crashed.
pub fn partly() -> Graded {
    let page = |frame| Page { address: 0x8000, frame, bytes: 4096, write: true, user: false };
    let wrong = Failure {
        run: "frames_are_given_once".into(),
        reason: "Frame: right is 5 (0x5), and yours is 4 (0x4) (value 3 of the test).".into(),
        log: "a line of the log with <angle brackets> & more\n".into(),
        spaces: Some((vec![vec![page(0x1000)], vec![page(0x2000)]], vec![vec![page(0x1000)], vec![page(0x1000)]])),
        ..Failure::default()
    };
    let crash = Failure {
        cause: Cause::NoEnd,
        run: "memory_runs_out".into(),
        reason: "EXCEPTION: page fault at 0xdeadbeef".into(),
        log: "EXCEPTION: page fault at 0xdeadbeef".into(),
        ..Failure::default()
    };
    let tests = [passed_test("kept", 4), failed_test("once", 4, wrong), failed_test("all-used", 2, crash)];
    graded("bob", Status::Graded, tests)
}

/// The compiler rejects it.
pub fn not_compiled() -> Graded {
    let reason = || "It does not compile.".into();
    let failure =
        || Failure { cause: Cause::NotCompiled, reason: reason(), log: "error[E0308]".into(), ..Failure::default() };
    let tests = [("kept", 4), ("once", 4), ("all-used", 2)].map(|(name, points)| failed_test(name, points, failure()));
    graded("carol", Status::Graded, tests)
}

/// The rules refuse it.
pub fn refused() -> Graded {
    let why = "The body of `allocate` contains `asm!`.";
    let failure = || Failure { cause: Cause::Refused, reason: why.into(), ..Failure::default() };
    let tests = [("kept", 4), ("once", 4), ("all-used", 2)].map(|(name, points)| failed_test(name, points, failure()));
    let mut graded = graded("dave", Status::Refused, tests);
    graded.judgement.refused = Some(why.into());
    graded
}

/// The host failed in one test.
pub fn infra_error() -> Graded {
    let why = Verdict::InfraError("the machine did not end within 60 seconds of the host's time".into());
    let other = Judged { verdict: why, ..passed_test("all-used", 2) };
    graded("irene", Status::InfraError, [passed_test("kept", 4), passed_test("once", 4), other])
}

/// One test is still to be judged.
pub fn partial() -> Graded {
    let other = Judged { verdict: Verdict::Pending, ..passed_test("all-used", 2) };
    graded("paul", Status::Partial, [passed_test("kept", 4), passed_test("once", 4), other])
}

/// The public tests and one hidden test passed; another hidden test failed.
pub fn hidden() -> Graded {
    let hidden = |judged| Judged { hidden: true, ..judged };
    let failure = || Failure { run: SECRET.into(), reason: SECRET.into(), log: SECRET.into(), ..Failure::default() };
    let tests =
        [passed_test("kept", 4), hidden(passed_test("order", 3)), hidden(failed_test("secret-order", 3, failure()))];
    graded("heidi", Status::Graded, tests)
}

/// All tests that a student has passed, and there are others.
pub fn withheld() -> Graded {
    Graded { student: "walter".into(), max_points: 14, ..passed() }
}

fn passed_test(name: &str, points: u32) -> Judged {
    let says = format!("The property \"{name}\" holds, in <every> case.");
    Judged { name: name.into(), says, points, hidden: false, verdict: Verdict::Passed }
}

fn failed_test(name: &str, points: u32, failure: Failure) -> Judged {
    Judged { verdict: Verdict::Failed(failure), ..passed_test(name, points) }
}

fn graded(student: &str, status: Status, tests: [Judged; 3]) -> Graded {
    let judgement = Judgement {
        exercise: "5.2".into(),
        edition: "0123456789abcdef with a1b2c3".into(),
        seed: 4711,
        refused: None,
        tests: tests.into(),
        seconds: 12.3456,
    };
    Graded {
        format: FORMAT.into(),
        student: student.into(),
        submission: "5f".repeat(32),
        answer: Some(format!("answer of {student}")),
        status,
        points: judgement.points(),
        max_points: 10,
        title: "5.2 Frames".into(),
        judgement,
    }
}
