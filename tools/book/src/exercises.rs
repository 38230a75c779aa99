//! The exercises in the book: `{{#exercises}}` shows those of a chapter with their tasks, `{{#exercises table}}` lists
//! them.

use crate::html::escaped;
use crate::sources::Sources;
use trials::exercise::Exercise;

/// The file with an exercise's task.
const TASK: &str = "task.md";
/// From there, the folder of the book's pages.
const PAGES_FROM_TASK: &str = "../../book/src/";

/// The exercises of a chapter; the error is a message.
fn of_chapter(sources: &Sources, chapter: &str) -> Result<Vec<Exercise>, String> {
    let mut all = Exercise::all(sources.root()).map_err(|error| format!("{error:#}"))?;
    all.retain(|exercise| exercise.about.chapter == chapter);
    Ok(all)
}

/// What a page says where none of a chapter's exercises is there. An instructor chooses which ones students get.
const NONE: &str = "(None of them is in this copy of the project.)\n\n";

/// The exercises of a chapter, with their tasks.
pub fn expand(sources: &Sources, chapter: &str) -> Result<String, String> {
    let exercises = of_chapter(sources, chapter)?;
    if exercises.is_empty() {
        return Ok(NONE.into());
    }
    exercises.iter().map(|exercise| shown(sources, exercise)).collect()
}

fn shown(sources: &Sources, exercise: &Exercise) -> Result<String, String> {
    let task = sources.read(&format!("{}/{TASK}", exercise.folder.display()))?.replace(PAGES_FROM_TASK, "");
    let (heading, task) = task.split_once('\n').unwrap_or((&task, ""));
    let facts = facts(exercise);
    let start = format!("```console\n$ make start EXERCISE={}\n```", exercise.about.number);
    Ok(format!("#{heading}\n\n<p class=\"exercise\">{facts}</p>\n\n{start}\n\n{}\n\n", lower_headings(task.trim())))
}

/// How hard it is, what it is worth, how long it takes.
fn facts(exercise: &Exercise) -> String {
    let about = &exercise.about;
    format!("{}, {} points, about {} minutes", about.grade.name(), exercise.points(), about.minutes)
}

/// The headings of a task, one level lower, because the task is a part of a page.
fn lower_headings(text: &str) -> String {
    let mut is_code = false;
    let lines = text.lines().map(|line| {
        is_code ^= line.starts_with("```");
        if line.starts_with('#') && !is_code { format!("#{line}") } else { line.into() }
    });
    lines.collect::<Vec<String>>().join("\n")
}

/// The list of a chapter's exercises, each with a link to its task.
pub fn table(sources: &Sources, chapter: &str) -> Result<String, String> {
    let row = |exercise: &Exercise| {
        let about = &exercise.about;
        format!(
            "| [{}]({}) | {} | {} | {} min |\n",
            escaped(&exercise.title()),
            exercise.link(),
            about.grade.name(),
            exercise.points(),
            about.minutes
        )
    };
    let rows: String = of_chapter(sources, chapter)?.iter().map(row).collect();
    if rows.is_empty() {
        return Ok(NONE.into());
    }
    Ok(format!("| exercise | | points | time |\n|---|---|---|---|\n{rows}\n"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sources::tests::project;

    const ABOUT: &str = "number = '1.2'\ntitle = 'Two, three'\nkind = 'extend'\ngrade = 'warm-up'\nminutes = 30\n\
        chapter = '01-a'\n[holes]\n'exercises/01-two/a.rs' = ['f']\n[[tests]]\nname = 't'\nsays = 's'\npoints = 5\nboots = ['b']\n";

    #[test]
    fn an_exercise_is_shown_with_its_task_and_listed_with_a_link() {
        let (_folder, sources) = project(&[
            ("chapters/01-a/x", ""),
            ("exercises/01-two/exercise.toml", ABOUT),
            ("exercises/01-two/a.rs", "fn f() {}"),
            (
                "exercises/01-two/task.md",
                "# 1.2 Two, three\n\nDo it [here](../../book/src/01-a.md).\n\n## How\n\n```text\n# not a heading\n```\n",
            ),
        ]);
        let text = expand(&sources, "01-a").expect("one exercise");
        assert!(text.starts_with("## 1.2 Two, three\n"));
        assert!(text.contains("warm-up, 5 points, about 30 minutes") && text.contains("$ make start EXERCISE=1.2"));
        assert!(text.contains("Do it [here](01-a.md)."));
        assert!(text.contains("\n### How\n") && text.contains("\n# not a heading\n"));
        assert!(table(&sources, "01-a").expect("one").contains("[1.2 Two, three](01-exercises.md#12-two-three)"));
        assert_eq!(table(&sources, "02-b").as_deref(), Ok(NONE));
        assert_eq!(expand(&sources, "02-b").as_deref(), Ok(NONE));
    }
}
