//! `make hunt SEED=7 CHAPTER=6`: puts a known mistake into the reader's files without its name, and `make check` without
//! an exercise says whether it is gone.

use crate::desk::Desk;
use crate::tree::{Copy, Pristine};
use anyhow::{Context, Result, bail};
use clap::Args;
use machine::workspace::{Chapter, Workspace};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;
use trials::defects::{self, Defect, Kind};
use trials::put_in::{self, PutIn};
use trials::{git, mistakes, trial};

/// What the record of a hunt is called, around the chapter's number and the seed.
const NAME: [&str; 3] = ["The hunt's mistake (CHAPTER=", " SEED=", ")"];
/// How long a test may take.
const MOST_TIME: Duration = Duration::from_secs(60);

/// The options of `make hunt`.
#[derive(Args)]
pub struct Options {
    /// Number or name of the chapter; the last one if not given.
    #[arg(long)]
    chapter: Option<String>,
    /// Which mistake; the same number gives the same mistake.
    #[arg(long, default_value_t = 1)]
    seed: u32,
}

/// Puts a mistake into the files.
pub fn hunt(workspace: &Workspace, options: &Options) -> Result<ExitCode> {
    let chapter = workspace.chapter(options.chapter.as_deref())?;
    let root = &workspace.root;
    put_in::make_room(root)?;
    let number = number(chapter);
    let defect = choose(workspace, chapter, options.seed)?;
    let files = mistakes::with_mistake(root, &root.join(defect.path()))?;
    let Ok(files) = files else {
        bail!(
            "The mistake cannot be put in, because you have changed the same lines. Put your changes aside first, with \
             `git stash`, or `make mend EXERCISE=` if an exercise is open. Or choose another SEED."
        );
    };
    let [before, between, after] = NAME;
    put_in::put(root, &format!("{before}{number}{between}{}{after}", options.seed), &files)?;
    println!("There is a mistake in the files of {} now. Find it, and fix it by hand.", chapter.name);
    println!("\nWhat it causes:    {}", defect.outcome);
    println!("To run it:         make run CHAPTER={number}");
    println!("To test it:        make test CHAPTER={number}");
    println!("Is it gone?        make check");
    println!("To give up:        make mend");
    Ok(ExitCode::SUCCESS)
}

/// Says whether the mistake is gone and nothing else has changed; `None` if there is no hunt.
pub fn check(workspace: &Workspace) -> Result<Option<ExitCode>> {
    let root = &workspace.root;
    let Some((record, chapter, defect)) = find(workspace)? else { return Ok(None) };
    let test = defect.test().context("every mistake of a hunt has a test")?;

    let desk = Desk::open(workspace)?;
    let pristine = &desk.pristine;
    let mut files = pristine.files().clone();
    let mut others = Vec::new();
    for (path, original) in pristine.files().files() {
        let now = std::fs::read(root.join(path)).unwrap_or_default();
        if record.files.iter().any(|file| file == path) {
            files.put(path, now);
            continue;
        }
        let is_changed = now != original && (path.starts_with("chapters") || path.starts_with("common"));
        // In the holes of other files, exercises may be open.
        if is_changed && !desk.is_only_in_holes(path, &String::from_utf8_lossy(&now))? {
            others.push(path.to_owned());
        }
    }
    let copy = Copy::open(workspace)?;
    copy.restore(&files)?;
    let verdict = trial::one(copy.workspace(), chapter, MOST_TIME, test)?;
    let is_gone = verdict == Some(trial::Verdict::Passed);
    match &verdict {
        _ if is_gone => println!("The mistake is gone: the test that caught it passes."),
        Some(trial::Verdict::DoesNotCompile) => println!("It does not compile."),
        _ => println!("The mistake is still there: the test that catches it fails."),
    }
    let changed = changed_elsewhere(root, pristine, &record)?;
    if is_gone && !changed.is_empty() {
        println!("But you have changed more than the mistake in {}.", list(&changed));
    }
    if !others.is_empty() {
        println!("You have changed other files too: {}", list(&others));
    }
    if is_gone && others.is_empty() && changed.is_empty() {
        record.forget(root)?;
        println!("{}", told(&defect));
        return Ok(Some(ExitCode::SUCCESS));
    }
    Ok(Some(ExitCode::FAILURE))
}

/// What the mistake of the hunt is, as a sentence; `None` if there is no hunt.
pub fn reveal(workspace: &Workspace) -> Result<Option<String>> {
    Ok(find(workspace)?.map(|(_, _, defect)| told(&defect)))
}

/// The hunt that the reader's files are in.
fn find(workspace: &Workspace) -> Result<Option<(PutIn, &Chapter, Defect)>> {
    let Some(record) = put_in::find(&workspace.root)? else { return Ok(None) };
    let [before, between, after] = NAME;
    let words = record.name.strip_prefix(before).and_then(|rest| rest.strip_suffix(after));
    let Some((number, seed)) = words.and_then(|words| words.split_once(between)) else { return Ok(None) };
    let chapter = workspace.chapter(Some(number))?;
    let defect = choose(workspace, chapter, seed.parse().context("the record of the hunt is damaged")?)?;
    Ok(Some((record, chapter, defect)))
}

fn told(defect: &Defect) -> String {
    let paragraph: Vec<&str> = defect.prose.lines().take_while(|line| !line.trim().is_empty()).collect();
    format!("It was {}. {}", defect.title(), paragraph.join(" "))
}

/// The files with the mistake in which the reader has changed other lines too.
fn changed_elsewhere(root: &Path, pristine: &Pristine, record: &PutIn) -> Result<Vec<PathBuf>> {
    let folder = tempfile::tempdir()?;
    let original = folder.path().join("original");
    let mut changed = Vec::new();
    for path in &record.files {
        std::fs::write(&original, pristine.text(path)?)?;
        // By the numbers of the original's lines: where the mistake was, and what differs now.
        let mistake = git::changed_lines(&record.after(root, path), &original)?;
        let now = git::changed_lines(&root.join(path), &original)?;
        if !now.iter().all(|lines| mistake.iter().any(|place| lines.are_beside(place))) {
            changed.push(path.clone());
        }
    }
    Ok(changed)
}

fn list(paths: &[PathBuf]) -> String {
    paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ")
}

/// The mistake of a chapter that belongs to a seed: any that a test catches.
fn choose(workspace: &Workspace, chapter: &Chapter, seed: u32) -> Result<Defect> {
    let mut defects = defects::of_chapters(workspace, &[chapter])?;
    defects.retain(|defect| defect.kind == Kind::Patch);
    if defects.is_empty() {
        bail!("{} has no known mistake that a test catches.", chapter.name);
    }
    // Neighboring seeds must not give neighboring names, which begin with a number.
    let place = seed.wrapping_mul(0x9E37_79B9) >> 7;
    Ok(defects.swap_remove(place as usize % defects.len()))
}

fn number(chapter: &Chapter) -> &str {
    chapter.name.split('-').next().unwrap_or_default().trim_start_matches('0')
}
