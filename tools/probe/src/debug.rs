//! `make debug`: a chapter's kernel under gdb, from the machine's first instruction on; or recorded to its end, and under
//! gdb from there backwards.

use crate::program::ENTRY_IN_RUST;
use crate::recording::{self, Recorded, Recording};
use crate::subject::{Length, Subject};
use anyhow::{Context, Result, bail};
use clap::Args;
use machine::display::Display;
use machine::ending::Ending;
use machine::image;
use machine::listing::Listed;
use machine::log::Log;
use machine::process::{MOST_OUTPUT_BYTES, Process};
use machine::symbols::Symbols;
use machine::vm::{self, CannotStart, Parts};
use machine::workspace::Workspace;
use std::io::{self, ErrorKind, Write, stdout};
use std::mem;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, ExitCode};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

/// The first of these that is there; it knows foreign CPUs, where the other may know only its own.
pub const DEBUGGERS: [&str; 2] = ["gdb-multiarch", "gdb"];

/// What `make debug` can be told.
#[derive(Args)]
pub struct Options {
    /// Number or name of the chapter; the last one if not given.
    #[arg(long)]
    chapter: Option<String>,
    /// The test to boot, instead of the demonstration.
    #[arg(long)]
    test: Option<String>,
    /// Records the run to its end first; gdb then has the replay, and can go backwards.
    #[arg(long)]
    replay: bool,
    /// Seconds after which a run that is recorded and has not ended is said to hang.
    #[arg(long, default_value_t = 60)]
    timeout: u64,
    /// What the random numbers of a long test come from.
    #[arg(long, default_value_t = 1)]
    seed: u32,
    /// How many rounds a long test goes; a moment's worth if not given.
    #[arg(long)]
    rounds: Option<u32>,
    /// The memory of a demonstration's machine: a number of MiB, or a number with a unit.
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
    let debugger = find_debugger(options.replay)?;
    let chapter = workspace.chapter(options.chapter.as_deref())?;
    let subject = match &options.test {
        // What is recorded ends by itself, and then QEMU does too.
        None => {
            let words = if options.replay { "exit" } else { "" };
            Subject::demonstration(workspace, chapter, words, &options.memory)?
        }
        Some(name) => {
            let length = Length { seed: options.seed, rounds: options.rounds };
            Subject::test(workspace, chapter, name, length)?
        }
    };
    let flags = format!("{} {}", subject.test.flags, options.qemu_flags);
    let flags: Vec<String> = flags.split_ascii_whitespace().map(String::from).collect();
    let timeout = Duration::from_secs(options.timeout);
    if options.replay {
        replay(workspace, &subject, &flags, timeout, debugger, &options.gdb_flags)
    } else {
        forwards(workspace, &subject, &flags, debugger, &options.gdb_flags)
    }
}

/// Boots it under gdb.
fn forwards(
    workspace: &Workspace,
    subject: &Subject,
    flags: &[String],
    debugger: &str,
    gdb_flags: &[String],
) -> Result<ExitCode> {
    let folder = tempfile::tempdir().context("no temporary folder could be made")?;
    let image = folder.path().join("image.iso");
    image::make(&subject.kernel, &subject.words, subject.test.module, &image)?;
    let Subject { kernel, memory, test, .. } = subject;
    let parts = Parts {
        image: &image,
        memory,
        cpu: &test.cpu,
        display: Display::for_this_terminal(),
        exit_device: false,
        flags,
    };
    let socket = folder.path().join("gdb");
    let mut qemu = start(&parts, &socket)?;
    show_log(&mut qemu, Symbols::new(kernel, &workspace.root), test.types.clone());
    run(debugger_for(debugger, kernel, &socket, &[at_entry()]).args(gdb_flags))
}

