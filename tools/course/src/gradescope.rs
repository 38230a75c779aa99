//! `make gradescope`: a package that judges one exercise at Gradescope; and the command that runs there.
//!
//! Gradescope builds an image from the package once. Then it starts a container for each submission. Names of files and
//! folders: Gradescope's documentation, "Autograder Specifications".

use crate::export;
use crate::grade::judge_one;
use crate::jobs::{self, Job};
use crate::judge::{Judge, Judgement};
use crate::result::Graded;
use crate::submission::submitted;
use crate::tree::{Copy, Pristine, Private};
use anyhow::{Context, Result, bail};
use clap::Args;
use machine::interrupt;
use machine::workspace::Workspace;
use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use trials::exercise::Exercise;

const SETUP: &str = include_str!("jobs/setup.sh");
const RUN: &str = include_str!("jobs/run_autograder");
/// In the package, the repository with the commit.
const REPOSITORY: &str = "project.git";
/// Gradescope knows who the student is, and a record needs a name.
const STUDENT: &str = "submission";

/// The options of `course gradescope-run`, which the package calls.
#[derive(Args)]
pub struct RunOptions {
    /// The number or title of the exercise.
    #[arg(long)]
    exercise: String,
    /// The seed of all random inputs.
    #[arg(long)]
    seed: u32,
    #[command(flatten)]
    private: Private,
    /// The folder with what a student has handed in.
    #[arg(long)]
    submission: PathBuf,
    /// The file for the results.
    #[arg(long)]
    results: PathBuf,
}

/// Writes the package.
pub fn package(workspace: &Workspace, options: &jobs::Options) -> Result<ExitCode> {
    let job = options.job(workspace)?;
    let out = std::path::absolute(job.out(workspace, "-gradescope.zip"))?;
    pack(&workspace.root, &job, &out)?;
    println!("{}", out.display());
    println!("Gradescope builds an image from it: a programming assignment, Configure Autograder, Zip file upload.");
    println!("Give the containers 2 CPUs and 3 GB of memory.");
    let boxed = job.exercise.about.tests.iter().filter(|test| !test.host.is_empty()).map(|test| test.name.as_str());
    let boxed: Vec<_> = boxed.collect();
    if !boxed.is_empty() {
        println!(
            "A part of {} runs in bubblewrap. The setup's log says whether Gradescope's containers allow that. If not, it \
             is not judged there, and no submission has a total: grade this exercise with make grade.",
            boxed.join(" and ")
        );
    }
    Ok(ExitCode::SUCCESS)
}

/// Writes a zip with the scripts, and a tar file with the commit and an instructor's own exercises. git writes zips, and a
/// tar file keeps the rights of files, however it is unpacked.
fn pack(root: &Path, job: &Job, out: &Path) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let files = put_together(root, job, folder.path())?;
    let repository = folder.path().join(REPOSITORY);
    fs::write(folder.path().join("empty"), "")?;
    let empty = git(&repository, &["hash-object", "-w", "-t", "tree", "../empty"])?;
    fs::create_dir_all(out.parent().unwrap_or(out))?;
    let output = format!("--output={}", jobs::word(out)?);
    let added = files.map(|name| format!("--add-file=../{name}"));
    let mut arguments = vec!["archive", "--format=zip", &output];
    arguments.extend(added.iter().map(String::as_str));
    arguments.push(empty.trim());
    git(&repository, &arguments)?;
    Ok(())
}

/// Writes the files of the package into a folder, and returns their names.
fn put_together(root: &Path, job: &Job, folder: &Path) -> Result<[&'static str; 4]> {
    let inner = |name: &str| folder.join(name);
    let repository = inner(REPOSITORY);
    // Only this commit, without its history. So the edition has the same name there as here.
    git(folder, &["init", "--quiet", "--bare", REPOSITORY])?;
    git(&repository, &["fetch", "--quiet", "--depth=1", &jobs::word(root)?, "HEAD:refs/heads/edition"])?;
    git(&repository, &["symbolic-ref", "HEAD", "refs/heads/edition"])?;

    let mut variables = vec![("EXERCISE", job.exercise.about.number.clone()), ("SEED", job.seed.to_string())];
    let mut tar = tar::Builder::new(File::create(inner("project.tar"))?);
    tar.follow_symlinks(false);
    tar.append_dir_all(REPOSITORY, &repository)?;
    if let Some(private) = &job.private {
        tar.append_dir_all("exercises", private)?;
        variables.push(("EXERCISES", "/autograder/source/exercises".into()));
    }
    tar.finish()?;

    let job = jobs::exports(&variables)?;
    for (name, text, rights) in [("setup.sh", SETUP, 0o755), ("run_autograder", RUN, 0o755), ("job.sh", &job, 0o644)] {
        jobs::write(&inner(name), text)?;
        fs::set_permissions(inner(name), fs::Permissions::from_mode(rights))?;
    }
    Ok(["setup.sh", "run_autograder", "job.sh", "project.tar"])
}

