//! The cost of the kernels: figures measured by benches, compared with the committed ones, and drawn as charts.

pub mod chart;
pub mod figures;
pub mod plan;

/// The file with them among the book's figures.
pub const FILE: &str = "bench.json";
