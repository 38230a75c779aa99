//! `make slurm`, `make k8s` and `make actions`: files with which an engine that exists grades a class in shards.
//!
//! Each shard is `make grade` with a part of the submissions. After the last one, `make grade` without a shard finds every
//! record there, and makes the tables. Names of folders get into these files only as quoted words, and from there into
//! the environment, because make would read them as its own language.

mod actions;
mod kubernetes;
mod slurm;

pub use actions::{ActionsOptions, actions};
pub use kubernetes::{KubernetesOptions, kubernetes};
pub use slurm::{SlurmOptions, slurm};

use crate::tree::{Pristine, Private};
use anyhow::{Context, Result, bail};
use clap::Args;
use machine::workspace::Workspace;
use std::fs;
use std::path::{Path, PathBuf};
use trials::exercise::Exercise;

/// What all these commands need.
#[derive(Args)]
pub struct Options {
    /// The number or title of the exercise.
    #[arg(long)]
    exercise: Option<String>,
    /// The seed of all random inputs: any number, and the same for all shards.
    #[arg(long)]
    seed: Option<u32>,
    #[command(flatten)]
    private: Private,
    /// Where to write the file.
    #[arg(long)]
    out: Option<PathBuf>,
}

/// What is to be graded.
pub struct Job {
    /// The exercise.
    pub exercise: Exercise,
    /// The seed of all random inputs.
    pub seed: u32,
    /// The instructor's own exercises.
    pub private: Option<PathBuf>,
    out: Option<PathBuf>,
}

impl Options {
    /// Finds the exercise in the commit that will be graded with, and checks that there is a seed.
    pub fn job(&self, workspace: &Workspace) -> Result<Job> {
        let private = self.private.folder();
        let pristine = Pristine::of_commit(&workspace.root, "HEAD")?.with_private(private)?;
        let exercises = pristine.exercises()?;
        let Some(word) = self.exercise.as_deref().filter(|word| !word.is_empty()) else {
            bail!("Say which exercise, as in EXERCISE=9.2. `make exercises` lists them.");
        };
        let exercise = Exercise::find(&exercises, word)?.clone();
        // Both get into files that other programs read.
        let (number, name) = (&exercise.about.number, exercise.name());
        if !number.chars().all(|letter| letter.is_ascii_digit() || letter == '.') {
            bail!("An exercise's number has digits and points, and \"{number}\" has others.");
        }
        if !name.chars().all(|letter| letter.is_ascii_alphanumeric() || "-_".contains(letter)) {
            bail!("The name of an exercise's folder has letters, digits and hyphens, and \"{name}\" has others.");
        }
        if !exercise.has_answer(pristine.files()) {
            bail!("The answer to exercise {} is not among these files, so it cannot be graded here.", exercise.title());
        }
        let Some(seed) = self.seed else {
            bail!("Say which seed, as in SEED=4711: any number, and the same whenever this class is graded.");
        };
        Ok(Job { exercise, seed, private: private.map(folder).transpose()?, out: self.out.clone() })
    }
}

impl Job {
    /// The file to write: the one that the person chose, or this one among what is built.
    pub fn out(&self, workspace: &Workspace, usual: &str) -> PathBuf {
        self.out
            .clone()
            .unwrap_or_else(|| workspace.target.join("course").join(format!("{}{usual}", self.exercise.name())))
    }

    /// The exercise's name as those of engines are: small letters, digits and hyphens.
    fn name(&self) -> String {
        // Kubernetes allows 63 letters, and appends to a Job's name to make those of its pods.
        let name: String = self.exercise.name().to_lowercase().replace('_', "-").chars().take(40).collect();
        format!("grade-{}", name.trim_matches('-'))
    }

    /// Whether some of the tests run on the host, in a box.
    fn is_boxed(&self) -> bool {
        self.exercise.about.tests.iter().any(|test| !test.host.is_empty())
    }

