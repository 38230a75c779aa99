//! One machine with one kernel in it: built, booted, watched to its end, judged. All that `make run` needs, and no more.
//!
//! In reading order: what there is and how it is built ([`workspace`], [`cargo`], [`kernels`]); the CD that it boots
//! from ([`grub`], [`image`]); QEMU as a process ([`process`], [`qemu`], [`display`], [`vm`]) and what it answers
//! ([`monitor`]); what a run leaves ([`symbols`], [`log`]) and how it ended ([`ending`]). [`watch`] holds all that
//! together; [`run`] is `make run`, and a [`command`] as all of them are, with a [`reminder`] where one is due. [`listing`] and [`boot`] are for kernels that hold tests, and [`tally`] counts them.

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
