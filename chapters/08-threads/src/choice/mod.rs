//! Which thread runs next: the queue, the choice, and the count of how turns ended.

pub mod queue;
pub mod reason;
pub mod scheduler;
pub mod turns;
