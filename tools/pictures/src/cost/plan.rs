//! What `make bench` shows, and the limits that it enforces: `tools/bench.toml`, read and applied.

use crate::cost::figures::{Figures, name_of};
use serde::{Deserialize, Serialize};

/// The committed file.
const FILE: &str = include_str!("../../../bench.toml");

/// The whole file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// The candidates that are measured side by side, in the same run. The first one is ours.
    pub beside: Vec<String>,
    /// The rows of the table, in order.
    #[serde(rename = "row")]
    pub rows: Vec<Row>,
    /// The charts.
    #[serde(rename = "chart")]
    pub charts: Vec<Chart>,
}

/// A row of the table: a figure, and what to compare it with.
#[derive(Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Row {
    /// The operation that is measured.
    pub name: String,
    /// The name of its figure.
    figure: String,
    /// The point on its curve, if it is one.
    at: Option<u32>,
    /// A lower bound: the machine cannot do better.
    pub floor: Option<f64>,
    /// The best result of other kernels, and the kernel's name.
    pub peer: Option<f64>,
    /// The peer's name.
    pub who: Option<String>,
    /// Peers measured in the same run; the row fails if our figure is higher than one of theirs.
    #[serde(default, skip_serializing)]
    not_behind: Vec<String>,
    /// Our goal.
    pub aim: Option<f64>,
    /// The row fails above this.
    most: f64,
}

/// A chart: how figures grow with a quantity.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Chart {
    /// The name of its file, without the extension.
    pub file: String,
    /// The title above it.
    pub title: String,
    /// The label below it: the quantity that the figures depend on.
    pub along: String,
    /// Whether that axis is logarithmic.
    #[serde(default)]
    pub log: bool,
    /// Whether the axis of the figures is logarithmic.
    #[serde(default)]
    pub steep: bool,
    /// The names of the figures.
    pub curves: Vec<String>,
    /// Figures that are shown and not checked.
    #[serde(default)]
    pub others: Vec<String>,
    /// These must not grow.
    #[serde(default)]
    flat: bool,
    /// These may grow by at most this much for each further unit.
    most_per_step: Option<f64>,
}

impl Plan {
    /// The committed plan.
    pub fn committed() -> Self {
        toml::from_str(FILE).expect("a test reads the file")
    }

    /// The figures that should have been measured and were not, one sentence each.
    pub fn missing(&self, figures: &Figures) -> Vec<String> {
        let rows = self.rows.iter().filter(|row| row.ours(figures).is_none()).map(|row| row.name.trim());
        let peers = self.rows.iter().filter(|row| row.peers(figures).count() < row.not_behind.len());
        let rows = rows.chain(peers.map(|row| row.name.trim()));
        let curves = self.charts.iter().flat_map(Chart::all_curves);
        let curves = curves.filter(|curve| figures.curve(curve).len() < 2);
        rows.chain(curves).map(|name| format!("{name}: was not measured.")).collect()
    }

    /// The failures, one sentence each.
    pub fn complaints(&self, figures: &Figures) -> Vec<String> {
        let rows = self.rows.iter().filter_map(|row| row.complaint(figures));
        rows.chain(self.charts.iter().flat_map(|chart| chart.complaints(figures))).collect()
    }
}

impl Row {
    /// The measured value, if there is one.
    pub fn ours(&self, figures: &Figures) -> Option<f64> {
        figures.value(&self.figure, self.at)
    }

    /// The same row, with the best peer of the same run, if it has such peers.
    pub fn with_peer(&self, figures: &Figures) -> Self {
        let best = self.peers(figures).min_by(|(_, one), (_, other)| one.total_cmp(other));
        best.map_or(self.clone(), |(who, peer)| Self { peer: Some(peer), who: Some(who.into()), ..self.clone() })
    }

    /// The figures of all of `beside` for this row, as far as they exist, if the row compares candidates.
    pub fn beside(&self, beside: &[String], figures: &Figures) -> Option<Vec<Option<f64>>> {
        let operation = self.figure.strip_suffix(&name_of("", beside.first()?))?;
        Some(beside.iter().map(|who| figures.value(&name_of(operation, who), self.at)).collect())
    }

    /// The figures and names of the peers in the same run.
    fn peers(&self, figures: &Figures) -> impl Iterator<Item = (&str, f64)> {
        let operation = self.figure.split_once(": ").map_or("", |(operation, _)| operation);
        let value = |who: &String| figures.value(&name_of(operation, who), self.at);
        self.not_behind.iter().filter_map(move |who| Some((who.as_str(), value(who)?)))
    }

    fn complaint(&self, figures: &Figures) -> Option<String> {
        let (ours, most, name) = (self.ours(figures)?, self.most, self.name.trim());
        // Exact figures, except for rounding in a division.
        let is_more = |limit: f64| ours > limit + 1e-9;
        let ahead = self.peers(figures).find(|(_, theirs)| is_more(*theirs));
        let behind = ahead.map(|(who, theirs)| format!("{name}: {ours} is more than the {theirs} of {who}."));
        behind.or_else(|| is_more(most).then(|| format!("{name}: {ours} is more than {most}.")))
    }
}

impl Chart {
    /// The names of all figures in it.
    pub fn all_curves(&self) -> impl Iterator<Item = &str> {
        self.curves.iter().chain(&self.others).map(String::as_str)
    }

