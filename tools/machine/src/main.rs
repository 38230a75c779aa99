//! The program behind `make run` and `make iso`, which compile no other crate of this project.

use anyhow::Result;
use clap::Parser;
use machine::workspace::Workspace;
use machine::{command, image, reminder, run};
use std::process::ExitCode;

/// Builds and boots the kernels of the chapters.
#[derive(Parser)]
enum Command {
    /// Boots a chapter's kernel. The status is 0 only if the kernel ends well.
    Run(run::Options),
    /// Makes the bootable image of a chapter and prints its path.
    Iso(image::Options),
}

fn main() -> ExitCode {
    let command = Command::parse();
    command::status(|| obey(command))
}

fn obey(command: Command) -> Result<ExitCode> {
    let workspace = Workspace::load()?;
    reminder::remind(&workspace);
    match command {
        Command::Run(options) => run::run(&workspace, &options),
        Command::Iso(options) => image::iso(&workspace, &options),
    }
}
