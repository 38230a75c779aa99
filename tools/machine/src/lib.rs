//! Builds a kernel, boots it in QEMU, watches it to its end, and judges how it ended: all that `make run` needs.
//!
//! In reading order: which chapters there are and how their kernels are built ([`workspace`], [`cargo`], [`kernels`]);
//! the CD that a kernel boots from ([`grub`], [`image`]); QEMU as a process ([`process`], [`qemu`], [`display`],
//! [`vm`]) and its monitor ([`monitor`]); the log and its addresses ([`symbols`], [`log`]), and how a run ended
//! ([`ending`]).
//!
//! [`watch`] puts these together: it follows one run, and types its input ([`keyboard`], [`wanted`]). [`run`] is `make
//! run`; like every [`command`] it catches Ctrl-C ([`interrupt`]), and it prints a [`reminder`] of a mistake that is
//! still in the reader's files. [`boot`] and [`listing`] are for kernels with tests, and [`tally`] counts their
//! results.

pub mod workspace;

pub mod cargo;
pub mod kernels;

pub mod grub;
pub mod image;

pub mod interrupt;
pub mod process;
pub mod qemu;
pub mod display;
pub mod monitor;
pub mod vm;

pub mod symbols;
pub mod log;
pub mod ending;

pub mod keyboard;
pub mod listing;
pub mod wanted;
pub mod watch;

pub mod boot;
pub mod command;
pub mod reminder;
pub mod run;
pub mod tally;
