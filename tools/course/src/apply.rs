//! `make apply FIX=fix.patch`: a student applies a fix that her instructor has made.
//!
//! It goes into her files, and into the edition that her desk knows: otherwise the next check would take it for a change
//! of hers, and judge without it. Her own work stays, and so do her branch and what she has staged for a commit.
//!
//! A fix names the files that it was made from by their contents, and git still has those. So what she has changed is
//! merged with it, as in a merge of two branches. What is in the holes takes no part in that.

use crate::desk::Desk;
use crate::fix::is_expected;
use crate::holes::{self, Bodies};
use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use machine::workspace::Workspace;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::{fs, io};
use trials::exercise::Exercise;
use trials::git;

/// Keeps git from removing the newest edition, which is on no branch.
const REFERENCE: &str = "refs/course/edition";
/// The author of an edition that is on no branch.
const AUTHOR: [(&str, &str); 4] = [
    ("GIT_AUTHOR_NAME", "make apply"),
    ("GIT_AUTHOR_EMAIL", ""),
    ("GIT_COMMITTER_NAME", "make apply"),
    ("GIT_COMMITTER_EMAIL", ""),
];

/// The options of `make apply`.
#[derive(Args)]
pub struct Options {
    /// The file with the fix.
    #[arg(long)]
    fix: Option<PathBuf>,
}

/// What a fix does to one file.
#[derive(Debug, PartialEq)]
struct Change {
    path: PathBuf,
    /// As git writes it: `100755` if the file can be executed.
    mode: String,
    /// What the file contained; `None` if the fix adds it.
    old: Option<Vec<u8>>,
    /// What it contains then; `None` if the fix removes it.
    new: Option<Vec<u8>>,
}

/// A change, and the file's new contents; `None` if the file is then gone.
type Changed<'a> = (&'a Change, Option<Vec<u8>>);

/// Applies the fix, or says why not and changes nothing.
pub fn apply(workspace: &Workspace, options: &Options) -> Result<ExitCode> {
    let root = &workspace.root;
    let Some(fix) = &options.fix else { bail!("Say which file has the fix, as in FIX=fix.patch.") };
    ensure!(fix.is_file(), "There is no file {}.", fix.display());
    let desk = Desk::open(workspace)?;
    let changes = changes(root, &fix.canonicalize()?)?;
    let original = desk.pristine.files();
    let edition = merged(&changes, &desk.exercises, |path| Ok(original.get(path).map(<[u8]>::to_vec)))?;
    let hers = merged(&changes, &desk.exercises, |path| match fs::read(root.join(path)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        read => read.map(Some).with_context(|| format!("reading {}", path.display())),
    })?;
    if edition.is_empty() && hers.is_empty() {
        println!("This fix is in your files already.");
        return Ok(ExitCode::SUCCESS);
    }
    let commit = commit(root, &desk.pristine.edition, &edition)?;
    for (change, contents) in &hers {
        write(&root.join(&change.path), contents.as_deref(), &change.mode)?;
    }
    desk.keep_edition(&commit)?;
    println!("The fix is in your files, and your own work is still there. These files have changed:");
    hers.iter().for_each(|(change, _)| println!("  {}", change.path.display()));
    println!("If you use git, commit them too. Then check again: make check EXERCISE=…");
    Ok(ExitCode::SUCCESS)
}

