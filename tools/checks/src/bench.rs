//! `make bench`: counts the instructions that the kernels need, and compares them with committed thresholds.
//!
//! QEMU's clock counts instructions instead of time, so a figure is exact and the same in every run, whatever the host
//! does. To verify that, `make bench` boots each benchmark twice; `make test` boots it once.

use crate::size;
use anyhow::{Result, bail};
use clap::Args;
use comfy_table::{CellAlignment, Table, TableStyle};
use machine::boot::Boot;
use machine::cargo::Profile;
use machine::kernels::Kind;
use machine::listing::Listed;
use machine::tally::Tally;
use machine::vm::COUNTED_TIME;
use machine::watch::{Orders, Typist};
use machine::workspace::{Chapter, Workspace};
use pictures;
use pictures::cost;
use pictures::cost::chart;
use pictures::cost::figures::Figures;
use pictures::cost::plan::{self, Plan, Row};
use rayon::iter::{ParallelBridge, ParallelIterator};
use serde::Serialize;
use std::fs;
use std::io;
use std::process::ExitCode;
use std::sync::Mutex;
use std::time::{Duration, Instant};
use trials::booted::{self, Suite};

/// How long a benchmark may take.
const MOST_TIME: Duration = Duration::from_secs(60);

/// The folder of the results, in Cargo's target folder.
const FOLDER: &str = "bench";

/// The options of `make bench`.
#[derive(Args)]
pub struct Options {
    /// Measure only this chapter, by number or name.
    #[arg(long)]
    chapter: Option<String>,
}

