//! Compiles an answer, and tells whose fault it is if that fails.
//!
//! A student can write any words into an error of the compiler: it quotes her source. So words about the host count only
//! where she cannot write: in what Cargo itself says, and in errors that are about no line of a source.

use serde::Deserialize;
use serde::de::IgnoredAny;
use std::io;
use std::process::{Command, Stdio};
use trials::exercise::HIDDEN_PROGRAM;

/// How much of the compiler's errors is kept.
const MOST_BYTES: usize = 4000;

/// What Cargo and the compiler say about a build.
pub struct Said {
    /// Whether something was built.
    pub is_good: bool,
    /// Cargo's messages: a line of JSON for each thing that was built, and for each thing that the compiler says.
    pub messages: String,
    /// What Cargo says to a person.
    cargo: String,
}

/// A message of Cargo's. Those from the compiler have a diagnostic.
#[derive(Deserialize)]
struct Message {
    message: Option<Diagnostic>,
}

/// What the compiler says (The rustc book, "JSON output").
#[derive(Deserialize)]
struct Diagnostic {
    level: String,
    /// The lines that it is about.
    spans: Vec<IgnoredAny>,
    /// For a person.
    rendered: Option<String>,
}

/// Runs Cargo on an answer, within limits.
pub fn run(command: &mut Command) -> io::Result<Said> {
    command.args(["--message-format=json", "--color=never"]);
    limit(command);
    let output = command.stdin(Stdio::null()).stderr(Stdio::piped()).output()?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Ok(Said { is_good: output.status.success(), messages: text(&output.stdout), cargo: text(&output.stderr) })
}

impl Said {
    /// If the host has stopped the compiler, a sentence about why: another process needed the memory, or the disk is full.
    pub fn of_host(&self) -> Option<String> {
        const SIGNS: [&str; 3] = ["signal: 9", "No space left on device", "Cannot allocate memory"];
        let about_no_line = self.diagnostics().filter(|one| one.spans.is_empty()).filter_map(|one| one.rendered);
        let texts: Vec<String> = about_no_line.chain([self.cargo.clone()]).collect();
        let line =
            texts.iter().flat_map(|text| text.lines()).find(|line| SIGNS.iter().any(|sign| line.contains(sign)))?;
        // Before these words, Cargo quotes the whole command.
        let words = line.rsplit('`').next().unwrap_or(line).trim();
        Some(format!("The compiler could not do its work: {words}"))
    }

    /// The compiler's errors. Those about hidden tests would show what these are, and are left out.
    pub fn errors(&self) -> String {
        let errors = self.diagnostics().filter(|one| one.level == "error" && !one.spans.is_empty());
        let errors = errors.filter_map(|one| one.rendered).filter(|text| !text.contains(HIDDEN_PROGRAM));
        let mut text = errors.collect::<String>();
        if text.is_empty() {
            // Such as a compiler that has used up its time.
            text = self.cargo.lines().filter(|line| line.starts_with("error")).collect::<Vec<_>>().join("\n");
        }
        text.truncate(text.floor_char_boundary(MOST_BYTES));
        text
    }

    /// What is said about code that is accepted.
    pub fn warnings(&self) -> String {
        let of_compiler = self.diagnostics().filter(|one| one.level == "warning").filter_map(|one| one.rendered);
        let of_cargo = self.cargo.lines().filter(|line| line.starts_with("warning")).map(|line| format!("{line}\n"));
        of_compiler.chain(of_cargo).collect()
    }

    fn diagnostics(&self) -> impl Iterator<Item = Diagnostic> {
        self.messages.lines().filter_map(|line| serde_json::from_str::<Message>(line).ok()?.message)
    }
}

