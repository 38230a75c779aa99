//! `make wrong`: the text from which an instructor makes wrong answers of an exercise of her own.
//!
//! A wrong answer is a patch of the right one, and for an extension no file has that as a whole. So this writes the files
//! with the right answer in their holes, and git makes the patch.

use crate::tree::{FOLDER, Pristine, Private};
use anyhow::{Context, Result, bail};
use clap::Args;
use machine::workspace::Workspace;
use std::fs;
use std::path::Path;
use std::process::{Command, ExitCode};
use trials::exercise::Exercise;

/// The options of `make wrong`.
#[derive(Args)]
pub struct Options {
    /// The number or title of the exercise.
    #[arg(long)]
    exercise: Option<String>,
    #[command(flatten)]
    private: Private,
}

/// Writes the files with the right answer, and prints what to do with them.
pub fn wrong(workspace: &Workspace, options: &Options) -> Result<ExitCode> {
    let pristine = Pristine::of_working_tree(&workspace.root)?.with_private(options.private.folder())?;
    let exercises = pristine.exercises()?;
    let Some(word) = &options.exercise else { bail!("Say which exercise, as in EXERCISE=5.2.") };
    let exercise = options.private.find(&exercises, word)?;
    let folder = workspace.target.join(FOLDER).join("wrong").join(exercise.name());
    write(&pristine, exercise, &folder)?;
    println!("The right answer is in {}:", folder.display());
    exercise.about.holes.keys().for_each(|file| println!("  {}", file.display()));
    let patches = options.private.folder().unwrap_or(Path::new(trials::exercise::FOLDER)).join(exercise.name());
    println!(
        "Make it wrong inside of {}. Then\n  git -C {} diff > {}/wrong/NAME.patch\nwrites the patch. Put a line above it \
         with the tests that it must lose, such as\n  Loses: {}",
        exercise.about.holes.values().flatten().cloned().collect::<Vec<_>>().join(" and "),
        folder.display(),
        patches.display(),
        exercise.about.tests[0].name
    );
    Ok(ExitCode::SUCCESS)
}

/// Writes the files with the right answer, in a repository where git knows them. What is changed there since the last time
/// is replaced.
fn write(pristine: &Pristine, exercise: &Exercise, folder: &Path) -> Result<()> {
    for (path, text) in pristine.fill(&pristine.answer(exercise)?)? {
        let target = folder.join(path);
        fs::create_dir_all(target.parent().context("a file lies in a folder")?)?;
        fs::write(&target, text).with_context(|| format!("writing {}", target.display()))?;
    }
    for arguments in [["init", "--quiet"], ["add", "--all"]] {
        let status = Command::new("git").arg("-C").arg(folder).args(arguments).status();
        if !status.context("git could not be started")?.success() {
            bail!("git {} failed in {}.", arguments[0], folder.display());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::starter::tests::project;
    use std::path::PathBuf;
    use trials::git;

    #[test]
    fn a_change_of_the_right_answer_is_a_patch_of_it() {
        let (project, folder) = (project(), tempfile::tempdir().expect("there is room"));
        let pristine = Pristine::of_commit(project.path(), "HEAD").expect("a commit");
        let exercise = &pristine.exercises().expect("two")[1];
        write(&pristine, exercise, folder.path()).expect("there is room");
        let file = folder.path().join("exercises/01-two/src/lib.rs");
        let right = fs::read_to_string(&file).expect("a file");
        assert!(right.contains("1 /* secret */"), "{right}");
        fs::write(&file, right.replace("1 /*", "2 /*")).expect("a file");
        let diff = Command::new("git").arg("-C").arg(folder.path()).arg("diff").output().expect("git is there");
        let patch = folder.path().join("a.patch");
        fs::write(&patch, [b"Loses: t\n", diff.stdout.as_slice()].concat()).expect("a file");
        let changed = git::changed_by(project.path(), &patch).expect("a patch");
        assert_eq!(changed, [PathBuf::from("exercises/01-two/src/lib.rs")]);
        write(&pristine, exercise, folder.path()).expect("it can be written again");
        assert_eq!(git::apply(folder.path(), &patch).expect("git is there"), Ok(()));
    }
}
