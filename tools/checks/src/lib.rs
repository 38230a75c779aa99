//! What checks the project: tests, long tests, benches, and mistakes that tests have to notice.
//!
//! In reading order: [`host`] checks what needs no machine; [`demonstrations`] and [`booted`] boot every kernel and
//! every test; [`library`] runs a library's tests one by one. [`mod@test`] is `make test`: all of that, or what is
//! [`named`], told to a person and as [`junit`] has it. [`stress`], with [`progress`] and [`bochs`], does for minutes what
//! tests do for moments, and shows the [`difference`] between two runs; [`mod@bench`], with [`size`], measures.
//!
//! Then the tests themselves are tested: in a copy of the project ([`git`], [`scratch`]) a [`trial`] tells whether a
//! chapter's tests notice a change; [`mutants`] puts known mistakes in, [`kernel_mutants`] random ones. [`mistakes`] puts
//! one into the project itself, for a person to look at; [`put_in`] sees to it that nothing else is taken out.

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
pub mod scratch;
pub mod trial;
pub mod mutants;
pub mod kernel_mutants;

pub mod put_in;
pub mod mistakes;
