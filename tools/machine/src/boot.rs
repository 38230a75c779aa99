//! Boots one kernel: makes the image, starts the machine, watches it to its end, and reports what happened.

use crate::display::Display;
use crate::ending::Ending;
use crate::image;
use crate::listing::{Expected, Listed};
use crate::log::Log;
use crate::symbols::Symbols;
use crate::vm::Parts;
use crate::watch::{self, Orders};
use crate::workspace::Workspace;
use anyhow::Result;
use std::io::{self, Write};
use std::path::Path;

/// What is booted, and how.
pub struct Boot<'a> {
    /// The project.
    pub workspace: &'a Workspace,
    /// The kernel.
    pub kernel: &'a Path,
    /// The kernel's command line.
    pub words: &'a str,
    /// The test to run, which also says what machine it needs.
    pub test: &'a Listed,
    /// The time limit, and where the input comes from.
    pub orders: Orders<'a>,
    /// More options for QEMU.
    pub flags: &'a [String],
}

/// How much of the log is shown after a run that failed.
const MOST_BYTES_OF_STORY: usize = 16 << 10;

/// How a run went.
pub struct Run {
    /// How it ended.
    pub ending: Ending,
    /// What the kernel printed.
    pub text: String,
    /// Where in the kernel it ended, as a sentence; empty if that is not known.
    place: String,
    /// The log as a person reads it, with function and line behind every address.
    log: String,
}

impl Boot<'_> {
    /// Boots the kernel and watches it to its end. `reader` gets the log while the kernel prints it.
    pub fn watch(&self, reader: impl Write) -> Result<Run> {
        let Self { workspace, kernel, words, test, orders, flags } = self;
        let folder = tempfile::tempdir()?;
        let image = folder.path().join("image.iso");
        image::make(kernel, words, test.module, &image)?;

        let memory = test.memory_mib.to_string();
        let (display, exit_device) = (Display::None, test.expected != Expected::Halt);
        let parts = Parts { image: &image, memory: &memory, cpu: &test.cpu, display, exit_device, flags };
        let symbols = Symbols::new(kernel, &workspace.root);
        let mut read = Vec::new();
        let mut log = Log::new(&symbols, Both(&mut read, reader));
        let ended = watch::boot(&parts, orders, &mut log)?;
        let text = log.text();
        drop(log);

        let place = ended.place(&symbols).unwrap_or_default();
        Ok(Run { ending: ended.ending, text, place, log: String::from_utf8_lossy(&read).into_owned() })
    }
}

impl Run {
    /// Whether the run ended as `test` requires. The error says why not, and shows the place and the log.
    pub fn judge(&self, test: &Listed) -> std::result::Result<(), String> {
        let told = format!("{}\n{}", self.ending, self.place);
        test.accepts(&self.ending, &self.text, &told).map_err(|reason| format!("{reason}\n{}", self.story()))
    }

    /// Where the kernel was, and the log; of a long log only the last part.
    pub fn story(&self) -> String {
        let left_out = self.log.ceil_char_boundary(self.log.len().saturating_sub(MOST_BYTES_OF_STORY));
        let note = if left_out > 0 { format!(", without its first {left_out} bytes") } else { String::new() };
        format!("{}\nThe log{note}:\n{}", self.place, &self.log[left_out..])
    }
}

/// Writes everything to two writers.
struct Both<A, B>(A, B);

impl<A: Write, B: Write> Write for Both<A, B> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write_all(bytes)?;
        self.1.write_all(bytes)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()?;
        self.1.flush()
    }
}
