//! The demonstrations with known mistakes in them, for readers who want to see beside the right kernel what a broken one
//! does.
//!
//! Only some mistakes show in a demonstration. The file of such a mistake has a line `Live: ` ([`defects`](crate::defects)).
//!
//! All these kernels are built in one copy of the project, so Cargo compiles only what differs from the kernel before. A
//! kernel is kept, together with a number for the files that it was built from. While the number stays the same, Cargo is not
//! even called.

use crate::defects::Defect;
use crate::git;
use crate::scratch::{Original, Scratch};
use anyhow::{Context, Result, bail};
use machine::cargo::Profile;
use machine::kernels::{self, Kind};
use machine::workspace::Workspace;
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};

/// The folder of the copy and of the kernels, in Cargo's target folder.
const FOLDER: &str = "broken";

/// What every kernel is built from, besides the chapters: files, and whole folders.
const BUILT_FROM: [&str; 7] =
    ["Cargo.lock", "Cargo.toml", "common", "i686.json", "linker.ld", "rust-toolchain.toml", "tools/machine/src"];

/// The demonstrations with known mistakes in them.
pub struct BrokenKernels {
    scratch: Scratch,
    original: Original,
    kept: PathBuf,
}

/// A demonstration with a mistake in it.
pub struct BrokenKernel<'a> {
    /// The kernel's file.
    pub file: PathBuf,
    /// The folder of its source: the project with this mistake in it. The next kernel's source takes its place.
    pub root: &'a Path,
}

impl BrokenKernels {
    /// Reads the project's files as they are now.
    pub fn new(workspace: &Workspace) -> Result<Self> {
        let (scratch, original) = (Scratch::new(workspace, FOLDER)?, Original::read(&workspace.root)?);
        Ok(Self { scratch, original, kept: workspace.target.join(FOLDER).join("kernels") })
    }

    /// The demonstration of a mistake's chapter, with the mistake in it.
    pub fn with(&mut self, defect: &Defect) -> Result<BrokenKernel<'_>> {
        let workspace = &self.scratch.workspace;
        self.scratch.restore(&self.original)?;
        if let Err(why) = git::apply(&workspace.root, &defect.path())? {
            bail!("{} no longer applies:\n{why}", defect.path().display());
        }
        let chapter = workspace.chapter(Some(&defect.chapter))?;
        let file = kept(&self.kept.join(defect.title()), self.state(defect), || {
            let kernel = kernels::build(workspace, &[chapter], Kind::Demonstration, Profile::Kernel)?.remove(0);
            kernel.with_context(|| {
                format!("{defect} does not compile. To see why: make break MISTAKE={}", defect.title())
            })
        })?;
        Ok(BrokenKernel { file, root: &workspace.root })
    }

    /// A number for all files that the kernel with this mistake is built from, and for their folder, whose path is in the
    /// debug information.
    fn state(&self, defect: &Defect) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.scratch.workspace.root.hash(&mut hasher);
        let is_part = |file: &Path| is_built_from(file, &defect.chapter) || file == defect.path();
        self.original.files().filter(|(file, _)| is_part(file)).for_each(|file| file.hash(&mut hasher));
        hasher.finish()
    }
}

/// Whether the demonstration of a chapter is built from this file: a later chapter is not in it.
fn is_built_from(file: &Path, chapter: &str) -> bool {
    let parts: Vec<&str> = file.iter().filter_map(|part| part.to_str()).collect();
    match *parts {
        ["chapters", folder, part, ..] => folder <= chapter && ["Cargo.toml", "src"].contains(&part),
        _ => BUILT_FROM.iter().any(|of_all| file.starts_with(of_all)),
    }
}

