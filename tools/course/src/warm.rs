//! `make warm`: builds all that grading needs and judges right answers, before the first submission comes.
//!
//! It also shows whether this machine can judge: a right answer gets all points.

use crate::judge::{Judge, USUAL_SEED, Verdict};
use crate::tree::{Copy, Pristine, Private};
use anyhow::Result;
use clap::Args;
use machine::workspace::Workspace;
use std::process::ExitCode;
use trials::exercise::Exercise;

/// The options of `make warm`.
#[derive(Args)]
pub struct Options {
    /// The number or title of the only exercise; all of them if not given.
    #[arg(long)]
    exercise: Option<String>,
    /// The seed of all random inputs.
    #[arg(long, default_value_t = USUAL_SEED)]
    seed: u32,
    #[command(flatten)]
    private: Private,
}

/// Judges right answers. It fails if one loses a test, or if no test of it can be judged here.
pub fn warm(workspace: &Workspace, options: &Options) -> Result<ExitCode> {
    let pristine = Pristine::of_commit(&workspace.root, "HEAD")?.with_private(options.private.folder())?;
    let mut exercises = pristine.exercises()?;
    if let Some(word) = &options.exercise {
        exercises = vec![Exercise::find(&exercises, word)?.clone()];
    }
    let copy = Copy::open(workspace)?;
    let mut is_good = true;
    for exercise in &exercises {
        let judgement = Judge::new(&copy, &pristine, exercise, options.seed)?.judge(&pristine.answer(exercise)?)?;
        let mut is_judged = false;
        for judged in &judgement.tests {
            match &judged.verdict {
                Verdict::Passed => is_judged = true,
                Verdict::Failed(failure) => {
                    is_good = false;
                    println!(
                        "Exercise {}: the right answer loses {}: {}",
                        exercise.title(),
                        judged.name,
                        failure.reason
                    );
                }
                Verdict::InfraError(why) => {
                    println!("Exercise {}: this machine cannot judge {}: {why}", exercise.title(), judged.name);
                }
                Verdict::Pending => {}
            }
        }
        is_good &= is_judged;
        if judgement.points() == Some(exercise.points()) {
            println!("Exercise {}: the right answer gets all {} points.", exercise.title(), exercise.points());
        }
    }
    Ok(if is_good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
