//! The table of tests that a test kernel prints: one line of JSON per test.

use crate::ending::Ending;
use serde::{Deserialize, Serialize};
use std::fmt;

/// What a kernel prints if it stops again before its report is complete.
const STOPPED_AGAIN: &str = "(stopped again while reporting that";

/// The beginning of each of these lines. The log may contain others.
const START: &str = "{\"test\":";

/// One test, as its kernel describes it.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Listed {
    /// Its name, by which the kernel's command line selects it.
    #[serde(rename = "test")]
    pub name: String,
    /// The memory that its machine needs.
    pub memory_mib: u32,
    /// Whether it needs a Multiboot2 module beside the kernel.
    #[serde(default)]
    pub module: bool,
    /// What to type once it waits for input.
    #[serde(default)]
    pub types: String,
    /// The CPU that it needs, by QEMU's name; empty if any will do.
    #[serde(default)]
    pub cpu: String,
    /// More options for QEMU.
    #[serde(default)]
    pub flags: String,
    /// What the host's report of its end must contain, such as the name of a function.
    #[serde(default)]
    pub told: Vec<String>,
    /// How many rounds a long test runs; 0 for the others.
    #[serde(default)]
    pub rounds: u32,
    /// How it must end.
    #[serde(rename = "end")]
    pub expected: Expected,
}

/// How a test must end.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub enum Expected {
    /// Well.
    #[serde(rename = "good")]
    Good,
    /// With a stop, whose report contains these words.
    #[serde(rename = "stop")]
    Stop(String),
    /// With a triple fault.
    #[serde(rename = "triple fault")]
    TripleFault,
    /// Not at all.
    #[serde(rename = "hang")]
    Hang,
    /// Not at all, because it never stops printing.
    #[serde(rename = "endless")]
    Endless,
    /// By halting, on a machine without an exit device.
    #[serde(rename = "halt")]
    Halt,
    /// Before the kernel begins.
    #[serde(rename = "not loaded")]
    NotLoaded,
}

impl Listed {
    /// The request for the table itself, which is booted like a test.
    pub fn table() -> Self {
        let (name, cpu, flags, types, told) = ("?".into(), String::new(), String::new(), String::new(), Vec::new());
        Self { name, memory_mib: 16, module: false, types, cpu, flags, told, rounds: 0, expected: Expected::Good }
    }

    /// Whether this test may end with `ending`, with the log `text`, and with `told`, the host's report of the end. The
    /// error says why not.
    pub fn accepts(&self, ending: &Ending, text: &str, told: &str) -> Result<(), String> {
        self.expected.accepts(ending, text)?;
        match self.told.iter().find(|words| !told.contains(words.as_str())) {
            Some(words) => Err(format!("{ending} The report of it lacks \"{words}\".")),
            None => Ok(()),
        }
    }
}

impl Expected {
    /// Whether `ending`, with this log, is the expected one. The error says why not, in a sentence.
    fn accepts(&self, ending: &Ending, text: &str) -> Result<(), String> {
        match (self, ending) {
            (Self::Good, Ending::Good) | (Self::TripleFault, Ending::TripleFault) => Ok(()),
            (Self::Endless, Ending::Endless) | (Self::NotLoaded, Ending::NotLoaded) => Ok(()),
            (Self::Hang, Ending::Hang(..)) | (Self::Halt, Ending::Halted) => Ok(()),
            (Self::Stop(words), Ending::Stopped(_))
                if text.contains(STOPPED_AGAIN) && !words.contains(STOPPED_AGAIN) =>
            {
                Err(format!("{ending} But it stopped again before its report was complete."))
            }
            (Self::Stop(words), Ending::Stopped(_)) if text.contains(words) => Ok(()),
            (Self::Stop(words), Ending::Stopped(_)) => Err(format!("{ending} But its log lacks \"{words}\".")),
            _ => Err(format!("{ending} The test must end with {self}.")),
        }
    }
}

impl fmt::Display for Expected {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::Good => f.write_str("a good end"),
            Self::Stop(words) => write!(f, "a stop that prints \"{words}\""),
            Self::TripleFault => f.write_str("a triple fault"),
            Self::Hang => f.write_str("a hang"),
            Self::Endless => f.write_str("endless output"),
            Self::Halt => f.write_str("a halt"),
            Self::NotLoaded => f.write_str("a boot loader that never gets as far as the kernel"),
        }
    }
}