/// What a fix changes, with the contents of the files that it was made from.
fn changes(root: &Path, fix: &Path) -> Result<Vec<Change>> {
    let folder = tempfile::tempdir()?;
    let index = folder.path().join("index");
    let with_index = [("GIT_INDEX_FILE", index.as_os_str())];
    let no_fix = || format!("{} is no fix for these files. Was it made for another edition?", fix.display());
    let ancestor: [&OsStr; 3] = ["apply".as_ref(), "--build-fake-ancestor".as_ref(), index.as_ref()];
    git::run(root, &[], &[&ancestor[..], &[fix.as_os_str()]].concat()).with_context(no_fix)?;
    let tree = || git::run(root, &with_index, &["write-tree"]).map(|name| text(&name));
    // If git does not have the old contents of a file, it notices that here.
    let old = tree().with_context(no_fix)?;
    let apply: [&OsStr; 3] = ["apply".as_ref(), "--cached".as_ref(), "--whitespace=nowarn".as_ref()];
    git::run(root, &with_index, &[&apply[..], &[fix.as_os_str()]].concat())
        .with_context(|| format!("{} is damaged. Get it again.", fix.display()))?;
    let list = git::run(root, &[], &["diff-tree", "-r", "-z", "--no-renames", "--full-index", &old, &tree()?])?;
    let list = String::from_utf8(list).context("the names of the fix's files are not valid UTF-8")?;
    let mut parts = list.split_terminator('\0');
    let mut changes = Vec::new();
    while let (Some(about), Some(path)) = (parts.next(), parts.next()) {
        let words: Vec<&str> = about.split(' ').collect();
        let [_, mode, old, new, _] = words[..] else { bail!("git lists \"{about}\".") };
        let contents = |name: &str| -> Result<Option<Vec<u8>>> {
            let is_none = name.bytes().all(|digit| digit == b'0');
            (!is_none).then(|| git::run(root, &[], &["cat-file", "blob", name])).transpose()
        };
        changes.push(Change { path: path.into(), mode: mode.into(), old: contents(old)?, new: contents(new)? });
    }
    Ok(changes)
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).trim().to_owned()
}

/// The new contents of those files that become different. If some cannot be merged, the error names them.
fn merged<'a>(
    changes: &'a [Change],
    exercises: &[Exercise],
    read: impl Fn(&Path) -> Result<Option<Vec<u8>>>,
) -> Result<Vec<Changed<'a>>> {
    let (mut files, mut refused) = (Vec::new(), Vec::new());
    for change in changes {
        let yours = read(&change.path)?;
        match merge(change, yours.as_deref(), &holes(exercises, &change.path))? {
            Ok(contents) if contents == yours => {}
            Ok(contents) => files.push((change, contents)),
            Err(why) => refused.push(format!("  {}: {why}", change.path.display())),
        }
    }
    ensure!(
        refused.is_empty(),
        "The fix does not go into these files, and nothing has changed:\n{}\n`git diff` shows your own changes; \
         `git restore FILE` removes those in a file.",
        refused.join("\n")
    );
    Ok(files)
}

/// The holes of all exercises in a file.
fn holes(exercises: &[Exercise], path: &Path) -> Vec<String> {
    exercises.iter().filter_map(|exercise| exercise.about.holes.get(path)).flatten().cloned().collect()
}

/// A student's file after a change; `None` if it is then gone. The inner error says why that is not possible.
fn merge(
    Change { path, old, new, .. }: &Change,
    yours: Option<&[u8]>,
    holes: &[String],
) -> Result<Result<Option<Vec<u8>>, String>> {
    let (old, new) = (old.as_deref(), new.as_deref());
    if yours == old || yours == new || is_expected(path) {
        return Ok(Ok(new.map(<[u8]>::to_vec)));
    }
    let (Some(yours), Some(old), Some(new)) = (yours, old, new) else {
        return Ok(Err(match (yours, old) {
            (None, _) => "it is missing".into(),
            (_, None) => "the fix adds it, and you have another file there".into(),
            _ => "the fix removes it, and you have changed it".into(),
        }));
    };
    let (without, work) = without_work(yours, old, holes).unwrap_or((yours.to_vec(), Bodies::new()));
    let folder = tempfile::tempdir()?;
    let [of_yours, of_old, of_new] = ["yours", "old", "new"].map(|name| folder.path().join(name));
    for (path, bytes) in [(&of_yours, without.as_slice()), (&of_old, old), (&of_new, new)] {
        fs::write(path, bytes)?;
    }
    let Some(merged) = git::merge(&of_yours, &of_old, &of_new)? else {
        return Ok(Err("you have changed the same lines".into()));
    };
    if work.is_empty() {
        return Ok(Ok(Some(merged)));
    }
    let filled = holes::fill(&String::from_utf8_lossy(&merged), &work);
    Ok(filled.map(|text| Some(text.into_bytes())))
}