    fn complaints(&self, figures: &Figures) -> Vec<String> {
        let complaint = |curve: &String| {
            let points = figures.curve(curve);
            let (first, along) = (points.first()?.1, &self.along);
            let highest = points.iter().map(|(_, value)| *value).fold(first, f64::max);
            if self.flat && highest - first >= 1.0 {
                return Some(format!("{curve}: grows with the {along}, from {first} to {highest}."));
            }
            let slope = |pair: &[(u32, f64)]| (pair[1].1 - pair[0].1) / f64::from(pair[1].0 - pair[0].0);
            let steepest = points.windows(2).map(slope).fold(f64::MIN, f64::max);
            let most = self.most_per_step.filter(|most| steepest > *most)?;
            Some(format!("{curve}: grows by {steepest:.1} for each of the {along}, more than {most}."))
        };
        self.curves.iter().filter_map(complaint).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measured(points: &[(u32, f64)]) -> Figures {
        let mut figures = Figures::default();
        points.iter().for_each(|(at, value)| figures.add("a", Some(*at), *value));
        figures
    }

    fn chart(how: &str) -> Chart {
        toml::from_str(&format!("file = 'a'\ntitle = 'A'\nalong = 'things'\ncurves = ['a']\n{how}")).expect("a chart")
    }

    #[test]
    fn the_committed_file_can_be_read() {
        let plan = Plan::committed();
        assert!(!plan.rows.is_empty() && !plan.charts.is_empty());
        assert!(plan.charts.iter().all(|chart| chart.flat != chart.most_per_step.is_some()));
    }

    #[test]
    fn a_figure_above_its_threshold_is_reported() {
        let row: Row = toml::from_str("name = 'A'\nfigure = 'a'\nat = 2\nmost = 7.5").expect("a row");
        assert_eq!(row.complaint(&measured(&[(2, 7.5)])), None);
        assert_eq!(row.complaint(&measured(&[(2, 8.0)])).as_deref(), Some("A: 8 is more than 7.5."));
        assert_eq!(row.complaint(&measured(&[(3, 8.0)])), None, "not measured");
    }

    #[test]
    fn a_peer_of_the_same_run_must_not_be_ahead() {
        let row: Row =
            toml::from_str("name = 'A'\nfigure = 'a: ours'\nnot_behind = ['x', 'y']\nmost = 9").expect("a row");
        let measured = |figures: &[(&str, f64)]| {
            let mut measured = Figures::default();
            figures.iter().for_each(|(name, value)| measured.add(name, None, *value));
            measured
        };
        let ahead = measured(&[("a: ours", 7.0), ("a: x", 7.0), ("a: y", 8.0), ("a: z", 1.0)]);
        assert_eq!(row.complaint(&ahead), None);
        let shown = row.with_peer(&ahead);
        assert_eq!((shown.peer, shown.who.as_deref()), (Some(7.0), Some("x")));
        let beside = ["ours", "y", "none"].map(String::from);
        assert_eq!(row.beside(&beside, &ahead), Some(vec![Some(7.0), Some(8.0), None]));
        assert_eq!(row.beside(&beside[1..], &ahead), None);

        let behind = measured(&[("a: ours", 7.5), ("a: x", 8.0), ("a: y", 7.0)]);
        assert_eq!(row.complaint(&behind).as_deref(), Some("A: 7.5 is more than the 7 of y."));
        let plan = Plan { beside: Vec::new(), rows: vec![row], charts: Vec::new() };
        assert_eq!(plan.missing(&measured(&[("a: ours", 7.0), ("a: x", 7.0)])), ["A: was not measured."]);
    }

    #[test]
    fn missing_figures_are_reported() {
        let row: Row = toml::from_str("name = 'A'\nfigure = 'a'\nat = 2\nmost = 7.5").expect("a row");
        let plan = Plan { beside: Vec::new(), rows: vec![row], charts: vec![chart("flat = true")] };
        assert!(plan.missing(&measured(&[(2, 7.0), (3, 7.0)])).is_empty());
        let missing = plan.missing(&measured(&[(3, 7.0)]));
        assert_eq!(missing, ["A: was not measured.", "a: was not measured."]);
    }

    #[test]
    fn a_curve_that_grows_is_reported() {
        let flat = chart("flat = true");
        assert!(flat.complaints(&measured(&[(2, 7.0), (10, 7.0), (100, 6.0)])).is_empty());
        assert!(flat.complaints(&measured(&[(2, 7.0), (4, 7.9)])).is_empty(), "less than an instruction");
        assert_eq!(flat.complaints(&measured(&[(2, 7.0), (4, 8.0)])), ["a: grows with the things, from 7 to 8."]);
        let others = Chart { others: vec!["b".into()], ..chart("flat = true") };
        let mut figures = measured(&[(2, 7.0), (4, 7.0)]);
        [(2, 7.0), (4, 9.0)].into_iter().for_each(|(at, value)| figures.add("b", Some(at), value));
        assert!(others.complaints(&figures).is_empty(), "only shown");
        let line = chart("most_per_step = 2.0");
        assert!(line.complaints(&measured(&[(0, 5.0), (10, 25.0)])).is_empty());
        assert_eq!(line.complaints(&measured(&[(0, 5.0), (10, 25.0), (11, 28.0)])).len(), 1);
    }
}
