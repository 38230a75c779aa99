//! The pristine project, and a copy of it that gets an answer's bodies and is built.
//!
//! Of a submission, nothing but the bodies of its holes gets into the copy. So it does not matter what else a
//! submission has changed, such as build scripts and Cargo's configuration.

use crate::compiler;
use crate::holes::{self, Bodies};
use crate::rules;
use anyhow::{Context, Result, anyhow, bail};
use clap::Args;
use machine::cargo::{self, Profile};
use machine::kernels;
use machine::workspace::Workspace;
use sha2::{Digest, Sha256};
use std::collections::hash_map::DefaultHasher;
use std::collections::{BTreeMap, BTreeSet};
use std::hash::{Hash, Hasher};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::{fs, io};
use tempfile::NamedTempFile;
use trials::exercise::{self, About, Exercise, HIDDEN_PROGRAM};
use trials::git;
use trials::scratch::{Original, Scratch};
use walkdir::{DirEntry, WalkDir};

/// The name of the folder in Cargo's target folder with all that belongs to the course.
pub const FOLDER: &str = "course";
/// A file larger than this is no answer.
const MOST_BYTES: u64 = 256 << 10;

/// An answer: what goes into the holes of each file.
pub type Answer = BTreeMap<PathBuf, Filling>;

/// What goes into the holes of one file.
#[derive(Clone, Debug, PartialEq)]
pub enum Filling {
    /// The bodies of functions.
    Bodies(Bodies),
    /// The whole file, which is assembly.
    Whole(String),
}

/// The project as it is without any answer.
pub struct Pristine {
    files: Original,
    /// The commit; "working tree" if it is not a commit.
    pub edition: String,
    /// The files of an instructor's own exercises, by their paths in her folder. They are among the files.
    private: BTreeMap<PathBuf, Vec<u8>>,
}

/// An instructor's own exercises.
#[derive(Args, Clone)]
pub struct Private {
    /// A folder with exercises of your own, and with hidden tests for others: like the folder `exercises`.
    #[arg(long)]
    exercises: Option<PathBuf>,
}

impl Private {
    /// The folder.
    pub fn folder(&self) -> Option<&Path> {
        self.exercises.as_deref()
    }

    /// Finds the exercise that a person names, who may have forgotten to name the folder.
    pub fn find<'a>(&self, all: &'a [Exercise], word: &str) -> Result<&'a Exercise> {
        Exercise::find(all, word).map_err(|why| match self.folder() {
            Some(_) => why,
            None => anyhow!("{why}\nIf it is one of your own, name your folder too, as in EXERCISES=../secret."),
        })
    }
}

/// A tree with an answer in it, and what was built from it.
pub struct Built {
    /// The exercise's own kernel.
    pub kernel: PathBuf,
    /// The kernel with its hidden tests, if there are any.
    pub hidden: Option<PathBuf>,
    /// The kernel with the chapter's tests, if the exercise needs it.
    pub chapter: Option<PathBuf>,
}

/// Why an answer was not built.
#[derive(Debug)]
pub enum NotBuilt {
    /// The compiler says this about it.
    DoesNotCompile(String),
    /// The host could not build it.
    Infrastructure(String),
}

impl Pristine {
    /// The project in a commit.
    pub fn of_commit(root: &Path, commit: &str) -> Result<Self> {
        let (files, edition) = (Original::of_commit(root, commit)?, git::commit(root, commit)?);
        Ok(Self { files, edition, private: BTreeMap::new() })
    }

    /// The project's files as they are now.
    pub fn of_working_tree(root: &Path) -> Result<Self> {
        Ok(Self { files: Original::read(root)?, edition: "working tree".into(), private: BTreeMap::new() })
    }

    /// The files of exercises and kernels that are not in this folder as they are in the commit.
    pub fn uncommitted(&self, root: &Path) -> Result<Vec<PathBuf>> {
        let now = Original::read(root)?;
        let is_used = |path: &&Path| {
            [exercise::FOLDER, "chapters", "common", "harness"].iter().any(|folder| path.starts_with(folder))
        };
        let paths: BTreeSet<&Path> =
            self.files.files().chain(now.files()).map(|(path, _)| path).filter(is_used).collect();
        Ok(paths.into_iter().filter(|path| self.files.get(path) != now.get(path)).map(Path::to_owned).collect())
    }

