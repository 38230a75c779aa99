//! Attempts to get points without doing the work. Each must get no points, and a sentence that says why.
//!
//! An exercise keeps some as files in its folder `cheats`: Rust with the bodies of its holes, and a line `//! Says: …`
//! with words of the sentence. Others are whole folders that a student could hand in.

use crate::holes;
use crate::judge::{Judge, Judgement, Verdict};
use crate::submission::{self, NoAnswer};
use crate::tree::Pristine;
use anyhow::{Context, Result, ensure};
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use trials::exercise::Exercise;

/// The folder within an exercise's folder.
const FOLDER: &str = "cheats";
const SAYS: &str = "//! Says: ";
/// The verdict on a cheat takes no longer.
const MOST_TIME: Duration = Duration::from_secs(60);
/// A file that a build script or a Makefile would write if it were run.
const TRACE: &str = "it-was-run";

/// One attempt.
pub struct Cheat {
    /// Its name.
    pub name: String,
    /// What is handed in.
    pub submission: PathBuf,
    /// Words of the sentence that it gets.
    pub says: String,
}

/// The cheats of an exercise, each made in a folder of its own within `place`.
pub fn of_exercise(root: &Path, pristine: &Pristine, exercise: &Exercise, place: &Path) -> Result<Vec<Cheat>> {
    let Ok(entries) = fs::read_dir(root.join(&exercise.folder).join(FOLDER)) else { return Ok(Vec::new()) };
    let mut cheats = Vec::new();
    for entry in entries {
        cheats.push(in_file(pristine, exercise, &entry?.path(), place)?);
    }
    cheats.sort_by(|one, other| one.name.cmp(&other.name));
    cheats.extend(folders(pristine, exercise, place)?);
    Ok(cheats)
}

/// A cheat that is kept in a file.
fn in_file(pristine: &Pristine, exercise: &Exercise, path: &Path, place: &Path) -> Result<Cheat> {
    let text = fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?;
    let says = text.lines().find_map(|line| line.strip_prefix(SAYS));
    let says = says.with_context(|| format!("{} has no line \"{SAYS}…\"", path.display()))?.to_owned();
    let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let (file, wanted) = exercise.about.holes.iter().next().context("an exercise has holes")?;
    let submission = place.join(&name);
    let target = submission.join(file);
    fs::create_dir_all(target.parent().context("a file lies in a folder")?)?;
    let whole = match holes::bodies(&text, wanted) {
        Ok(bodies) => holes::fill(pristine.text(file)?, &bodies).map_err(|why| anyhow::anyhow!(why))?,
        // What cannot be taken apart is handed in as it is.
        Err(_) => text,
    };
    fs::write(target, whole)?;
    Ok(Cheat { name, submission, says })
}

/// Cheats that are more than the text of the holes. Within the holes they are blank.
fn folders(pristine: &Pristine, exercise: &Exercise, place: &Path) -> Result<Vec<Cheat>> {
    let blank = pristine.fill(&pristine.blank(exercise)?)?;
    let (file, text) = blank.first().context("an exercise has holes")?;
    let make = |name: &str| -> Result<PathBuf> {
        let folder = place.join(name);
        for (file, text) in &blank {
            let target = folder.join(file);
            fs::create_dir_all(target.parent().context("a file lies in a folder")?)?;
            fs::write(target, text)?;
        }
        Ok(folder)
    };

    let link = make("symbolic-link")?;
    fs::write(link.join("elsewhere"), text)?;
    fs::remove_file(link.join(file))?;
    symlink(link.join("elsewhere"), link.join(file))?;

    let large = make("300-megabytes")?;
    fs::File::create(large.join(file))?.set_len(300 << 20)?;

    let scripts = make("scripts-of-its-own")?;
    let trace = place.join(TRACE);
    let bomb = format!(
        "fn main() {{ std::fs::write({trace:?}, \"\").unwrap(); loop {{ let _ = std::process::Command::new(std::env::args().next().unwrap()).spawn(); }} }}"
    );
    for folder in [Path::new(""), exercise.folder.as_path(), Path::new("common")] {
        fs::create_dir_all(scripts.join(folder))?;
        fs::write(scripts.join(folder).join("build.rs"), &bomb)?;
        fs::write(scripts.join(folder).join("Cargo.toml"), "[package]\nname = \"x\"\nbuild = \"build.rs\"\n")?;
    }
    fs::create_dir_all(scripts.join(".cargo"))?;
    fs::write(scripts.join(".cargo/config.toml"), format!("[build]\nrustc-wrapper = {trace:?}\n"))?;
    fs::write(scripts.join("Makefile"), format!("$(shell touch {})\n", trace.display()))?;
    fs::write(scripts.join("linker.ld"), "ENTRY(nothing)\n")?;
    fs::write(scripts.join("rust-toolchain.toml"), "[toolchain]\nchannel = \"none\"\n")?;

    let cheat = |name: &str, submission, says: &str| Cheat { name: name.into(), submission, says: says.into() };
    Ok(vec![
        cheat("symbolic-link", link, "symbolic link"),
        cheat("300-megabytes", large, "314572800 bytes"),
        cheat("scripts-of-its-own", scripts, &format!("exercise {}: write", exercise.about.number)),
        cheat("nothing-handed-in", place.join("no-such-folder"), "Nothing was handed in"),
    ])
}

impl Cheat {
    /// Judges it. The error says what is wrong with the verdict.
    pub fn is_caught(&self, judge: &Judge, pristine: &Pristine, exercise: &Exercise, place: &Path) -> Result<()> {
        let start = Instant::now();
        let judgement = match submission::read(exercise, pristine, &self.submission) {
            Ok(answer) => judge.judge(&answer)?,
            Err(NoAnswer::Refused(why)) => judge.refuse(why),
            Err(NoAnswer::Infrastructure(why)) => judge.fail(&why),
        };
        gets_nothing(&judgement, &self.says)?;
        ensure!(!place.join(TRACE).exists(), "a script of the submission was run");
        ensure!(start.elapsed() < MOST_TIME, "it took {} seconds", start.elapsed().as_secs());
        Ok(())
    }
}

/// Checks that a judgement gives no points, and says these words.
pub fn gets_nothing(judgement: &Judgement, says: &str) -> Result<()> {
    let reasons = reasons(judgement);
    ensure!(judgement.points() == Some(0), "it gets {:?} points:\n{reasons}", judgement.points());
    ensure!(reasons.contains(says), "the reasons lack \"{says}\":\n{reasons}");
    Ok(())
}

/// All reasons of a judgement, with the logs.
fn reasons(judgement: &Judgement) -> String {
    let reason = |judged: &crate::judge::Judged| match &judged.verdict {
        Verdict::Passed => format!("{}: passed", judged.name),
        Verdict::Failed(failure) => format!("{}: {}: {}\n{}", judged.name, failure.run, failure.reason, failure.log),
        Verdict::InfraError(why) => format!("{}: not judged: {why}", judged.name),
        Verdict::Pending => format!("{}: not judged", judged.name),
    };
    judgement.tests.iter().map(reason).collect::<Vec<_>>().join("\n")
}
