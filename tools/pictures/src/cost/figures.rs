//! The figures that benches measured; some of them are points of curves.

use anyhow::{Context, Result, ensure};
use serde::Deserialize;
use std::collections::BTreeMap;

/// The beginning of every line with a figure; the log may have other lines.
const START: &str = "{\"figure\":";

/// A line with a figure, in the form that a bench prints.
#[derive(Deserialize)]
struct Line {
    figure: String,
    who: Option<String>,
    total: u64,
    rounds: u32,
    at: Option<u32>,
}

/// Figures by name, and for each name by their place on its curve.
#[derive(Debug, Default, PartialEq)]
pub struct Figures(BTreeMap<String, BTreeMap<Option<u32>, f64>>);

/// The name of one candidate's figure, where several candidates are measured.
pub fn name_of(figure: &str, who: &str) -> String {
    format!("{figure}: {who}")
}

impl Figures {
    /// Adds the figures from the log of a bench.
    pub fn take_in(&mut self, log: &str) -> Result<()> {
        for line in log.lines().filter(|line| line.starts_with(START)) {
            let Line { figure, who, total, rounds, at } =
                serde_json::from_str(line).with_context(|| format!("This is no figure: {line}"))?;
            ensure!(rounds > 0, "This figure was measured in no rounds: {line}");
            let name = who.map_or(figure.clone(), |who| name_of(&figure, &who));
            self.add(&name, at, total as f64 / f64::from(rounds));
        }
        Ok(())
    }

    /// Adds a figure measured on the host.
    pub fn add(&mut self, name: &str, at: Option<u32>, value: f64) {
        self.0.entry(name.into()).or_default().insert(at, value);
    }

    /// A single figure.
    pub fn value(&self, name: &str, at: Option<u32>) -> Option<f64> {
        self.0.get(name)?.get(&at).copied()
    }

    /// The points of a curve, from left to right; empty if there is no such curve.
    pub fn curve(&self, name: &str) -> Vec<(u32, f64)> {
        let points = self.0.get(name).into_iter().flatten();
        points.filter_map(|(at, value)| Some(((*at)?, *value))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_found_among_other_lines() {
        let mut figures = Figures::default();
        let log = "hello\n{\"figure\":\"a\",\"total\":5,\"rounds\":2}\n\
            {\"figure\":\"b\",\"total\":7,\"rounds\":1,\"at\":10}\n{\"figure\":\"b\",\"total\":6,\"rounds\":1,\"at\":2}\n\
            {\"figure\":\"b\",\"total\":8,\"rounds\":1,\"who\":\"x\",\"at\":2}\n";
        figures.take_in(log).expect("these are figures");
        assert_eq!(figures.value("a", None), Some(2.5));
        assert_eq!((figures.value("a", Some(2)), figures.value("c", None)), (None, None));
        assert_eq!(figures.value("b: x", Some(2)), Some(8.0));
        assert_eq!(figures.curve("b"), [(2, 6.0), (10, 7.0)]);
    }

    #[test]
    fn malformed_figures_are_reported() {
        for line in ["{\"figure\":\"a\"}", "{\"figure\":\"a\",\"total\":5,\"rounds\":0}"] {
            assert!(Figures::default().take_in(line).is_err(), "{line}");
        }
    }
}
