//! `{{#bench}}`, `{{#bench beside}}` and `{{#growth}}`: what the kernels cost, measured by `make bench`.
//!
//! The numbers come from `book/figures/bench.json`, which `make figures` writes and `make test` measures again.

use crate::html::escaped;
use crate::include::Lack;
use crate::picture;
use crate::sources::{FIGURES, Sources};
use pictures::cost::FILE;
use pictures::cost::chart::{self, Points};
use pictures::cost::plan::Chart;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

#[derive(Deserialize)]
struct Report {
    rows: Vec<Row>,
    beside: Vec<String>,
    charts: Vec<Value>,
}

/// The needed part of a row in `tools/bench.toml`, and its measurements.
#[derive(Deserialize)]
struct Row {
    name: String,
    ours: f64,
    floor: Option<f64>,
    peer: Option<f64>,
    who: Option<String>,
    beside: Vec<Option<f64>>,
}

fn report(sources: &Sources) -> Result<Report, Lack> {
    let path = format!("{FIGURES}/{FILE}");
    if !sources.has(&path) {
        return Err(Lack::Untaken(format!("There is no file {path}. `make figures` makes it.")));
    }
    parsed(serde_json::from_str(&sources.read(&path).map_err(Lack::Wrong)?).unwrap_or_default())
}

fn parsed<T: DeserializeOwned>(value: Value) -> Result<T, Lack> {
    let wrong = |error| Lack::Wrong(format!("{FIGURES}/{FILE} is not what `make bench` writes: {error}."));
    serde_json::from_value(value).map_err(wrong)
}

/// The table of all operations.
pub fn table(sources: &Sources) -> Result<String, Lack> {
    let rows = report(sources)?.rows.iter().map(row).collect();
    Ok(whole(["operation", "this kernel", "least possible", "best other"].into_iter(), rows))
}

/// The table of the operations that other kernels performed in the same run.
pub fn beside(sources: &Sources) -> Result<String, Lack> {
    let report = report(sources)?;
    let rows = report.rows.iter().filter(|row| !row.beside.is_empty());
    let rows = rows.map(|row| line(&row.name, row.beside.iter().map(|value| number(*value)))).collect();
    Ok(whole(["operation"].into_iter().chain(report.beside.iter().map(String::as_str)), rows))
}

fn whole<'a>(head: impl Iterator<Item = &'a str>, rows: String) -> String {
    let head: String = head.map(|word| format!("<th>{}</th>", breakable(word))).collect();
    format!(
        "<div class=\"table-wrapper\">\n<table class=\"bench\">\n<thead><tr>{head}</tr></thead>\n\
        <tbody>\n{rows}</tbody>\n</table>\n</div>\n\n"
    )
}

/// The name of another program, in which lines may break: some are so long that no room is left for the figures.
fn breakable(name: &str) -> String {
    escaped(name).replace('_', "_<wbr>")
}

fn row(row: &Row) -> String {
    let peer = match (&row.who, row.peer) {
        (Some(who), Some(_)) => format!("{} ({})", number(row.peer), breakable(who)),
        _ => number(row.peer),
    };
    line(&row.name, [number(Some(row.ours)), number(row.floor), peer].into_iter())
}

/// A row of a table. A name that begins with spaces is a part of the operation above it.
fn line(name: &str, cells: impl Iterator<Item = String>) -> String {
    let cells: String = cells.map(|cell| format!("<td class=\"figure\">{cell}</td>")).collect();
    let class = if name.starts_with(' ') { " class=\"part\"" } else { "" };
    format!("<tr><th scope=\"row\"{class}>{}</th>{cells}</tr>\n", escaped(name.trim()))
}

/// A number with its thousands separated, and with one decimal if that is not zero.
fn number(value: Option<f64>) -> String {
    let Some(value) = value else { return String::new() };
    let whole = chart::grouped(value.trunc() as u64);
    let tenths = (value.fract() * 10.0).round();
    match tenths as u64 {
        0 => whole,
        10 => chart::grouped(value.round() as u64),
        tenths => format!("{whole}.{tenths}"),
    }
}

/// All charts, each as a picture.
pub fn charts(sources: &Sources) -> Result<String, Lack> {
    report(sources)?.charts.into_iter().map(drawn).collect()
}

