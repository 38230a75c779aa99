//! Address spaces: what is linked and what is copied, and how the CPU goes from one to another.

pub mod rule;
pub mod address_space;
pub mod copy;
pub mod switch;
pub mod comparison;