/// Calls git in a folder, and returns what it prints.
fn git(folder: &Path, arguments: &[&str]) -> Result<String> {
    let output =
        Command::new("git").current_dir(folder).args(arguments).output().context("git could not be started")?;
    if !output.status.success() {
        bail!("git {} failed: {}", arguments[0], String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Judges one submission, and writes the results again whenever more is known.
pub fn run(workspace: &Workspace, options: &RunOptions) -> Result<ExitCode> {
    let pristine = Pristine::of_commit(&workspace.root, "HEAD")?.with_private(options.private.folder())?;
    let exercises = pristine.exercises()?;
    let exercise = Exercise::find(&exercises, &options.exercise)?;
    let copy = Copy::open(workspace)?;
    let judge = Judge::new(&copy, &pristine, exercise, options.seed)?;
    let submitted = submitted(exercise, &pristine, STUDENT, &options.submission);
    let save = |judgement: Judgement| -> Result<()> {
        let results = export::gradescope(&Graded::new(exercise, submitted.clone(), judgement));
        // In one step, so that Gradescope never reads half a file.
        let new = options.results.with_extension("new");
        jobs::write(&new, &serde_json::to_string_pretty(&results)?)?;
        fs::rename(&new, &options.results).with_context(|| format!("writing {}", options.results.display()))
    };
    let tell = |known| {
        if let Err(error) = save(known) {
            eprintln!("{error:#}");
        }
    };
    let judgement = judge_one(&judge, exercise, &pristine, &options.submission, &tell);
    if interrupt::happened() {
        bail!("Interrupted. The results have what is known.");
    }
    save(judgement)?;
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jobs::tests::job;

    /// A repository with one commit of one file, and what git says about it.
    fn repository(folder: &Path) -> String {
        fs::write(folder.join("file"), "text").expect("a new file");
        git(folder, &["init", "--quiet"]).expect("git is there");
        git(folder, &["add", "file"]).expect("a file");
        let name = ["-c", "user.name=n", "-c", "user.email=e"];
        git(folder, &[&name[..], &["commit", "--quiet", "--message=m"]].concat()).expect("a commit");
        git(folder, &["rev-parse", "HEAD"]).expect("a commit")
    }

    #[test]
    fn the_package_has_the_commit_and_the_private_exercises() {
        let place = tempfile::tempdir().expect("there is room");
        let folder = |name: &str| {
            let folder = place.path().join(name);
            fs::create_dir(&folder).expect("a new folder");
            folder
        };
        let (root, private) = (folder("o'brien $x"), folder("private"));
        let (files, unpacked) = (folder("files"), folder("unpacked"));
        let commit = repository(&root);
        fs::write(private.join("mine"), "private").expect("a new file");
        let job = job("", private.to_str());
        let names = put_together(&root, &job, &files).expect("a package");
        let variables = fs::read_to_string(files.join("job.sh")).expect("text");
        assert_eq!(variables, "export EXERCISE=9.2\nexport SEED=4711\nexport EXERCISES=/autograder/source/exercises\n");
        tar::Archive::new(File::open(files.join("project.tar")).expect("a file"))
            .unpack(&unpacked)
            .expect("a tar file");
        git(&unpacked, &["clone", "--quiet", REPOSITORY, "project"]).expect("a repository");
        assert_eq!(git(&unpacked.join("project"), &["rev-parse", "HEAD"]).expect("a commit"), commit);
        assert_eq!(fs::read_to_string(unpacked.join("project/file")).expect("text"), "text");
        assert_eq!(fs::read_to_string(unpacked.join("exercises/mine")).expect("text"), "private");

        let out = place.path().join("out/package.zip");
        pack(&root, &job, &out).expect("a package");
        let zip = fs::read(out).expect("a file");
        let has = |name: &str| zip.windows(name.len()).any(|window| window == name.as_bytes());
        assert!(zip.starts_with(b"PK") && names.iter().all(|name| has(name)));
    }
}
