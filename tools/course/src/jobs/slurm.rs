//! `make slurm`: a script that grades a class with SLURM.

use super::{Options, exports, folder, quoted, word, write};
use anyhow::{Result, bail};
use clap::Args;
use machine::workspace::Workspace;
use std::path::{PathBuf, absolute};
use std::process::ExitCode;

const SCRIPT: &str = include_str!("slurm.sh");

/// The options of `make slurm`.
#[derive(Args)]
pub struct SlurmOptions {
    #[command(flatten)]
    common: Options,
    /// Into how many parts the submissions are divided.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..))]
    shards: u32,
    /// The folder with a file or folder for each student.
    #[arg(long)]
    submissions: Option<PathBuf>,
    /// The folder for the results.
    #[arg(long)]
    results: Option<PathBuf>,
}

/// Writes a script that submits three jobs to SLURM.
pub fn slurm(workspace: &Workspace, options: &SlurmOptions) -> Result<ExitCode> {
    let job = options.common.job(workspace)?;
    let Some(submissions) = &options.submissions else {
        bail!("Say where the submissions are, as in SUBMISSIONS=folder: a file or folder for each student.");
    };
    let mut variables = vec![
        ("EXERCISE", job.exercise.about.number.clone()),
        ("SEED", job.seed.to_string()),
        ("SUBMISSIONS", word(&folder(submissions)?)?),
    ];
    if let Some(results) = &options.results {
        variables.push(("RESULTS", word(&absolute(results)?)?));
    }
    if let Some(private) = &job.private {
        variables.push(("EXERCISES", word(private)?));
    }
    let text = script(&word(&workspace.root)?, options.shards, &variables)?;
    let out = job.out(workspace, "-slurm.sh");
    write(&out, &text)?;
    println!("{}", out.display());
    let file = quoted(&word(&out)?)?;
    println!("On a machine with sbatch: sh {file} [options of sbatch, such as --partition=short]");
    println!("To start only some tasks of its array again: ARRAY=1,3,7 sh {file}");
    println!("The folder of this project and the submissions must be on a file system that all nodes have.");
    Ok(ExitCode::SUCCESS)
}

/// The script. Folders reach it as words in quotes, and `make grade` through the environment.
fn script(project: &str, shards: u32, variables: &[(&str, String)]) -> Result<String> {
    let mut text = "#!/bin/sh\nset -eu\n".to_owned();
    text += &format!("PROJECT={}\nexport SHARDS={shards}\n", quoted(project)?);
    text += &exports(variables)?;
    Ok(text + "\n" + SCRIPT)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt;
    use std::path::Path;
    use std::process::Command;

    /// Names that a shell would read as more than a word.
    const NAMES: [&str; 8] = [
        "a b",
        "o'brien's",
        "\"q\"",
        "$HOME",
        "$(touch broken)",
        "`touch broken`",
        "x; touch broken",
        "a\\b'; touch broken; '",
    ];

    /// Runs the script in a folder, with a program that stands for SLURM: it prints a number, and keeps what it was told.
    fn run(script: &str, folder: &Path, array: Option<&str>) -> String {
        let (program, told) = (folder.join("sbatch"), folder.join("told"));
        let sbatch =
            "#!/bin/sh\necho '7;cluster'\nprintf '%s\\n' \"$SUBMISSIONS\" \"of $SHARDS\" \"$@\" >> \"$TOLD\"\n";
        fs::write(&program, sbatch).expect("a new file");
        fs::set_permissions(&program, Permissions::from_mode(0o755)).expect("rights");
        let path = format!("{}:/usr/bin:/bin", folder.display());
        let mut shell = Command::new("sh");
        shell.args(["-c", script, "sh", "--partition=a b"]).env("PATH", path).env("TOLD", &told).env_remove("ARRAY");
        let output = shell.envs(array.map(|array| ("ARRAY", array))).current_dir(folder).output().expect("a shell");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        fs::read_to_string(told).expect("three calls")
    }

    #[test]
    fn some_tasks_of_the_array_can_be_started_again() {
        let folder = tempfile::tempdir().expect("there is room");
        let script = script(folder.path().to_str().expect("text"), 20, &[("SUBMISSIONS", "class".into())]);
        let told = run(&script.expect("no zero byte"), folder.path(), Some("1,3,7"));
        assert_eq!(told.matches("--array=").count(), 1, "{told}");
        assert!(told.contains("--array=1,3,7\n") && told.contains("of 20\n"), "{told}");
    }

    #[test]
    fn a_name_does_not_break_out_of_the_script_for_slurm() {
        for name in NAMES {
            let folder = tempfile::tempdir().expect("there is room");
            let project = folder.path().join(name);
            fs::create_dir(&project).expect("a new folder");
            let submissions = format!("/class/{name}");
            let variables = [("EXERCISE", "9.2".to_owned()), ("SUBMISSIONS", submissions.clone())];
            let script = script(project.to_str().expect("text"), 4, &variables).expect("no zero byte");
            let told = run(&script, folder.path(), None);
            let lines: Vec<&str> = told.lines().collect();
            let is = |line: &str| lines.iter().filter(|one| **one == line).count();
            assert_eq!((is(&submissions), is("--partition=a b")), (3, 3), "{told}");
            assert_eq!((is("--array=1-4"), is("--wrap=make warm"), is("--wrap=make grade")), (1, 1, 2), "{told}");
            assert_eq!(is("of 4"), 3, "{told}");
            assert_eq!((is("--dependency=afterok:7"), is("--dependency=afterany:7")), (1, 1), "{told}");
            for place in [folder.path(), &project] {
                assert!(!place.join("broken").exists(), "{name} was executed");
            }
        }
    }
}