/// A student's file with the original bodies in its holes, and those of her own; `None` if the holes cannot be found.
fn without_work(yours: &[u8], old: &[u8], holes: &[String]) -> Option<(Vec<u8>, Bodies)> {
    let (yours, old) = (std::str::from_utf8(yours).ok()?, std::str::from_utf8(old).ok()?);
    if holes.is_empty() {
        return None;
    }
    let original = holes::bodies(old, holes).ok()?;
    let mut work = holes::bodies(yours, holes).ok()?;
    let without = holes::fill(yours, &original).ok()?;
    work.retain(|hole, body| original.get(hole) != Some(body));
    Some((without.into_bytes(), work))
}

/// Makes the edition with the fix: a commit on no branch. Its parent is the newest commit of the student.
fn commit(root: &Path, edition: &str, files: &[Changed]) -> Result<String> {
    let folder = tempfile::tempdir()?;
    let index = folder.path().join("index");
    let with_index = [("GIT_INDEX_FILE", index.as_os_str())];
    git::run(root, &with_index, &["read-tree", edition])?;
    for (change, contents) in files {
        let path = change.path.to_string_lossy();
        match contents {
            None => git::run(root, &with_index, &["update-index", "--force-remove", &path])?,
            Some(contents) => {
                let file = folder.path().join("contents");
                fs::write(&file, contents)?;
                let object = git::run(root, &[], &["hash-object", "-w", "--no-filters", &file.to_string_lossy()])?;
                let entry = format!("{},{},{path}", change.mode, text(&object));
                git::run(root, &with_index, &["update-index", "--add", "--cacheinfo", &entry])?
            }
        };
    }
    let tree = text(&git::run(root, &with_index, &["write-tree"])?);
    let author = AUTHOR.map(|(name, value)| (name, OsStr::new(value)));
    let words = ["commit-tree", "-p", "HEAD", "-m", "The edition with a fix", &tree];
    let commit = text(&git::run(root, &author, &words)?);
    git::run(root, &[], &["update-ref", REFERENCE, &commit])?;
    Ok(commit)
}

/// Gives a file these contents, or removes it.
fn write(path: &Path, contents: Option<&[u8]>, mode: &str) -> Result<()> {
    let write = || -> io::Result<()> {
        let Some(contents) = contents else { return fs::remove_file(path) };
        fs::create_dir_all(path.parent().unwrap_or(path))?;
        fs::write(path, contents)?;
        make_executable(path, mode == "100755")
    };
    write().with_context(|| format!("writing {}", path.display()))
}

/// Lets a file be executed, or not.
#[cfg(unix)]
fn make_executable(path: &Path, can_be: bool) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let mode = fs::metadata(path)?.permissions().mode();
    let new = if can_be { mode | 0o111 } else { mode & !0o111 };
    fs::set_permissions(path, fs::Permissions::from_mode(new))
}

