//! The program behind the commands for students and instructors.
//!
//! It is a program of its own because a student's chapter may not compile, and the other tools use the chapters.

use anyhow::Result;
use clap::Parser;
use course::{apply, export, fix, grade, gradescope, hunt, jobs, question, self_check, starter, student, warm, wrong};
use machine::workspace::Workspace;
use machine::{command, reminder};
use std::process::ExitCode;
use trials::mistakes;

/// Do the exercises, check them, and grade them.
#[derive(Parser)]
enum Command {
    /// Put one known mistake into the working tree.
    Break(mistakes::BreakOptions),
    /// Take the mistake out of the working tree, or put an exercise away.
    Mend(MendWhat),
    /// List the exercises, with the points that a student has.
    Exercises,
    /// Begin an exercise.
    Start(student::Options),
    /// Check an answer.
    Check(student::CheckOptions),
    /// Put a known mistake into the working tree, without naming it.
    Hunt(hunt::Options),
    /// Ask for a prediction, or check one.
    Question(question::Options),
    /// Print the next hint of an exercise.
    Hint(student::Options),
    /// Print the right answer of an exercise.
    Solution(student::SolutionOptions),
    /// Write the one file to hand in.
    Submission(student::Options),
    /// Apply an instructor's fix.
    Apply(apply::Options),
    /// Make a repository to hand out.
    Starter(starter::Options),
    /// Make a patch of what was handed out.
    Fix(fix::Options),
    /// Grade all submissions in a folder.
    Grade(grade::Options),
    /// Build what grading needs, and judge right answers.
    Warm(warm::Options),
    /// Write a script that grades with SLURM.
    Slurm(jobs::SlurmOptions),
    /// Write a Job that grades with Kubernetes.
    K8s(jobs::KubernetesOptions),
    /// Write a workflow that grades with GitHub Actions.
    Actions(jobs::ActionsOptions),
    /// Write a package that judges at Gradescope.
    Gradescope(jobs::Options),
    /// Judge one submission at Gradescope (the package calls this).
    GradescopeRun(gradescope::RunOptions),
    /// Write the results of a class in the format of another program.
    CourseExport(export::Options),
    /// Write the text from which wrong answers are made.
    Wrong(wrong::Options),
    /// Test the exercises.
    TestCourse(self_check::Options),
}

/// The options of `make mend`. Clap names a group by its type, so this type has not the name of the one inside.
#[derive(clap::Args)]
struct MendWhat {
    /// The exercise to put away, by number or title.
    #[arg(long)]
    exercise: Option<String>,
    #[command(flatten)]
    mistake: mistakes::MendOptions,
}

/// Puts an exercise away, or takes out a mistake.
fn mend(workspace: &Workspace, options: &MendWhat) -> Result<ExitCode> {
    match &options.exercise {
        Some(exercise) => student::mend(workspace, exercise),
        None => {
            let hunted = hunt::reveal(workspace)?;
            let status = mistakes::mend(workspace, &options.mistake)?;
            hunted.iter().for_each(|what| println!("{what}"));
            student::remind(workspace)?;
            Ok(status)
        }
    }
}

fn main() -> ExitCode {
    let command = Command::parse();
    command::status(|| execute(command))
}

fn execute(command: Command) -> Result<ExitCode> {
    let workspace = Workspace::load()?;
    if !matches!(command, Command::Break(_) | Command::Mend(_)) {
        reminder::remind(&workspace);
    }
    match command {
        Command::Break(options) => mistakes::put_in(&workspace, &options),
        Command::Mend(options) => mend(&workspace, &options),
        Command::Exercises => student::exercises(&workspace),
        Command::Start(options) => student::start(&workspace, &options),
        Command::Check(options) => student::check(&workspace, &options),
        Command::Hunt(options) => hunt::hunt(&workspace, &options),
        Command::Question(options) => question::question(&workspace, &options),
        Command::Hint(options) => student::hint(&workspace, &options),
        Command::Solution(options) => student::solution(&workspace, &options),
        Command::Submission(options) => student::submission(&workspace, &options),
        Command::Apply(options) => apply::apply(&workspace, &options),
        Command::Starter(options) => starter::starter(&workspace, &options),
        Command::Fix(options) => fix::fix(&workspace, &options),
        Command::Grade(options) => grade::grade(&workspace, &options),
        Command::Warm(options) => warm::warm(&workspace, &options),
        Command::Slurm(options) => jobs::slurm(&workspace, &options),
        Command::K8s(options) => jobs::kubernetes(&workspace, &options),
        Command::Actions(options) => jobs::actions(&workspace, &options),
        Command::Gradescope(options) => gradescope::package(&workspace, &options),
        Command::GradescopeRun(options) => gradescope::run(&workspace, &options),
        Command::CourseExport(options) => export::course_export(&workspace, &options),
        Command::Wrong(options) => wrong::wrong(&workspace, &options),
        Command::TestCourse(options) => self_check::test_course(&workspace, &options),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_options_of_all_commands_are_consistent() {
        Command::command().debug_assert();
    }

    #[test]
    fn each_command_that_a_person_types_says_itself_what_is_missing() {
        for command in Command::command().get_subcommands().filter(|command| command.get_name() != "gradescope-run") {
            let parsed = Command::try_parse_from(["course", command.get_name()]);
            assert!(parsed.is_ok(), "{}", parsed.err().map_or(String::new(), |error| error.to_string()));
        }
    }
}