    /// The same, and an instructor's own exercises, if she has some. Where both have a file, hers counts.
    pub fn with_private(mut self, folder: Option<&Path>) -> Result<Self> {
        let Some(folder) = folder else { return Ok(self) };
        if !folder.is_dir() {
            bail!(
                "EXERCISES names a folder with exercises of your own, and {} is no folder. (EXERCISE says which exercise.)",
                folder.display()
            );
        }
        self.private = private(folder)?;
        for (path, bytes) in &self.private {
            self.files.put(&in_project(path), bytes.clone());
        }
        Ok(self)
    }

    /// What a grade in an exercise depends on, apart from submission and seed: the commit and, if an instructor's own files
    /// belong to the exercise, a digest of those. Her other exercises may change meanwhile.
    pub fn edition_of(&self, exercise: &Exercise) -> String {
        let is_used = |path: &Path| {
            // Beside the folders lies what several exercises of a chapter share.
            let is_shared = path.parent() == Some(Path::new("")) && is_of_chapter(exercise, &in_project(path));
            is_shared || in_project(path).starts_with(&exercise.folder)
        };
        let mut used = self.private.iter().filter(|(path, _)| is_used(path)).peekable();
        if used.peek().is_none() {
            return self.edition.clone();
        }
        let mut digest = Sha256::new();
        for (path, bytes) in used {
            digest.update(path.to_string_lossy().as_bytes());
            digest.update((bytes.len() as u64).to_le_bytes());
            digest.update(bytes);
        }
        format!("{} with {}", self.edition, hex(&digest.finalize()[..6]))
    }

    /// The exercises, by number.
    pub fn exercises(&self) -> Result<Vec<Exercise>> {
        Exercise::all(&self.files)
    }

    /// The text of one of its files.
    pub fn text(&self, path: &Path) -> Result<&str> {
        let bytes = self.files.get(path).with_context(|| format!("The project has no file {}.", path.display()))?;
        std::str::from_utf8(bytes).with_context(|| format!("{} is not valid UTF-8", path.display()))
    }

    /// Its files.
    pub fn files(&self) -> &Original {
        &self.files
    }

    /// The right answer of an exercise.
    pub fn answer(&self, exercise: &Exercise) -> Result<Answer> {
        let filling = |file: &PathBuf, holes: &[String]| {
            let path = exercise.answer_to(file);
            let filling = filling(self.text(&path)?, holes).map_err(|why| anyhow!("{}: {why}", path.display()))?;
            Ok((file.clone(), filling))
        };
        exercise.about.holes.iter().map(|(file, holes)| filling(file, holes)).collect()
    }

    /// What a student begins with: holes that stop with a message.
    pub fn blank(&self, exercise: &Exercise) -> Result<Answer> {
        let About { number, holes, neutral, .. } = &exercise.about;
        let body = |hole: &String, spaces: &str| {
            let message = || format!("panic!(\"exercise {number}: write `{hole}`\")");
            format!("\n{spaces}    {}\n{spaces}", neutral.get(hole).cloned().unwrap_or_else(message))
        };
        let blank = |(file, holes): (&PathBuf, &Vec<String>)| {
            let filling = match holes.is_empty() {
                true => Filling::Whole(self.text(&exercise.blank_file())?.to_owned()),
                false => {
                    let spaces = holes::indentations(self.text(file)?, holes);
                    let spaces = spaces.map_err(|why| anyhow!("{}: {why}", file.display()))?;
                    Filling::Bodies(spaces.iter().map(|(hole, spaces)| (hole.clone(), body(hole, spaces))).collect())
                }
            };
            Ok((file.clone(), filling))
        };
        holes.iter().map(blank).collect()
    }

