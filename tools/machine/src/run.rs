//! `make run`: boots a chapter's demonstration for a person to see.

use crate::display::Display;
use crate::ending::Ending;
use crate::image;
use crate::kernels;
use crate::keyboard::EveryKey;
use crate::log::Log;
use crate::symbols::Symbols;
use crate::vm::{self, Parts};
use crate::watch::{self, Orders, Typist};
use crate::workspace::Workspace;
use anyhow::Result;
use clap::Args;
use std::io::stdout;
use std::process::ExitCode;
use std::time::Duration;

/// The options of `make run`.
#[derive(Args)]
pub struct Options {
    /// Boot this chapter, by number or name; the last one by default.
    #[arg(long)]
    chapter: Option<String>,
    /// Treat the kernel as hung after this many seconds.
    #[arg(long, default_value_t = 60)]
    timeout: u64,
    /// Give the machine this much memory: a number of MiB, or a number with a unit.
    #[arg(long, default_value = "16", value_parser = vm::memory)]
    memory: String,
    /// Pass more options to QEMU.
    #[arg(last = true)]
    qemu_flags: Vec<String>,
}

/// Boots a chapter's kernel; the log goes to standard output, everything else to standard error.
pub fn run(workspace: &Workspace, options: &Options) -> Result<ExitCode> {
    let chapter = workspace.chapter(options.chapter.as_deref())?;
    let kernel = kernels::build_one(workspace, chapter)?;
    let display = Display::for_this_terminal();
    // With a window, the kernel does not exit: the screen stays until a person closes it.
    let words = if display.is_window() { "" } else { "exit" };
    let image = image::make_for(workspace, chapter, &kernel, words)?;

    let (memory, exit_device) = (&options.memory, !display.is_window());
    let parts = Parts { image: &image, memory, cpu: "", display, exit_device, flags: &options.qemu_flags };
    let orders = Orders { timeout: Duration::from_secs(options.timeout), typist: Typist::StandardInput };
    let symbols = Symbols::new(&kernel, &workspace.root);
    let mut log = Log::new(&symbols, stdout());
    let every_key = EveryKey::new();
    let ended = watch::boot(&parts, &orders, &mut log)?;
    drop(every_key);

    // The log has been printed above. It may be empty, because the machine may have no serial port.
    if log.text().trim().is_empty() && !matches!(ended.ending, Ending::CannotStart(_)) {
        eprintln!("(The log is empty.)");
    }
    if ended.ending == Ending::Good {
        return Ok(ExitCode::SUCCESS);
    }
    eprintln!("\n{}", ended.ending);
    if display.is_window() && matches!(ended.ending, Ending::CannotStart(_)) {
        eprintln!("The window may be the reason; `make run DISPLAY= WAYLAND_DISPLAY=` runs without one.");
    }
    ended.place(&symbols).into_iter().for_each(|place| eprintln!("{place}"));
    Ok(ExitCode::FAILURE)
}
