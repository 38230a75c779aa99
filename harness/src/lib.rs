//! The frame in which tests, long tests and benches boot. It is in no chapter's own kernel.
//!
//! Each of them is a kernel with a table of [`Test`]s, and boots once for each row. Read [`testing`] first: what a
//! row says, and how the host picks one. `boot` is how such a kernel comes up: it holds [`boot!`], with which
//! every such file begins. [`stress`] is for the tests that go on for minutes, [`measuring`] for the benches, and
//! [`checked_switch!`] for the chapters that go from thread to thread.
//!
//! Nothing here knows a chapter. [`boot!`] names the chapters' libraries where it is used, and so the tests of
//! chapter 3 are built without chapter 4.

#![cfg_attr(target_os = "none", no_std)]

mod testing;

mod boot;
pub mod measuring;
pub mod stress;
mod switching;

pub use testing::{End, Test, run};
