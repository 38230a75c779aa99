//! A fault of the book: where it is, and a message that an author can act on.

use std::fmt;

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fault {
    /// The file's path relative to the project's folder, or the name of the built page.
    pub file: String,
    /// The line number, from 1; 0 if the fault is about the whole file.
    pub line: usize,
    /// What is wrong.
    pub what: String,
}

impl Fault {
    /// A fault in this line.
    pub fn new(file: &str, line: usize, what: impl Into<String>) -> Self {
        Self { file: file.into(), line, what: what.into() }
    }

    /// A fault of a whole file.
    pub fn of(file: &str, what: impl Into<String>) -> Self {
        Self::new(file, 0, what)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let Self { file, line, what } = self;
        if *line == 0 { write!(f, "{file}: {what}") } else { write!(f, "{file}:{line}: {what}") }
    }
}

/// Sorts the faults, drops duplicates, and prints each once, in order of file and line.
pub fn print(faults: &mut Vec<Fault>) {
    faults.sort();
    faults.dedup();
    faults.iter().for_each(|fault| eprintln!("{fault}"));
}