    /// The exercise's files with this answer in their holes.
    pub fn fill(&self, answer: &Answer) -> Result<Vec<(PathBuf, String)>> {
        let fill = |(path, filling): (&PathBuf, &Filling)| {
            let text = match filling {
                Filling::Whole(text) => text.clone(),
                Filling::Bodies(bodies) => {
                    holes::fill(self.text(path)?, bodies).map_err(|why| anyhow!("{}: {why}", path.display()))?
                }
            };
            Ok((path.clone(), text))
        };
        answer.iter().map(fill).collect()
    }

    /// All files, with this answer in them. The packages of exercises with hidden tests have those too.
    pub fn with(&self, answer: &Answer) -> Result<Original> {
        let mut files = self.files.clone();
        for (path, text) in self.fill(answer)? {
            files.put(&path, text.into_bytes());
        }
        let programs: Vec<&Path> = self.files.files().map(|(path, _)| path).filter(|path| is_hidden(path)).collect();
        for program in programs {
            let package = program.ancestors().nth(2).context("the program lies in the folder `tests` of a package")?;
            let manifest = package.join("Cargo.toml");
            let text = format!("{}\n[[test]]\nname = \"hidden\"\nharness = false\n", self.text(&manifest)?);
            files.put(&manifest, text.into_bytes());
        }
        Ok(files)
    }

    /// Checks an answer by the rules. The error is a sentence.
    pub fn check(&self, exercise: &Exercise, answer: &Answer) -> std::result::Result<(), String> {
        for (path, filling) in answer {
            match filling {
                Filling::Bodies(bodies) => rules::check(&exercise.about, bodies)?,
                Filling::Whole(text) => {
                    let original = self.text(&exercise.answer_to(path)).map_err(|error| error.to_string())?;
                    rules::check_assembly(text, original)?;
                }
            }
        }
        Ok(())
    }
}

/// Whether a file is the program with the hidden tests of an exercise.
fn is_hidden(path: &Path) -> bool {
    path.starts_with(exercise::FOLDER) && path.ends_with(HIDDEN_PROGRAM)
}

/// The path in the project of a file in an instructor's folder of exercises.
fn in_project(path: &Path) -> PathBuf {
    Path::new(exercise::FOLDER).join(path)
}

/// The files in an instructor's folder of exercises, by their paths in it.
fn private(folder: &Path) -> Result<BTreeMap<PathBuf, Vec<u8>>> {
    let mut files = BTreeMap::new();
    // Such as `.git`, whose files change without a change of the exercises.
    let is_hidden = |entry: &DirEntry| entry.depth() > 0 && entry.file_name().to_string_lossy().starts_with('.');
    for entry in WalkDir::new(folder).sort_by_file_name().into_iter().filter_entry(|entry| !is_hidden(entry)) {
        let entry = entry.context("the folder of your own exercises cannot be read")?;
        let kind = entry.file_type();
        if !kind.is_file() && !kind.is_dir() {
            bail!("{} is neither a file nor a folder. Put the file itself there.", entry.path().display());
        }
        if kind.is_file() {
            let bytes = fs::read(entry.path()).with_context(|| format!("reading {}", entry.path().display()))?;
            files.insert(entry.path().strip_prefix(folder)?.to_owned(), bytes);
        }
    }
    Ok(files)
}

/// Bytes as digits.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Takes what is in these holes out of a file. The error is a sentence for its author.
fn filling(text: &str, holes: &[String]) -> std::result::Result<Filling, String> {
    match holes {
        [] => Ok(Filling::Whole(text.to_owned())),
        _ => holes::bodies(text, holes).map(Filling::Bodies),
    }
}

/// Takes an answer out of files that were handed in. The error is a sentence for its author.
pub fn read(
    exercise: &Exercise,
    text_of: impl Fn(&Path) -> std::result::Result<String, String>,
) -> std::result::Result<Answer, String> {
    let read = |(path, holes): (&PathBuf, &Vec<String>)| {
        let named = |why| format!("{}: {why}", path.display());
        let text = text_of(path).map_err(named)?;
        Ok((path.clone(), filling(&text, holes).map_err(named)?))
    };
    exercise.about.holes.iter().map(read).collect()
}