fn drawn(mut value: Value) -> Result<String, Lack> {
    let points = value.as_object_mut().and_then(|object| object.remove("points")).unwrap_or_default();
    let (chart, points): (Chart, Vec<Points>) = (parsed(value)?, parsed(points)?);
    if points.is_empty() || points.iter().any(|points| points.len() < 2) || points.len() != chart.all_curves().count() {
        return Err(Lack::Wrong(format!("{FIGURES}/{FILE} has too few points for \"{}\".", chart.title)));
    }
    let drawing = chart::draw(&chart, &points).to_string();
    picture::figure(&chart.file, &drawing, Some(&facts(&chart, &points))).map_err(Lack::Wrong)
}

/// The same as a table in Markdown: a column for each curve.
fn facts(chart: &Chart, curves: &[Points]) -> String {
    let mut places: Vec<u32> = curves.iter().flatten().map(|(at, _)| *at).collect();
    places.sort_unstable();
    places.dedup();
    let line = |cells: Vec<String>| format!("| {} |\n", cells.join(" | "));
    let head = [chart.along.clone()]
        .into_iter()
        .chain(chart.all_curves().map(|name| chart::short(name).into()))
        .collect::<Vec<_>>();
    let rule = format!("|{}\n", "---:|".repeat(head.len()));
    let row = |at: &u32| {
        let of = |points: &Points| points.iter().find(|(other, _)| other == at).map(|(_, value)| *value);
        let cells = curves.iter().map(|points| number(of(points)));
        line([chart::grouped(u64::from(*at))].into_iter().chain(cells).collect())
    };
    line(head) + &rule + &places.iter().map(row).collect::<String>()
}

#[cfg(test)]
mod tests {
    use super::super::sources::tests::project;
    use super::*;

    const REPORT: &str = r#"{
        "rows": [
            {"name":"fork & run","figure":"f","at":null,"floor":1.5,"peer":22000.0,"who":"xv6","aim":9.0,"most":1,"ours":10141.96,"beside":[10141.96,null]},
            {"name":"  part","figure":"f","at":1,"floor":null,"peer":null,"who":null,"aim":20.0,"most":1,"ours":2.0,"beside":[]}
        ],
        "beside": ["ours", "x & y"],
        "charts": [{"file":"a","title":"A","along":"tasks","log":false,"curves":["x","y"],"flat":true,"most_per_step":null,
            "points":[[[2,31.0],[1000,31.5]],[[2,1.0],[10,1.0]]]}]
    }"#;

    #[test]
    fn figures_become_a_table() {
        let (_folder, sources) = project(&[("book/figures/bench.json", REPORT)]);
        let table = table(&sources).expect("a table");
        let row = "<tr><th scope=\"row\">fork &amp; run</th><td class=\"figure\">10\u{202F}142</td>\
            <td class=\"figure\">1.5</td><td class=\"figure\">22\u{202F}000 (xv6)</td></tr>";
        assert!(table.contains(row), "{table}");
        assert!(table.contains("<th scope=\"row\" class=\"part\">part</th>"), "{table}");
    }

    #[test]
    fn figures_measured_side_by_side_have_their_own_table() {
        let (_folder, sources) = project(&[("book/figures/bench.json", REPORT)]);
        let table = beside(&sources).expect("a table");
        let row = "<tr><th scope=\"row\">fork &amp; run</th><td class=\"figure\">10\u{202F}142</td><td class=\"figure\"></td></tr>";
        assert!(table.contains(row) && table.contains("<th>x &amp; y</th>") && !table.contains("part"), "{table}");
    }

    #[test]
    fn curves_become_pictures_with_their_facts() {
        let (_folder, sources) = project(&[("book/figures/bench.json", REPORT)]);
        let charts = charts(&sources).expect("charts");
        assert!(charts.contains("<figcaption>A</figcaption>") && charts.contains("<svg"), "{charts}");
        let facts = "| tasks | x | y |\n|---:|---:|---:|\n| 2 | 31 | 1 |\n| 10 |  | 1 |\n| 1\u{202F}000 | 31.5 |  |\n";
        assert!(charts.contains(facts.trim()), "{charts}");
    }

    #[test]
    fn figures_must_be_there_and_be_figures() {
        let (_folder, sources) = project(&[]);
        assert!(matches!(table(&sources), Err(Lack::Untaken(_))));
        for text in ["", "{}", &REPORT.replace("[1000,31.5]", "[1000]"), &REPORT.replace(",[1000,31.5]", "")] {
            let (_folder, sources) = project(&[("book/figures/bench.json", text)]);
            assert!(matches!(charts(&sources), Err(Lack::Wrong(_))), "{text}");
        }
    }
}
