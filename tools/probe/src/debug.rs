//! `make debug`: a chapter's kernel under gdb, from the machine's first instruction on.

use anyhow::{Context, Result, bail};
use clap::Args;
use machine::display::Display;
use machine::ending::Ending;
use machine::image;
use machine::kernels;
use machine::log::Log;
use machine::process::{MOST_OUTPUT_BYTES, Process};
use machine::symbols::Symbols;
use machine::vm::{self, CannotStart, Parts};
use machine::workspace::Workspace;
use std::io::{self, ErrorKind, stdout};
use std::mem;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, ExitCode, ExitStatus};
use std::sync::mpsc;
use std::thread;

/// The first of these that is there; it knows foreign CPUs, where the other may know only its own.
pub const DEBUGGERS: [&str; 2] = ["gdb-multiarch", "gdb"];
/// Every kernel's first function in Rust.
const ENTRY: &str = "kernel_main";

/// What `make debug` can be told.
#[derive(Args)]
pub struct Options {
    /// Number or name of the chapter; the last one if not given.
    #[arg(long)]
    chapter: Option<String>,
    /// The machine's memory: a number of MiB, or a number with a unit.
    #[arg(long, default_value = "16", value_parser = vm::memory)]
    memory: String,
    /// More options for QEMU, in one word.
    #[arg(long, default_value = "", allow_hyphen_values = true)]
    qemu_flags: String,
    /// More options for gdb.
    #[arg(last = true)]
    gdb_flags: Vec<String>,
}

/// Starts a machine that stands still, and gdb, which is told about the kernel; ends with gdb.
pub fn debug(workspace: &Workspace, options: &Options) -> Result<ExitCode> {
    let chapter = workspace.chapter(options.chapter.as_deref())?;
    let kernel = kernels::build_one(workspace, chapter)?;
    let image = image::make_for(workspace, chapter, &kernel, "")?;
    let folder = tempfile::tempdir().context("no temporary folder could be made")?;
    let socket = folder.path().join("gdb");

    let display = Display::for_this_terminal();
    let flags: Vec<String> = options.qemu_flags.split_ascii_whitespace().map(String::from).collect();
    let parts = Parts { image: &image, memory: &options.memory, cpu: "", display, exit_device: false, flags: &flags };
    let mut command = parts.command();
    command.arg("-chardev").arg(format!("socket,id=gdb,path={},server=on,wait=off", socket.display()));
    command.args(["-gdb", "chardev:gdb"]);
    // In gdb, Ctrl-C means the kernel. It must not reach QEMU by way of the terminal.
    command.process_group(0);
    let mut qemu = match Process::start(&mut command) {
        Ok(qemu) => qemu,
        Err(error) => bail!(Ending::CannotStart(CannotStart::from(error).0)),
    };
    if qemu.wait_for(|| socket.exists().then_some(())).is_none() {
        bail!(Ending::CannotStart(CannotStart::because(&qemu.complaints()).0));
    }

    show_log(mem::replace(&mut qemu.output, mpsc::channel().1), Symbols::new(&kernel, &workspace.root));
    let status = run_debugger(&kernel, &socket, &options.gdb_flags)?;
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    Ok(code.map_or(ExitCode::FAILURE, ExitCode::from))
}

/// Shows what the kernel says, in between of what gdb says.
fn show_log(output: mpsc::Receiver<Vec<u8>>, symbols: Symbols) {
    thread::spawn(move || {
        let mut log = Log::new(&symbols, stdout());
        for bytes in output {
            // Once no terminal shows it any more, the log need not be kept up.
            log.push(&bytes)?;
            if log.is_full() {
                eprintln!("\n(No more than {} MiB of the log are shown.)", MOST_OUTPUT_BYTES >> 20);
            }
        }
        io::Result::Ok(())
    });
}

fn run_debugger(kernel: &Path, socket: &Path, flags: &[String]) -> Result<ExitStatus> {
    for debugger in DEBUGGERS {
        match debugger_for(debugger, kernel, socket).args(flags).status() {
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            result => return result.with_context(|| format!("{debugger} could not be started")),
        }
    }
    bail!("gdb is not installed; `make doctor` says how to get it.")
}

/// gdb, told about the kernel and about the machine that stands still.
pub fn debugger_for(debugger: &str, kernel: &Path, socket: &Path) -> Command {
    let mut command = Command::new(debugger);
    command.arg("--quiet").arg(kernel);
    command.args(["-ex", "set architecture i386"]);
    command.args(["-ex", &format!("target remote {}", socket.display())]);
    // The kernel is not in memory yet, and GRUB would overwrite a breakpoint made of an instruction.
    command.args(["-ex", &format!("hbreak {ENTRY}")]);
    command
}