/// The text of a file that was handed in. The inner error is a sentence for its author; the outer one is the host's.
pub fn text_of(path: &Path) -> io::Result<std::result::Result<String, String>> {
    Ok(bytes_of(path)?.and_then(text))
}

/// The bytes of a file that was handed in, with errors like those of [`text_of`].
pub fn bytes_of(path: &Path) -> io::Result<std::result::Result<Vec<u8>, String>> {
    // Opening anything but a file, such as a pipe, may wait forever.
    if !fs::symlink_metadata(path)?.is_file() {
        return Ok(Err("It is not a regular file.".into()));
    }
    let file = fs::File::open(path)?;
    let length = file.metadata()?.len();
    if length > MOST_BYTES {
        return Ok(Err(format!("It has {length} bytes, and {MOST_BYTES} are allowed.")));
    }
    let mut bytes = Vec::new();
    file.take(MOST_BYTES).read_to_end(&mut bytes)?;
    Ok(Ok(bytes))
}

/// The text that these bytes are. The error is a sentence for its author.
pub fn text(bytes: Vec<u8>) -> std::result::Result<String, String> {
    let text = String::from_utf8(bytes).map_err(|_| "It is not valid UTF-8. Most editors can save it so.")?;
    Ok(without_mark(&text).into())
}

/// A text without the byte order mark that some editors put before it.
pub fn without_mark(text: &str) -> &str {
    text.strip_prefix('\u{FEFF}').unwrap_or(text)
}

/// Whether two answers differ only in spaces and comments.
pub fn is_same(one: &Answer, other: &Answer) -> bool {
    let same = |one: &Filling, other: &Filling| match (one, other) {
        (Filling::Bodies(one), Filling::Bodies(other)) => {
            one.iter().all(|(hole, body)| other.get(hole).is_some_and(|other| holes::is_same(body, other)))
        }
        _ => one == other,
    };
    one.iter().all(|(path, one)| other.get(path).is_some_and(|other| same(one, other)))
}

/// The copy in which answers are built.
pub struct Copy {
    scratch: Scratch,
    /// Where what was built of right answers is kept.
    kept: PathBuf,
}

impl Copy {
    /// Opens the copy. It and what was built in it stay for the next time.
    pub fn open(workspace: &Workspace) -> Result<Self> {
        Ok(Self::with(Scratch::new(workspace, FOLDER)?, workspace))
    }

    /// Opens a copy that is not in use. So several judges can work at the same time.
    pub fn open_another(workspace: &Workspace) -> Result<Self> {
        let mut names = [FOLDER.to_owned()].into_iter().chain((2..).map(|number| format!("{FOLDER}/{number}")));
        loop {
            let name = names.next().expect("there are always more numbers");
            if let Some(scratch) = Scratch::if_free(workspace, &name)? {
                return Ok(Self::with(scratch, workspace));
            }
        }
    }

    fn with(scratch: Scratch, workspace: &Workspace) -> Self {
        Self { scratch, kept: workspace.target.join(FOLDER).join("right") }
    }

    /// Whether something was built in it before.
    pub fn is_warm(&self) -> bool {
        self.workspace().target.is_dir()
    }

    /// Whether the right answer of an exercise was built before, or need not be.
    pub fn has_right(&self, exercise: &Exercise, pristine: &Pristine) -> Result<bool> {
        let is_built = |files| self.folder_of_right(exercise, files).join("kernel").exists();
        Ok(if exercise.has_answer(pristine.files()) {
            is_built(&pristine.with(&pristine.answer(exercise)?)?)
        } else {
            self.is_warm()
        })
    }

    /// Where what is built of the right answer in these files is kept.
    fn folder_of_right(&self, exercise: &Exercise, files: &Original) -> PathBuf {
        self.kept.join(format!("{}-{:016x}", exercise.name(), fingerprint(exercise, files)))
    }

    /// The folder for what a check leaves for a person.
    pub fn folder(&self) -> PathBuf {
        self.kept.with_file_name("results")
    }

