//! `make break` and `make mend`: puts one known mistake into the reader's files, so that she can see what it does, and
//! takes it out again.
//!
//! A mistake is named by its chapter and name, such as `09/no-exit`, because several may share a number. `defects.rs`
//! in the crate `book` reads them. `put_in.rs` takes out what was put in, and nothing else.

use crate::defects::{self, Defect, Kind};
use crate::git;
use crate::put_in::{self, Contents, PutIn};
use anyhow::{Context, Result, anyhow, bail};
use clap::Args;
use machine::workspace::{Chapter, Workspace};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::{fs, io};

/// How many names are suggested for one that does not exist.
const MOST_OFFERS: usize = 3;

/// The options of `make break`.
#[derive(Args)]
pub struct BreakOptions {
    /// Put in this mistake, by chapter and name, such as `09/no-exit`.
    #[arg(long, default_value = "")]
    mistake: String,
    /// List only the mistakes of this chapter, if no mistake is given.
    #[arg(long)]
    chapter: Option<String>,
}

/// The options of `make mend`.
#[derive(Args)]
pub struct MendOptions {
    /// Leave the files as they are, and forget what was put in.
    #[arg(long)]
    keep: bool,
}

/// Puts one mistake into the files, and prints what it changed, how to see it, and how to take it out.
pub fn put_in(workspace: &Workspace, options: &BreakOptions) -> Result<ExitCode> {
    let chapters: Vec<&Chapter> = match &options.chapter {
        None => workspace.chapters.iter().collect(),
        Some(word) => vec![workspace.chapter(Some(word))?],
    };
    let defects = defects::of_chapters(workspace, &chapters)?;
    let defect = choose(workspace, &defects, &options.mistake)?;
    let root = &workspace.root;
    let put_in = put_into(root, defect)?;
    println!("{} is in your files now. It changed", put_in.name);
    for (path, lines) in put_in.lines(root)? {
        let lines: Vec<String> = lines.iter().map(ToString::to_string).collect();
        println!("  {}: {}", path.display(), lines.join(", "));
    }
    let shows = if defect.kind == Kind::Refused { ", and the compiler rejects it" } else { "" };
    println!("\nYou would see: {}\n", defect.outcome);
    for (place, command) in defect.shown_by().iter().enumerate() {
        println!("{:15} {command}{shows}", if place == 0 { "To see it:" } else { "and" });
    }
    println!("To take it out: make mend");
    Ok(ExitCode::SUCCESS)
}

/// Takes out what was put in, and prints for each file what was done.
pub fn mend(workspace: &Workspace, options: &MendOptions) -> Result<ExitCode> {
    let root = &workspace.root;
    let Some(put_in) = put_in::find(root)? else {
        return nothing_known(workspace);
    };
    if options.keep {
        put_in.forget(root)?;
        println!("{} is forgotten. These files stay as they are:", put_in.name);
        put_in.files.iter().for_each(|path| println!("  {}", path.display()));
        return Ok(ExitCode::SUCCESS);
    }
    let done = put_in.take_out(root)?;
    println!("{} is out.", put_in.name);
    done.iter().for_each(|(path, what)| println!("  {}: {what}", path.display()));
    Ok(ExitCode::SUCCESS)
}

/// There may be no record, because `make clean` removes it. Then a mistake is recognized by its patch, which could be
/// reverted.
fn nothing_known(workspace: &Workspace) -> Result<ExitCode> {
    let chapters: Vec<&Chapter> = workspace.chapters.iter().collect();
    let mut found = String::new();
    for defect in defects::of_chapters(workspace, &chapters)?.iter().filter(|defect| defect.has_patch()) {
        if git::is_applied(&workspace.root, &defect.path())? {
            found += &format!("\n  {}: `git apply -R {}` takes it out.", defect.title(), defect.path().display());
        }
    }
    if !found.is_empty() {
        bail!("There is no record of what `make break` has put in. But these mistakes are in your files:{found}");
    }
    println!("There is nothing to mend: no known mistake is in your files.");
    Ok(ExitCode::SUCCESS)
}

/// Puts the mistake into the files.
fn put_into(root: &Path, defect: &Defect) -> Result<PutIn> {
    let title = defect.title();
    if !defect.has_patch() {
        let why = if defect.kind == Kind::Unnoticed { "noticed" } else { "made" };
        bail!("{title} cannot be {why} here: {}", defect.outcome);
    }
    put_in::make_room(root)?;
    let files = with_mistake(root, &defect.path())?.map_err(|why| {
        anyhow!(
            "{title} cannot be put in, because the lines that it changes are no longer the same:\n{why}\n\
            If you have changed these files, put your changes aside first with `git stash`; `git stash pop` \
            brings them back."
        )
    })?;
    put_in::put(root, &title, &files)
}

