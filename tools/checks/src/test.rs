//! `make test` and `make lint`: check everything that can be checked; the last line is the count.

use crate::{bench, host, junit, mutants, named};
use anyhow::Result;
use clap::Args;
use machine::tally::Tally;
use machine::workspace::{Chapter, Workspace};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;
use trials::{booted, demonstrations, stress};

/// The options of `make test`.
#[derive(Args)]
pub struct Options {
    /// Test only this chapter, by number or name.
    #[arg(long)]
    chapter: Option<String>,
    /// Run only the test with this name, or those whose names contain it; needs a chapter.
    #[arg(long)]
    test: Option<String>,
    /// Treat a test as hung after this many seconds.
    #[arg(long, default_value_t = 60)]
    timeout: u64,
    /// Also write the results to this file, in the JUnit format.
    #[arg(long)]
    junit: Option<PathBuf>,
}

/// Tests everything, one chapter, or one test; the last line is the count. `course` tests the exercises.
pub fn test(workspace: &Workspace, options: &Options, course: impl FnOnce(&Tally) -> Result<()>) -> Result<ExitCode> {
    let tally = Tally::default();
    let timeout = Duration::from_secs(options.timeout);
    match &options.test {
        Some(word) => named::test(workspace, options.chapter.as_deref(), word, timeout, &tally)?,
        None => {
            test_all(workspace, options.chapter.as_deref(), timeout, &tally)?;
            if options.chapter.is_none() {
                course(&tally)?;
            }
        }
    }
    if let Some(path) = &options.junit {
        junit::write(&tally, path)?;
    }
    Ok(tally.conclude())
}

fn test_all(workspace: &Workspace, chapter: Option<&str>, timeout: Duration, tally: &Tally) -> Result<()> {
    let everything = chapter.is_none();
    let chapters: Vec<&Chapter> = match chapter {
        None => workspace.chapters.iter().collect(),
        Some(word) => vec![workspace.chapter(Some(word))?],
    };
    if everything {
        host::lint(workspace, tally);
        host::test_tools(workspace, tally);
        mutants::check(workspace, tally)?;
        book::test(workspace, tally);
    }
    host::test_libraries(workspace, &chapters, everything, tally);
    host::test_refusals(workspace, &chapters, tally);
    demonstrations::test(workspace, &chapters, timeout, tally)?;
    booted::test(workspace, &chapters, timeout, tally)?;
    stress::test_in_short(workspace, &chapters, stress::USUAL_SEED, tally)?;
    bench::test(workspace, &chapters, tally);
    if everything {
        // Not for one chapter: a solution of an exercise changes its kernel, but not the book.
        pictures::test(workspace, &chapters, tally)?;
    }
    Ok(())
}

/// Checks format, style and documentation.
pub fn lint(workspace: &Workspace) -> Result<ExitCode> {
    let tally = Tally::default();
    host::lint(workspace, &tally);
    Ok(tally.conclude())
}
