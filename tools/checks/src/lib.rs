//! Checks the project with tests and benchmarks, and checks the tests with mistakes that they must notice.
//!
//! In reading order: [`host`] checks what needs no machine. [`mod@test`] is `make test`, which runs everything, or the tests
//! that are [`named`], and can write a report for [`junit`]. [`mod@bench`] and [`size`] measure, and [`words`] counts the
//! words of the texts. [`mutants`] puts in known mistakes, and [`kernel_mutants`] random ones.

pub mod host;

pub mod junit;
pub mod named;
pub mod test;

pub mod bench;
pub mod size;

pub mod words;
pub mod mutants;
pub mod kernel_mutants;
