//! What a thread is: its number, its saved registers, its stack, and what the kernel knows of it.

pub mod thread_id;
pub mod context;
pub mod kernel_stack;
pub mod control_block;