/// Records it, and opens gdb at the end of the replay.
fn replay(
    workspace: &Workspace,
    subject: &Subject,
    flags: &[String],
    timeout: Duration,
    debugger: &str,
    gdb_flags: &[String],
) -> Result<ExitCode> {
    println!("Recording {} to its end; TIMEOUT= says how long it may take:\n", subject.name);
    let recording = Recording::of(subject)?;
    let symbols = Symbols::new(&subject.kernel, &workspace.root);
    let Recorded { ended, is_as_expected } = recording.record(subject, flags, timeout, &symbols, stdout())?;
    println!("\n{}", ended.ending);
    ended.place(&symbols).into_iter().for_each(|place| println!("{place}"));
    if is_as_expected && subject.test.name != Listed::table().name {
        println!(
            "So this test passes here. What made it fail elsewhere, another clock perhaps, is not in the recording."
        );
    }
    if let Ending::Hang(..) = ended.ending {
        println!("To go back takes as long as the hang that was recorded: with TIMEOUT=3 there is less of it.");
    }
    println!("It is replayed once, to see how long it is.");
    let instructions = recording.instructions(subject, flags, timeout)?;
    println!(
        "It took {instructions} instructions, with those of the BIOS and of GRUB. gdb begins before the last of them: \
         reverse-stepi goes\nback by one, reverse-continue to the last breakpoint. The log is not shown again.\n"
    );
    let flags = recording.replay_flags(flags);
    let socket = recording.file("gdb");
    let _qemu = start(&recording.parts(subject, &flags), &socket)?;
    let commands = recording::to_the_end(instructions);
    run(debugger_for(debugger, &subject.kernel, &socket, &commands).args(gdb_flags))
}

/// Starts QEMU, which waits for gdb at the socket.
pub fn start(parts: &Parts, socket: &Path) -> Result<Process> {
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
    Ok(qemu)
}

/// Shows what the kernel says, in between of what gdb says; and types the letters once it waits for them.
fn show_log(qemu: &mut Process, symbols: Symbols, letters: String) {
    let output = mem::replace(&mut qemu.output, mpsc::channel().1);
    let mut keys = if letters.is_empty() { None } else { qemu.input.take() };
    thread::spawn(move || {
        let mut log = Log::new(&symbols, stdout());
        for bytes in output {
            // Once no terminal shows it any more, the log need not be kept up.
            log.push(&bytes)?;
            if log.is_full() {
                eprintln!("\n(No more than {} MiB of the log are shown.)", MOST_OUTPUT_BYTES >> 20);
            }
            if log.waits_for_input()
                && let Some(mut keys) = keys.take()
            {
                keys.write_all(letters.as_bytes())?;
            }
        }
        io::Result::Ok(())
    });
}

/// Finds a gdb, and one that can go backwards if wanted.
fn find_debugger(backwards: bool) -> Result<&'static str> {
    for debugger in DEBUGGERS {
        match Command::new(debugger).args(["-nx", "-batch", "-ex", "help reverse-stepi"]).output() {
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(error).with_context(|| format!("{debugger} could not be started")),
            Ok(output) if backwards && output.stdout.is_empty() => {
                bail!("This {debugger} is too old: it knows no `reverse-stepi`. gdb 7 does.")
            }
            Ok(_) => return Ok(debugger),
        }
    }
    bail!("gdb is not installed; `make doctor` says how to get it.")
}

/// Runs gdb, and makes its status ours.
fn run(gdb: &mut Command) -> Result<ExitCode> {
    let status = gdb.status().context("gdb could not be started")?;
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    Ok(code.map_or(ExitCode::FAILURE, ExitCode::from))
}

/// gdb, told about the kernel and about the machine that stands still; then it obeys these commands.
pub fn debugger_for(debugger: &str, kernel: &Path, socket: &Path, commands: &[String]) -> Command {
    let mut gdb = Command::new(debugger);
    gdb.arg("--quiet").arg(kernel);
    gdb.args(["-ex", "set architecture i386"]);
    gdb.args(["-ex", &format!("target remote {}", socket.display())]);
    gdb.args(commands.iter().flat_map(|command| ["-ex", command]));
    gdb
}

/// The breakpoint with which a session begins. The kernel is not in memory yet, and GRUB would overwrite a breakpoint
/// made of an instruction.
pub fn at_entry() -> String {
    format!("hbreak {ENTRY_IN_RUST}")
}