#[cfg(not(unix))]
fn make_executable(_: &Path, _: bool) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::starter::tests::{CHAPTER, git, project, put};
    use tempfile::{NamedTempFile, TempDir};

    const FILE: &str = "chapters/01-a/src/lib.rs";
    const EXTENSION: &str = "exercises/01-two/src/lib.rs";
    /// A file that the fix adds.
    const NEW: &str = "chapters/01-a/new.rs";
    /// What a student has written.
    const WORK: &str = "other() + 7";

    /// A student's project, and a fix that changes the line beside a hole, a line before another one, and adds files.
    fn student() -> (TempDir, NamedTempFile) {
        let (folder, fixed) = (project(), project());
        let extension = fs::read_to_string(folder.path().join(EXTENSION)).expect("a file");
        let expected = "exercises/01-two/expected/seed-1.json";
        put(folder.path(), &[(expected, "old")]);
        put(fixed.path(), &[(FILE, &CHAPTER.replace("1\n", "2\n")), (EXTENSION, &format!("//! Fixed.\n{extension}"))]);
        put(fixed.path(), &[(NEW, "new"), (expected, "new")]);
        for root in [folder.path(), fixed.path()] {
            git(root, &["add", "--all"]);
        }
        git(folder.path(), &["commit", "--quiet", "--message", "More"]);
        let fix = NamedTempFile::new().expect("a new file");
        let patch = git(fixed.path(), &["diff", "--binary", "--full-index", "--cached", "HEAD"]);
        fs::write(fix.path(), patch + "\n").expect("a new file");
        (folder, fix)
    }

    fn workspace(root: &Path) -> Workspace {
        Workspace { root: root.into(), target: root.join("target"), chapters: Vec::new(), is_quiet: false }
    }

    fn apply_to(root: &Path, fix: &NamedTempFile) -> Result<ExitCode> {
        apply(&workspace(root), &Options { fix: Some(fix.path().into()) })
    }

    /// Opens both exercises, with work in their holes.
    fn begin(root: &Path) {
        let workspace = workspace(root);
        let mut desk = Desk::open(&workspace).expect("a desk");
        desk.keep_edition(&desk.pristine.edition).expect("there is room");
        for number in ["1.1", "1.2"] {
            desk.note_open(number, true).expect("there is room");
        }
        let chapter = read(root, FILE).replace("other()\n", &format!("{WORK}\n"));
        let extension = read(root, EXTENSION).replace("panic!(\"exercise 1.2: write `f`\")", "3");
        put(root, &[(FILE, &chapter), (EXTENSION, &extension)]);
    }

    fn read(root: &Path, path: &str) -> String {
        fs::read_to_string(root.join(path)).unwrap_or_default()
    }

    /// Whether the fix is in the files and in the edition, so that it is not taken for a change of the student's.
    fn is_fixed(root: &Path) -> bool {
        let workspace = workspace(root);
        let desk = Desk::open(&workspace).expect("a desk");
        let no_changes = desk.exercises.iter().all(|one| desk.other_changes(one).expect("files").is_empty());
        let edition = desk.pristine.text(Path::new(FILE)).expect("a file").contains("    2\n");
        no_changes
            && edition
            && read(root, FILE).contains("    2\n")
            && read(root, EXTENSION).starts_with("//! Fixed.\n")
            && read(root, NEW) == "new"
            && read(root, "exercises/01-two/expected/seed-1.json") == "new"
    }

    fn has_work(root: &Path) -> bool {
        read(root, FILE).contains(WORK) && read(root, EXTENSION).contains("    3\n")
    }

    #[test]
    fn a_fix_keeps_the_work_in_open_exercises_and_the_branch() {
        let (folder, fix) = student();
        let root = folder.path();
        begin(root);
        let before = git(root, &["rev-parse", "HEAD"]);
        apply_to(root, &fix).expect("it fits");
        assert!(is_fixed(root) && has_work(root));
        assert_eq!(git(root, &["rev-parse", "HEAD"]), before);
        assert_eq!(git(root, &["diff", "--cached", "--name-only"]), "");
    }

    #[test]
    fn it_does_not_matter_whether_the_work_is_committed() {
        let (folder, fix) = student();
        let root = folder.path();
        begin(root);
        git(root, &["commit", "--all", "--quiet", "--message", "Work"]);
        apply_to(root, &fix).expect("it fits");
        assert!(is_fixed(root) && has_work(root));
        git(root, &["add", "--all"]);
        git(root, &["commit", "--quiet", "--message", "Fix"]);
        assert!(is_fixed(root) && has_work(root));
    }

    #[test]
    fn a_fix_that_was_applied_is_not_applied_again() {
        let (folder, fix) = student();
        let root = folder.path();
        begin(root);
        apply_to(root, &fix).expect("it fits");
        let edition = read(root, ".course/edition");
        apply_to(root, &fix).expect("it is there");
        assert!(is_fixed(root) && has_work(root));
        assert_eq!(read(root, ".course/edition"), edition);
        // She has thrown it away with all changes.
        git(root, &["checkout", "--quiet", "."]);
        apply_to(root, &fix).expect("it fits");
        assert!(is_fixed(root));
    }

    #[test]
    fn without_an_open_exercise_a_fix_holds_before_and_after_the_next_commit() {
        let (folder, fix) = student();
        let root = folder.path();
        apply_to(root, &fix).expect("it fits");
        assert!(is_fixed(root));
        begin(root);
        assert!(is_fixed(root) && has_work(root));
        let workspace = workspace(root);
        let mut desk = Desk::open(&workspace).expect("a desk");
        for number in ["1.1", "1.2"] {
            desk.note_open(number, false).expect("there is room");
        }
        assert!(is_fixed(root));
        git(root, &["add", "--all"]);
        git(root, &["commit", "--quiet", "--message", "All"]);
        assert!(is_fixed(root));
        apply_to(root, &fix).expect("it is there");
        assert!(is_fixed(root) && has_work(root));
    }

    #[test]
    fn an_exercise_that_is_put_away_is_as_before_although_an_answer_is_committed() {
        let (folder, _) = student();
        let root = folder.path();
        begin(root);
        git(root, &["commit", "--all", "--quiet", "--message", "Work"]);
        for number in ["1.1", "1.2"] {
            crate::student::mend(&workspace(root), number).expect("it is open");
        }
        let workspace = workspace(root);
        let desk = Desk::open(&workspace).expect("a desk");
        for exercise in &desk.exercises {
            assert_eq!(desk.state(exercise).expect("files"), crate::desk::State::Untouched, "{}", exercise.title());
        }
    }

    #[test]
    fn a_fix_that_does_not_fit_changes_nothing() {
        let (folder, fix) = student();
        let root = folder.path();
        begin(root);
        put(root, &[(FILE, &CHAPTER.replace("1\n", "3\n"))]);
        let state = || (git(root, &["status", "--porcelain"]), read(root, EXTENSION), read(root, ".course/edition"));
        let before = state();
        let why = apply_to(root, &fix).expect_err("she has changed the same line").to_string();
        assert!(why.contains("chapters/01-a/src/lib.rs: you have changed the same lines"), "{why}");
        assert_eq!(state(), before);
    }

    #[test]
    fn a_fix_for_other_files_and_what_is_no_fix_are_refused() {
        let (folder, fix) = student();
        let root = folder.path();
        let why = |text: String| {
            fs::write(fix.path(), text).expect("a new file");
            format!("{:#}", apply_to(root, &fix).expect_err("it is no fix"))
        };
        let patch = fs::read_to_string(fix.path()).expect("a fix");
        let index = patch.lines().find(|line| line.starts_with("index ") && !line.contains(" 0000")).expect("one");
        let unknown = patch.replace(index, &format!("index 1234{}", &index["index 1234".len()..]));
        assert!(why(unknown).contains("made for another edition"));
        assert!(why("Hello.\n".into()).contains("no fix"));
        assert_eq!(git(root, &["status", "--porcelain"]), "");
    }

    #[test]
    fn a_body_that_does_not_parse_yet_is_kept_too() {
        let (folder, fix) = student();
        let root = folder.path();
        begin(root);
        let broken = format!("{}\n\n\n\n    let x = (\n", read(root, FILE));
        put(root, &[(FILE, &broken)]);
        // Git merges it by its lines, or cannot.
        let outcome = apply_to(root, &fix);
        assert!(read(root, FILE).contains("let x = (") && read(root, FILE).contains(WORK));
        assert_eq!(outcome.is_ok(), read(root, FILE).contains("    2\n"));
    }
}