/// Measures, prints the table, writes the figures and the charts, and reports what has become worse.
pub fn bench(workspace: &Workspace, options: &Options) -> Result<ExitCode> {
    let chapters: Vec<&Chapter> = match &options.chapter {
        None => workspace.chapters.iter().collect(),
        Some(word) => vec![workspace.chapter(Some(word))?],
    };
    let plan = Plan::committed();
    let figures = measure(workspace, &chapters, Runs::Two)?;
    let table = table(&plan, &figures);
    for table in [table, beside(&plan, &figures)] {
        if table.row_count() > 0 {
            println!("{table}\n");
        }
    }
    for (chart, curve) in plan.charts.iter().flat_map(|chart| chart.all_curves().map(move |curve| (chart, curve))) {
        if let [(from, least), .., (to, most)] = figures.curve(curve)[..] {
            println!(" {curve}: {} with {from} {}, {} with {to}", number(least), chart.along, number(most));
        }
    }
    if options.chapter.is_none() {
        write(workspace, &plan, &figures)?;
    }
    let complaints = complaints(workspace, &chapters, &plan, &figures);
    complaints.iter().for_each(|complaint| println!("FAILED {complaint}"));
    Ok(if complaints.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Measures, for a `make test` of everything. No figure may be missing or have become worse.
///
/// A single chapter is not held to any figure: the solution of an exercise may make its kernel larger or slower.
pub fn test(workspace: &Workspace, chapters: &[&Chapter], tally: &Tally) {
    if !is_everything(workspace, chapters) {
        return;
    }
    let start = Instant::now();
    let plan = Plan::committed();
    let measured = measure(workspace, chapters, Runs::One).map_err(|error| format!("{error:#}"));
    let in_book = measured.as_ref().map(|figures| is_in_book(workspace, &plan, figures));
    let outcome = measured.as_ref().map_err(String::clone).and_then(|figures| {
        let complaints = complaints(workspace, chapters, &plan, figures);
        if complaints.is_empty() { Ok(()) } else { Err(complaints.join("\n")) }
    });
    tally.note("what the kernels cost, in instructions", outcome, start.elapsed());
    if let (Ok(outcome), true) = (in_book, pictures::made_elsewhere(workspace).is_none()) {
        tally.note("the figures in the book", outcome, Duration::ZERO);
    }
}

fn is_everything(workspace: &Workspace, chapters: &[&Chapter]) -> bool {
    chapters.len() == workspace.chapters.len()
}

/// What has become worse; and what is missing, if all chapters were measured.
fn complaints(workspace: &Workspace, chapters: &[&Chapter], plan: &Plan, figures: &Figures) -> Vec<String> {
    let missing = if is_everything(workspace, chapters) { plan.missing(figures) } else { Vec::new() };
    missing.into_iter().chain(plan.complaints(figures)).collect()
}

/// How often each benchmark is booted.
#[derive(PartialEq)]
enum Runs {
    One,
    /// To verify that both give the same figures.
    Two,
}

/// Boots all benchmarks of these chapters.
fn measure(workspace: &Workspace, chapters: &[&Chapter], runs: Runs) -> Result<Figures> {
    let with: Vec<&Chapter> = chapters.iter().copied().filter(|chapter| chapter.has_benches).collect();
    if with.is_empty() {
        bail!("This chapter has no benchmarks.");
    }
    let tally = Tally::default();
    let suites = booted::build(workspace, &with, Kind::Benches, Profile::Release, MOST_TIME)?;
    let benches = booted::list(&suites, &tally)?;
    if !tally.is_good() {
        bail!("Not every kernel could list its benchmarks.");
    }
    let figures = Mutex::new(Figures::default());
    benches.into_iter().par_bridge().try_for_each(|(suite, bench)| -> Result<()> {
        let log = boot(suite, &bench)?;
        if runs == Runs::Two && log != boot(suite, &bench)? {
            bail!("{} {}: two runs differ. One of them printed:\n{log}", suite.chapter.name, bench.name);
        }
        figures.lock().expect("no thread panics while it holds the figures").take_in(&log)
    })?;
    let mut figures = figures.into_inner().expect("no thread panics while it holds the figures");
    let last = workspace.chapters.last().filter(|last| chapters.iter().any(|chapter| chapter.name == last.name));
    if let Some(last) = last {
        figures.add("kernel image", None, size::of_kernel(workspace, last)? as f64);
    }
    Ok(figures)
}

/// Boots one benchmark, and returns its log.
fn boot(suite: &Suite, bench: &Listed) -> Result<String> {
    let kernel = suite.kernel.as_deref().expect("only a kernel that was built lists benches");
    let words = format!("'test={}'", bench.name);
    let orders = Orders { timeout: MOST_TIME, typist: Typist::Letters("") };
    let flags = COUNTED_TIME.map(String::from);
    let boot = Boot { workspace: suite.workspace, kernel, words: &words, test: bench, orders, flags: &flags };
    let run = boot.watch(io::sink())?;
    match run.judge(bench) {
        Ok(()) => Ok(run.text),
        Err(reason) => bail!("{} {}: {reason}", suite.chapter.name, bench.name),
    }
}

/// The table for a person, without the rows that were not measured.
fn table(plan: &Plan, figures: &Figures) -> Table {
    let mut table = Table::new();
    table.load_style(TableStyle::new());
    table.set_header(["operation", "ours", "aim", "floor", "ours/floor", "best peer", "ours/peer", ""]);
    let line = |row: &Row| {
        let (row, ours) = (row.with_peer(figures), row.ours(figures)?);
        let number = |value: Option<f64>| value.map_or(String::new(), number);
        let ratio = |other: Option<f64>| {
            let other = other.filter(|other| *other > 0.0);
            other.map_or(String::new(), |other| format!("{:.2}", ours / other))
        };
        let missed = row.aim.is_some_and(|aim| ours > aim);
        let aim = format!("{}{}", if missed { "! " } else { "" }, number(row.aim));
        let (floor, peer, who) = (number(row.floor), number(row.peer), row.who.clone().unwrap_or_default());
        Some([row.name.clone(), number(Some(ours)), aim, floor, ratio(row.floor), peer, ratio(row.peer), who])
    };
    plan.rows.iter().filter_map(line).for_each(|line| _ = table.add_row(line));
    table.column_iter_mut().skip(1).take(6).for_each(|column| column.set_cell_alignment(CellAlignment::Right));
    table
}

/// The table of what was measured side by side.
fn beside(plan: &Plan, figures: &Figures) -> Table {
    let mut table = Table::new();
    table.load_style(TableStyle::new());
    table.set_header([""].into_iter().chain(plan.beside.iter().map(String::as_str)));
    for (row, all) in plan.rows.iter().filter_map(|row| Some((row, row.beside(&plan.beside, figures)?))) {
        if all.iter().any(Option::is_some) {
            let all = all.into_iter().map(|value| value.map_or(String::new(), number));
            table.add_row([row.name.clone()].into_iter().chain(all));
        }
    }
    table.column_iter_mut().skip(1).for_each(|column| column.set_cell_alignment(CellAlignment::Right));
    table
}

/// A number; with one decimal if it is not whole.
fn number(value: f64) -> String {
    if value.fract() == 0.0 { format!("{value}") } else { format!("{value:.1}") }
}

/// The results, for other programs.
#[derive(Serialize)]
struct Report<'a> {
    rows: Vec<Measured>,
    beside: &'a [String],
    charts: Vec<Drawn<'a>>,
}

#[derive(Serialize)]
struct Measured {
    #[serde(flatten)]
    row: Row,
    ours: f64,
    /// The figures of the others that were measured beside it.
    beside: Vec<Option<f64>>,
}

#[derive(Serialize)]
struct Drawn<'a> {
    #[serde(flatten)]
    chart: &'a plan::Chart,
    points: Vec<Vec<(u32, f64)>>,
}

