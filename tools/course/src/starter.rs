//! `make starter EXERCISE="5.2 9.2"`: the repository that an instructor hands out.
//!
//! It has one commit, with the whole project except what would spoil an exercise: of `exercises/`, it has only those that
//! were asked for, without right and wrong answers. Of hidden tests it says only how many there are. Where a check needs
//! a right answer that is not there, it has what that answer shows with the usual seed.
//!
//! An exercise needs no other one: everything except its holes comes from the project.

use crate::judge::{self, Judge, USUAL_SEED};
use crate::self_check;
use crate::tree::{Copy, NotBuilt, Pristine, Private};
use anyhow::{Context, Result, anyhow, bail, ensure};
use clap::Args;
use machine::workspace::Workspace;
use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use trials::exercise::{self, Exercise, HIDDEN, Withheld};
use trials::git;
use trials::scratch::Original;

/// Which tags are names of editions.
pub const EDITIONS: &str = "edition-*";
/// What the project has for its own maintainers.
const OURS: [&str; 2] = [".ci", ".github"];
/// What a student gets of an exercise: files, and folders with all that is in them. All else stays with the instructor,
/// also what these tools do not know.
const PUBLIC: [&str; 8] =
    ["Cargo.toml", "exercise.toml", "task.md", "hints.md", "blank.s", "src", "tests/kernel.rs", "tests/kernel"];
/// The folder of the book's pages.
const PAGES: &str = "book/src";
const README: &str = "README.md";
const LOCK: &str = "Cargo.lock";
/// The branch of the new repository.
const BRANCH: &str = "main";

/// The options of `make starter`.
#[derive(Args)]
pub struct Options {
    #[command(flatten)]
    pub(crate) what: What,
    /// The folder of the new repository; `starter` in the course's folder within Cargo's target folder if not given.
    #[arg(long)]
    out: Option<PathBuf>,
}

/// What is handed out.
#[derive(Args)]
pub struct What {
    /// The numbers of the exercises, with spaces between them.
    #[arg(long, default_value = "")]
    pub(crate) exercise: String,
    #[command(flatten)]
    private: Private,
}

/// What students get of a commit.
pub struct Starter {
    /// The repository with the commit.
    root: PathBuf,
    commit: String,
    /// The files.
    pub files: Original,
    /// The exercises, as students get them.
    pub exercises: Vec<Exercise>,
}

/// Makes the repository, and prints where it is.
pub fn starter(workspace: &Workspace, options: &Options) -> Result<ExitCode> {
    let root = &workspace.root;
    let usual = workspace.target.join(crate::tree::FOLDER).join("starter");
    let out = options.out.clone().unwrap_or(usual);
    ensure!(!out.exists(), "{} exists already. Remove it, or choose another folder with OUT=.", out.display());
    let copy = Copy::open(workspace)?;
    let starter = Starter::of(root, "HEAD", &options.what, &copy)?.with_expected(root, &options.what, &copy)?;
    let name = git::name(root, &starter.commit, EDITIONS)?;
    let parent = out.parent().filter(|parent| *parent != "").unwrap_or(Path::new("."));
    fs::create_dir_all(parent).with_context(|| format!("making {}", parent.display()))?;
    // It gets its place when it is whole.
    let temporary = tempfile::tempdir_in(parent)?;
    let new = temporary.path().join("starter");
    fs::create_dir(&new)?;
    starter.write(&new)?;
    commit(&new, root, &format!("The project, {name}, with {}\n", titles(&starter.exercises)))?;
    fs::rename(new, &out).with_context(|| format!("making {}", out.display()))?;
    println!("The starter is in {}: one commit, made of {name}, with {}.", out.display(), titles(&starter.exercises));
    for exercise in &starter.exercises {
        let Withheld { tests, points } = exercise.hidden();
        if tests > 0 {
            println!("Hidden tests of {}: {tests}, worth {points} points.", exercise.title());
        }
    }
    println!("To hand it out, push it:  git -C {} push ADDRESS {BRANCH}", out.display());
    Ok(ExitCode::SUCCESS)
}

impl What {
    /// The same, with these exercises if the person has named none.
    pub fn or(&self, exercises: impl FnOnce(&Private) -> Result<Vec<Exercise>>) -> Result<Self> {
        let mut exercise = self.exercise.clone();
        if exercise.is_empty() {
            let exercises = exercises(&self.private)?;
            exercise = exercises.iter().map(|one| one.about.number.as_str()).collect::<Vec<_>>().join(" ");
        }
        Ok(Self { exercise, private: self.private.clone() })
    }
}

