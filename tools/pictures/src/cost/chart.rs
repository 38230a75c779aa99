//! A small chart, as SVG to include in a page: it uses the page's colors and fonts.
//!
//! Curves differ in their dash pattern and are labeled; color alone never distinguishes them. All coordinates are
//! whole numbers, so the same figures give the same bytes.

use crate::cost::plan::Chart;
use svg::Document;
use svg::node::element::{Circle, Description, Group, Line, Polyline, Text, Title};

const WIDTH: f64 = 640.0;
const HEIGHT: f64 = 320.0;

// The area of the curves. Their names are on its right, numbers on its left and below.
const LEFT: f64 = 90.0;
const RIGHT: f64 = 430.0;
const TOP: f64 = 40.0;
const BOTTOM: f64 = 260.0;

/// The axis of the figures has at most this many parts.
const PARTS: f64 = 5.0;
/// The smallest distance between numbers below the axis.
const APART: f64 = 40.0;
const LINE_HEIGHT: f64 = 18.0;

/// The dash patterns, curve by curve.
const DASHES: [&str; 6] = ["none", "7 4", "2 3", "7 3 2 3", "14 4", "1 5"];

/// The points of a curve, from left to right.
pub type Points = Vec<(u32, f64)>;

/// Draws the curves of `chart`, each with more than one point.
pub fn draw(chart: &Chart, curves: &[Points]) -> Document {
    let scale = Scale::of(curves, chart);
    let mut lines = Group::new().set("fill", "none").set("stroke", "currentColor").set("stroke-width", 2);
    let mut words = Group::new().set("fill", "currentColor").set("stroke", "none");
    lines = scale.axes(lines);
    words = scale.numbers(words, curves).add(text(&chart.title, LEFT, TOP - 18.0, "start").set("font-weight", "bold"));
    words = words.add(text(&chart.along, (LEFT + RIGHT) / 2.0, BOTTOM + 40.0, "middle"));
    words = words.add(text("instructions", LEFT - 8.0, TOP - 18.0, "end"));

    let ends = curves.iter().map(|points| scale.y(points[points.len() - 1].1));
    let heights = apart(&ends.collect::<Vec<_>>());
    for (number, (name, points)) in chart.all_curves().zip(curves).enumerate() {
        let places: Vec<String> =
            points.iter().map(|(at, value)| format!("{},{}", scale.x(*at), scale.y(*value))).collect();
        let dash = DASHES[number % DASHES.len()];
        lines = lines.add(Polyline::new().set("points", places.join(" ")).set("stroke-dasharray", dash));
        for (at, value) in points {
            lines = lines.add(dot(scale.x(*at), scale.y(*value)));
        }
        let last = points[points.len() - 1].1;
        let label = format!("{}: {}", short(name), grouped(last.round() as u64));
        words = words.add(text(&label, RIGHT + 12.0, heights[number] + 4.0, "start"));
    }
    Document::new()
        .set("viewBox", (0, 0, WIDTH, HEIGHT))
        .set("role", "img")
        .set("font-family", "inherit, sans-serif")
        .set("font-size", 13)
        .add(Title::new(&chart.title))
        .add(Description::new().add(svg::node::Text::new(description(chart, curves))))
        .add(lines)
        .add(words)
}

/// A curve's name, if the chart's title says what was measured: `rlsf` of `allocate: rlsf`.
pub fn short(name: &str) -> &str {
    name.split_once(": ").map_or(name, |(_, who)| who)
}

/// The content of the chart, in words.
fn description(chart: &Chart, curves: &[Points]) -> String {
    let curve = |(name, points): (&str, &Points)| {
        let points: Vec<String> =
            points.iter().map(|(at, value)| format!("{} at {at}", grouped(value.round() as u64))).collect();
        format!("{}: {}.", short(name), points.join(", "))
    };
    let curves: Vec<String> = chart.all_curves().zip(curves).map(curve).collect();
    format!("Instructions by {}. {}", chart.along, curves.join(" "))
}

/// The positions of numbers in the picture.
struct Scale {
    log: bool,
    least: f64,
    most: f64,
    steep: bool,
    /// The numbers on the left, from the lowest up.
    marks: Vec<f64>,
}

impl Scale {
    fn of(curves: &[Points], chart: &Chart) -> Self {
        let points = || curves.iter().flatten();
        let along = |at: u32| linear(f64::from(at), chart.log);
        let least = points().map(|(at, _)| along(*at)).fold(f64::MAX, f64::min);
        let most = points().map(|(at, _)| along(*at)).fold(f64::MIN, f64::max);
        let highest = points().map(|(_, value)| *value).fold(1.0, f64::max);
        let lowest = points().map(|(_, value)| *value).fold(f64::MAX, f64::min);
        let marks = if chart.steep { powers(lowest, highest) } else { steps(highest) };
        Self { log: chart.log, least, most, steep: chart.steep, marks }
    }

    fn x(&self, at: u32) -> f64 {
        let along = linear(f64::from(at), self.log);
        (LEFT + (along - self.least) / (self.most - self.least) * (RIGHT - LEFT)).round()
    }

