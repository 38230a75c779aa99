//! A kernel that stands still, and what can be read of it then.
//!
//! In reading order: [`program`] is what the kernel's file knows, its symbols and lines, and [`layout`] where the fields
//! of its variables lie; [`stub`] speaks with QEMU as a debugger does; [`snapshot`] is registers and memory at one
//! moment. [`sitting`] holds all that together: a kernel that boots and stops wherever it is told to. [`debug`] is
//! `make debug`, where a person does the same, with a [`subject`], or with a [`recording`] of it backwards.

pub mod program;
pub mod layout;

pub mod stub;
pub mod snapshot;
pub mod sitting;

pub mod subject;
pub mod recording;
pub mod debug;
