//! The commands behind `make`.
//!
//! `make run` and `make iso` call the crate `machine` directly, because it has less to compile. The commands for students
//! and instructors call the crate `course`, because those have to work even if a chapter does not compile.
//!
//! Each crate in this folder uses only the crates before it in this list: `machine` builds and boots kernels, `trials`
//! changes the project's files and finds out whether tests notice, `memory-map` reads page tables, `scenes` draws what a
//! machine's memory shows, `live` lets a page call that, `probe` stops a kernel and inspects it, `course` hands out
//! exercises and judges answers, `pictures` takes the book's pictures, `book` builds and checks the book, and `checks`
//! tests everything.

use anyhow::Result;
use checks::{bench, kernel_mutants, mutants, test, words};
use clap::Parser;
use course::self_check;
use machine::workspace::Workspace;
use machine::{command, reminder};
use probe::debug;
use std::process::ExitCode;
use trials::stress;

/// Debug and test the kernels of the chapters, and make the book.
#[derive(Parser)]
enum Command {
    /// Boot a chapter's kernel under gdb.
    Debug(debug::Options),
    /// Test everything, or one chapter.
    Test(test::Options),
    /// Run the long random tests for minutes.
    Stress(stress::Options),
    /// Count the instructions of the kernels' operations.
    Bench(bench::Options),
    /// Take the pictures of the book from running kernels.
    Figures(pictures::Options),
    /// Put in each known mistake, and report which test catches it.
    Mutants(mutants::Options),
    /// Mutate code that only a kernel can run, at random, and report what no test notices.
    MutantsOfKernel(kernel_mutants::Options),
    /// Check format and style.
    Lint,
    /// Count the words of each page, and the words that name no actor.
    Words,
    /// Build and check the book.
    Book(book::Options),
    /// Print the book to a PDF.
    BookPdf(book::PdfOptions),
    /// Serve the book to a browser.
    Serve(book::ServeOptions),
    /// Make the book's pages from the sources (mdBook calls this).
    Preprocess(book::preprocess::Options),
}

fn main() -> ExitCode {
    let command = Command::parse();
    command::status(|| execute(command))
}

fn execute(command: Command) -> Result<ExitCode> {
    // mdBook calls this command, and Cargo may not be available then to describe the workspace.
    if let Command::Preprocess(options) = &command {
        return book::preprocess::preprocess(options);
    }
    let workspace = Workspace::load()?;
    reminder::remind(&workspace);
    match command {
        Command::Debug(options) => debug::debug(&workspace, &options),
        Command::Test(options) => {
            test::test(&workspace, &options, |tally| self_check::test_in_short(&workspace, tally))
        }
        Command::Stress(options) => stress::stress(&workspace, &options),
        Command::Bench(options) => bench::bench(&workspace, &options),
        Command::Figures(options) => pictures::make(&workspace, &options, || bench::for_book(&workspace)),
        Command::Mutants(options) => mutants::mutants(&workspace, &options),
        Command::MutantsOfKernel(options) => kernel_mutants::mutants_of_kernel(&workspace, &options),
        Command::Lint => test::lint(&workspace),
        Command::Words => words::words(&workspace),
        Command::Book(options) => book::book(&workspace, &options),
        Command::BookPdf(options) => book::pdf(&workspace, &options),
        Command::Serve(options) => book::serve(&workspace, &options),
        Command::Preprocess(_) => unreachable!("that was done without a workspace"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_options_of_all_commands_are_consistent() {
        Command::command().debug_assert();
    }
}
