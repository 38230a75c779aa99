//! A child process with pipes for its input and its two outputs. It ends with its owner.

use std::io::{self, Read};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// How long a process may take to get ready, and how long to pause before looking again.
const PATIENCE: Duration = Duration::from_secs(60);
const PAUSE: Duration = Duration::from_millis(5);

/// Linux counts CPU time in this unit, for programs on every common kind of CPU (USER_HZ).
const TICKS_PER_SECOND: u64 = 100;

/// How much is kept of what a process writes to each of its two outputs.
pub const MOST_OUTPUT_BYTES: usize = 1 << 20;

/// A running process. Dropping it kills it.
pub struct Process {
    child: Child,
    complaints: Option<JoinHandle<String>>,
    /// What it writes to standard output, piece by piece until it ends; at most [`MOST_OUTPUT_BYTES`].
    pub output: Receiver<Vec<u8>>,
    /// Its standard input, until it is taken.
    pub input: Option<ChildStdin>,
    /// Its standard output is not read before this moment.
    stalled_until: Arc<Mutex<Instant>>,
}

impl Process {
    /// Starts the process.
    pub fn start(command: &mut Command) -> io::Result<Self> {
        end_with_owner(command);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
        let stalled_until = Arc::new(Mutex::new(Instant::now()));
        let output = pump(child.stdout.take().expect("stdout is a pipe"), stalled_until.clone());
        let complaints = Some(collect(child.stderr.take().expect("stderr is a pipe")));
        let input = child.stdin.take();
        Ok(Self { child, complaints, output, input, stalled_until })
    }

    /// Repeats `attempt` until it succeeds. `None` if the process ends first, or takes too long.
    pub fn wait_for<T>(&mut self, mut attempt: impl FnMut() -> Option<T>) -> Option<T> {
        let start = Instant::now();
        while start.elapsed() < PATIENCE && self.is_running() {
            if let Some(success) = attempt() {
                return Some(success);
            }
            thread::sleep(PAUSE);
        }
        None
    }

    /// Stops reading its standard output for this time, so that the pipe fills up and the process has to wait.
    pub fn stall(&self, time: Duration) {
        *self.stalled_until.lock().expect("no thread panics while it holds the lock") = Instant::now() + time;
    }

    /// Waits until it ends by itself.
    pub fn status(&mut self) -> io::Result<ExitStatus> {
        self.child.wait()
    }

    /// How it ended; `None` if it still runs.
    pub fn status_now(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().ok().flatten()
    }

    /// How much CPU time it has taken; 0 where the system does not tell.
    #[must_use]
    pub fn cpu_time(&self) -> Duration {
        // proc(5), `/proc/pid/stat`: after the name in parentheses, fields 14 and 15 are utime and stime.
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id())).unwrap_or_default();
        let fields = stat.rsplit(')').next().unwrap_or_default().split_ascii_whitespace();
        let ticks: u64 = fields.skip(11).take(2).filter_map(|field| field.parse::<u64>().ok()).sum();
        Duration::from_millis(ticks * 1000 / TICKS_PER_SECOND)
    }

    /// Whether it has not ended yet.
    pub fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Kills it.
    pub fn kill(&mut self) {
        // Both can fail only if the process has already ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Kills it, and returns what it wrote to standard error.
    pub fn complaints(mut self) -> String {
        self.kill();
        let reader = self.complaints.take().expect("taken only here");
        reader.join().expect("the reader does not panic")
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Where the system offers that, lets it kill the process even if we are killed ourselves and drop nothing.
#[cfg(target_os = "linux")]
fn end_with_owner(command: &mut Command) {
    let ask = || Ok(rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL))?);
    // SAFETY: between fork and exec only what is safe in a signal handler may be called. This is one system
    // call, which allocates nothing and takes no lock.
    unsafe { std::os::unix::process::CommandExt::pre_exec(command, ask) };
}

#[cfg(not(target_os = "linux"))]
fn end_with_owner(_: &mut Command) {}

/// Reads in the background, and sends on what arrives.
fn pump(from: impl Read + Send + 'static, stalled_until: Arc<Mutex<Instant>>) -> Receiver<Vec<u8>> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        read_to_end(from, |bytes| {
            let until = *stalled_until.lock().expect("no thread panics while it holds the lock");
            thread::sleep(until.saturating_duration_since(Instant::now()));
            // If the receiver is gone, the process is about to be killed.
            let _ = sender.send(bytes.to_vec());
        });
    });
    receiver
}

/// Reads to the end, in the background.
fn collect(from: impl Read + Send + 'static) -> JoinHandle<String> {
    thread::spawn(move || {
        let mut kept = Vec::new();
        read_to_end(from, |bytes| kept.extend(bytes));
        String::from_utf8_lossy(&kept).into_owned()
    })
}

/// Reads to the end, so that the process never waits for a full pipe. Shows only the first [`MOST_OUTPUT_BYTES`], so
/// that the receiver's memory has a limit.
fn read_to_end(mut from: impl Read, mut show: impl FnMut(&[u8])) {
    let (mut buffer, mut left) = ([0; 4096], MOST_OUTPUT_BYTES);
    while let Ok(count @ 1..) = from.read(&mut buffer) {
        let shown = count.min(left);
        left -= shown;
        if shown > 0 {
            show(&buffer[..shown]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Process {
        Process::start(Command::new("sh").args(["-c", script])).expect("there is a shell")
    }

    #[test]
    fn output_comes_until_the_end() {
        let process = shell("echo one; echo two");
        assert_eq!(process.output.iter().flatten().collect::<Vec<u8>>(), b"one\ntwo\n");
    }

    #[test]
    fn only_the_beginning_of_endless_output_is_kept() {
        let script = "head -c 5000000 /dev/zero; head -c 5000000 /dev/zero >&2; echo done > $0";
        let folder = tempfile::tempdir().expect("there is room");
        let done = folder.path().join("done");
        let process = Process::start(Command::new("sh").args(["-c", script]).arg(&done)).expect("there is a shell");
        assert_eq!(process.output.iter().flatten().count(), MOST_OUTPUT_BYTES);
        assert!(done.exists(), "it was not kept waiting");
        assert_eq!(process.complaints().len(), MOST_OUTPUT_BYTES);
    }

    #[test]
    fn stalled_output_arrives_later_in_full() {
        let process = shell("sleep 0.2; head -c 200000 /dev/zero");
        let (start, time) = (Instant::now(), Duration::from_secs(1));
        process.stall(time);
        assert_eq!(process.output.iter().flatten().count(), 200_000);
        assert!(start.elapsed() >= time);
    }

    #[test]
    fn waiting_ends_with_the_process() {
        let mut process = shell("echo sorry >&2");
        assert_eq!(process.wait_for(|| None::<()>), None);
        assert_eq!(process.complaints(), "sorry\n");
    }

    #[test]
    fn dropping_kills() {
        let process = shell("exec sleep 1000");
        let start = Instant::now();
        drop(process);
        assert!(start.elapsed() < PATIENCE);
    }
}
