//! Pauses a kernel, and reads its registers and its memory.
//!
//! In reading order: [`program`] reads the kernel's file, its symbols and lines, and [`layout`] finds the fields of its
//! variables; [`stub`] controls QEMU as a debugger does; a [`snapshot`] is the registers and the memory at one moment.
//! [`sitting`] puts these together: it boots a kernel, and pauses it at chosen lines.
//!
//! [`debug`] is `make debug`: there a person does this with gdb. It boots a [`subject`], or replays a [`recording`] of
//! it, also backwards.

pub mod program;
pub mod layout;

pub mod stub;
pub mod snapshot;
pub mod sitting;

pub mod subject;
pub mod recording;
pub mod debug;
