//! Changes the project's files, and finds out whether the kernels' tests notice.
//!
//! In reading order: the known mistakes of the chapters ([`defects`]) and the [exercises](mod@exercise) are described by
//! files. [`git`] lists, patches and merges files. [`demonstrations`] and [`booted`] boot every kernel and every test;
//! [`library`] runs a library's tests one by one; [`stress`] is `make stress`, which runs random tests for minutes:
//! [`progress`] shows how far they are, [`bochs`] boots the kernels in another emulator, and [`difference`] compares two
//! runs. In a copy of the project ([`scratch`]), a [`trial`] finds out whether the tests of a chapter notice a change.
//! [`mistakes`] puts a mistake into the reader's own files, and [`put_in`] takes it out again, and nothing else. [`broken`]
//! builds the demonstrations with mistakes in them.

pub mod defects;
pub mod exercise;

pub mod git;

pub mod demonstrations;
pub mod booted;
pub mod library;
pub mod bochs;
pub mod difference;
pub mod progress;
pub mod stress;

pub mod scratch;
pub mod trial;

pub mod put_in;
pub mod mistakes;

pub mod broken;
