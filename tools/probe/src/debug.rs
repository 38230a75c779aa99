//! `make debug`: opens gdb on a chapter's kernel, before the machine's first instruction. Or it records the whole run,
//! and opens gdb at its end, from where gdb can go backwards.

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

/// The first of these that is installed is used. `gdb-multiarch` knows every CPU; `gdb` may know only the host's.
pub const DEBUGGERS: [&str; 2] = ["gdb-multiarch", "gdb"];

/// The options of `make debug`.
#[derive(Args)]
pub struct Options {
    /// Debug this chapter, by number or name; the last one by default.
    #[arg(long)]
    chapter: Option<String>,
    /// Boot this test instead of the demonstration.
    #[arg(long)]
    test: Option<String>,
    /// Record the run to its end first; gdb then opens the replay, and can go backwards.
    #[arg(long)]
    replay: bool,
    /// Treat a recorded run as hung after this many seconds.
    #[arg(long, default_value_t = 60)]
    timeout: u64,
    /// Use this seed for a long test's random numbers.
    #[arg(long, default_value_t = 1)]
    seed: u32,
    /// Run this many rounds of a long test; a few by default.
    #[arg(long)]
    rounds: Option<u32>,
    /// Give a demonstration's machine this much memory: a number of MiB, or a number with a unit.
    #[arg(long, default_value = "16", value_parser = vm::memory)]
    memory: String,
    /// Pass more options to QEMU, in one argument.
    #[arg(long, default_value = "", allow_hyphen_values = true)]
    qemu_flags: String,
    /// Pass more options to gdb.
    #[arg(last = true)]
    gdb_flags: Vec<String>,
}

/// Starts a paused machine, and gdb with the kernel's symbols. Returns when gdb ends.
pub fn debug(workspace: &Workspace, options: &Options) -> Result<ExitCode> {
    let debugger = find_debugger(options.replay)?;
    let chapter = workspace.chapter(options.chapter.as_deref())?;
    let subject = match &options.test {
        // A kernel that is recorded exits by itself, and so ends the recording.
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

/// Boots the kernel under gdb.
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

/// Records the run, and opens gdb at the end of its replay.
fn replay(
    workspace: &Workspace,
    subject: &Subject,
    flags: &[String],
    timeout: Duration,
    debugger: &str,
    gdb_flags: &[String],
) -> Result<ExitCode> {
    println!("Recording {} to its end (TIMEOUT= limits how long that takes):\n", subject.name);
    let recording = Recording::of(subject)?;
    let symbols = Symbols::new(&subject.kernel, &workspace.root);
    let Recorded { ended, is_as_expected } = recording.record(subject, flags, timeout, &symbols, stdout())?;
    println!("\n{}", ended.ending);
    ended.place(&symbols).into_iter().for_each(|place| println!("{place}"));
    if is_as_expected && subject.test.name != Listed::table().name {
        println!(
            "This test passes here. If it failed elsewhere, the cause, perhaps another clock, is not in the recording."
        );
    }
    if let Ending::Hang(..) = ended.ending {
        println!("A step back may take as long as the recorded hang did. TIMEOUT=3 records less of it.");
    }
    println!("It is replayed once, to count its instructions.");
    let instructions = recording.instructions(subject, flags, timeout)?;
    println!(
        "It took {instructions} instructions, including those of the BIOS and of GRUB. gdb begins before the last one: \
         reverse-stepi\ngoes back by one, reverse-continue to the previous breakpoint. The log is not shown again.\n"
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
    // In gdb, Ctrl-C stops the kernel. A process group of its own keeps the terminal from sending it to QEMU as well.
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

/// Shows the kernel's log between the lines of gdb, and types the letters once the kernel waits for input.
fn show_log(qemu: &mut Process, symbols: Symbols, letters: String) {
    let output = mem::replace(&mut qemu.output, mpsc::channel().1);
    let mut keys = if letters.is_empty() { None } else { qemu.input.take() };
    thread::spawn(move || {
        let mut log = Log::new(&symbols, stdout());
        for bytes in output {
            // If this fails, the terminal is gone, and the log is no longer needed.
            log.push(&bytes)?;
            if log.is_full() {
                eprintln!("\n(Only the first {} MiB of the log is shown.)", MOST_OUTPUT_BYTES >> 20);
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

/// Finds a gdb; if `backwards`, one that can go backwards.
fn find_debugger(backwards: bool) -> Result<&'static str> {
    for debugger in DEBUGGERS {
        match Command::new(debugger).args(["-nx", "-batch", "-ex", "help reverse-stepi"]).output() {
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(error).with_context(|| format!("{debugger} could not be started")),
            Ok(output) if backwards && output.stdout.is_empty() => {
                bail!("This {debugger} is too old: it has no `reverse-stepi`, which came with gdb 7.")
            }
            Ok(_) => return Ok(debugger),
        }
    }
    bail!("gdb is not installed; `make doctor` says how to get it.")
}

/// Runs gdb, and returns its exit status.
fn run(gdb: &mut Command) -> Result<ExitCode> {
    let status = gdb.status().context("gdb could not be started")?;
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    Ok(code.map_or(ExitCode::FAILURE, ExitCode::from))
}

/// gdb with the kernel's symbols, connected to the paused machine. It then runs these commands.
pub fn debugger_for(debugger: &str, kernel: &Path, socket: &Path, commands: &[String]) -> Command {
    let mut gdb = Command::new(debugger);
    gdb.arg("--quiet").arg(kernel);
    gdb.args(["-ex", "set architecture i386"]);
    gdb.args(["-ex", &format!("target remote {}", socket.display())]);
    gdb.args(commands.iter().flat_map(|command| ["-ex", command]));
    gdb
}

/// The breakpoint with which a session begins. It is a hardware breakpoint, because the kernel is not in memory yet:
/// GRUB would overwrite a software breakpoint, which is an instruction in memory.
pub fn at_entry() -> String {
    format!("hbreak {ENTRY_IN_RUST}")
}
