//! The program behind `make run` and `make iso`, which compile no other crate of this project.

use anyhow::Result;
use clap::Parser;
use machine::workspace::Workspace;
use machine::{command, image, reminder, run};
use std::process::ExitCode;

/// Build and boot the kernels of the chapters.
#[derive(Parser)]
enum Command {
    /// Boot a chapter's kernel; the exit status is 0 only if the kernel ends well.
    Run(run::Options),
    /// Make the bootable image of a chapter, and print its path.
    Iso(image::Options),
}

fn main() -> ExitCode {
    let command = Command::parse();
    command::status(|| execute(command))
}

fn execute(command: Command) -> Result<ExitCode> {
    let workspace = Workspace::load()?;
    reminder::remind(&workspace);
    match command {
        Command::Run(options) => run::run(&workspace, &options),
        Command::Iso(options) => image::iso(&workspace, &options),
    }
}