/// Writes the figures and the charts into files.
fn write(workspace: &Workspace, plan: &Plan, figures: &Figures) -> Result<()> {
    let folder = workspace.target.join(FOLDER);
    fs::create_dir_all(&folder)?;
    let report = report(plan, figures);
    for Drawn { chart, points } in &report.charts {
        svg::save(folder.join(&chart.file).with_extension("svg"), &chart::draw(chart, points))?;
    }
    fs::write(folder.join("figures.json"), json(&report)?)?;
    println!("\nThe figures and their charts are in {}.", folder.display());
    Ok(())
}

/// All results, in the order of the plan.
fn report<'a>(plan: &'a Plan, figures: &Figures) -> Report<'a> {
    let measured = |row: &Row| {
        let beside = row.beside(&plan.beside, figures).unwrap_or_default();
        Some(Measured { row: row.with_peer(figures), ours: row.ours(figures)?, beside })
    };
    let rows = plan.rows.iter().filter_map(measured).collect();
    let points = |chart: &plan::Chart| chart.all_curves().map(|curve| figures.curve(curve)).collect();
    let charts = plan.charts.iter().map(|chart| Drawn { chart, points: points(chart) });
    Report {
        rows,
        beside: &plan.beside,
        charts: charts.filter(|chart| chart.points.iter().all(|points| points.len() > 1)).collect(),
    }
}

fn json(report: &Report) -> Result<String> {
    Ok(serde_json::to_string_pretty(report)? + "\n")
}

/// The figures for the book, measured now.
pub fn for_book(workspace: &Workspace) -> Result<String> {
    let chapters: Vec<&Chapter> = workspace.chapters.iter().collect();
    json(&report(&Plan::committed(), &measure(workspace, &chapters, Runs::One)?))
}

/// Whether the book's figures are those that were just measured.
fn is_in_book(workspace: &Workspace, plan: &Plan, figures: &Figures) -> Result<(), String> {
    let now = json(&report(plan, figures)).map_err(|error| error.to_string())?;
    let path = format!("{}/{}", pictures::FOLDER, cost::FILE);
    let shown = fs::read_to_string(workspace.root.join(&path)).unwrap_or_default();
    let differ = || format!("{path} differs from what was measured now; `make figures` rewrites it.");
    if shown == now { Ok(()) } else { Err(differ()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_single_chapter_is_not_compared_with_the_figures() {
        let chapter = |number: u32| {
            let (name, package) = (format!("{number}-a"), format!("ch{number}-a"));
            Chapter { name, package, has_booted_tests: true, has_long_tests: false, has_benches: true }
        };
        let nowhere = || "/nowhere".into();
        let chapters = vec![chapter(1), chapter(2)];
        let workspace = Workspace { root: nowhere(), target: nowhere(), chapters, is_quiet: true };
        let all: Vec<&Chapter> = workspace.chapters.iter().collect();
        let is_good = |chapters: &[&Chapter]| {
            let tally = Tally::until_a_failure(None);
            test(&workspace, chapters, &tally);
            tally.is_good()
        };
        // There is nothing to measure, so a measurement fails.
        assert!(!is_good(&all));
        assert!(is_good(&all[..1]) && is_good(&all[1..]));
    }
}