    /// The copy as a workspace.
    pub fn workspace(&self) -> &Workspace {
        &self.scratch.workspace
    }

    /// Makes the copy equal to these files.
    pub fn restore(&self, files: &Original) -> Result<()> {
        self.scratch.restore(files)
    }

    /// Makes the copy equal to these files, and builds the kernels that an exercise needs.
    pub fn build(&self, exercise: &Exercise, files: &Original) -> std::result::Result<Built, NotBuilt> {
        self.build_with_warnings(exercise, files).map(|(built, _)| built)
    }

    /// The same, and what the compiler says about code that it accepts.
    fn build_with_warnings(
        &self,
        exercise: &Exercise,
        files: &Original,
    ) -> std::result::Result<(Built, String), NotBuilt> {
        let infrastructure = |error: anyhow::Error| NotBuilt::Infrastructure(format!("{error:#}"));
        self.scratch.restore(files).map_err(infrastructure)?;
        let workspace = self.workspace();
        let chapter = workspace.chapter(Some(&exercise.about.chapter)).map_err(infrastructure)?;
        let needs_chapter = exercise.about.tests.iter().any(|test| !test.chapter_boots.is_empty());
        let package = exercise.package();
        let mut command = cargo::for_kernels(workspace, "build", Profile::Kernel);
        command.args(["--test", "kernel"]);
        let has_hidden = exercise.about.tests.iter().any(|test| test.hidden);
        if has_hidden {
            command.args(["--test", "hidden"]);
        }
        let packages = [package.as_str()].into_iter().chain(needs_chapter.then_some(chapter.package.as_str()));
        cargo::packages(&mut command, packages);
        let said = compiler::run(&mut command);
        let said = said.map_err(|error| infrastructure(anyhow!("cargo could not be started: {error}")))?;
        if !said.is_good {
            return Err(match said.of_host() {
                Some(why) => NotBuilt::Infrastructure(why),
                None => NotBuilt::DoesNotCompile(said.errors()),
            });
        }
        let kernel = |folder: &Path, name: &str| {
            let missing = || NotBuilt::Infrastructure(format!("Cargo built no {name} in {}", folder.display()));
            kernels::test_program(&said.messages, &workspace.root.join(folder), name).ok_or_else(missing)
        };
        let chapter = Path::new("chapters").join(&chapter.name);
        let chapter = needs_chapter.then(|| kernel(&chapter, "kernel")).transpose()?;
        let hidden = has_hidden.then(|| kernel(&exercise.folder, "hidden")).transpose()?;
        Ok((Built { kernel: kernel(&exercise.folder, "kernel")?, hidden, chapter }, said.warnings()))
    }

    /// The kernels of the right answer. They are built once, and kept.
    pub fn right(&self, exercise: &Exercise, pristine: &Pristine) -> Result<(PathBuf, Built)> {
        let files = pristine.with(&pristine.answer(exercise)?)?;
        let folder = self.folder_of_right(exercise, &files);
        let (kernel, hidden, chapter) = (folder.join("kernel"), folder.join("hidden"), folder.join("chapter"));
        if !kernel.exists() {
            let built = match self.build_with_warnings(exercise, &files) {
                Ok((_, warnings)) if !warnings.is_empty() => bail!("The right answer has warnings:\n{warnings}"),
                Ok((built, _)) => built,
                Err(NotBuilt::DoesNotCompile(why)) => bail!("The right answer does not compile:\n{why}"),
                Err(NotBuilt::Infrastructure(why)) => bail!(why),
            };
            fs::create_dir_all(&folder)?;
            // The kernel is the last one, because it stands for all.
            for (built, kept) in [(built.hidden, &hidden), (built.chapter, &chapter), (Some(built.kernel), &kernel)] {
                if let Some(built) = built {
                    // Another judge may be about to keep the same.
                    let new = NamedTempFile::new_in(&folder)?;
                    fs::copy(built, new.path())?;
                    new.persist(kept)?;
                }
            }
        }
        let there = |path: PathBuf| path.exists().then_some(path);
        Ok((folder, Built { kernel, hidden: there(hidden), chapter: there(chapter) }))
    }
}

