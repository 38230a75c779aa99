//! What runs on the host: the image, QEMU, the clock, the verdict.
//!
//! A person need not type this program's name: `make` is where a person types, and it calls this. One
//! command is one file: `run.rs`, `debug.rs`, `image.rs`, `test.rs`, `stress.rs`, `bench.rs`, `unsafe_table.rs`.

mod bench;
mod book;
mod bochs;
mod boot;
mod booted;
mod cargo;
mod chapters;
mod chart;
mod checks;
mod debug;
mod defects;
mod demonstrations;
mod display;
mod ending;
mod figures;
mod git;
mod grub;
mod image;
mod interrupt;
mod kernel_mutants;
mod kernels;
mod keyboard;
mod listing;
mod log;
mod library;
mod machine;
mod mistakes;
mod monitor;
mod mutants;
mod named;
mod pictures;
mod plan;
mod process;
mod progress;
mod put_in;
mod run;
mod scratch;
mod size;
mod stress;
mod symbols;
mod tally;
mod test;
mod trial;
mod unsafe_code;
mod unsafe_table;
mod wanted;
mod watch;

use anyhow::Result;
use chapters::Workspace;
use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// Builds, boots, debugs and tests the kernels of the chapters.
#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Boots a chapter's kernel, and ends with status 0 only after a good end.
    Run(run::Options),
    /// Boots a chapter's kernel under gdb.
    Debug(debug::Options),
    /// Makes the bootable image of a chapter and says where it is.
    Iso(image::Options),
    /// Tests everything, or one chapter.
    Test(test::Options),
    /// Does for minutes what tests do for moments.
    Stress(stress::Options),
    /// Measures the kernels, in instructions.
    Bench(bench::Options),
    /// Takes the pictures of the book.
    Figures(pictures::Options),
    /// Puts the known defects back, one by one, and tells which test catches each.
    Mutants(mutants::Options),
    /// Puts one known mistake into the working tree.
    Break(mistakes::BreakOptions),
    /// Takes out what was put into the working tree.
    Mend(mistakes::MendOptions),
    /// Breaks what only a kernel can run, at random, and tells what no test notices.
    MutantsOfKernel(kernel_mutants::Options),
    /// Checks format and style.
    Lint,
    /// Counts the unsafe code anew, for the table of it.
    Unsafe,
    /// Builds the book, and checks it.
    Book(book::Options),
    /// Prints the book into a PDF.
    BookPdf(book::Options),
    /// Shows the book to a browser.
    Serve(book::ServeOptions),
    /// Makes the book's pages from the sources, for mdBook, which calls this itself.
    Preprocess(book::preprocess::Options),
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match obey(arguments.command) {
        Ok(status) => status,
        // Ctrl-C reaches the programs that we started as well, and their failing is no news then.
        Err(_) if interrupt::happened() => ExitCode::from(interrupt::STATUS),
        Err(error) => {
            eprintln!("\n{error:#}");
            ExitCode::FAILURE
        }
    }
}

fn obey(command: Command) -> Result<ExitCode> {
    interrupt::listen()?;
    // mdBook calls this, perhaps where there is no Cargo to ask about the workspace.
    if let Command::Preprocess(options) = &command {
        return book::preprocess::preprocess(options);
    }
    let workspace = Workspace::load()?;
    if !matches!(command, Command::Break(_) | Command::Mend(_)) {
        mistakes::remind(&workspace);
    }
    match command {
        Command::Run(options) => run::run(&workspace, &options),
        Command::Debug(options) => debug::debug(&workspace, &options),
        Command::Iso(options) => image::iso(&workspace, &options),
        Command::Test(options) => test::test(&workspace, &options),
        Command::Stress(options) => stress::stress(&workspace, &options),
        Command::Bench(options) => bench::bench(&workspace, &options),
        Command::Figures(options) => pictures::make(&workspace, &options),
        Command::Mutants(options) => mutants::mutants(&workspace, &options),
        Command::Break(options) => mistakes::put_in(&workspace, &options),
        Command::Mend(options) => mistakes::mend(&workspace, &options),
        Command::MutantsOfKernel(options) => kernel_mutants::mutants_of_kernel(&workspace, &options),
        Command::Lint => test::lint(&workspace),
        Command::Unsafe => unsafe_table::write(&workspace),
        Command::Book(options) => book::book(&workspace, &options),
        Command::BookPdf(options) => book::pdf(&workspace, &options),
        Command::Serve(options) => book::serve(&workspace, &options),
        Command::Preprocess(_) => unreachable!("that was done without a workspace"),
    }
}
