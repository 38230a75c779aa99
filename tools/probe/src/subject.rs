//! What `make debug` boots: a chapter's demonstration, or one of its tests.

use anyhow::{Result, bail};
use machine::boot::Boot;
use machine::cargo::Profile;
use machine::ending::Ending;
use machine::kernels::{self, Kind};
use machine::listing::{self, Expected, Listed};
use machine::vm::CPU_OF_COUNTED_TIME;
use machine::wanted::Wanted;
use machine::watch::{Orders, Typist};
use machine::workspace::{Chapter, Workspace};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A kernel, its command line, and its machine.
pub struct Subject {
    /// Its name for a person.
    pub name: String,
    /// The kernel.
    pub kernel: PathBuf,
    /// The kernel's command line.
    pub words: String,
    /// The memory of its machine, as QEMU takes it.
    pub memory: String,
    /// The options of its machine, and how it must end.
    pub test: Listed,
}

/// How long a long test runs, and with which random numbers.
#[derive(Clone, Copy)]
pub struct Length {
    /// The seed of all random numbers.
    pub seed: u32,
    /// How many rounds; a few if not given.
    pub rounds: Option<u32>,
}

/// The clock counts a nanosecond for each instruction.
const COUNTED_INSTRUCTIONS: &str = "-icount shift=0";
/// If no number of rounds is given, the test's number is divided by this.
const SHORTER: u32 = 200;
/// How long a kernel may take to list its tests.
const MOST_TIME_TO_LIST: Duration = Duration::from_secs(60);

impl Subject {
    /// The demonstration of a chapter, with this command line.
    pub fn demonstration(workspace: &Workspace, chapter: &Chapter, words: &str, memory: &str) -> Result<Self> {
        let kernel = kernels::build_one(workspace, chapter)?;
        let name = format!("the demonstration of {}", chapter.name);
        Ok(Self { name, memory: memory.into(), ..Self::of_kernel(&kernel, words) })
    }

    /// A kernel that is already built, with this command line, on the usual machine.
    pub fn of_kernel(kernel: &Path, words: &str) -> Self {
        let (kernel, words, memory) = (kernel.to_owned(), words.into(), "16".into());
        Self { name: "a kernel".into(), kernel, words, memory, test: Listed::table() }
    }

    /// The test of this name, on the machine that it asks for.
    pub fn test(workspace: &Workspace, chapter: &Chapter, name: &str, length: Length) -> Result<Self> {
        let kinds = [(chapter.has_booted_tests, Kind::Tests), (chapter.has_long_tests, Kind::LongTests)];
        let mut names = Vec::new();
        for kind in kinds.into_iter().filter_map(|(is_there, kind)| is_there.then_some(kind)) {
            let Some(kernel) = kernels::build(workspace, &[chapter], kind, Profile::Kernel)?.remove(0) else {
                bail!("A kernel with tests of {} could not be built; the reason is printed above.", chapter.name);
            };
            for test in tests_of(workspace, &kernel)? {
                if test.name == name {
                    return Ok(Self::of(chapter, kernel, test, length));
                }
                names.push(test.name);
            }
        }
        names.sort();
        bail!("{} has no test \"{name}\". It has:\n  {}", chapter.name, names.join("\n  "))
    }

    fn of(chapter: &Chapter, kernel: PathBuf, test: Listed, Length { seed, rounds }: Length) -> Self {
        let (name, memory) = (format!("{} of {}", test.name, chapter.name), test.memory_mib.to_string());
        if test.rounds == 0 {
            let words = format!("'test={}'", test.name);
            return Self { name, kernel, words, memory, test };
        }
        // As `make stress` boots it, except that time does not jump ahead while the CPU is halted: QEMU 7.2 would hang
        // when it records that.
        let rounds = rounds.unwrap_or((test.rounds / SHORTER).max(1));
        let words = format!("test={} seed={seed} rounds={rounds}", test.name);
        let test = Listed { cpu: CPU_OF_COUNTED_TIME.into(), flags: COUNTED_INSTRUCTIONS.into(), ..test };
        Self { name, kernel, words, memory, test }
    }

    /// Where its input comes from.
    pub fn typist(&self) -> Typist<'_> {
        if self.test.rounds > 0 { Typist::Wanted(Wanted::default()) } else { Typist::Letters(&self.test.types) }
    }

    /// Whether the kernel can end QEMU by itself.
    pub fn has_exit_device(&self) -> bool {
        self.test.expected != Expected::Halt
    }
}

/// Asks a kernel which tests it has.
fn tests_of(workspace: &Workspace, kernel: &Path) -> Result<Vec<Listed>> {
    let (words, test) = ("'test=?'", &Listed::table());
    let orders = Orders { timeout: MOST_TIME_TO_LIST, typist: Typist::Letters("") };
    let run = Boot { workspace, kernel, words, test, orders, flags: &[] }.watch(io::sink())?;
    match (&run.ending, listing::parse(&run.text)) {
        (Ending::Good, Ok(tests)) => Ok(tests),
        (Ending::Good, Err(reason)) => bail!("{reason}"),
        (ending, _) => bail!("The kernel could not list its tests. {ending}\n{}", run.story()),
    }
}
