//! The mutants of a source: each is the source with one change.

use super::change::Change;
use super::{assembly, rust};
use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::ops::Range;
use std::path::Path;

/// A source file of a kernel.
#[derive(Hash)]
pub struct Source {
    /// Its path, relative to the project's folder.
    pub file: String,
    /// Its text.
    pub text: String,
}

/// One possible mistake in a file, with all that must be known about the file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mutant {
    /// The path of the file, relative to the project's folder.
    pub file: String,
    /// The number of the line on which the mistake begins, counted from 1.
    pub line: usize,
    /// The lines that it breaks.
    pub broken: String,
    /// What they become.
    pub becomes: String,
    /// The bytes of the file that change, and what replaces them.
    range: Range<usize>,
    replacement: String,
}

impl Source {
    /// The source of a chapter, or of `common`, if this file is one. The demonstration in `main.rs` is not: it is there
    /// to be looked at, and promises nothing.
    pub fn new(file: &Path, bytes: &[u8]) -> Option<Self> {
        let parts: Vec<&str> = file.iter().filter_map(|part| part.to_str()).collect();
        let inner = match parts.as_slice() {
            ["chapters", _, "src", inner @ ..] | ["common", "src", inner @ ..] => inner,
            _ => return None,
        };
        let is_source = file.extension().is_some_and(|ending| ending == "rs" || ending == "s");
        let text = std::str::from_utf8(bytes).ok().filter(|_| is_source && inner != ["main.rs"])?;
        Some(Self { file: parts.join("/"), text: text.into() })
    }

    /// The chapter's folder, such as `02-screen`; `None` for `common`, which belongs to all.
    pub fn chapter(&self) -> Option<&str> {
        chapter(&self.file)
    }

    /// All mutants of the file, in the order of its text.
    pub fn mutants(&self) -> Result<Vec<Mutant>> {
        let is_assembly = self.file.ends_with(".s");
        let changes = if is_assembly { Ok(assembly::changes(&self.text)) } else { rust::changes(&self.text) };
        let changes = changes.with_context(|| self.file.clone())?;
        Ok(changes.into_iter().map(|change| self.mutant(change)).collect())
    }

    fn mutant(&self, change: Change) -> Mutant {
        let Change { range, becomes: replacement } = change;
        let start = self.text[..range.start].rfind('\n').map_or(0, |newline| newline + 1);
        let end = self.text[range.end..].find('\n').map_or(self.text.len(), |length| range.end + length);
        let becomes = [&self.text[start..range.start], &replacement, &self.text[range.end..end]].concat();
        Mutant {
            file: self.file.clone(),
            line: self.text[..start].matches('\n').count() + 1,
            broken: self.text[start..end].into(),
            becomes,
            range,
            replacement,
        }
    }
}

impl Mutant {
    /// The chapter of the file; `None` for a file of `common`.
    pub fn chapter(&self) -> Option<&str> {
        chapter(&self.file)
    }

    /// The file after the change; `text` is the file before.
    pub fn made_of(&self, text: &str) -> String {
        [&text[..self.range.start], &self.replacement, &text[self.range.end..]].concat()
    }

    /// The lines that are removed, and those that replace them.
    pub fn diff(&self) -> String {
        let lines = |sign, text: &str| -> Vec<String> {
            text.lines().filter(|line| !line.trim().is_empty()).map(|line| format!("{sign} {line}")).collect()
        };
        [lines('-', &self.broken), lines('+', &self.becomes)].concat().join("\n")
    }
}

impl fmt::Display for Mutant {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}

fn chapter(file: &str) -> Option<&str> {
    file.strip_prefix("chapters/")?.split('/').next()
}

#[cfg(test)]
pub mod tests {
    use super::*;

    /// The mutants of a file of assembly.
    pub fn mutants(file: &str, text: &str) -> Vec<Mutant> {
        Source { file: file.into(), text: text.into() }.mutants().expect("assembly has no syntax to get wrong")
    }

    #[test]
    fn a_mutant_knows_its_lines_and_its_chapter() {
        let text = "    push eax\n    cli /* off */\n    ret";
        let mutants = mutants("chapters/04-interrupts/src/stubs.s", text);
        let mutant = mutants.iter().find(|mutant| mutant.becomes.contains("sti")).expect("cli has an opposite");
        assert_eq!(mutant.to_string(), "chapters/04-interrupts/src/stubs.s:2");
        assert_eq!(mutant.chapter(), Some("04-interrupts"));
        assert_eq!(mutant.diff(), "-     cli /* off */\n+     sti /* off */");
        assert_eq!(mutant.made_of(text), "    push eax\n    sti /* off */\n    ret");
        assert_eq!(mutants.last().expect("ret can be left out").diff(), "-     ret");
    }

    #[test]
    fn sources_are_the_kernels_own_without_demonstrations_and_tests() {
        let is_source = |file: &str| Source::new(Path::new(file), b"").is_some();
        for file in ["chapters/01-boot/src/serial.rs", "chapters/08-threads/src/state/switch.s", "common/src/lock.rs"] {
            assert!(is_source(file), "{file}");
        }
        for file in [
            "chapters/01-boot/src/main.rs",
            "chapters/01-boot/tests/kernel.rs",
            "harness/src/lib.rs",
            "tools/src/main.rs",
            "chapters/01-boot/src/notes.md",
            "book/src/a.rs",
        ] {
            assert!(!is_source(file), "{file}");
        }
        assert_eq!(chapter("common/src/lock.rs"), None);
    }
}
