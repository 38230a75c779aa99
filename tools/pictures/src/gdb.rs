//! Sessions under gdb: commands go in, and the text that a user would see comes out.
//!
//! A file `book/gdb/NAME.gdb` whose first line is `# chapter 5` is a session with the kernel of chapter 5. It starts
//! like `make debug`. Each command is shown after gdb's prompt, as if typed. The
//! machine counts instructions instead of time, so a session always gives the same output.
//!
//! If its second line is `# recorded`, it starts like `make debug REPLAY=1`: at the end of a replay.
//!
//! A line `## tables` begins a part of the session, which becomes its own file, `05-gdb-NAME-tables.txt`, so that a
//! page can explain in between. Commands before the first such line belong to the first part.
//!
//! The wording of gdb differs between versions. So sessions are taken only with the gdb version that the book was
//! written with; on other machines the committed ones stay.

use crate::Files;
use anyhow::{Context, Result, bail};
use machine::display::Display;
use machine::image;
use machine::symbols::Symbols;
use machine::vm::{COUNTED_TIME, Parts};
use machine::workspace::{Chapter, Workspace};
use probe::debug::{self, DEBUGGERS, debugger_for};
use probe::recording::{self, Recording};
use probe::subject::Subject;
use std::fs::{self, File};
use std::io;
use std::mem;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// The folder of the sessions, relative to the workspace's root.
const FOLDER: &str = "book/gdb";
/// The gdb that the book was written with.
const VERSION: &str = "13";
/// After this time, a session is waiting for an event that will not happen.
const PATIENCE: Duration = Duration::from_secs(300);
const PAUSE: Duration = Duration::from_millis(20);

/// The last line that gdb prints in every session.
const FAREWELL: &str = "[Inferior 1 (process 1) detached]";
/// The line that makes it a session with a replay.
const RECORDED: &str = "# recorded";
/// The beginning of a part, in a script and in the mark that gdb prints there.
const PART: &str = "## ";
const MARK: &str = "----- ";

/// Runs all sessions with the kernel of a chapter.
pub fn take(workspace: &Workspace, chapter: &Chapter, kernel: &Path) -> Result<Files> {
    let mut files = Files::new();
    let number = chapter.name.split('-').next().unwrap_or_default();
    let Some(debugger) = DEBUGGERS.into_iter().find(|debugger| is_the_books(debugger)) else {
        return committed(workspace, &format!("{number}-gdb-"));
    };
    for entry in fs::read_dir(workspace.root.join(FOLDER)).context(FOLDER)? {
        let path = entry?.path();
        let script = fs::read_to_string(&path)?;
        if !is_of_chapter(&script, &chapter.name) {
            continue;
        }
        let name = path.file_stem().unwrap_or_default().to_string_lossy();
        let session = hold(workspace, kernel, debugger, &script).with_context(|| format!("{FOLDER}/{name}.gdb"))?;
        files.extend(parts(&session).into_iter().map(|(part, text)| (format!("{number}-gdb-{name}-{part}.txt"), text)));
    }
    Ok(files)
}

/// The existing sessions whose names begin with `start`.
fn committed(workspace: &Workspace, start: &str) -> Result<Files> {
    let folder = workspace.root.join(crate::FOLDER);
    let names = crate::committed::names(&folder)?.into_iter().filter(|name| name.starts_with(start));
    names.map(|name| Ok((name.clone(), fs::read_to_string(folder.join(&name))?))).collect()
}

/// Whether this gdb is installed, in the version that the book was written with.
fn is_the_books(debugger: &str) -> bool {
    let output = Command::new(debugger).arg("--version").output();
    let words = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
    let version = words.lines().next().and_then(|line| line.split(' ').next_back());
    version.and_then(|version| version.split('.').next()) == Some(VERSION)
}

/// Whether the first line of a session names this chapter.
fn is_of_chapter(script: &str, chapter: &str) -> bool {
    let number = |word: &str| word.parse::<u32>().ok();
    let wanted = script.lines().next().and_then(|line| number(line.strip_prefix("# chapter ")?));
    wanted.is_some() && wanted == chapter.split('-').next().and_then(number)
}

/// Runs a script in gdb, and returns what a user would have seen.
fn hold(workspace: &Workspace, kernel: &Path, debugger: &str, script: &str) -> Result<String> {
    if script.lines().nth(1) == Some(RECORDED) {
        return hold_recorded(workspace, kernel, debugger, script);
    }
    let folder = tempfile::tempdir().context("no temporary folder could be made")?;
    let (image, socket) = (folder.path().join("image.iso"), folder.path().join("gdb"));
    image::make(kernel, "", false, &image)?;
    let flags = COUNTED_TIME.map(String::from);
    let parts =
        Parts { image: &image, memory: "16", cpu: "", display: Display::None, exit_device: false, flags: &flags };
    let _qemu = debug::start(&parts, &socket)?;
    run_script(workspace, &mut debugger_for(debugger, kernel, &socket, &[debug::at_entry()]), script, folder.path())
}

