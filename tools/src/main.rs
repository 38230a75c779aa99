//! The commands behind `make`.
//!
//! `make run` and `make iso` call the crate `machine` directly, because it has less to compile.
//!
//! Each crate in this folder uses only the crates before it in this list: `machine` builds and boots kernels,
//! `memory-map` reads page tables, `probe` stops a kernel and inspects it, `pictures` takes the book's pictures, `book`
//! builds and checks the book, `checks` tests everything, and `course` hands out exercises and judges answers.

use anyhow::Result;
use checks::{bench, kernel_mutants, mistakes, mutants, stress, test, words};
use clap::Parser;
use course::{hunt, question, self_check, student};
use machine::workspace::Workspace;
use machine::{command, reminder};
use probe::debug;
use std::process::ExitCode;

/// Debugs and tests the kernels of the chapters, and makes the book.
#[derive(Parser)]
enum Command {
    /// Boots a chapter's kernel under gdb.
    Debug(debug::Options),
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
    Mend(MendOptions),
    /// Breaks what only a kernel can run, at random, and tells what no test notices.
    MutantsOfKernel(kernel_mutants::Options),
    /// Lists the exercises, with the points that a student has.
    Exercises,
    /// Begins an exercise.
    Start(student::Options),
    /// Checks an answer.
    Check(student::CheckOptions),
    /// Puts a known mistake into the working tree, without its name.
    Hunt(hunt::Options),
    /// Asks for a prediction, or checks one.
    Question(question::Options),
    /// Prints the next hint of an exercise.
    Hint(student::Options),
    /// Prints the right answer of an exercise.
    Solution(student::SolutionOptions),
    /// Writes the one file to hand in.
    Submission(student::Options),
    /// Tests the exercises.
    TestCourse(self_check::Options),
    /// Checks format and style.
    Lint,
    /// Counts words: of each page, and those that name no actor.
    Words,
    /// Builds the book, and checks it.
    Book(book::Options),
    /// Prints the book into a PDF.
    BookPdf(book::PdfOptions),
    /// Shows the book to a browser.
    Serve(book::ServeOptions),
    /// Makes the book's pages from the sources, for mdBook, which calls this itself.
    Preprocess(book::preprocess::Options),
}

/// The options of `make mend`.
#[derive(clap::Args)]
struct MendOptions {
    /// The exercise to put away, by number or title.
    #[arg(long)]
    exercise: Option<String>,
    #[command(flatten)]
    mistake: mistakes::MendOptions,
}

/// Puts an exercise away, or takes out a mistake.
fn mend(workspace: &Workspace, options: &MendOptions) -> Result<ExitCode> {
    match &options.exercise {
        Some(exercise) => student::mend(workspace, exercise),
        None => {
            let status = mistakes::mend(workspace, &options.mistake)?;
            student::remind(workspace)?;
            Ok(status)
        }
    }
}

fn main() -> ExitCode {
    let command = Command::parse();
    command::status(|| obey(command))
}

fn obey(command: Command) -> Result<ExitCode> {
    // mdBook calls this command, and Cargo may not be available then to describe the workspace.
    if let Command::Preprocess(options) = &command {
        return book::preprocess::preprocess(options);
    }
    let workspace = Workspace::load()?;
    if !matches!(command, Command::Break(_) | Command::Mend(_)) {
        reminder::remind(&workspace);
    }
    match command {
        Command::Debug(options) => debug::debug(&workspace, &options),
        Command::Test(options) => test::test(&workspace, &options),
        Command::Stress(options) => stress::stress(&workspace, &options),
        Command::Bench(options) => bench::bench(&workspace, &options),
        Command::Figures(options) => pictures::make(&workspace, &options, || bench::for_book(&workspace)),
        Command::Mutants(options) => mutants::mutants(&workspace, &options),
        Command::Break(options) => mistakes::put_in(&workspace, &options),
        Command::Mend(options) => mend(&workspace, &options),
        Command::MutantsOfKernel(options) => kernel_mutants::mutants_of_kernel(&workspace, &options),
        Command::Exercises => student::exercises(&workspace),
        Command::Start(options) => student::start(&workspace, &options),
        Command::Check(options) => student::check(&workspace, &options),
        Command::Hunt(options) => hunt::hunt(&workspace, &options),
        Command::Question(options) => question::question(&workspace, &options),
        Command::Hint(options) => student::hint(&workspace, &options),
        Command::Solution(options) => student::solution(&workspace, &options),
        Command::Submission(options) => student::submission(&workspace, &options),
        Command::TestCourse(options) => self_check::test_course(&workspace, &options),
        Command::Lint => test::lint(&workspace),
        Command::Words => words::words(&workspace),
        Command::Book(options) => book::book(&workspace, &options),
        Command::BookPdf(options) => book::pdf(&workspace, &options),
        Command::Serve(options) => book::serve(&workspace, &options),
        Command::Preprocess(_) => unreachable!("that was done without a workspace"),
    }
}
