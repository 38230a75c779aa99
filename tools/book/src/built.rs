//! Checks the pages that mdBook has built: every link has a target, and nothing is empty.

use crate::fault::Fault;
use crate::page::MARK;
use scraper::{ElementRef, Html, Selector};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// The page shown for any missing page, in any folder. Its links are relative to no fixed place, so it is not checked.
const LOST: &str = "404.html";

/// The page that contains all the others.
const PRINT: &str = "print.html";
/// The words for a link without a target.
const NOWHERE: &str = "leads nowhere";

/// Whether this fault goes away once other pages are written.
pub fn is_for_later(fault: &Fault) -> bool {
    fault.what.contains(NOWHERE)
}

/// One page, parsed.
struct Built {
    text: String,
    html: Html,
    ids: BTreeSet<String>,
}

/// What is wrong with the pages in a folder.
pub fn faults(folder: &Path) -> Result<Vec<Fault>, String> {
    let mut pages = BTreeMap::new();
    let entries = fs::read_dir(folder).map_err(|error| format!("{} cannot be read: {error}", folder.display()))?;
    for entry in entries.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.ends_with(".html") && name != LOST {
            let text = fs::read_to_string(entry.path()).map_err(|error| format!("{name} cannot be read: {error}"))?;
            pages.insert(name, Built::parse(text));
        }
    }
    if !pages.contains_key("index.html") || !pages.contains_key(PRINT) {
        return Err(format!("{} has no index.html, or no print.html.", folder.display()));
    }
    let faults = |(name, page): (&String, &Built)| {
        let own = [page.marks(), page.ids_used_twice(), page.empty_listings(), page.drawings(), page.references()];
        let links = page.links().into_iter().filter_map(|link| broken(folder, &pages, name, &link));
        let all: Vec<Fault> = own.concat().into_iter().chain(links).map(|what| Fault::of(name, what)).collect();
        all
    };
    // The print page repeats all other pages with their faults, so it is checked only once they have none.
    let (print, others): (Vec<_>, Vec<_>) = pages.iter().partition(|(name, _)| *name == PRINT);
    let of_others: Vec<Fault> = others.into_iter().flat_map(faults).collect();
    Ok(if of_others.is_empty() { print.into_iter().flat_map(faults).collect() } else { of_others })
}

/// Why a link in a page leads nowhere, if it does not.
fn broken(folder: &Path, pages: &BTreeMap<String, Built>, page: &str, link: &str) -> Option<String> {
    let is_outside = link.starts_with("//") || link.split(['/', '#', '?']).next()?.contains(':');
    if is_outside {
        return None;
    }
    let (path, fragment) = link.split_once('#').unwrap_or((link, ""));
    let path = path.split('?').next().unwrap_or_default();
    let path = if path.is_empty() { page } else { path.trim_start_matches("./") };
    if !folder.join(path).exists() {
        return Some(format!("The link to \"{link}\" {NOWHERE}: there is no {path}."));
    }
    let target = pages.get(path)?;
    let is_there = fragment.is_empty() || target.ids.contains(fragment);
    (!is_there).then(|| format!("The link to \"{link}\" {NOWHERE}: {path} has no place \"{fragment}\"."))
}

fn selector(words: &str) -> Selector {
    Selector::parse(words).expect("a selector that is a word in the program")
}

impl Built {
    fn parse(text: String) -> Self {
        let html = Html::parse_document(&text);
        let ids = html.select(&selector("[id]")).filter_map(|element| element.attr("id")).map(String::from).collect();
        Self { text, html, ids }
    }