/// The files that a patch changes, as they are after it; or why it does not apply.
pub fn with_mistake(root: &Path, patch: &Path) -> Result<Result<Vec<Contents>, String>> {
    let folder = tempfile::tempdir()?;
    let copy = folder.path();
    let paths = git::changed_by(root, patch)?;
    for path in &paths {
        let target = copy.join(path);
        fs::create_dir_all(target.parent().unwrap_or(copy))?;
        match fs::copy(root.join(path), target) {
            // Then git reports it.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            copied => drop(copied.with_context(|| format!("{} could not be read", path.display()))?),
        }
    }
    if let Err(why) = git::apply(copy, &root.join(patch))? {
        return Ok(Err(why));
    }
    let read = |path: PathBuf| fs::read(copy.join(&path)).map(|bytes| (path, bytes));
    Ok(Ok(paths.into_iter().map(read).collect::<io::Result<_>>()?))
}

/// The mistake that a person means by this word: its name, or a part that no other name has, with or without its
/// chapter.
fn choose<'a>(workspace: &Workspace, defects: &'a [Defect], word: &str) -> Result<&'a Defect> {
    let (chapter, name) = match word.rsplit_once('/') {
        Some((chapter, name)) => (Some(workspace.chapter(Some(chapter))?), name),
        None => (None, word),
    };
    let is_there = |defect: &&Defect| chapter.is_none_or(|chapter| chapter.name == defect.chapter);
    let those: Vec<&Defect> = defects.iter().filter(is_there).collect();
    if name.is_empty() {
        bail!("Say which one, by chapter and name, as in make break MISTAKE=09/no-exit. There are\n{}", list(&those));
    }
    let narrowed = |is_meant: &dyn Fn(&Defect) -> bool| -> Vec<&Defect> {
        those.iter().copied().filter(|defect| is_meant(defect)).collect()
    };
    let mut found = narrowed(&|defect| defect.short_name() == name || defect.name == name);
    if found.is_empty() {
        found = narrowed(&|defect| defect.answers_to(name));
    }
    match found[..] {
        [one] => Ok(one),
        [] if chapter.is_some() => bail!("There is no mistake \"{word}\". Those of this chapter are\n{}", list(&those)),
        [] => bail!("There is no mistake \"{word}\". Similar names are\n{}", list(&nearest(&those, name))),
        _ => bail!("\"{word}\" could be any of these; say which one:\n{}", list(&found)),
    }
}

/// The mistakes whose names are most similar to this one.
fn nearest<'a>(defects: &[&'a Defect], name: &str) -> Vec<&'a Defect> {
    let likeness = |defect: &Defect| strsim::jaro_winkler(defect.short_name(), name);
    let mut defects = defects.to_vec();
    defects.sort_by(|a, b| likeness(b).total_cmp(&likeness(a)));
    defects.truncate(MOST_OFFERS);
    defects
}