    /// The variables of `make grade`, where a folder has all files.
    fn variables(&self, folder: &str) -> Vec<(&'static str, String)> {
        let mut variables = vec![
            ("EXERCISE", self.exercise.about.number.clone()),
            ("SEED", self.seed.to_string()),
            ("SUBMISSIONS", format!("{folder}/submissions")),
            ("RESULTS", format!("{folder}/grades/{}", self.exercise.name())),
        ];
        if self.private.is_some() {
            variables.push(("EXERCISES", format!("{folder}/exercises")));
        }
        variables
    }
}

/// Lines of a shell that put these variables into the environment.
pub fn exports(variables: &[(&str, String)]) -> Result<String> {
    variables.iter().map(|(name, value)| Ok(format!("export {name}={}\n", quoted(value)?))).collect()
}

/// A template with these values for its `__NAMES__`. What is in a value stays as it is.
fn fill(template: &str, values: &[(&str, &str)]) -> String {
    let value = |name: &str| values.iter().find(|(one, _)| *one == name).map(|(_, value)| *value);
    let (mut text, mut rest) = (String::new(), template);
    while let Some((before, after)) = rest.split_once("__") {
        let (name, after) = after.split_once("__").expect("a name ends with two underscores");
        text += before;
        text += value(name).unwrap_or_else(|| panic!("the template needs {name}"));
        rest = after;
    }
    text + rest
}

/// A text as YAML and JSON write it.
fn yaml(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// A word as a shell reads it.
pub fn quoted(word: &str) -> Result<String> {
    Ok(shlex::try_quote(word).context("a name contains a zero byte")?.into_owned())
}

/// A path as text.
pub fn word(path: &Path) -> Result<String> {
    let word = path.to_str().with_context(|| format!("The name {} is not valid UTF-8.", path.display()))?;
    if word.contains('\n') {
        bail!("The name {word:?} contains the end of a line. Rename it.");
    }
    Ok(word.to_owned())
}

/// A folder, by its whole path.
fn folder(path: &Path) -> Result<PathBuf> {
    if !path.is_dir() {
        bail!("{} is no folder.", path.display());
    }
    path.canonicalize().with_context(|| format!("{} cannot be read", path.display()))
}

/// Writes a file, and the folder that it is in.
pub fn write(path: &Path, text: &str) -> Result<()> {
    let write = || fs::create_dir_all(path.parent().unwrap_or(path)).and_then(|()| fs::write(path, text));
    write().with_context(|| format!("{} could not be written", path.display()))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use serde_json::Value;
    use trials::exercise::Withheld;

    /// Names that would mean more than a name in some file.
    pub const BAD: [&str; 7] = ["", "a b", "a\nb", "a'b", "$(x)", "${{ x }}", "a\"b"];

    /// A made-up job.
    pub fn job(host: &str, private: Option<&str>) -> Job {
        let about = format!(
            "number = '9.2'\ntitle = 't'\nkind = 'extend'\ngrade = 'core'\nminutes = 1\nchapter = '9'\nholes = {{}}\n\
             [[tests]]\nname = 'n'\nsays = 's'\npoints = 10\nboots = []\nhost = [{host}]"
        );
        let about = toml::from_str(&about).expect("a description");
        let exercise = Exercise {
            folder: "exercises/09-Two_words".into(),
            about,
            wrong: Vec::new(),
            withheld: Withheld::default(),
        };
        Job { exercise, seed: 4711, private: private.map(PathBuf::from), out: None }
    }

    /// The documents in a file of YAML.
    pub fn documents(text: &str) -> Vec<Value> {
        serde_saphyr::from_multiple(text).unwrap_or_else(|error| panic!("{error}\n{text}"))
    }

    #[test]
    fn a_value_is_not_read_as_a_template() {
        assert_eq!(fill("a __ONE__ b __TWO__.", &[("ONE", "__TWO__"), ("TWO", "2")]), "a __TWO__ b 2.");
    }

    #[test]
    fn a_name_is_one_line() {
        assert!(word(Path::new("a b")).is_ok());
        assert!(word(Path::new("a\nb")).is_err());
    }
}