/// A number for everything that the kernels of an exercise are built from.
fn fingerprint(exercise: &Exercise, files: &Original) -> u64 {
    let of_all = [
        ".cargo",
        "chapters",
        "common",
        "harness",
        "tools",
        "Cargo.toml",
        "Cargo.lock",
        "i686.json",
        "linker.ld",
        "rust-toolchain.toml",
    ];
    let is_used = |path: &Path| of_all.iter().any(|part| path.starts_with(part)) || is_of_chapter(exercise, path);
    let mut hasher = DefaultHasher::new();
    let used: BTreeMap<&Path, &[u8]> = files.files().filter(|(path, _)| is_used(path)).collect();
    used.hash(&mut hasher);
    hasher.finish()
}

/// Whether a file belongs to an exercise or to another one of its chapter, which may share parts of its tests.
pub fn is_of_chapter(exercise: &Exercise, path: &Path) -> bool {
    let Some(all) = exercise.folder.parent() else { return false };
    let number = |path: &Path| {
        let name = path.strip_prefix(all).ok()?.iter().next()?.to_str()?;
        name.split_once('-').map(|(number, _)| number.to_owned())
    };
    number(path).is_some_and(|one| Some(one) == number(&exercise.folder))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::starter::tests::project;
    use trials::exercise::Withheld;

    #[test]
    fn exercises_of_a_chapter_belong_together() {
        let about = "number = '1.1'\ntitle = 't'\nkind = 'extend'\ngrade = 'core'\nminutes = 1\nchapter = '1'\n\
                     tests = []\nholes = {}";
        let about = toml::from_str(about).expect("a description");
        let exercise =
            Exercise { folder: "exercises/02-one".into(), about, wrong: Vec::new(), withheld: Withheld::default() };
        let is_used = |path: &str| is_of_chapter(&exercise, Path::new(path));
        assert!(is_used("exercises/02-one/src/lib.rs") && is_used("exercises/02-two/tests/kernel.rs"));
        assert!(!is_used("exercises/03-three/src/lib.rs") && !is_used("exercises/questions.toml"));
    }

    #[test]
    fn what_is_not_committed_is_named() {
        let project = project();
        let pristine = Pristine::of_commit(project.path(), "HEAD").expect("a commit");
        let uncommitted = || pristine.uncommitted(project.path()).expect("git is there");
        assert_eq!(uncommitted(), Vec::<PathBuf>::new());
        for path in ["README.md", "exercises/01-two/task.md", "exercises/01-two/new.md"] {
            fs::write(project.path().join(path), "new").expect("a file");
        }
        fs::remove_file(project.path().join("exercises/01-shared.rs")).expect("it is there");
        let paths = ["exercises/01-shared.rs", "exercises/01-two/new.md", "exercises/01-two/task.md"];
        assert_eq!(uncommitted(), paths.map(PathBuf::from));
    }

    #[test]
    fn the_edition_of_an_exercise_depends_on_its_own_files_alone() {
        let (project, folder) = (project(), tempfile::tempdir().expect("there is room"));
        let write = |name: &str, text: &str| {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().expect("a file in a folder")).expect("a new folder");
            fs::write(path, text).expect("a new file");
        };
        let edition = || {
            let pristine = Pristine::of_commit(project.path(), "HEAD").expect("a commit");
            let pristine = pristine.with_private(Some(folder.path())).expect("a folder");
            pristine.edition_of(&pristine.exercises().expect("two")[0])
        };
        let of_project = edition();
        write("README.md", "what is here");
        write("09-other/task.md", "another one");
        write("01-other/task.md", "another one of the chapter");
        assert_eq!(edition(), of_project);
        write("01-one/wrong/new.patch", "Loses: t");
        let one = edition();
        assert!(one.starts_with(&format!("{of_project} with ")), "{one}");
        write("01-texts.rs", "what several share");
        let other = edition();
        assert_ne!(other, one);
        write("README.md", "what is there");
        assert_eq!(edition(), other);
    }
}