/// The kernel in `folder`, if it was built from files of this state. Otherwise builds it, and keeps a copy there.
fn kept(folder: &Path, state: u64, build: impl FnOnce() -> Result<PathBuf>) -> Result<PathBuf> {
    let (kernel, built_from) = (folder.join("kernel"), folder.join("built-from"));
    let state = format!("{state:016x}\n");
    if fs::read_to_string(&built_from).ok().as_ref() != Some(&state) || !kernel.is_file() {
        let built = build()?;
        let keep = || {
            fs::create_dir_all(folder)?;
            // If this run is interrupted here, the next one builds the kernel again.
            fs::write(&built_from, "")?;
            fs::copy(&built, &kernel)?;
            fs::write(&built_from, &state)
        };
        keep().with_context(|| format!("{} could not be written", folder.display()))?;
    }
    Ok(kernel)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::defects;
    use crate::git::tests::repository;
    use machine::workspace::Chapter;
    use std::cell::Cell;
    use tempfile::TempDir;

    const MAIN: &str = "chapters/06-heap/src/main.rs";
    const MISTAKE: &str = "It is wrong.\n\nA reader would see: two.\nCaught by: a_test\nLive: \"two\".\n\n\
        diff --git a/chapters/06-heap/src/main.rs b/chapters/06-heap/src/main.rs\n--- a/chapters/06-heap/src/main.rs\n\
        +++ b/chapters/06-heap/src/main.rs\n@@ -1 +1 @@\n-one\n+two\n";

    /// A project with one chapter, and the mistake that it knows.
    fn project() -> (TempDir, Workspace, Defect) {
        let folder = repository();
        let root = folder.path();
        let chapter = root.join("chapters/06-heap");
        for inner in ["src", "mutants"] {
            fs::create_dir_all(chapter.join(inner)).expect("a new folder");
        }
        fs::write(root.join(MAIN), "one\n").expect("a new file");
        fs::write(chapter.join("mutants/27-it-is-wrong.patch"), MISTAKE).expect("a new file");
        let defect = defects::of_chapter(root, "06-heap").expect("a good file").remove(0);
        let (name, package) = ("06-heap".into(), "ch06-heap".into());
        let chapter = Chapter { name, package, has_booted_tests: false, has_long_tests: false, has_benches: false };
        let workspace =
            Workspace { root: root.into(), target: root.join("target"), chapters: vec![chapter], is_quiet: true };
        (folder, workspace, defect)
    }

    #[test]
    fn the_source_has_the_mistake_even_if_its_kernel_is_not_built_again() {
        let (folder, workspace, defect) = project();
        let mut kernels = BrokenKernels::new(&workspace).expect("a copy");
        let state = kernels.state(&defect);
        kept(&kernels.kept.join("06/it-is-wrong"), state, || Ok(folder.path().join("patch"))).expect("a kernel");
        let kernel = kernels.with(&defect).expect("a kernel that was kept");
        assert_eq!(fs::read_to_string(kernel.root.join(MAIN)).expect("a file"), "two\n");
        assert_eq!(fs::read(kernel.file).expect("a file"), fs::read(folder.path().join("patch")).expect("a file"));
        assert!(kernels.with(&defect).is_ok(), "the mistake is put in only once");
        assert_eq!(fs::read_to_string(folder.path().join(MAIN)).expect("a file"), "one\n");
    }

    #[test]
    fn a_kernel_is_built_again_if_its_files_have_changed_or_a_build_was_interrupted() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let (built, kept_in) = (folder.path().join("built"), folder.path().join("06/it"));
        let times = Cell::new(0);
        let after = |state| {
            let build = || {
                times.set(times.get() + 1);
                fs::write(&built, format!("{}", times.get()))?;
                Ok(built.clone())
            };
            fs::read_to_string(kept(&kept_in, state, build).expect("a kernel")).expect("a file")
        };
        assert_eq!([after(1), after(1), after(2), after(1)], ["1", "1", "2", "3"]);
        assert!(kept(&kept_in, 2, || bail!("It does not compile.")).is_err());
        assert_eq!(after(1), "3", "a failure leaves what is there");
        assert!(kept(&kept_in, 2, || Ok(folder.path().join("missing"))).is_err());
        assert_eq!(after(1), "4", "an interruption may leave half of a kernel");
    }

    #[test]
    fn a_kernel_depends_on_its_mistake_and_on_no_other() {
        let (_folder, workspace, defect) = project();
        let mut kernels = BrokenKernels::new(&workspace).expect("a copy");
        let mut is_other_after = |file: &str| {
            let before = kernels.state(&defect);
            kernels.original.put(Path::new(file), b"changed".to_vec());
            kernels.state(&defect) != before
        };
        assert!(is_other_after(MAIN));
        assert!(is_other_after("chapters/06-heap/mutants/27-it-is-wrong.patch"));
        assert!(!is_other_after("chapters/06-heap/mutants/28-other.patch"));
    }

    #[test]
    fn a_kernel_is_built_from_its_chapter_and_those_before() {
        for (file, is_part) in [
            ("chapters/05-paging/src/lib.rs", true),
            ("chapters/06-heap/src/list/rows.rs", true),
            ("chapters/06-heap/Cargo.toml", true),
            ("common/src/qemu.rs", true),
            ("Cargo.lock", true),
            ("chapters/07-timer/src/lib.rs", false),
            ("chapters/06-heap/tests/kernel.rs", false),
            ("chapters/05-paging/mutants/18-it.patch", false),
            ("book/src/06-heap.md", false),
            ("tools/Cargo.toml", false),
        ] {
            assert_eq!(is_built_from(Path::new(file), "06-heap"), is_part, "{file}");
        }
    }

    #[test]
    fn what_is_built_from_is_there() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        BUILT_FROM.iter().for_each(|file| assert!(root.join(file).exists(), "{file}"));
    }

    #[test]
    fn the_words_of_a_broken_log_are_not_in_the_right_one() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let mut chapters: Vec<String> = Vec::new();
        for entry in fs::read_dir(root.join("chapters")).expect("the chapters") {
            chapters.push(entry.expect("a chapter").file_name().to_string_lossy().into_owned());
        }
        let defects = chapters.iter().flat_map(|chapter| defects::of_chapter(&root, chapter).expect("good files"));
        let mut count = 0;
        for defect in defects {
            let Some(look) = &defect.live else { continue };
            count += 1;
            let log = root.join(format!("book/figures/{}-log.txt", &defect.chapter[..2]));
            let log = fs::read_to_string(log).expect("the log of the right kernel");
            let words = look.split('"').skip(1).step_by(2);
            words.for_each(|words| assert!(!log.contains(words), "{defect}: {words}"));
        }
        assert!(count >= 10, "only {count} mistakes can be seen in the pages");
    }
}
