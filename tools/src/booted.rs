//! The tests that boot: every behaviour of every chapter, one machine for each.

use crate::cargo::Profile;
use crate::chapters::{Chapter, Workspace};
use crate::display::Display;
use crate::ending::Ending;
use crate::kernels::{self, Kind};
use crate::listing::{self, Expected, Listed};
use crate::log::Log;
use crate::machine::Parts;
use crate::symbols::Symbols;
use crate::tally::Tally;
use crate::watch::{self, Orders, Typist};
use crate::{image, interrupt};
use anyhow::{Result, bail};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::{Duration, Instant};
use std::{mem, thread};

/// What hangs on purpose is not waited for any longer than it takes to boot.
const SHORT: Duration = Duration::from_secs(3);

/// What is shown of the log of a test that does not pass.
const MOST_BYTES_OF_STORY: usize = 16 << 10;

/// Boots every test of these chapters, as many at once as there are processors.
pub fn test(workspace: &Workspace, chapters: &[&Chapter], timeout: Duration, tally: &Tally) -> Result<()> {
    let (with, without): (Vec<&Chapter>, Vec<&Chapter>) =
        chapters.iter().copied().partition(|chapter| chapter.has_booted_tests);
    for chapter in without {
        tally.note(&chapter.name, Err("This chapter has no tests that boot: tests/kernel.rs.".into()), Duration::ZERO);
    }
    if with.is_empty() {
        return Ok(());
    }
    let kernels = kernels::build(workspace, &with, Kind::Tests, Profile::Kernel)?;
    let suites = with.into_iter().zip(kernels).map(|(chapter, kernel)| Suite { workspace, chapter, kernel, timeout });
    let suites: Vec<Suite> = suites.collect();

    let lists = Mutex::new(Vec::new());
    in_parallel(suites.iter(), |suite| match suite.list()? {
        Ok(tests) => {
            let tests = tests.into_iter().map(|test| (suite, test));
            lists.lock().expect("no thread panics while listing").extend(tests);
            Ok(())
        }
        Err(reason) => {
            tally.note(&format!("{} has no list of tests", suite.chapter.name), Err(reason), Duration::ZERO);
            Ok(())
        }
    })?;
    let mut tests = mem::take(&mut *lists.lock().expect("no thread panics while listing"));
    tests.sort_by_key(|(suite, _)| &suite.chapter.name);
    in_parallel(tests.into_iter(), |(suite, test)| {
        let start = Instant::now();
        let outcome = suite.boot(&test)?;
        tally.note(&format!("{} {}", suite.chapter.name, test.name), outcome, start.elapsed());
        Ok(())
    })
}

/// The test kernel of one chapter.
struct Suite<'a> {
    workspace: &'a Workspace,
    chapter: &'a Chapter,
    /// None if it could not be built.
    kernel: Option<PathBuf>,
    timeout: Duration,
}

/// What a test did, or that it did not pass and why. The outer `Result` is for failures of our own.
type Outcome<T> = Result<Result<T, String>>;

impl Suite<'_> {
    /// Asks the kernel which tests it has.
    fn list(&self) -> Outcome<Vec<Listed>> {
        let Some(kernel) = &self.kernel else {
            return Ok(Err("The kernel could not be built; the reason stands above.".into()));
        };
        let run = self.watch(kernel, &Listed::table(), self.timeout)?;
        Ok(if run.ending == Ending::Good {
            listing::parse(&run.text)
        } else {
            Err(format!("{}\n{}", run.ending, run.story()))
        })
    }

    /// Boots one test, and holds it to the end that it has to come to.
    fn boot(&self, test: &Listed) -> Outcome<()> {
        let kernel = self.kernel.as_deref().expect("only a kernel that was built lists tests");
        let timeout = if test.expected == Expected::Hang { SHORT.min(self.timeout) } else { self.timeout };
        let run = self.watch(kernel, test, timeout)?;
        let judged = test.accepts(&run.ending, &run.text, &run.told());
        Ok(judged.map_err(|reason| format!("{reason}\n{}", run.story())))
    }

    /// Boots the kernel for `test`.
    fn watch(&self, kernel: &Path, test: &Listed, timeout: Duration) -> Result<Run> {
        watch(self.workspace, kernel, &format!("'test={}'", test.name), test, timeout)
    }
}

/// How a kernel's run went.
pub struct Run {
    /// How it ended.
    pub ending: Ending,
    /// What the kernel said.
    pub text: String,
    /// Where in the kernel that was, as a sentence, if it is known.
    place: String,
    /// The log as a person reads it.
    log: String,
}

impl Run {
    /// What a person is told beside the log.
    fn told(&self) -> String {
        format!("{}\n{}", self.ending, self.place)
    }

    /// What leads to an understanding of the end: where it was, and the log; of a long log the last part.
    pub fn story(&self) -> String {
        let left_out = self.log.ceil_char_boundary(self.log.len().saturating_sub(MOST_BYTES_OF_STORY));
        let note = if left_out > 0 { format!(", but for its first {left_out} bytes") } else { String::new() };
        format!("{}\nThe log{note}:\n{}", self.place, &self.log[left_out..])
    }
}

/// Boots a kernel with these words, on the machine that `test` asks for.
pub fn watch(workspace: &Workspace, kernel: &Path, words: &str, test: &Listed, timeout: Duration) -> Result<Run> {
    let folder = tempfile::tempdir()?;
    let image = folder.path().join("image.iso");
    image::make(kernel, words, test.module, &image)?;

    let memory = test.memory_mib.to_string();
    let (display, exit_device) = (Display::None, test.expected != Expected::Halt);
    let parts = Parts { image: &image, memory: &memory, cpu: &test.cpu, display, exit_device, flags: &[] };
    let orders = Orders { timeout, typist: Typist::Letters(&test.types) };
    let symbols = Symbols::new(kernel, &workspace.root);
    let mut read = Vec::new();
    let mut log = Log::new(&symbols, &mut read);
    let ended = watch::boot(&parts, &orders, &mut log)?;
    let text = log.text();
    drop(log);

    let place = ended.place(&symbols).unwrap_or_default();
    Ok(Run { ending: ended.ending, text, place, log: String::from_utf8_lossy(&read).into_owned() })
}

/// Does something with every item, on as many threads as there are processors.
pub fn in_parallel<T: Send>(
    items: impl Iterator<Item = T> + Send,
    work: impl Fn(T) -> Result<()> + Sync,
) -> Result<()> {
    let items = Mutex::new(items);
    let next = || items.lock().expect("no thread panics while taking").next();
    let worker = || -> Result<()> {
        while let Some(item) = next() {
            if interrupt::happened() {
                bail!("Interrupted.");
            }
            work(item)?;
        }
        Ok(())
    };
    let processors = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        let workers: Vec<_> = (0..processors).map(|_| scope.spawn(worker)).collect();
        workers.into_iter().try_for_each(|worker| worker.join().expect("no worker panics"))
    })
}