/// Limits what a compiler may use, and with it an answer that keeps the compiler busy.
#[cfg(target_os = "linux")]
fn limit(command: &mut Command) {
    use rustix::process::{Resource, Rlimit, setrlimit};
    const CPU_SECONDS: u64 = 120;
    const MEMORY_BYTES: u64 = 8 << 30;
    // The largest file of a build has 65 MB.
    const FILE_BYTES: u64 = 512 << 20;
    let limit = |resource, most, maximum| setrlimit(resource, Rlimit { current: Some(most), maximum: Some(maximum) });
    let set = move || {
        // The first limit sends a signal of its own. Beyond the second one it would look as if the host had killed it.
        limit(Resource::Cpu, CPU_SECONDS, CPU_SECONDS + 10)?;
        limit(Resource::As, MEMORY_BYTES, MEMORY_BYTES)?;
        Ok(limit(Resource::Fsize, FILE_BYTES, FILE_BYTES)?)
    };
    // SAFETY: between fork and exec only what is safe in a signal handler may be called. These are three system calls,
    // which allocate nothing and take no lock.
    unsafe { std::os::unix::process::CommandExt::pre_exec(command, set) };
}

#[cfg(not(target_os = "linux"))]
fn limit(_: &mut Command) {}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// A build that failed with these diagnostics, each with its level, its text and the number of lines that it is about,
    /// and with these words of Cargo's.
    fn failed(diagnostics: &[(&str, &str, usize)], cargo: &str) -> Said {
        let message = |(level, text, lines): &(&str, &str, usize)| {
            let message = json!({ "level": level, "spans": vec![json!({}); *lines], "rendered": text });
            format!("{}\n", json!({ "reason": "compiler-message", "message": message }))
        };
        let built = json!({ "reason": "compiler-artifact", "executable": null });
        let messages = diagnostics.iter().map(message).chain([format!("{built}\n")]).collect();
        Said { is_good: false, messages, cargo: cargo.into() }
    }

    #[test]
    fn a_compiler_that_the_host_stops_is_not_the_answers_fault() {
        let killed = "error: could not compile `ex` (lib)\n\nCaused by:\n  process didn't exit successfully: `rustc` (signal: \
                      9, SIGKILL: kill)\n";
        let full = "error: failed to write /a/b.rmeta: No space left on device (os error 28)\n\n";
        let linker = "error: linking with `rust-lld` failed: signal: 9 (SIGKILL)\n";
        let memory = "error: could not execute process `rustc` (never executed)\n\nCaused by:\n  Cannot allocate memory (os \
                      error 12)\n";
        for said in [
            failed(&[], killed),
            failed(&[("error", full, 0)], "error: could not compile"),
            failed(&[("error", linker, 0)], "error: could not compile"),
            failed(&[("error", "error: expected `;`", 1)], memory),
        ] {
            assert!(said.of_host().is_some(), "{}{}", said.messages, said.cargo);
        }
        let sentence = "The compiler could not do its work: (signal: 9, SIGKILL: kill)";
        assert_eq!(failed(&[], killed).of_host().as_deref(), Some(sentence));
    }

    #[test]
    fn no_words_of_a_student_make_an_error_the_hosts() {
        let quoted = "error[E0308]: mismatched types\n3 |     let a: u8 = \"signal: 9\";\n";
        let panics = "error[E0080]: evaluation panicked: No space left on device\n\n(signal: 9, SIGKILL: kill)\n";
        let time = "error: could not compile `ex` (lib)\n\nCaused by:\n  process didn't exit successfully: `rustc` (signal: \
                    24, SIGXCPU: CPU time limit exceeded)\n";
        for said in [
            failed(&[("error", quoted, 1)], "error: could not compile `ex` (lib) due to 1 previous error\n"),
            failed(&[("error", panics, 2), ("error", "error: aborting due to 1 previous error\n", 0)], ""),
            failed(&[], time),
        ] {
            assert_eq!(said.of_host(), None);
        }
    }

    #[test]
    fn errors_are_those_of_the_answer() {
        let hidden = format!("error[E0061]: this takes 2 arguments\n --> exercises/05-a/{HIDDEN_PROGRAM}:7:5\n");
        let said = failed(
            &[
                ("warning", "warning: unused\n", 1),
                ("error", "error[E0308]: mismatched types\n\n", 1),
                ("error", &hidden, 1),
                ("error", "error: aborting due to 2 previous errors\n\n", 0),
            ],
            "   Compiling ex\nerror: could not compile `ex` (lib) due to 2 previous errors\n",
        );
        assert_eq!(said.errors(), "error[E0308]: mismatched types\n\n");
        assert_eq!(said.warnings(), "warning: unused\n");
        assert_eq!(failed(&[], &said.cargo).errors(), "error: could not compile `ex` (lib) due to 2 previous errors");
    }
}