impl Starter {
    /// What students get of a commit, except what right answers show.
    pub fn of(root: &Path, commit: &str, what: &What, copy: &Copy) -> Result<Self> {
        let commit = git::commit(root, commit)?;
        let project = Original::of_commit(root, &commit)?;
        if let Some(inner) = what.private.folder().and_then(|folder| inside(root, folder)) {
            ensure!(
                !project.files().any(|(path, _)| path.starts_with(&inner)),
                "Your own exercises in {} are committed in this project, so students would get them. Keep them elsewhere.",
                inner.display()
            );
        }
        let whole = Pristine::of_commit(root, &commit)?.with_private(what.private.folder())?;
        let files = public(&project, &whole, &what.exercise)?;
        let exercises = Exercise::all(&files)?;
        let mut starter = Self { root: root.into(), commit, files, exercises };
        starter.lock(copy)?;
        Ok(starter)
    }

    /// The starter that was handed out before, from the repository that it is.
    pub fn handed_out(root: &Path) -> Result<Self> {
        let commit = git::commit(root, "HEAD")?;
        let files = Original::of_commit(root, &commit)?;
        let exercises = Exercise::all(&files)?;
        Ok(Self { root: root.into(), commit, files, exercises })
    }

    /// The same with what right answers show, for each exercise that comes without its answer.
    pub fn with_expected(mut self, root: &Path, what: &What, copy: &Copy) -> Result<Self> {
        let whole = Pristine::of_commit(root, &self.commit)?.with_private(what.private.folder())?;
        let with_answers = whole.exercises()?;
        for exercise in &self.exercises {
            println!("Building {} as students get it.", exercise.title());
            match copy.build(exercise, &self.files) {
                Ok(_) => {}
                Err(NotBuilt::DoesNotCompile(why)) => {
                    bail!("Exercise {} does not compile with the files that students get:\n{why}", exercise.title())
                }
                Err(NotBuilt::Infrastructure(why)) => bail!(why),
            }
            if !exercise.has_answer(&self.files) {
                println!("Running its right answer.");
                let with_answer = Exercise::find(&with_answers, &exercise.about.number)?;
                let shown = Judge::new(copy, &whole, with_answer, USUAL_SEED)?.expected()?;
                self.files.put(&judge::expected(exercise, USUAL_SEED), shown);
            }
        }
        Ok(self)
    }

    /// Lets Cargo list in its lock file the packages that are there, and no others. Otherwise a student's first build
    /// would do that, and change a file that is not hers.
    fn lock(&mut self, copy: &Copy) -> Result<()> {
        copy.restore(&self.files)?;
        let workspace = copy.workspace();
        let mut command = machine::cargo::for_host(workspace, "update");
        let output = command.args(["--workspace", "--offline"]).stderr(std::process::Stdio::piped()).output()?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "Cargo cannot list the packages of the starter:\n{}", said.trim());
        self.files.put(Path::new(LOCK), fs::read(workspace.root.join(LOCK))?);
        Ok(())
    }

    /// Writes the files to an empty folder.
    pub fn write(&self, folder: &Path) -> Result<()> {
        // The commit knows which files can be executed.
        git::unpack(&self.root, &self.commit, folder, |path| self.files.get(path).is_some())?;
        let original = Original::of_commit(&self.root, &self.commit)?;
        for (path, bytes) in self.files.files().filter(|(path, bytes)| original.get(path) != Some(bytes)) {
            let path = folder.join(path);
            fs::create_dir_all(path.parent().unwrap_or(folder))?;
            fs::write(&path, bytes).with_context(|| format!("writing {}", path.display()))?;
        }
        Ok(())
    }
}

/// The files that students get, if they get these exercises. `project` has those of the project, and `whole` also an
/// instructor's own.
fn public(project: &Original, whole: &Pristine, words: &str) -> Result<Original> {
    let all = whole.exercises()?;
    let (named, absent) = named(all, words)?;
    for exercise in &named {
        self_check::begins_blank(whole, exercise)
            .map_err(|why| anyhow!("Exercise {} would give its answer away: {why}", exercise.title()))?;
    }
    let mut files = whole.files().clone();
    // Exercises may share files, which are beside their folders. An instructor may have other things there.
    let is_shared = |path: &Path| path.parent() == Some(Path::new(exercise::FOLDER)) && project.get(path).is_some();
    files.retain(|path| {
        let is_ours = OURS.iter().any(|ours| path.starts_with(ours));
        let is_exercise = path.starts_with(exercise::FOLDER);
        !is_ours && (!is_exercise || is_shared(path) || named.iter().any(|one| is_public(one, path)))
    });
    for exercise in &named {
        files.put(&exercise.folder.join(HIDDEN), withheld(exercise.hidden()).into_bytes());
    }
    unlink(&mut files, &absent);
    files.put(Path::new(README), with_notice(whole.text(Path::new(README))?, &named).into_bytes());
    Ok(files)
}

