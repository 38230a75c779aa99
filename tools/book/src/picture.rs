//! `{{#picture NAME}}`: a drawing that `make figures` has made, with the same facts in a table below it.
//!
//! The SVG is embedded in the page and not loaded from a file, so that it uses the page's colors.

use crate::html::escaped;
use crate::include::Lack;
use crate::sources::{FIGURES, Sources};
use scraper::{Html, Selector};

/// The figure of this name.
pub fn expand(sources: &Sources, name: &str) -> Result<String, Lack> {
    let (drawing, table) = (format!("{FIGURES}/{name}.svg"), format!("{FIGURES}/{name}.md"));
    for path in [&drawing, &table] {
        if !sources.has(path) {
            return Err(Lack::Untaken(format!("There is no file {path}. `make figures` makes it.")));
        }
    }
    let drawing = sources.read(&drawing).map_err(Lack::Wrong)?;
    let table = sources.read(&table).map_err(Lack::Wrong)?;
    figure(name, &drawing, Some(&table)).map_err(|what| Lack::Wrong(format!("{FIGURES}/{name}.svg {what}.")))
}

/// A drawing with its title as the caption, and with its table of facts, if there is one.
pub fn figure(name: &str, drawing: &str, facts: Option<&str>) -> Result<String, String> {
    let title = title(drawing)?;
    let lines = drawing.lines().filter(|line| !line.trim().is_empty() && !line.starts_with("<?"));
    let drawing = lines.collect::<Vec<_>>().join("\n");
    let facts = facts.map_or(String::new(), |facts| {
        format!("<details>\n<summary>The same as a table</summary>\n\n{}\n\n</details>\n", facts.trim())
    });
    let title = escaped(&title);
    Ok(format!(
        "<figure class=\"picture\" id=\"picture-{name}\">\n\
        <div class=\"picture-scroll\" tabindex=\"0\" role=\"group\" aria-label=\"{title}\">\n{drawing}\n</div>\n\
        <figcaption>{title}</figcaption>\n{facts}</figure>\n\n"
    ))
}

/// The drawing's own title. It must have one, and also a description for readers who cannot see it.
fn title(drawing: &str) -> Result<String, String> {
    let html = Html::parse_fragment(drawing);
    let text = |selector: &str| {
        let selector = Selector::parse(selector).expect("a selector that is a word in the program");
        let found = html.select(&selector).next()?.text().collect::<String>();
        Some(found.trim().to_owned()).filter(|text| !text.is_empty())
    };
    text("svg > desc").ok_or("has no <desc> with words in it")?;
    Ok(text("svg > title").ok_or("has no <title> with words in it")?)
}

#[cfg(test)]
mod tests {
    use super::super::sources::tests::project;
    use super::*;

    const DRAWING: &str =
        "<?xml version='1.0'?>\n<svg role=\"img\">\n\n<title>A &lt; B</title><desc>words</desc>\n</svg>\n";

    #[test]
    fn a_picture_has_its_caption_and_its_table() {
        let files = [("book/figures/a.svg", DRAWING), ("book/figures/a.md", "| a |\n|---|\n| b |\n")];
        let (_folder, sources) = project(&files);
        let figure = expand(&sources, "a").expect("a picture");
        assert!(figure.contains("<figcaption>A &lt; B</figcaption>"), "{figure}");
        assert!(figure.contains("table</summary>\n\n| a |\n|---|\n| b |\n\n</details>"), "{figure}");
        assert!(figure.contains("<svg role=\"img\">\n<title>") && !figure.contains("<?xml"), "{figure}");
    }

    #[test]
    fn a_picture_must_be_taken_and_described() {
        let without = DRAWING.replace("words", " ");
        let untitled = DRAWING.replace("A &lt; B", "");
        let files = [("book/figures/a.svg", &*without), ("book/figures/a.md", ""), ("book/figures/b.svg", DRAWING)];
        let (_folder, sources) = project(&files);
        assert!(matches!(expand(&sources, "a"), Err(Lack::Wrong(what)) if what.contains("<desc>")));
        assert!(matches!(expand(&sources, "b"), Err(Lack::Untaken(what)) if what.contains("b.md")));
        assert!(matches!(expand(&sources, "c"), Err(Lack::Untaken(what)) if what.contains("c.svg")));
        assert!(figure("a", &untitled, None).is_err());
    }
}