/// The tests that a log lists.
pub fn parse(text: &str) -> Result<Vec<Listed>, String> {
    let lines = text.lines().filter(|line| line.starts_with(START));
    let parsed = lines.map(|line| {
        serde_json::from_str(line).map_err(|error| format!("This line does not describe a test ({error}): {line}"))
    });
    let tests: Vec<Listed> = parsed.collect::<Result<_, _>>()?;
    if tests.is_empty() { Err("The kernel lists no tests.".into()) } else { Ok(tests) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::Kind;
    use std::time::Duration;

    #[test]
    fn tests_are_found_among_other_lines() {
        let text = concat!(
            "hello\n",
            r#"{"test":"a","memory_mib":16,"module":false,"cpu":"","types":"","end":"good"}"#,
            "\n",
            r#"{"test":"b","memory_mib":8,"module":true,"cpu":"486","types":"q\n","end":{"stop":"PANIC: \"x\""}}"#,
            "\n",
            r#"{"test":"c","memory_mib":16,"end":"triple fault"}"#,
            "\n",
            r#"{"test":"d","memory_mib":16,"end":"hang"}"#,
            "\n",
            r#"{"test":"e","memory_mib":16,"end":"halt"}"#,
            "\n",
            r#"{"test":"f","memory_mib":16,"told":["off","in `f`"],"end":"endless"}"#,
            "\n",
            r#"{"test":"g","memory_mib":16,"flags":"-serial none","end":"not loaded"}"#,
            "\n",
        );
        let tests = parse(text).expect("a good list");
        assert_eq!(
            tests.iter().map(|test| test.name.as_str()).collect::<Vec<_>>(),
            ["a", "b", "c", "d", "e", "f", "g"]
        );
        assert_eq!((tests[1].memory_mib, tests[1].module, tests[1].cpu.as_str()), (8, true, "486"));
        assert_eq!(tests[1].types, "q\n");
        assert_eq!(tests[1].expected, Expected::Stop("PANIC: \"x\"".into()));
        assert_eq!((&tests[2].expected, &tests[3].expected), (&Expected::TripleFault, &Expected::Hang));
        assert_eq!((&tests[4].expected, &tests[5].expected), (&Expected::Halt, &Expected::Endless));
        assert_eq!((&tests[6].expected, tests[6].flags.as_str()), (&Expected::NotLoaded, "-serial none"));
        assert_eq!((tests[4].told.len(), &tests[5].told[..]), (0, &["off".to_owned(), "in `f`".to_owned()][..]));
    }

    #[test]
    fn a_list_must_be_valid() {
        assert!(parse("hello\n").is_err());
        assert!(parse("{\"test\":\"a\"}\n").is_err());
        assert!(parse("{\"test\":\"a\",\"memory_mib\":16,\"end\":\"well\"}\n").is_err());
    }

    #[test]
    fn each_ending_is_accepted_only_where_it_is_expected() {
        let hang = Ending::Hang(Duration::from_secs(3), None);
        let stop = Ending::Stopped(Some(Kind::Panic));
        let expected_stop = Expected::Stop("five".into());
        let expected = [Expected::Good, expected_stop, Expected::TripleFault];
        let expected =
            expected.into_iter().chain([Expected::Hang, Expected::Halt, Expected::Endless, Expected::NotLoaded]);
        let expected: Vec<Expected> = expected.collect();
        let endings =
            [Ending::Good, stop, Ending::TripleFault, hang, Ending::Halted, Ending::Endless, Ending::NotLoaded];
        for (row, expected) in expected.iter().enumerate() {
            for (column, ending) in endings.iter().enumerate() {
                assert_eq!(expected.accepts(ending, "two and two are five").is_ok(), row == column);
            }
            assert!(expected.accepts(&Ending::CannotStart("x".into()), "five").is_err());
        }
    }

    #[test]
    fn a_stop_must_contain_the_message() {
        let stop = Ending::Stopped(Some(Kind::Panic));
        assert!(Expected::Stop("six".into()).accepts(&stop, "PANIC: two and two are five").is_err());
    }

    #[test]
    fn a_stop_must_finish_its_report() {
        let stop = Ending::Stopped(Some(Kind::Panic));
        let text = "PANIC: two and two are five\n(stopped again while reporting that: page fault)\n";
        assert!(Expected::Stop("five".into()).accepts(&stop, text).is_err());
        assert!(Expected::Stop(STOPPED_AGAIN.into()).accepts(&stop, text).is_ok());
        assert!(Expected::Stop(format!("{STOPPED_AGAIN}: page fault")).accepts(&stop, text).is_ok());
    }

    #[test]
    fn the_report_must_contain_all_expected_words() {
        let told = ["interrupts were off".into(), "in `f`".into()].into();
        let test = Listed { told, expected: Expected::Hang, ..Listed::table() };
        let hang = Ending::Hang(Duration::from_secs(3), None);
        assert!(test.accepts(&hang, "", "interrupts were off.\nEIP was 0, in `f`.").is_ok());
        assert!(test.accepts(&hang, "", "interrupts were off.\nEIP was 0, in `g`.").is_err());
        assert!(test.accepts(&hang, "interrupts were off, in `f`", "").is_err());
        assert!(test.accepts(&Ending::Good, "", "interrupts were off, in `f`").is_err());
    }
}
