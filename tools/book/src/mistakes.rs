//! The known defects in the book: `{{#defect NAME}}` shows one, `{{#defects}}` lists them all.
//!
//! The text about a defect is in its file, above the patch that puts it back: see `defects.rs`.

use crate::html::{self, inline, link, paragraphs};
use crate::sources::{Sources, number, page_of_mistakes};
use trials::defects::{self, Defect, Kind};

/// The defects of a chapter; the error is a message.
pub fn of_chapter(sources: &Sources, chapter: &str) -> Result<Vec<Defect>, String> {
    defects::of_chapter(sources.root(), chapter).map_err(|error| format!("{error:#}"))
}

/// One defect, on its chapter's page of mistakes.
pub fn expand(sources: &Sources, chapter: &str, name: &str) -> Result<String, String> {
    let defects = of_chapter(sources, chapter)?;
    let defect = defects.iter().find(|defect| defect.name == name);
    defect.map(shown).ok_or_else(|| format!("There is no defect \"{name}\" in chapters/{chapter}/mutants."))
}

/// Its id on that page.
fn id(defect: &Defect) -> String {
    format!("defect-{}-{}", number(&defect.chapter), defect.name)
}

fn shown(defect: &Defect) -> String {
    let says = |word: &str| format!("<p><strong>{word}</strong> {}</p>\n", inline(&defect.outcome));
    let rest = match (defect.kind, defect.test()) {
        (Kind::Impossible, _) => says("Impossible here:"),
        (Kind::Unnoticed, _) => says("No test can notice this here:"),
        (Kind::Patch, Some(test)) if defect.shown_by().iter().any(|command| command.starts_with("make test")) => {
            let words = format!("Put it in, see {} fail, and take it out again:", html::name(test));
            says("You would see:") + &commands(&words, defect)
        }
        (Kind::Patch, _) => says("You would see:") + &commands("Put it in, look, and take it out again:", defect),
        (Kind::Refused, _) => {
            let words = "Put it in, see the compiler reject it and say why, and take it out again:";
            says("You would see:") + &commands(words, defect)
        }
    };
    format!("<div class=\"defect\" id=\"{}\">\n{}{rest}</div>\n\n", id(defect), paragraphs(&defect.prose))
}

/// The commands to type, below these words.
fn commands(words: &str, defect: &Defect) -> String {
    let put_in = format!("make break MISTAKE={}", defect.title());
    let commands = [put_in].into_iter().chain(defect.shown_by()).chain(["make mend".into()]);
    let lines: String = commands.map(|command| format!("$ {command}\n")).collect();
    format!("<p>{words}</p>\n\n```console\n{lines}```\n\n")
}

/// The table of all defects, by number.
pub fn table(sources: &Sources) -> Result<String, String> {
    let defects = sources.chapters.iter().map(|chapter| of_chapter(sources, chapter));
    let mut defects: Vec<Defect> = defects.collect::<Result<Vec<_>, _>>()?.concat();
    defects.sort_by(|a, b| (a.number, &a.chapter, &a.name).cmp(&(b.number, &b.chapter, &b.name)));
    let rows: String = defects.iter().map(row).collect();
    Ok(format!(
        "<div class=\"table-wrapper\">\n<table class=\"defects\">\n<thead><tr><th>no.</th><th>what is wrong</th>\
        <th>chapter</th><th>what catches it</th></tr></thead>\n<tbody>\n{rows}</tbody>\n</table>\n</div>\n\n"
    ))
}

fn row(defect: &Defect) -> String {
    let Defect { chapter, prose, .. } = defect;
    let place = link(&format!("{}#{}", page_of_mistakes(chapter), id(defect)), number(chapter));
    let catches = match (defect.kind, &defect.caught_by) {
        (Kind::Patch, Some(test)) => html::name(test),
        (Kind::Refused, _) => "the compiler".into(),
        (Kind::Unnoticed, _) => "cannot be noticed".into(),
        _ => "impossible here".into(),
    };
    let sentence = inline(first_sentence(prose));
    format!("<tr><td>{}</td><td>{sentence}</td><td>{place}</td><td>{catches}</td></tr>\n", defect.number)
}