    fn all(&self, words: &str) -> Vec<ElementRef<'_>> {
        self.html.select(&selector(words)).collect()
    }

    /// Directives that the preprocessor has not replaced.
    fn marks(&self) -> Vec<String> {
        let lines = self.text.lines().filter(|line| line.contains(MARK));
        lines.map(|line| format!("A directive is left: {}", line.trim())).collect()
    }

    fn ids_used_twice(&self) -> Vec<String> {
        let mut seen = BTreeSet::new();
        let ids = self.all("[id]").into_iter().filter_map(|element| element.attr("id"));
        ids.filter(|id| !seen.insert(*id)).map(|id| format!("Two places are called \"{id}\".")).collect()
    }

    fn empty_listings(&self) -> Vec<String> {
        let empty = self.all("main pre").into_iter().filter(|listing| is_blank(*listing));
        let near = |listing: ElementRef| {
            let figure =
                listing.ancestors().filter_map(ElementRef::wrap).find(|element| element.value().name() == "figure");
            figure.map_or(String::new(), |figure| figure.text().collect::<String>().trim().to_owned())
        };
        empty.map(|listing| format!("A listing is empty: {}", near(listing))).collect()
    }

    /// Drawings without a text for readers who cannot see them. mdBook's own icons do not count as drawings.
    fn drawings(&self) -> Vec<String> {
        let is_icon = |element: &ElementRef| {
            let of_icon = |element: ElementRef| {
                element.value().classes().any(|class| class == "fa-svg" || class == "blockquote-tag-title")
            };
            of_icon(*element) || element.ancestors().filter_map(ElementRef::wrap).any(of_icon)
        };
        let drawings = self.all("main svg").into_iter().filter(|element| !is_icon(element));
        let lack = |drawing: ElementRef| {
            let words =
                |name: &str| drawing.child_elements().any(|child| child.value().name() == name && !is_blank(child));
            let title = drawing.child_elements().find(|child| child.value().name() == "title");
            let title = title.map_or("without a title".into(), |title| title.text().collect::<String>());
            match (words("title"), words("desc"), drawing.attr("role")) {
                (true, true, Some("img")) => None,
                (true, true, _) => Some(format!("The drawing \"{title}\" is not said to be one: role=\"img\".")),
                _ => Some(format!("The drawing \"{title}\" lacks a title or a description.")),
            }
        };
        drawings.into_iter().filter_map(lack).collect()
    }

    /// References within the page that are not links, in drawings and for screen readers, and that have no target.
    fn references(&self) -> Vec<String> {
        let mut wanted: Vec<&str> = Vec::new();
        for element in self.all("main *") {
            for (name, value) in element.value().attrs() {
                match name {
                    "aria-labelledby" | "aria-describedby" | "aria-controls" | "for" => {
                        wanted.extend(value.split_whitespace())
                    }
                    _ => wanted.extend(value.split("url(#").skip(1).filter_map(|rest| rest.split(')').next())),
                }
            }
        }
        let missing = wanted.into_iter().filter(|id| !self.ids.contains(*id));
        missing.map(|id| format!("A reference to \"{id}\" has no target on this page.")).collect()
    }

    /// Every address that the page links to or loads.
    fn links(&self) -> Vec<String> {
        let of = |words: &str, name: &str| -> Vec<String> {
            self.all(words).into_iter().filter_map(|element| element.attr(name)).map(String::from).collect()
        };
        [of("a[href]", "href"), of("link[href]", "href"), of("[src]", "src"), of("use", "href")].concat()
    }
}

fn is_blank(element: ElementRef) -> bool {
    element.text().all(|text| text.trim().is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = "<html><body><main id=\"m\"><h1 id=\"a\">A</h1><a href=\"#a\">x</a><a href=\"b.html?x#c\">y</a>\
        <a href=\"https://x.org/#z\">z</a><img src=\"b.png\"><figure><figcaption>of b</figcaption><pre><code>x</code></pre></figure>\
        <svg role=\"img\" aria-labelledby=\"a\"><title>T</title><desc>D</desc><g fill=\"url(#a)\"/></svg>\
        <p class=\"blockquote-tag-title\"><svg></svg></p></main></body></html>";

    /// The faults reported for a small book in which `new` replaces `old`.
    fn reported(old: &str, new: &str) -> Vec<String> {
        assert!(PAGE.contains(old), "{old}");
        let folder = tempfile::tempdir().expect("a folder");
        let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).expect("a file");
        write("index.html", &PAGE.replacen(old, new, 1));
        write("print.html", PAGE);
        write("404.html", "<a href=\"nowhere\">{{#x}}</a>");
        write("b.html", "<p id=\"c\">C</p>");
        write("b.png", "");
        faults(folder.path()).expect("a book").iter().map(Fault::to_string).collect()
    }

    #[test]
    fn a_good_page_has_no_fault() {
        assert_eq!(reported("", ""), [""; 0]);
    }

    #[test]
    fn each_fault_is_reported_once() {
        for (old, new, message) in [
            (">x</a>", ">{{#new}}</a>", "A directive is left"),
            ("href=\"#a\"", "href=\"#b\"", "index.html has no place \"b\""),
            ("b.html?x#c", "b.html#d", "b.html has no place \"d\""),
            ("b.html?x#c", "c.html", "there is no c.html"),
            ("b.png", "c.png", "there is no c.png"),
            ("id=\"m\"", "id=\"a\"", "Two places are called \"a\""),
            ("<code>x</code>", "<code> \n</code>", "A listing is empty: of b"),
            ("<title>T</title>", "", "\"without a title\" lacks"),
            ("<desc>D</desc>", "<desc> </desc>", "\"T\" lacks"),
            ("role=\"img\" ", "", "role=\"img\""),
            ("url(#a)", "url(#b)", "A reference to \"b\" has no target"),
            ("labelledby=\"a\"", "labelledby=\"a c\"", "A reference to \"c\" has no target"),
        ] {
            let reported = reported(old, new);
            assert!(
                reported.len() == 1 && reported[0].contains(message) && reported[0].starts_with("index.html: "),
                "{message}: {reported:?}"
            );
        }
    }

    #[test]
    fn the_page_for_print_is_checked_as_well() {
        let folder = tempfile::tempdir().expect("a folder");
        for (name, text) in [("index.html", "<p>A</p>"), ("print.html", "<a href=\"#a\">A</a>")] {
            fs::write(folder.path().join(name), text).expect("a file");
        }
        let faults = faults(folder.path()).expect("a book");
        assert!(faults.len() == 1 && faults[0].file == "print.html" && is_for_later(&faults[0]), "{faults:?}");
    }

    #[test]
    fn a_folder_without_pages_is_not_a_book() {
        let folder = tempfile::tempdir().expect("a folder");
        assert!(faults(folder.path()).is_err());
        assert!(faults(&folder.path().join("none")).is_err());
    }
}
