//! Reads `tools/kernel-mutants.toml`: the mutants that no test can notice, each with the reason.
//!
//! An excuse names the broken line by its text and not by its number, so that it stays valid when the line moves. When
//! the line changes, the excuse no longer applies, and the run reports that.

use super::mutant::Mutant;
use anyhow::{Context, Result};
use serde::Deserialize;
use std::fs;
use std::path::Path;

/// The file, in the project's folder.
pub const FILE: &str = "tools/kernel-mutants.toml";

/// All excuses.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Excuses {
    #[serde(default)]
    excuse: Vec<Excuse>,
}

/// Why a mutant cannot be noticed.
#[derive(Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Excuse {
    /// The path of the file, relative to the project's folder.
    file: String,
    /// The first of the broken lines, without the spaces around it.
    line: String,
    /// What the broken lines become. Without this, the excuse is for every change of the line.
    becomes: Option<String>,
    /// The reason.
    pub reason: String,
}

impl Excuses {
    /// Reads the excuses, if the file exists.
    pub fn read(root: &Path) -> Result<Self> {
        let path = root.join(FILE);
        if !path.exists() {
            return Ok(Self::default());
        }
        let text = fs::read_to_string(&path).with_context(|| format!("{FILE} could not be read"))?;
        toml::from_str(&text).with_context(|| format!("{FILE} could not be understood"))
    }

    /// The excuse for a mutant, if there is one.
    pub fn of(&self, mutant: &Mutant) -> Option<&Excuse> {
        self.excuse.iter().find(|excuse| excuse.is_for(mutant))
    }

    /// Messages about excuses that match no mutant, or that give no reason.
    pub fn complaints(&self, mutants: &[Mutant]) -> Vec<String> {
        let complain = |excuse: &Excuse| {
            let Excuse { file, line, .. } = excuse;
            if excuse.reason.trim().is_empty() {
                return Some(format!("{FILE}: no reason is given for \"{line}\" of {file}."));
            }
            let is_used = mutants.iter().any(|mutant| excuse.is_for(mutant));
            (!is_used).then(|| format!("{FILE}: no mutant breaks the line \"{line}\" of {file} in this way."))
        };
        self.excuse.iter().filter_map(complain).collect()
    }
}

impl Excuse {
    fn is_for(&self, mutant: &Mutant) -> bool {
        let becomes = |text: &String| text.trim() == mutant.becomes.trim();
        let line = mutant.broken.lines().next().unwrap_or_default();
        self.file == mutant.file && self.line.trim() == line.trim() && self.becomes.as_ref().is_none_or(becomes)
    }
}

#[cfg(test)]
mod tests {
    use super::super::mutant::tests::mutants;
    use super::*;

    fn excuses(text: &str) -> Excuses {
        toml::from_str(text).expect("an excuse")
    }

    const CLI: &str = "[[excuse]]\nfile = 'a.s'\nline = 'cli'\nreason = 'They are off.'\n";

    #[test]
    fn an_excuse_matches_the_text_of_a_line() {
        let excuses = excuses(CLI);
        for mutant in mutants("a.s", "\n\n    cli\n") {
            assert_eq!(excuses.of(&mutant).expect("an excuse").reason, "They are off.");
        }
        for (file, text) in [("b.s", "cli"), ("a.s", "cld"), ("a.s", "cli /* off */")] {
            assert!(mutants(file, text).iter().all(|mutant| excuses.of(mutant).is_none()), "{file} {text}");
        }
    }

    #[test]
    fn an_excuse_can_cover_a_single_change() {
        let excuses = excuses(&format!("{CLI}becomes = 'sti'"));
        let excused: Vec<bool> = mutants("a.s", "  cli").iter().map(|mutant| excuses.of(mutant).is_some()).collect();
        assert_eq!(excused, [false, true]);
    }

    #[test]
    fn an_unused_excuse_and_one_without_a_reason_are_reported() {
        let complaints = excuses(CLI).complaints(&mutants("a.s", "cld"));
        assert_eq!(complaints.len(), 1);
        assert!(complaints[0].contains("\"cli\" of a.s"), "{complaints:?}");
        assert!(excuses(CLI).complaints(&mutants("a.s", "cli")).is_empty());
        let without = CLI.replace("They are off.", " ");
        assert_eq!(excuses(&without).complaints(&mutants("a.s", "cli")).len(), 1);
    }
}
