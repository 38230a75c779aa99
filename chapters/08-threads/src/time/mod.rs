//! How long a thread runs, and how it waits: timeslices, deadlines, wait queues, input.

pub mod timeslice;
pub mod sleepers;
pub mod wait_queue;
pub mod input;
