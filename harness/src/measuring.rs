//! Counts instructions, for the chapters' benches.
//!
//! When QEMU runs with `-icount shift=0`, one instruction is one tick of the time stamp counter, so the
//! difference of two readings is exact and the same on every run. Delivering an interrupt adds nothing, and
//! `rep` counts once per repetition. `hlt` makes the counter jump, so no bench measures across it. A bench
//! prints its results afterwards, as one line of JSON per figure.

#![cfg(target_os = "none")]

use core::arch::x86::_rdtsc;
use core::fmt;

/// One number that a bench has measured.
pub struct Figure {
    name: &'static str,
    who: Option<&'static str>,
    at: Option<u32>,
    total: u32,
    rounds: u32,
}

impl Figure {
    /// The figure `name`, with the value `total`.
    pub const fn new(name: &'static str, total: u32) -> Self {
        Self { name, who: None, at: None, total, rounds: 1 }
    }

    /// The same figure. Its total is the sum of so many rounds.
    pub const fn of_rounds(self, rounds: u32) -> Self {
        Self { rounds, ..self }
    }

    /// The same figure, for `who` among several implementations that do the same.
    pub const fn of(self, who: &'static str) -> Self {
        Self { who: Some(who), ..self }
    }

    /// The same figure, as one point of a curve: measured at this value of the curve's variable.
    pub const fn at(self, at: u32) -> Self {
        Self { at: Some(at), ..self }
    }
}

impl fmt::Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let Self { name, who, at, total, rounds } = self;
        write!(f, r#"{{"figure":{name:?},"total":{total},"rounds":{rounds}"#)?;
        who.iter().try_for_each(|who| write!(f, r#","who":{who:?}"#))?;
        at.iter().try_for_each(|at| write!(f, r#","at":{at}"#))?;
        f.write_str("}")
    }
}

/// The number of instructions since the machine was switched on, modulo 2^32.
#[inline(always)]
pub fn now() -> u32 {
    // SAFETY: every CPU that this kernel runs on has the counter, and reading it changes nothing.
    unsafe { _rdtsc() as u32 }
}

/// The number of instructions that `work` takes.
#[inline(always)]
pub fn instructions<T>(work: impl FnOnce() -> T) -> u32 {
    let start = now();
    work();
    let end = now();
    let nothing = now().wrapping_sub(end);
    end.wrapping_sub(start) - nothing
}