    fn y(&self, value: f64) -> f64 {
        let [value, lowest, highest] =
            [value, self.marks[0], self.marks[self.marks.len() - 1]].map(|value| linear(value, self.steep));
        (BOTTOM - (value - lowest) / (highest - lowest) * (BOTTOM - TOP)).round()
    }

    /// The axis below, and a thin line for each number on the left.
    fn axes(&self, group: Group) -> Group {
        self.marks.iter().fold(group, |group, mark| {
            let y = self.y(*mark);
            let thin = if *mark == self.marks[0] { 1.0 } else { 0.25 };
            let line = Line::new().set("x1", LEFT).set("x2", RIGHT).set("y1", y).set("y2", y);
            group.add(line.set("stroke-width", 1).set("opacity", thin))
        })
    }

    /// The numbers at both axes. Those below stand under points, as many as fit.
    fn numbers(&self, group: Group, curves: &[Points]) -> Group {
        let group = self
            .marks
            .iter()
            .fold(group, |group, mark| group.add(text(&grouped(*mark as u64), LEFT - 8.0, self.y(*mark) + 4.0, "end")));
        let mut free_from = f64::MIN;
        curves[0].iter().fold(group, |group, (at, _)| {
            let x = self.x(*at);
            if x < free_from {
                return group;
            }
            free_from = x + APART;
            group.add(text(&grouped(u64::from(*at)), x, BOTTOM + 18.0, "middle"))
        })
    }
}

/// The value that is spaced evenly on an axis: the number, or its logarithm.
fn linear(number: f64, log: bool) -> f64 {
    if log { number.ln() } else { number }
}

/// Round numbers from 0 to `highest` or above.
fn steps(highest: f64) -> Vec<f64> {
    let step = round_step(highest / PARTS);
    (0..=(highest / step).ceil() as u32).map(|mark| f64::from(mark) * step).collect()
}

/// Powers of ten, from `lowest` or below to `highest` or above; at least two.
fn powers(lowest: f64, highest: f64) -> Vec<f64> {
    let [from, to] = [lowest.log10().floor(), highest.log10().ceil()].map(|power| power as i32);
    (from..=to.max(from + 1)).map(|power| 10f64.powi(power)).collect()
}

/// 1, 2 or 5 times a power of ten, and not less than `step`; at least 1.
fn round_step(step: f64) -> f64 {
    let power = 10f64.powf(step.max(1.0).log10().floor());
    [1.0, 2.0, 5.0, 10.0].into_iter().map(|factor| factor * power).find(|round| *round >= step).unwrap_or(step)
}

/// The same heights, moved apart so that each has room for a line of text.
fn apart(heights: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..heights.len()).collect();
    order.sort_by(|a, b| heights[*a].total_cmp(&heights[*b]));
    let mut moved = heights.to_vec();
    // From the lowest in the picture up: there is free room above.
    for pair in order.windows(2).rev() {
        moved[pair[0]] = moved[pair[0]].min(moved[pair[1]] - LINE_HEIGHT);
    }
    moved
}

/// A number with separated thousands.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let groups: Vec<&str> =
        digits.as_bytes().rchunks(3).rev().map(|group| str::from_utf8(group).unwrap_or("")).collect();
    groups.join("\u{202F}")
}

fn text(words: &str, x: f64, y: f64, anchor: &str) -> Text {
    Text::new(words).set("x", x).set("y", y).set("text-anchor", anchor)
}

fn dot(x: f64, y: f64) -> Circle {
    Circle::new().set("cx", x).set("cy", y).set("r", 3).set("fill", "currentColor")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_round() {
        for (step, round) in [(0.3, 1.0), (1.0, 1.0), (1.1, 2.0), (30.0, 50.0), (51.0, 100.0), (940_000.0, 1_000_000.0)]
        {
            assert_eq!(round_step(step), round, "{step}");
        }
    }

    #[test]
    fn axes_reach_beyond_the_figures() {
        assert_eq!(steps(940.0), [0.0, 200.0, 400.0, 600.0, 800.0, 1000.0]);
        assert_eq!(powers(58.0, 80_128.0), [10.0, 100.0, 1000.0, 10_000.0, 100_000.0]);
        assert_eq!(powers(100.0, 100.0), [100.0, 1000.0]);
    }

    #[test]
    fn names_do_not_overlap() {
        assert_eq!(apart(&[100.0, 50.0]), [100.0, 50.0]);
        assert_eq!(apart(&[100.0, 95.0, 99.0]), [100.0, 64.0, 82.0]);
    }

    #[test]
    fn thousands_stand_apart() {
        assert_eq!([0, 999, 1000, 1234567].map(grouped), ["0", "999", "1\u{202F}000", "1\u{202F}234\u{202F}567"]);
    }

    #[test]
    fn a_chart_has_a_text_version() {
        let chart: Chart =
            toml::from_str("file = 'a'\ntitle = 'A & B'\nalong = 'things'\ncurves = ['a']").expect("a chart");
        let drawn = draw(&chart, &[vec![(0, 5.0), (10, 2500.0)]]).to_string();
        assert!(drawn.contains("<title>A &amp; B</title>"), "{drawn}");
        assert!(drawn.contains("Instructions by things. a: 5 at 0, 2\u{202F}500 at 10."), "{drawn}");
    }
}
