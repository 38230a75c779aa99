//! What is wrong with the book, and where: a sentence that a person can act upon.

use std::fmt;

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fault {
    /// The file, from the project's folder on, or the page as it was built.
    pub file: String,
    /// The line in it, from 1; 0 if it is about the file as a whole.
    pub line: usize,
    /// What is wrong.
    pub what: String,
}

impl Fault {
    /// Something wrong in this line.
    pub fn new(file: &str, line: usize, what: impl Into<String>) -> Self {
        Self { file: file.into(), line, what: what.into() }
    }

    /// Something wrong with a file as a whole.
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

/// Tells of all of them, a line each, in the order of the files.
pub fn tell(faults: &mut Vec<Fault>) {
    faults.sort();
    faults.dedup();
    faults.iter().for_each(|fault| eprintln!("{fault}"));
}
