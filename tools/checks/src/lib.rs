//! Checks the project with tests, long tests and benchmarks, and checks the tests with mistakes that they must notice.
//!
//! In reading order: [`host`] checks what needs no machine; [`demonstrations`] and [`booted`] boot every kernel and
//! every test; [`library`] runs a library's tests one by one. [`mod@test`] is `make test`, which runs all of these, or
//! the tests that are [`named`], and can write a report for [`junit`]. [`stress`] is `make stress`, which runs random
//! tests for minutes; [`progress`] shows how far they are, [`bochs`] boots the kernels in another emulator, and
//! [`difference`] compares two runs. [`mod@bench`] and [`size`] measure, and [`words`] counts the words of the texts.
//!
//! The other modules test the tests. In a copy of the project ([`git`], [`scratch`]), a [`trial`] finds out whether the
//! tests of a chapter notice a change. [`mutants`] puts in known mistakes, and [`kernel_mutants`] random ones.
//! [`mistakes`] puts a mistake into the reader's own files, and [`put_in`] takes it out again, and nothing else.

pub mod host;

pub mod booted;
pub mod demonstrations;
pub mod junit;
pub mod library;
pub mod named;
pub mod test;

pub mod bochs;
pub mod difference;
pub mod progress;
pub mod stress;

pub mod bench;
pub mod size;

pub mod git;
pub mod words;
pub mod scratch;
pub mod trial;
pub mod mutants;
pub mod kernel_mutants;

pub mod put_in;
pub mod mistakes;
