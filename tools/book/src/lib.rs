//! `make book`, `make serve`, `make book-pdf`: the book, made from the sources and checked.
//!
//! mdBook builds it (`book/book.toml`), and calls this program for what only this program knows: [`preprocess`]. What
//! mdBook would pass over in silence is a fault here, with the page and the line.
//!
//! In reading order: [`sources`] and their [`anchors`]; a [`page`], how much [`prose`] it has, and what [`expand`] puts into it: sources
//! ([`mod@include`]), pictures ([`picture`]), known mistakes ([`mistakes`], from the files that [`defects`] reads), figures
//! ([`speed`]), what a chapter adds ([`whats_new`]), the [`map`] of the chapters. [`whole`] looks at all pages together;
//! [`build`] has them built, [`built`] checks what came of that, and [`mod@pdf`] prints it.

pub mod defects;

mod fault;
mod sources;
mod anchors;
mod html;
mod page;
pub mod prose;

mod include;
mod listing_order;
mod map;
mod mistakes;
mod picture;
mod speed;
mod whats_new;
mod expand;
pub mod preprocess;

mod whole;
mod build;
mod built;
mod pdf;

use anyhow::{Context, Result, anyhow};
use clap::Args;
use fault::Fault;
use machine::tally::Tally;
use machine::workspace::Workspace;
use sources::{ANYTHING, Sources, UNTAKEN, WHOLE};
use std::process::{Command, ExitCode};
use std::time::Instant;

/// What `make book` can be told.
#[derive(Args)]
pub struct Options {
    /// What the book does not show yet is told, and is no fault; a note stands in the place of a missing picture.
    #[arg(long)]
    draft: bool,
}

/// What `make book-pdf` can be told.
#[derive(Args)]
pub struct PdfOptions {
    #[command(flatten)]
    options: Options,
    /// Leaves out the appendix, which has all files.
    #[arg(long)]
    without_files: bool,
}

/// What `make serve` can be told.
#[derive(Args)]
pub struct ServeOptions {
    /// The port at which the book is shown.
    #[arg(long, default_value_t = 3000)]
    port: u16,
}

/// Builds the book and checks it, and whether what it shows of running kernels is today's; the last line says where it
/// begins.
pub fn book(workspace: &Workspace, options: &Options) -> Result<ExitCode> {
    if !is_built(workspace, options)? || !options.draft && !is_of_today(workspace)? {
        return Ok(ExitCode::FAILURE);
    }
    println!("The book begins at {}", build::folder(workspace).join("index.html").display());
    Ok(ExitCode::SUCCESS)
}

/// Whether all that was taken from running kernels would be the same if it were taken now. What the kernels cost is
/// left to `make test`: that takes minutes to measure.
fn is_of_today(workspace: &Workspace) -> Result<bool> {
    println!("The book is built. Now all that it shows of running kernels is taken again, and compared.");
    let tally = Tally::default();
    pictures::test(workspace, &workspace.chapters.iter().collect::<Vec<_>>(), &tally)?;
    Ok(tally.is_good())
}

/// Builds the book, checks it, and prints it.
pub fn pdf(workspace: &Workspace, options: &PdfOptions) -> Result<ExitCode> {
    if !is_built(workspace, &options.options)? {
        return Ok(ExitCode::FAILURE);
    }
    println!("The book is in {}", pdf::print(workspace, !options.without_files)?.display());
    Ok(ExitCode::SUCCESS)
}

/// Whether it could be built without a fault; each is told.
fn is_built(workspace: &Workspace, options: &Options) -> Result<bool> {
    let mut faults = faults(workspace, if options.draft { UNTAKEN } else { WHOLE })?;
    fault::tell(&mut faults);
    if !faults.is_empty() {
        eprintln!("\nWhat is wrong with the book, all told: {}.", faults.len());
    }
    Ok(faults.is_empty())
}

/// Everything that is wrong with the book, before and after it was built.
fn faults(workspace: &Workspace, allowed: &str) -> Result<Vec<Fault>> {
    let faults = faults_of_pages(&Sources::of(&workspace.root, allowed));
    if !faults.is_empty() {
        return Ok(faults);
    }
    let faults = build::build(workspace, allowed)?;
    if !faults.is_empty() {
        return Ok(faults);
    }
    let folder = build::folder(workspace);
    let faults = built::faults(&folder).unwrap_or_else(|error| vec![Fault::of("target/book", error)]);
    let (later, faults): (Vec<Fault>, Vec<Fault>) =
        faults.into_iter().partition(|fault| allowed != WHOLE && built::is_for_later(fault));
    tell_of_what_is_missing(&later);
    Ok(faults)
}

/// What is wrong with the pages as their authors wrote them. What a draft does not show yet is only told.
fn faults_of_pages(sources: &Sources) -> Vec<Fault> {
    let pages = match sources.pages() {
        Ok(pages) => pages,
        Err(fault) => return vec![fault],
    };
    let mut faults: Vec<Fault> = pages.iter().flat_map(|(name, text)| expand::expand(sources, name, text).1).collect();
    let missing = whole::faults(sources, &pages);
    if sources.is_draft {
        tell_of_what_is_missing(&missing);
    } else {
        faults.extend(missing);
    }
    faults
}

/// A draft may lack this.
fn tell_of_what_is_missing(missing: &[Fault]) {
    missing.iter().for_each(|fault| eprintln!("not yet: {fault}"));
}

/// Shows the book to a browser, and anew whenever something of it changes. Faults are told, and stop nothing.
pub fn serve(workspace: &Workspace, options: &ServeOptions) -> Result<ExitCode> {
    let mut faults = faults_of_pages(&Sources::of(&workspace.root, UNTAKEN));
    fault::tell(&mut faults);
    println!("The book is at http://localhost:{}/ in a moment, and until Ctrl-C.", options.port);
    // Not where `make book` leaves it: pages that are served are not those to keep.
    let folder = workspace.target.join("book-served");
    let mut command = build::mdbook(workspace, "serve", &folder, ANYTHING)?;
    command.args(["--hostname", "localhost", "--port", &options.port.to_string()]);
    let status = command.status().context("mdBook could not be started; `make serve` installs it")?;
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// How long each page is, as its author wrote it.
pub fn lengths(workspace: &Workspace) -> Result<Vec<prose::Length>> {
    let sources = Sources::of(&workspace.root, WHOLE);
    let pages = sources.pages().map_err(|fault| anyhow!("{fault}"))?;
    Ok(prose::lengths(&sources, &pages))
}

/// For `make test`: the pages are sound, and so is the book that is built from them, if mdBook is there.
pub fn test(workspace: &Workspace, tally: &Tally) {
    let start = Instant::now();
    let outcome = |mut faults: Vec<Fault>| {
        faults.sort();
        let lines: Vec<String> = faults.iter().map(Fault::to_string).collect();
        if lines.is_empty() { Ok(()) } else { Err(lines.join("\n")) }
    };
    let pages = outcome(faults_of_pages(&Sources::of(&workspace.root, WHOLE)));
    let are_good = pages.is_ok();
    tally.note("the book's pages", pages, start.elapsed());
    let has_mdbook =
        std::env::var_os("MDBOOK").is_some_and(|path| Command::new(path).arg("--version").output().is_ok());
    if !has_mdbook {
        println!("The book was not built, for mdBook is not here; `make book` installs it.");
    } else if are_good {
        let start = Instant::now();
        let built = faults(workspace, WHOLE).map_err(|error| format!("{error:#}"));
        tally.note("the book, as it is built", built.and_then(outcome), start.elapsed());
    }
}
