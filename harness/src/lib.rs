//! The harness in which tests, stress tests and benches boot. No chapter's own kernel contains it.
//!
//! Each of them is a kernel with a table of [`Test`]s, and boots once for each row. Read [`testing`] first: what a
//! row contains, and how the host picks one. `boot` has the macro [`boot!`], with which every such kernel
//! begins. [`stress`] is for the tests that run for minutes, [`measuring`] for the benches, [`seeded`] for the tests of
//! the exercises, and [`checked_switch!`] for the chapters that switch threads.
//!
//! The harness depends on no chapter. The macro [`boot!`] names the chapters' libraries where it is used, so the
//! tests of chapter 3 are built without chapter 4.

#![cfg_attr(target_os = "none", no_std)]

mod testing;

mod boot;
pub mod measuring;
pub mod seeded;
pub mod stress;
mod switching;

pub use testing::{End, Test, run};
