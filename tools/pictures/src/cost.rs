//! What the kernels cost: the figures that benches have measured, held to what is committed, and drawn as charts.

pub mod chart;
pub mod figures;
pub mod plan;

/// The file of the book's figures in which they stand.
pub const FILE: &str = "bench.json";
