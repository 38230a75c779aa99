//! One of several equal parts of a class, so that several machines can share the work: `SHARD=1/20`.
//!
//! Parts are dealt like cards: of twenty, the first one gets submissions 1, 21, 41 and so on. So each submission belongs to
//! exactly one part, no part has over one submission more than another, and neighbors in the alphabet are spread.

use anyhow::{Context, Result, anyhow, ensure};
use std::fmt::{self, Display, Formatter};
use std::str::FromStr;

/// The number of a task of a SLURM array, and that of the first shard.
const SLURM: (&str, usize) = ("SLURM_ARRAY_TASK_ID", 1);
/// The same for a pod of a Kubernetes Indexed Job.
const KUBERNETES: (&str, usize) = ("JOB_COMPLETION_INDEX", 0);
/// How many shards there are, which the job has to say. It is not the number of tasks: a person may start only some tasks
/// again, as with `--array=1,3,7`.
const SHARDS: &str = "SHARDS";

/// One of several equal parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shard {
    /// Counts from 1.
    number: usize,
    of: usize,
}

impl Shard {
    fn new(number: usize, of: usize) -> Result<Self> {
        ensure!((1..=of).contains(&number), "There is no part {number} of {of}: SHARD=1/20 is the first of twenty.");
        Ok(Self { number, of })
    }

    /// The part that a SLURM array or a Kubernetes Indexed Job gives to this process, if it runs in one.
    pub fn from(variable: impl Fn(&str) -> Option<String>) -> Result<Option<Self>> {
        let number = |name: &str| match variable(name) {
            Some(text) => text.parse::<usize>().map(Some).map_err(|_| anyhow!("{name} is no number: {text}")),
            None => Ok(None),
        };
        for (task, first) in [SLURM, KUBERNETES] {
            if let Some(place) = number(task)? {
                let of = number(SHARDS)?;
                let of =
                    of.with_context(|| format!("{task} is set, and {SHARDS} has to say how many parts there are."))?;
                return Self::new(place + 1 - first, of).map(Some);
            }
        }
        Ok(None)
    }

    /// Those of a class that belong to it.
    pub fn part<T>(self, class: &[T]) -> impl Iterator<Item = &T> {
        class.iter().skip(self.number - 1).step_by(self.of)
    }
}

impl FromStr for Shard {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self> {
        let numbers = text.split_once('/').and_then(|(number, of)| Some((number.parse().ok()?, of.parse().ok()?)));
        let (number, of) = numbers.context("A part is written as in SHARD=1/20.")?;
        Self::new(number, of)
    }
}

impl Display for Shard {
    fn fmt(&self, to: &mut Formatter) -> fmt::Result {
        write!(to, "part {} of {}", self.number, self.of)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_submission_belongs_to_one_shard_and_shards_are_equal() {
        for of in [1, 3, 7, 120] {
            let class: Vec<usize> = (0..100).collect();
            let shards = (1..=of).map(|number| Shard::new(number, of).expect("it is one of them"));
            let parts: Vec<Vec<usize>> = shards.map(|shard| shard.part(&class).copied().collect()).collect();
            let sizes = || parts.iter().map(Vec::len);
            assert!(sizes().max() <= sizes().min().map(|least| least + 1), "{parts:?}");
            let mut all = parts.concat();
            all.sort();
            assert_eq!(all, class);
        }
    }

    #[test]
    fn an_engine_says_which_shard_this_is() {
        let of = |variables: &[(&str, &str)]| {
            let value = |name: &str| variables.iter().find(|(one, _)| *one == name).map(|(_, value)| value.to_string());
            Shard::from(value).map_err(|error| error.to_string())
        };
        let shard = |number, of| Ok(Some(Shard { number, of }));
        // A person has started tasks 3 and 7 again.
        let again = [("SLURM_ARRAY_TASK_MIN", "3"), ("SLURM_ARRAY_TASK_COUNT", "2"), ("SHARDS", "20")];
        assert_eq!(of(&[&again[..], &[("SLURM_ARRAY_TASK_ID", "7")]].concat()), shard(7, 20));
        assert_eq!(of(&[("JOB_COMPLETION_INDEX", "0"), ("SHARDS", "20")]), shard(1, 20));
        assert_eq!(of(&[("JOB_COMPLETION_INDEX", "19"), ("SHARDS", "20")]), shard(20, 20));
        assert_eq!(of(&[("SHARDS", "20")]), Ok(None), "no engine has started this");
        for task in ["0", "21", "x"] {
            assert!(of(&[("SLURM_ARRAY_TASK_ID", task), ("SHARDS", "20")]).is_err(), "{task}");
        }
        assert!(of(&[("SLURM_ARRAY_TASK_ID", "1")]).is_err_and(|why| why.contains("SHARDS has to say")));
    }

    #[test]
    fn a_shard_is_written_as_a_fraction() {
        assert_eq!("2/20".parse::<Shard>().ok(), Some(Shard { number: 2, of: 20 }));
        for bad in ["0/20", "21/20", "2", "2/", "a/b", "1/0"] {
            assert!(bad.parse::<Shard>().is_err(), "{bad}");
        }
    }
}
