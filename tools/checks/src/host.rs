//! Runs what Cargo checks on the host: format, style, documentation, and all tests that need no machine.

use crate::words;
use machine::cargo::{self, Profile};
use machine::tally::Tally;
use machine::workspace::{Chapter, Workspace};
use std::process::Command;
use std::time::Instant;

/// The package that several chapters use, and the package with the framework of their tests.
const COMMON: &str = "common";
const HARNESS: &str = "harness";
/// The packages that run on the host, each before those that use it.
const TOOLS: [&str; 11] =
    ["machine", "trials", "memory-map", "scenes", "live", "probe", "course", "pictures", "book", "checks", "tools"];
/// The one of them that runs in a browser.
const FOR_BROWSERS: &str = "live";

/// Checks format, style and documentation of everything, for the host, for the kernels' target and for browsers.
pub fn lint(workspace: &Workspace, tally: &Tally) {
    let for_host = |subcommand| cargo::for_host(workspace, subcommand);
    let for_kernels = |subcommand| cargo::for_kernels(workspace, subcommand, Profile::Kernel);
    let chapters = workspace.chapters.iter().map(|chapter| chapter.package.as_str());
    let libraries: Vec<&str> = [COMMON, HARNESS].into_iter().chain(chapters).collect();
    let mut kernels = vec!["--lib", "--bins"];
    if workspace.chapters.iter().any(|chapter| chapter.has_booted_tests) {
        kernels.extend(["--test", "kernel"]);
    }
    if workspace.chapters.iter().any(|chapter| chapter.has_long_tests) {
        kernels.extend(["--test", "stress"]);
    }
    if workspace.chapters.iter().any(|chapter| chapter.has_benches) {
        kernels.extend(["--bench", "kernel"]);
    }
    let mut format = for_host("fmt");
    format.args(["--all", "--", "--check"]);

    check(tally, "format", format);
    words::check(workspace, tally);
    check(tally, "style of the tools", clippy(for_host("clippy"), &TOOLS, &["--all-targets"]));
    check(tally, "style of the libraries on the host", clippy(for_host("clippy"), &libraries, &["--lib"]));
    // The profile turns on the tests inside the libraries. `--all-targets` would include the kernels, which do not
    // compile for the host.
    let tests = ["--lib", "--profile=test"];
    check(tally, "style of the libraries' tests", clippy(for_host("clippy"), &libraries, &tests));
    check(tally, "style of the kernels", clippy(for_kernels("clippy"), &libraries, &kernels));
    check(tally, "documentation of the tools", rustdoc(for_host("doc"), &TOOLS[..9], "--lib"));
    check(tally, "documentation of the libraries", rustdoc(for_kernels("doc"), &libraries, "--lib"));
    let mut for_browsers = cargo::with_its_own_std(for_host("build"));
    for_browsers.args(["--target=wasm32-unknown-unknown", "--package", FOR_BROWSERS]);
    check(tally, "build for browsers", for_browsers);
}

fn clippy(mut command: Command, packages: &[&str], targets: &[&str]) -> Command {
    cargo::packages(&mut command, packages.iter().copied());
    command.args(targets).args(["--", "-D", "warnings"]);
    command
}

/// Finds broken links in the documentation. Links to private items are allowed, because the reader has the source.
fn rustdoc(mut command: Command, packages: &[&str], targets: &str) -> Command {
    cargo::packages(&mut command, packages.iter().copied());
    command.args([targets, "--no-deps", "--document-private-items"]);
    command.env("RUSTDOCFLAGS", "-D warnings -A rustdoc::private_intra_doc_links");
    command
}

/// Runs the tests inside the libraries of these chapters.
pub fn test_libraries(workspace: &Workspace, chapters: &[&Chapter], with_common: bool, tally: &Tally) {
    let mut command = cargo::for_host(workspace, "test");
    command.args(["--lib", "--no-fail-fast"]);
    cargo::packages(&mut command, with_common.then_some(COMMON));
    cargo::packages(&mut command, chapters.iter().map(|chapter| chapter.package.as_str()));
    count(tally, "tests of the libraries on the host", command);
}

/// Compiles the code in these chapters' tests/refused.md for the kernels' target. The compiler must refuse it.
pub fn test_refusals(workspace: &Workspace, chapters: &[&Chapter], tally: &Tally) {
    let mut command = cargo::for_kernels(workspace, "test", Profile::Kernel);
    command.args(["--doc", "--no-fail-fast"]);
    cargo::packages(&mut command, chapters.iter().map(|chapter| chapter.package.as_str()));
    count(tally, "code that the compiler must reject", command);
}

/// Runs the tests of the tools.
pub fn test_tools(workspace: &Workspace, tally: &Tally) {
    let mut command = cargo::for_host(workspace, "test");
    command.arg("--no-fail-fast");
    cargo::packages(&mut command, TOOLS);
    count(tally, "tests of the tools", command);
}

/// Runs a command that passes or fails as a whole, and prints itself what is wrong.
fn check(tally: &Tally, what: &str, mut command: Command) {
    let start = Instant::now();
    let outcome = match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(_) => Err("The reason is printed above.".into()),
        Err(error) => Err(format!("cargo could not be started: {error}")),
    };
    tally.note(what, outcome, start.elapsed());
}

/// Runs `cargo test`, and counts its tests one by one. Its output is shown only if one failed.
fn count(tally: &Tally, what: &str, mut command: Command) {
    let start = Instant::now();
    match command.output() {
        Ok(output) => {
            let text = String::from_utf8_lossy(&output.stdout);
            let (passed, mut failed) = results(&text);
            if !output.status.success() {
                // Code that does not compile has no results, and counts as one failure.
                failed = failed.max(1);
            }
            let what = format!("{what}: {passed} passed, {failed} failed");
            tally.note_many(&what, passed, failed, (failed > 0).then_some(&text), start.elapsed());
        }
        Err(error) => tally.note(what, Err(format!("cargo could not be started: {error}")), start.elapsed()),
    }
}

/// Adds up the lines `test result: ok. 12 passed; 0 failed; …`.
fn results(text: &str) -> (usize, usize) {
    let number = |line: &str, word: &str| -> usize {
        let part = line.split(['.', ';']).find_map(|part| part.trim().strip_suffix(word));
        part.and_then(|number| number.trim().parse().ok()).unwrap_or(0)
    };
    let lines = text.lines().filter(|line| line.starts_with("test result: "));
    lines.fold((0, 0), |(passed, failed), line| (passed + number(line, "passed"), failed + number(line, "failed")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_add_up() {
        let text = "running 3 tests\n\
            test a ... ok\n\n\
            test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.00s\n\
            test result: FAILED. 10 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 1.25s\n";
        assert_eq!(results(text), (13, 2));
        assert_eq!(results("error: could not compile"), (0, 0));
    }
}