/// The text up to the first period that ends a sentence: after it comes nothing, or a space and then a capital letter
/// or a backtick.
fn first_sentence(prose: &str) -> &str {
    let prose = prose.split("\n\n").next().unwrap_or_default();
    let is_end = |end: &usize| {
        let mut rest = prose[*end..].chars();
        rest.next().is_none_or(char::is_whitespace) && rest.next().is_none_or(|c| c.is_uppercase() || c == '`')
    };
    let end = prose.match_indices('.').map(|(at, _)| at + 1).find(is_end);
    &prose[..end.unwrap_or(prose.len())]
}

#[cfg(test)]
mod tests {
    use super::super::sources::tests::project;
    use super::*;

    const PATCH: &str = "A `x` is < 1.5 wide\nand i.e. wrong. Really.\n\nMore.\n\nA reader would see: \"nothing\".\n\
        Caught by: a_test\n\ndiff --git a/x b/x\n";
    const REASON: &str = "It is wrong.\n\nImpossible here: it is.\n";

    fn with(name: &str) -> Result<String, String> {
        let refused = PATCH.replace("a_test", "the compiler");
        let silent = PATCH.replace("a_test", "list of tests");
        let files = [
            ("chapters/06-heap/mutants/29-e.patch", &*silent),
            ("chapters/06-heap/mutants/27-a.patch", PATCH),
            ("chapters/06-heap/mutants/28-b.patch", &*refused),
            ("chapters/02-b/mutants/30-c.md", REASON),
            ("chapters/06-heap/mutants/27-d.md", &*REASON.replace("Impossible here", "No test can notice this here")),
        ];
        let (_folder, sources) = project(&files);
        if name.is_empty() { table(&sources) } else { expand(&sources, "06-heap", name) }
    }

    #[test]
    fn a_defect_comes_with_the_commands_that_put_it_in_and_take_it_out() {
        let shown = with("27-a").expect("a defect");
        assert!(
            shown.starts_with("<div class=\"defect\" id=\"defect-6-27-a\">\n<p>A <code>x</code> is &lt; 1.5 wide"),
            "{shown}"
        );
        assert!(shown.contains("<strong>You would see:</strong> &quot;nothing&quot;."), "{shown}");
        let commands = "$ make break MISTAKE=06/a\n$ make test CHAPTER=6 TEST=a_test\n$ make mend\n```";
        assert!(shown.contains(commands) && shown.contains("see <code>a_<wbr>test</code> fail"), "{shown}");
        let commands = "$ make break MISTAKE=06/b\n$ make run CHAPTER=6\n$ make mend\n```";
        let refused = with("28-b").expect("a defect");
        assert!(refused.contains("see the compiler reject it") && refused.contains(commands), "{refused}");
        let silent = with("29-e").expect("a defect");
        let commands =
            "Put it in, look, and take it out again:</p>\n\n```console\n$ make break MISTAKE=06/e\n$ make run";
        assert!(silent.contains(commands) && !silent.contains("list"), "{silent}");
    }

    #[test]
    fn an_impossible_mistake_has_its_reason() {
        let shown = with("27-d").expect("a reason");
        assert!(
            shown.contains("<strong>No test can notice this here:</strong> it is.") && !shown.contains("make"),
            "{shown}"
        );
        assert!(with("30-c").expect_err("another chapter's").contains("no defect \"30-c\""));
    }

    #[test]
    fn the_table_has_all_by_number() {
        let table = with("").expect("a table");
        let places: Vec<usize> =
            ["<td>27</td>", "<td>28</td>", "<td>30</td>"].iter().filter_map(|cell| table.find(cell)).collect();
        assert!(places.len() == 3 && places.is_sorted(), "{table}");
        assert!(
            table.contains(
                "and i.e. wrong.</td><td><a href=\"06-why-it-breaks.md#defect-6-27-a\">6</a></td><td><code>a_<wbr>test"
            ),
            "{table}"
        );
        assert!(table.contains("impossible here"), "{table}");
    }
}
