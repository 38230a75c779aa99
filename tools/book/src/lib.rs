//! `make book`, `make serve`, `make book-pdf`: builds the book from the sources and checks it.
//!
//! mdBook builds the book (`book/book.toml`) and calls this program to expand the project's own directives:
//! [`preprocess`]. What mdBook would silently ignore is a fault here, reported with the page and the line.
//!
//! In reading order: [`sources`] and their [`anchors`]; a [`page`], the length of its [`prose`], and what [`expand`]
//! puts into it: sources ([`mod@include`]), pictures ([`picture`]), known mistakes ([`mistakes`]),
//! exercises ([`exercises`]), measurements ([`speed`]), what a chapter adds ([`whats_new`]), the [`map`] of the chapters.
//! [`whole`] checks all pages together; [`live`] makes what the pages load to run a kernel; [`build`] calls mdBook, [`built`] checks the result, and [`mod@pdf`] prints it.

mod fault;
mod sources;
mod anchors;
mod html;
mod page;
pub mod prose;

mod include;
mod listing_order;
pub mod exercises;
mod map;
mod mistakes;
mod picture;
mod speed;
mod whats_new;
mod expand;
pub mod preprocess;

mod whole;
mod build;
mod live;
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

/// The options of `make book`.
#[derive(Args)]
pub struct Options {
    /// Report missing parts without failing, and put a note in the place of each missing picture.
    #[arg(long)]
    draft: bool,
}

/// The options of `make book-pdf`.
#[derive(Args)]
pub struct PdfOptions {
    #[command(flatten)]
    options: Options,
    /// Leave out the appendix of all source files.
    #[arg(long)]
    without_files: bool,
}

/// The options of `make serve`.
#[derive(Args)]
pub struct ServeOptions {
    /// Serve the book at this port.
    #[arg(long, default_value_t = 3000)]
    port: u16,
}

/// Builds the book and checks it, including whether what it shows of running kernels is up to date. The last line
/// printed is the path of the first page.
pub fn book(workspace: &Workspace, options: &Options) -> Result<ExitCode> {
    make_live(workspace, if options.draft { UNTAKEN } else { WHOLE })?;
    if !is_built(workspace, options)? || !options.draft && !is_of_today(workspace)? {
        return Ok(ExitCode::FAILURE);
    }
    println!("The book begins at {}", build::folder(workspace).join("index.html").display());
    Ok(ExitCode::SUCCESS)
}

/// Makes what lets the kernels run in the pages. A draft may lack it, for example while a chapter does not compile.
fn make_live(workspace: &Workspace, allowed: &str) -> Result<()> {
    match live::make(workspace) {
        Err(error) if allowed != WHOLE => {
            eprintln!("not yet: the kernels do not run in the pages: {error:#}");
            Ok(())
        }
        made => made,
    }
}

/// Whether everything captured from running kernels would be the same if it were captured now. `make test` checks the
/// measured costs instead, because measuring takes minutes.
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

/// Builds the book and prints each fault; returns whether there was none.
fn is_built(workspace: &Workspace, options: &Options) -> Result<bool> {
    let mut faults = faults(workspace, if options.draft { UNTAKEN } else { WHOLE })?;
    fault::print(&mut faults);
    if !faults.is_empty() {
        eprintln!("\nFaults in the book: {}.", faults.len());
    }
    Ok(faults.is_empty())
}

/// Everything that is wrong with the book, before and after it is built.
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
    print_missing(&later);
    Ok(faults)
}

/// What is wrong with the pages as their authors wrote them. What a draft still lacks is printed, but is not a fault.
fn faults_of_pages(sources: &Sources) -> Vec<Fault> {
    let pages = match sources.pages() {
        Ok(pages) => pages,
        Err(fault) => return vec![fault],
    };
    let mut faults: Vec<Fault> = pages.iter().flat_map(|(name, text)| expand::expand(sources, name, text).1).collect();
    let missing = whole::faults(sources, &pages);
    if sources.is_draft {
        print_missing(&missing);
    } else {
        faults.extend(missing);
    }
    faults
}

/// Prints what a draft may lack.
fn print_missing(missing: &[Fault]) {
    missing.iter().for_each(|fault| eprintln!("not yet: {fault}"));
}

/// Serves the book to a browser, and reloads it after each change. Faults are printed but stop nothing.
pub fn serve(workspace: &Workspace, options: &ServeOptions) -> Result<ExitCode> {
    make_live(workspace, ANYTHING)?;
    let mut faults = faults_of_pages(&Sources::of(&workspace.root, UNTAKEN));
    fault::print(&mut faults);
    println!("The book is at http://localhost:{}/ in a moment, and until Ctrl-C.", options.port);
    // Not in the folder of `make book`: served pages may have faults, and should not replace the checked ones.
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

/// For `make test`: checks the pages and, if mdBook is installed, the book built from them.
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