/// The path of a folder within the project, if it is there.
fn inside(root: &Path, folder: &Path) -> Option<PathBuf> {
    let inner = folder.canonicalize().ok()?.strip_prefix(root.canonicalize().ok()?).ok()?.to_owned();
    (!inner.as_os_str().is_empty()).then_some(inner)
}

/// The exercises that a person names, in the course's order, and the others.
fn named(all: Vec<Exercise>, words: &str) -> Result<(Vec<Exercise>, Vec<Exercise>)> {
    let words: Vec<&str> = words.split([' ', ',']).filter(|word| !word.is_empty()).collect();
    ensure!(!words.is_empty(), "Say which exercises, as in EXERCISE=\"5.2 9.2\". `make exercises` lists them.");
    let found = words.iter().map(|word| Ok(Exercise::find(&all, word)?.name()));
    let names = found.collect::<Result<BTreeSet<String>>>()?;
    Ok(all.into_iter().partition(|exercise| names.contains(&exercise.name())))
}

/// Whether students get this file of an exercise.
fn is_public(exercise: &Exercise, path: &Path) -> bool {
    path.strip_prefix(&exercise.folder).is_ok_and(|inner| PUBLIC.iter().any(|public| inner.starts_with(public)))
}

/// What students get instead of hidden tests.
fn withheld(Withheld { tests, points }: Withheld) -> String {
    format!("# The tests that are judged after the deadline.\n[withheld]\ntests = {tests}\npoints = {points}\n")
}

/// Makes plain words of the links to exercises that are not there.
fn unlink(files: &mut Original, absent: &[Exercise]) {
    let pages: Vec<(PathBuf, String)> = files
        .files()
        .filter(|(path, _)| path.extension().is_some_and(|end| end == "md"))
        .filter(|(path, _)| path.starts_with(PAGES) || path.starts_with(exercise::FOLDER))
        .filter_map(|(path, bytes)| Some((path.to_owned(), std::str::from_utf8(bytes).ok()?.to_owned())))
        .collect();
    for (path, text) in pages {
        let plain = absent.iter().fold(text.clone(), |text, exercise| without_link(&text, &exercise.link()));
        if plain != text {
            files.put(&path, plain.into_bytes());
        }
    }
}

/// A page with plain words instead of each link to this place.
fn without_link(page: &str, place: &str) -> String {
    let mut page = page.to_owned();
    while let Some(end) = page.find(&format!("{place})")) {
        let words = page[..end].rfind("](").filter(|words| !page[*words..end].contains([' ', '\n']));
        let Some((start, words)) = words.and_then(|words| Some((page[..words].rfind('[')?, words))) else { break };
        page = [&page[..start], &page[start + 1..words], &page[end + place.len() + 1..]].concat();
    }
    page
}

/// The README with a line below its title that says which exercises are there.
fn with_notice(readme: &str, exercises: &[Exercise]) -> String {
    let (title, rest) = readme.split_once('\n').unwrap_or((readme, ""));
    format!(
        "{title}\n\n**This is the copy for a course.** It has the exercises {}. `make exercises` lists them, and\n\
         [Exercises](#exercises) explains how to do them.\n{rest}",
        list(exercises)
    )
}

/// "the exercise 5.2 Frames", "the exercises 5.2 Frames and 9.2 …".
pub fn titles(exercises: &[Exercise]) -> String {
    let word = if exercises.len() == 1 { "exercise" } else { "exercises" };
    format!("the {word} {}", list(exercises))
}

fn list(exercises: &[Exercise]) -> String {
    let titles: Vec<String> = exercises.iter().map(Exercise::title).collect();
    match titles.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, others)) => format!("{} and {last}", others.join(", ")),
        None => String::new(),
    }
}