/// Records the demonstration, then runs the script in the replay.
fn hold_recorded(workspace: &Workspace, kernel: &Path, debugger: &str, script: &str) -> Result<String> {
    let subject = Subject::of_kernel(kernel, "exit");
    let recording = Recording::of(&subject)?;
    recording.record(&subject, &[], PATIENCE, &Symbols::new(kernel, &workspace.root), io::sink())?;
    let instructions = recording.instructions(&subject, &[], PATIENCE)?;
    let (flags, socket) = (recording.replay_flags(&[]), recording.file("gdb"));
    let _qemu = debug::start(&recording.parts(&subject, &flags), &socket)?;
    let mut gdb = debugger_for(debugger, kernel, &socket, &recording::to_the_end(instructions));
    run_script(workspace, &mut gdb, script, &recording.file(""))
}

/// Starts gdb, and returns what a user would have seen of the commands in `script`.
fn run_script(workspace: &Workspace, gdb: &mut Command, script: &str, folder: &Path) -> Result<String> {
    let (commands, seen) = (folder.join("commands"), folder.join("seen"));
    fs::write(&commands, with_prompts(script))?;
    gdb.args(["-nx", "-batch", "-x"]).arg(&commands).current_dir(&workspace.root);
    // One file for both streams keeps them in the order in which a user would see them.
    let output = File::create(&seen)?;
    gdb.stdin(Stdio::null()).stdout(output.try_clone()?).stderr(output);
    let status = wait_for(gdb.spawn().context("gdb could not be started")?)?;
    let seen = fs::read_to_string(&seen)?;
    match status {
        Some(status) if status.success() => Ok(without_farewell(&seen)),
        Some(_) => bail!("gdb stopped with an error. Its output so far:\n{seen}"),
        None => bail!("gdb timed out. Its output so far:\n{seen}"),
    }
}

/// Waits until gdb has ended; `None` if it does not.
fn wait_for(mut gdb: Child) -> Result<Option<ExitStatus>> {
    let start = Instant::now();
    while start.elapsed() < PATIENCE {
        if let Some(status) = gdb.try_wait()? {
            return Ok(Some(status));
        }
        thread::sleep(PAUSE);
    }
    gdb.kill()?;
    gdb.wait()?;
    Ok(None)
}

/// The commands, each printed before it runs, with a mark where a part begins.
fn with_prompts(script: &str) -> String {
    let command = |line: &str| match line.strip_prefix(PART) {
        Some(part) => format!("echo {MARK}{part}\\n\n"),
        None => format!("echo (gdb) {}\\n\n{line}\n", line.replace('\\', r"\\")),
    };
    let is_command = |line: &&str| !line.is_empty() && (!line.starts_with('#') || line.starts_with(PART));
    script.lines().filter(is_command).map(command).collect()
}

/// The parts of a session: the name and the output of each.
fn parts(seen: &str) -> Vec<(String, String)> {
    let mut parts: Vec<(String, String)> = Vec::new();
    let mut before = String::new();
    for line in seen.lines() {
        match (line.strip_prefix(MARK), parts.last_mut()) {
            (Some(name), _) => parts.push((name.to_owned(), mem::take(&mut before))),
            (None, Some((_, text))) => *text += &format!("{line}\n"),
            (None, None) => before += &format!("{line}\n"),
        }
    }
    parts
}

fn without_farewell(seen: &str) -> String {
    let lines = seen.lines().filter(|line| *line != FAREWELL);
    lines.map(|line| format!("{}\n", line.trim_end())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_names_its_chapter_in_its_first_line() {
        assert!(is_of_chapter("# chapter 5\nbreak\n", "05-paging"));
        assert!(!is_of_chapter("# chapter 5\nbreak\n", "06-heap"));
        assert!(!is_of_chapter("# Commands for gdb.\n# chapter 5\n", "05-paging"));
        assert!(!is_of_chapter("", "05-paging"));
    }

    #[test]
    fn a_command_is_shown_and_then_run() {
        assert_eq!(with_prompts("# chapter 1\n\nx/i $eip\n"), "echo (gdb) x/i $eip\\n\nx/i $eip\n");
        assert_eq!(with_prompts("## two\n"), "echo ----- two\\n\n");
        assert_eq!(with_prompts("echo a\\n"), "echo (gdb) echo a\\\\n\\n\necho a\\n\n");
    }

    #[test]
    fn each_part_has_its_output() {
        let part = |name: &str, text: &str| (name.to_owned(), text.to_owned());
        assert_eq!(parts("a\n----- one\nb\n\n----- two\nc\n"), [part("one", "a\nb\n\n"), part("two", "c\n")]);
        assert!(parts("a\n").is_empty());
    }

    #[test]
    fn the_end_of_the_session_is_not_shown() {
        assert_eq!(without_farewell("a \n\nb\n[Inferior 1 (process 1) detached]"), "a\n\nb\n");
    }
}