fn list(defects: &[&Defect]) -> String {
    let line = |defect: &&Defect| {
        let note = if defect.has_patch() { "" } else { " (cannot be made here)" };
        format!("  {}{note}", defect.title())
    };
    defects.iter().map(line).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use tempfile::TempDir;

    const CODE: &str = "fn f() {\n    let a = 1;\n    let b = 2;\n    let c = 3;\n    g(a, b, c);\n}\n\nfn g() {}\n";
    const PATCH: &str = "It is wrong.\n\nA reader would see: nothing.\nCaught by: tests::a_test\n\n\
        diff --git a/chapters/06-heap/src/f.rs b/chapters/06-heap/src/f.rs\n\
        --- a/chapters/06-heap/src/f.rs\n+++ b/chapters/06-heap/src/f.rs\n\
        @@ -1,6 +1,6 @@\n fn f() {\n     let a = 1;\n     let b = 2;\n-    let c = 3;\n+    let c = 4;\n     g(a, b, c);\n }\n";
    const REASON: &str = "It is wrong.\n\nImpossible here: it is.\n";

    /// A project that is not a repository, with one file of code and the mistakes of two chapters.
    fn project() -> (TempDir, Workspace) {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let root = folder.path().to_owned();
        for (path, text) in [
            ("chapters/06-heap/src/f.rs", CODE),
            ("chapters/06-heap/mutants/27-wrong-number.patch", PATCH),
            ("chapters/06-heap/mutants/27-wrong-number-of-pages.patch", PATCH),
            ("chapters/06-heap/mutants/31-no-footer.md", REASON),
            ("chapters/09-multitasking/mutants/50-no-exit.patch", PATCH),
            ("chapters/09-multitasking/mutants/31-ticks-nest.patch", PATCH),
            ("chapters/06-heap/mutants/33-ticks-nest.patch", PATCH),
        ] {
            fs::create_dir_all(root.join(path).parent().expect("a folder")).expect("a new folder");
            fs::write(root.join(path), text).expect("a new file");
        }
        let chapter = |name: &str| Chapter {
            name: name.into(),
            package: format!("ch{name}"),
            has_booted_tests: true,
            has_long_tests: false,
            has_benches: false,
        };
        let chapters = vec![chapter("06-heap"), chapter("09-multitasking")];
        let target = root.join("target");
        (folder, Workspace { root, target, chapters, is_quiet: false })
    }

    fn chosen(word: &str) -> Result<String, String> {
        let (_folder, workspace) = project();
        let chapters: Vec<&Chapter> = workspace.chapters.iter().collect();
        let defects = defects::of_chapters(&workspace, &chapters).expect("seven files");
        choose(&workspace, &defects, word).map(Defect::title).map_err(|error| error.to_string())
    }

    fn options(mistake: &str) -> BreakOptions {
        BreakOptions { mistake: mistake.into(), chapter: None }
    }

    fn code(workspace: &Workspace) -> String {
        fs::read_to_string(workspace.root.join("chapters/06-heap/src/f.rs")).expect("a file")
    }

    fn set_code(workspace: &Workspace, text: &str) {
        fs::write(workspace.root.join("chapters/06-heap/src/f.rs"), text).expect("a file");
    }

    #[test]
    fn a_mistake_is_found_by_chapter_and_name_or_a_unique_part() {
        for (word, title) in [
            ("06/wrong-number", "06/wrong-number"),
            ("heap/wrong-number", "06/wrong-number"),
            ("6/27-wrong-number", "06/wrong-number"),
            ("no-exit", "09/no-exit"),
            ("50", "09/no-exit"),
            ("pages", "06/wrong-number-of-pages"),
            ("9/ticks", "09/ticks-nest"),
            ("09-multitasking/ticks-nest", "09/ticks-nest"),
        ] {
            assert_eq!(chosen(word).as_deref(), Ok(title), "{word}");
        }
    }

    #[test]
    fn a_wrong_or_ambiguous_name_lists_the_names() {
        for (word, start, offers, hides) in [
            ("ticks-nest", "\"ticks-nest\" could be any", "06/ticks-nest\n  09/ticks-nest", "no-exit"),
            ("27", "\"27\" could be any", "06/wrong-number\n  06/wrong-number-of-pages", "no-exit"),
            ("9/wrong-number", "There is no mistake", "09/ticks-nest\n  09/no-exit", "06/"),
            ("no-exti", "There is no mistake", "09/no-exit", "06/wrong-number-of"),
            ("", "Say which one", "06/no-footer (cannot be made here)", "there is no"),
            ("9/", "Say which one", "09/no-exit", "06/"),
            ("12/no-exit", "There is no chapter", "06-heap", "no mistake"),
        ] {
            let why = chosen(word).expect_err(word);
            assert!(why.starts_with(start) && why.contains(offers) && !why.contains(hides), "{word}: {why}");
        }
    }

    #[test]
    fn a_mistake_is_put_in_and_taken_out_beside_other_changes() {
        let (_folder, workspace) = project();
        let own = CODE.replace("g() {}", "g() { /* mine */ }");
        set_code(&workspace, &own);
        put_in(&workspace, &options("06/wrong-number")).expect("it applies");
        assert_eq!(code(&workspace), own.replace("c = 3", "c = 4"));
        set_code(&workspace, &code(&workspace).replace("a = 1", "a = 5"));
        mend(&workspace, &MendOptions { keep: false }).expect("other lines");
        assert_eq!(code(&workspace), own.replace("a = 1", "a = 5"));
    }

    #[test]
    fn a_mistake_that_cannot_be_put_in_changes_nothing_and_says_why() {
        let (_folder, workspace) = project();
        let refused = |word| put_in(&workspace, &options(word)).expect_err(word).to_string();
        assert_eq!(refused("06/no-footer"), "06/no-footer cannot be made here: it is.");
        set_code(&workspace, &CODE.replace("c = 3", "c = 5"));
        let why = refused("06/wrong-number");
        assert!(why.contains("chapters/06-heap/src/f.rs:") && why.contains("git stash"), "{why}");
        assert_eq!(code(&workspace), CODE.replace("c = 3", "c = 5"));
        fs::remove_file(workspace.root.join("chapters/06-heap/src/f.rs")).expect("it is there");
        assert!(refused("06/wrong-number").contains("No such file"));
        assert_eq!(put_in::find(&workspace.root).expect("no record"), None);
    }

    #[test]
    fn only_one_mistake_is_put_in_at_a_time() {
        let (_folder, workspace) = project();
        put_in(&workspace, &options("06/wrong-number")).expect("it applies");
        let refused = |word| put_in(&workspace, &options(word)).expect_err(word).to_string();
        for word in ["06/wrong-number", "09/no-exit"] {
            assert_eq!(refused(word), "06/wrong-number is in your files. Take it out first, with `make mend`.");
        }
        assert_eq!(code(&workspace), CODE.replace("c = 3", "c = 4"));
    }

    #[test]
    fn without_a_record_a_mistake_is_recognized_by_its_patch() {
        let (_folder, workspace) = project();
        let mend = |keep| mend(&workspace, &MendOptions { keep });
        assert_eq!(mend(false).expect("nothing is in"), ExitCode::SUCCESS);
        put_in(&workspace, &options("06/wrong-number")).expect("it applies");
        assert_eq!(mend(true).expect("it is in"), ExitCode::SUCCESS);
        let why = mend(false).expect_err("it is in and forgotten").to_string();
        assert!(why.contains("git apply -R chapters/06-heap/mutants/27-wrong-number.patch"), "{why}");
    }
}
