//! `make actions`: a workflow that grades a class with GitHub Actions.

use super::{Job, Options, fill, write, yaml};
use anyhow::{Result, bail};
use clap::Args;
use machine::workspace::Workspace;
use std::process::ExitCode;

const TEMPLATE: &str = include_str!("workflow.yml");
/// Where the workflow has the branch with the submissions, relative to the project.
const CHECKED_OUT: &str = "grading";

/// The options of `make actions`.
#[derive(Args)]
pub struct ActionsOptions {
    #[command(flatten)]
    common: Options,
    // GitHub's documentation, "Running variations of jobs in a workflow": a matrix has at most 256 jobs.
    /// Into how many parts the submissions are divided.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=256))]
    shards: u32,
    /// The name of the branch with the submissions.
    #[arg(long, default_value = "grading")]
    branch: String,
}

/// Writes a workflow of GitHub Actions.
pub fn actions(workspace: &Workspace, options: &ActionsOptions) -> Result<ExitCode> {
    let job = options.common.job(workspace)?;
    let text = workflow(&job, options.shards, &options.branch)?;
    let out = job.out(workspace, "-workflow.yml");
    write(&out, &text)?;
    let (branch, file) = (&options.branch, format!("{}.yml", job.name()));
    println!("{}", out.display());
    println!("Put it into a private copy of this repository as .github/workflows/{file}, commit it, and push.");
    println!("There, the branch {branch} has the submissions, in the folder submissions.");
    if job.private.is_some() {
        println!("Your own exercises belong into the same branch, in the folder exercises.");
    }
    println!("  gh workflow run {file}");
    println!("  gh run download --name grades   (when it has ended)");
    Ok(ExitCode::SUCCESS)
}

fn workflow(job: &Job, shards: u32, branch: &str) -> Result<String> {
    let is_branch = |letter: char| letter.is_ascii_alphanumeric() || "-._/".contains(letter);
    if branch.is_empty() || branch.starts_with('-') || !branch.chars().all(is_branch) {
        bail!("BRANCH has letters, digits and some of -._/, and \"{branch}\" has others.");
    }
    let env = |(name, value): (&str, String)| format!("  {name}: {}\n", yaml(&value));
    let env: String = job.variables(CHECKED_OUT).into_iter().map(env).collect();
    let boxed = "    # Ubuntu forbids the namespaces that bubblewrap needs for tests on the host.\n    \
                 - run: sudo sysctl --write kernel.apparmor_restrict_unprivileged_userns=0\n";
    let matrix: Vec<u32> = (1..=shards).collect();
    Ok(fill(
        TEMPLATE,
        &[
            ("EXERCISE", job.exercise.about.number.as_str()),
            ("SHARDS", &shards.to_string()),
            ("NAME", &job.name()),
            ("BRANCH", branch),
            ("ENV", env.trim_end()),
            ("BOX", if job.is_boxed() { boxed } else { "" }),
            ("MATRIX", &format!("{matrix:?}")),
        ],
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jobs::tests::{BAD, documents, job};
    use serde_json::json;

    #[test]
    fn the_workflow_has_a_job_for_each_shard() {
        let text = workflow(&job("'a::b'", None), 3, "class/autumn").expect("good names");
        let [workflow] = &documents(&text)[..] else { panic!("one document is in\n{text}") };
        assert_eq!(workflow["env"]["SEED"], "4711");
        let jobs = &workflow["jobs"];
        let runs = |name: &str| -> Vec<String> {
            let steps = jobs[name]["steps"].as_array().expect("steps");
            steps.iter().filter_map(|step| Some(step["run"].as_str()?.to_owned())).collect()
        };
        assert_eq!(jobs["shard"]["strategy"]["matrix"]["shard"], json!([1, 2, 3]));
        assert_eq!(runs("shard")[1], "make grade SHARD=${{ matrix.shard }}/3");
        assert_eq!((&runs("build")[1], &runs("tables")[1]), (&"make warm".to_owned(), &"make grade".to_owned()));
        assert!(runs("shard")[0].starts_with("sudo sysctl"));
        assert_eq!(jobs["shard"]["steps"][1]["with"]["ref"], "class/autumn");
    }

    #[test]
    fn names_that_git_or_yaml_would_misread_are_refused() {
        for bad in BAD {
            assert!(workflow(&job("", None), 2, bad).is_err(), "branch {bad:?}");
        }
    }
}