/// Makes a repository of a folder, with all its files in one commit. Its author and time are those of the project's
/// commit, so that the same files give the same commit.
fn commit(folder: &Path, root: &Path, message: &str) -> Result<()> {
    let about = git::run(root, &[], &["log", "-1", "--format=%an%n%ae%n%aI", "HEAD"])?;
    let about = String::from_utf8_lossy(&about).into_owned();
    let mut about = about.lines().map(OsStr::new);
    let mut next = || about.next().context("git names no author");
    let (name, email, date) = (next()?, next()?, next()?);
    let variables = [
        ("GIT_AUTHOR_NAME", name),
        ("GIT_AUTHOR_EMAIL", email),
        ("GIT_AUTHOR_DATE", date),
        ("GIT_COMMITTER_NAME", name),
        ("GIT_COMMITTER_EMAIL", email),
        ("GIT_COMMITTER_DATE", date),
    ];
    git::run(folder, &[], &["init", "--quiet", "--template=", &format!("--initial-branch={BRANCH}")])?;
    git::run(folder, &[], &["add", "--all", "--force"])?;
    git::run(folder, &variables, &["commit", "--quiet", "--no-gpg-sign", "--no-verify", "--message", message])?;
    Ok(())
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use tempfile::TempDir;

    /// What a student writes is the function `hole`, right beside another one.
    pub const CHAPTER: &str = "pub fn other() -> u32 {\n    1\n}\npub fn hole() -> u32 {\n    other()\n}\n";
    const BLANK: &str = "pub fn f() -> u32 {\n    panic!(\"exercise 1.2: write `f`\")\n}\n";
    /// The words that no student may see.
    const SECRET: &str = "secret";

    fn about(number: &str, kind: &str, file: &str, hole: &str, points: u32) -> String {
        format!(
            "number = '{number}'\ntitle = 'T'\nkind = '{kind}'\ngrade = 'warm-up'\nminutes = 1\nchapter = '01-a'\n\
             [holes]\n'{file}' = ['{hole}']\n[[tests]]\nname = 't'\nsays = 's'\npoints = {points}\nboots = ['b']\n"
        )
    }

    /// Runs git.
    pub fn git(root: &Path, arguments: &[&str]) -> String {
        let user = ["-c", "user.name=A", "-c", "user.email=a@b"];
        let output = git::run(root, &[], &[&user[..], arguments].concat()).expect("git is there");
        String::from_utf8(output).expect("names").trim().to_owned()
    }

    /// Writes files.
    pub fn put(root: &Path, files: &[(&str, &str)]) {
        for (path, text) in files {
            let path = root.join(path);
            fs::create_dir_all(path.parent().expect("a file in a folder")).expect("a new folder");
            fs::write(path, text).expect("a new file");
        }
    }

    /// A project with a chapter, the exercise 1.1 in it, and the exercise 1.2 beside it.
    pub fn project() -> TempDir {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let root = folder.path();
        put(
            root,
            &[
                (".gitignore", "/.course\n/target\n"),
                (".ci/run", ""),
                ("README.md", "# The project\n\nText.\n"),
                ("book/src/01-a.md", "Do [exercise 1.1](01-exercises.md#11-t) and [1.2](01-exercises.md#12-t).\n"),
                ("chapters/01-a/src/lib.rs", CHAPTER),
                ("exercises/01-shared.rs", ""),
                ("exercises/01-one/exercise.toml", &about("1.1", "rebuild", "chapters/01-a/src/lib.rs", "hole", 5)),
                ("exercises/01-one/wrong/a.patch", "Loses: t\n"),
                ("exercises/01-two/exercise.toml", &about("1.2", "extend", "exercises/01-two/src/lib.rs", "f", 5)),
                ("exercises/01-two/task.md", "# 1.2 T\n\nSee [1.1](../../book/src/01-exercises.md#11-t).\n"),
                ("exercises/01-two/src/lib.rs", BLANK),
                ("exercises/01-two/answer.rs", "fn f() -> u32 { 1 /* secret */ }\n"),
                ("exercises/01-two/cheats/a.rs", SECRET),
                ("exercises/01-two/tests/kernel.rs", ""),
            ],
        );
        git(root, &["init", "--quiet"]);
        git(root, &["add", "--all"]);
        git(root, &["commit", "--quiet", "--message", "All"]);
        folder
    }

    fn files(root: &Path, private: Option<&Path>, words: &str) -> Result<Original> {
        let project = Original::of_commit(root, "HEAD")?;
        public(&project, &Pristine::of_commit(root, "HEAD")?.with_private(private)?, words)
    }

    fn text<'a>(files: &'a Original, path: &str) -> &'a str {
        std::str::from_utf8(files.get(Path::new(path)).unwrap_or_else(|| panic!("{path}"))).expect("text")
    }

    #[test]
    fn students_get_the_named_exercises_without_answers() {
        let folder = project();
        let files = files(folder.path(), None, "1.2").expect("a starter");
        let names: Vec<String> = files.files().map(|(path, _)| path.display().to_string()).collect();
        assert_eq!(
            names,
            [
                ".gitignore",
                "README.md",
                "book/src/01-a.md",
                "chapters/01-a/src/lib.rs",
                "exercises/01-shared.rs",
                "exercises/01-two/exercise.toml",
                "exercises/01-two/hidden.toml",
                "exercises/01-two/src/lib.rs",
                "exercises/01-two/task.md",
                "exercises/01-two/tests/kernel.rs",
            ]
        );
        assert!(Exercise::all(&files).expect("one")[0].is_handed_out(&files));
        assert!(text(&files, "README.md").starts_with("# The project\n\n**This is the copy for a course.**"));
        assert!(text(&files, "README.md").contains("the exercises 1.2 T."));
    }

    #[test]
    fn links_to_absent_exercises_become_words() {
        let folder = project();
        let files = files(folder.path(), None, "1.2").expect("a starter");
        assert_eq!(text(&files, "book/src/01-a.md"), "Do exercise 1.1 and [1.2](01-exercises.md#12-t).\n");
        assert_eq!(text(&files, "exercises/01-two/task.md"), "# 1.2 T\n\nSee 1.1.\n");
        assert_eq!(without_link("no (place) here", "place"), "no (place) here");
    }

    #[test]
    fn of_private_exercises_students_get_the_public_part() {
        let (folder, private) = (project(), tempfile::tempdir().expect("a temporary folder"));
        let hidden = "[[tests]]\nname = 'secret'\nsays = 'secret'\npoints = 3\nboots = ['secret']\n";
        put(
            private.path(),
            &[
                ("notes.md", SECRET),
                ("01-three/exercise.toml", &about("1.3", "extend", "exercises/01-three/src/lib.rs", "f", 2)),
                ("01-three/hidden.toml", hidden),
                ("01-three/src/lib.rs", &BLANK.replace("1.2", "1.3")),
                ("01-three/answer.rs", "fn f() -> u32 { 1 /* secret */ }\n"),
                ("01-three/other-answer.rs", SECRET),
                ("01-three/tests/hidden.rs", SECRET),
                ("01-three/tests/hidden/more.rs", SECRET),
                ("01-three/tests/kernel.rs", ""),
            ],
        );
        let files = files(folder.path(), Some(private.path()), "1.3, 1.1").expect("a starter");
        let exercises = Exercise::all(&files).expect("two");
        assert_eq!(titles(&exercises), "the exercises 1.1 T and 1.3 T");
        assert_eq!(exercises[1].hidden(), Withheld { tests: 1, points: 3 });
        let leaks = |bytes: &[u8]| String::from_utf8_lossy(bytes).contains(SECRET);
        let leaking: Vec<&Path> = files.files().filter(|(_, bytes)| leaks(bytes)).map(|(path, _)| path).collect();
        assert_eq!(leaking, Vec::<&Path>::new());
    }

    #[test]
    fn an_answer_in_place_of_a_blank_body_is_not_handed_out() {
        let folder = project();
        put(folder.path(), &[("exercises/01-two/src/lib.rs", "pub fn f() -> u32 { 1 }\n")]);
        git(folder.path(), &["commit", "--all", "--quiet", "--message", "Answer"]);
        let why = files(folder.path(), None, "1.2").err().expect("it has an answer").to_string();
        assert!(why.contains("give its answer away"), "{why}");
        assert!(files(folder.path(), None, "").is_err() && files(folder.path(), None, "7.7").is_err());
    }

    #[test]
    fn the_repository_has_one_commit_which_depends_only_on_the_files() {
        let folder = project();
        let root = folder.path();
        let files = files(root, None, "1.1").expect("a starter");
        let exercises = Exercise::all(&files).expect("one");
        let starter = Starter { root: root.into(), commit: git(root, &["rev-parse", "HEAD"]), files, exercises };
        let made = || {
            let made = tempfile::tempdir().expect("a temporary folder");
            starter.write(made.path()).expect("an empty folder");
            commit(made.path(), root, "Message").expect("git is there");
            made
        };
        let (one, other) = (made(), made());
        assert_eq!(git(one.path(), &["rev-list", "--all", "--count"]), "1");
        assert_eq!(git(one.path(), &["status", "--porcelain"]), "");
        assert!(!one.path().join("exercises/01-two").exists(), "Cargo would take an empty folder for a package");
        assert_eq!(git(one.path(), &["rev-parse", "HEAD"]), git(other.path(), &["rev-parse", "HEAD"]));
        assert!(Original::of_commit(one.path(), "HEAD").expect("files").files().eq(starter.files.files()));
    }
}
