//! The page of one student: her result in one exercise, as one file of HTML that needs no other.

use crate::export::words::{about_withheld, failure, finding, summary};
use crate::judge::{Cause, Failure, Judged, Verdict};
use crate::picture;
use crate::result::Graded;
use pulldown_cmark_escape::escape_html;
use std::fmt::Write;

/// The colors are those of the book in light and dark. A picture has a fixed width, and is scrolled where the page is
/// narrower.
const STYLE: &str = "
:root { color-scheme: light dark; --bg: #fff; --fg: #222; --quote-bg: #f2f2f2; --line: #8a8a8a;
  --linked: #0b5394; --copied: #a83a00; --good: #17692f; --bad: #a8200d; --open: #7a5200; }
@media (prefers-color-scheme: dark) {
  :root { --bg: #16181b; --fg: #d9d9d9; --quote-bg: #24272c; --line: #747885;
    --linked: #6cb2e8; --copied: #eb9a55; --good: #6fcf8a; --bad: #ff8f7d; --open: #e6b54a; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--bg); color: var(--fg); font: 1rem/1.5 system-ui, sans-serif; }
main, footer { max-width: 52rem; margin: 0 auto; padding: 1rem; overflow-wrap: anywhere; }
h1 { font-size: 1.5rem; line-height: 1.25; margin: 0.5rem 0 0; }
.student { margin: 0 0 1rem; }
.points { font-size: 1.25rem; font-weight: bold; margin: 0; }
ul { list-style: none; margin: 1.5rem 0; padding: 0; }
li { border-top: 1px solid var(--line); padding: 0.75rem 0; }
li p { margin: 0.25rem 0; }
.verdict { font-weight: bold; }
.passed .verdict { color: var(--good); }
.failed .verdict { color: var(--bad); }
.open .verdict { color: var(--open); }
pre, figure { margin: 0.5rem 0 0; overflow-x: auto; border-radius: 4px; }
pre { background: var(--quote-bg); padding: 0.75rem; font: 0.8125rem/1.45 ui-monospace, monospace;
  white-space: pre-wrap; overflow-wrap: anywhere; }
svg { display: block; width: 100%; min-width: 46rem; height: auto; }
footer { border-top: 1px solid var(--line); font-size: 0.8125rem; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 0.125rem 1rem; margin: 0; }
dd { margin: 0; font-family: ui-monospace, monospace; }
";

/// The page. Of hidden tests it shows what they check and whether they passed, and nothing else.
pub fn page(graded: &Graded) -> String {
    let mut html = String::new();
    let (title, student) = (escaped(&graded.title), escaped(&graded.student));
    // What a kernel printed is on the page, so nothing on it may run or be loaded.
    html += &format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
         <title>{title}: {student}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<main>\n\
         <h1>{title}</h1>\n<p class=\"student\"><bdi>{student}</bdi></p>\n<p class=\"points\">{}</p>\n<p>{}</p>\n<ul>\n",
        match graded.points {
            Some(points) => format!("{points} of {} points", graded.max_points),
            None => "No points yet".into(),
        },
        escaped(&summary(graded, true)),
    );
    let mut logs = vec![""];
    for (number, judged) in (1..).zip(&graded.judgement.tests) {
        html += &test(number, judged, &mut logs);
    }
    if let Some(sentence) = about_withheld(graded) {
        html += &item("open", "not judged", "", &sentence, "");
    }
    html += &format!("</ul>\n</main>\n{}</body>\n</html>\n", footer(graded));
    html
}

/// A test, with its place in the list. `logs` are those that the page has already: several tests may fail for one reason,
/// such as the compiler's.
fn test<'a>(number: usize, judged: &'a Judged, logs: &mut Vec<&'a str>) -> String {
    let (class, word) = match judged.verdict {
        Verdict::Passed => ("passed", "passed"),
        Verdict::Failed(_) => ("failed", "failed"),
        Verdict::InfraError(_) | Verdict::Pending => ("open", "not judged"),
    };
    let points = judged.reached().map_or("?".into(), |points| points.to_string());
    let hidden = if judged.hidden { " · hidden test" } else { "" };
    let mut details = String::new();
    let finding = finding(judged);
    // That the whole answer was refused, and why, stands above all tests.
    if !finding.is_empty() && judged.cause() != Some(Cause::Refused) {
        details += &format!("<p>{}</p>\n", escaped(&finding));
    }
    if let Some(Failure { log, spaces, .. }) = failure(judged) {
        if !logs.contains(&log.trim_end()) {
            details += &format!("<pre tabindex=\"0\">{}</pre>\n", escaped(log.trim_end()));
            logs.push(log.trim_end());
        }
        if let Some((right, seen)) = spaces {
            // A page may have several pictures, and each has its own identifiers.
            let svg = picture::draw(right, seen).to_string().replace("tables-", &format!("tables-{number}-"));
            details += &format!("<figure tabindex=\"0\">\n{svg}\n</figure>\n");
        }
    }
    item(class, word, &format!(" · {points} of {}{hidden}", judged.points), &judged.says, &details)
}

fn item(class: &str, word: &str, points: &str, says: &str, details: &str) -> String {
    let says = escaped(says);
    format!(
        "<li class=\"{class}\">\n<p><span class=\"verdict\">{word}</span>{points}</p>\n<p>{says}</p>\n{details}</li>\n"
    )
}

/// What a student can name when she asks about her grade. The seed is the instructor's, who may grade by it again.
fn footer(graded: &Graded) -> String {
    let mut html = String::from("<footer>\n<dl>\n");
    let judgement = &graded.judgement;
    let facts = [
        ("Edition", &judgement.edition),
        ("Submission", &graded.submission),
        ("Judged in", &format!("{:.1} s", judgement.seconds)),
    ];
    for (name, value) in facts {
        writeln!(html, "<dt>{name}</dt><dd>{}</dd>", escaped(value)).expect("a text takes all");
    }
    html + "</dl>\n</footer>\n"
}

/// Text in which HTML's characters are escaped.
fn escaped(text: &str) -> String {
    let mut html = String::new();
    escape_html(&mut html, text).expect("a text takes all");
    html
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::export::samples;
    use scraper::{Html, Selector};

    /// The texts of the elements that a selector finds, as a parser reads the page.
    fn texts(page: &Html, selector: &str) -> Vec<String> {
        let selector = Selector::parse(selector).expect("it is a selector");
        page.select(&selector).map(|found| found.text().collect()).collect()
    }

    fn parsed(graded: &Graded) -> Html {
        let page = Html::parse_document(&page(graded));
        assert!(page.errors.is_empty(), "{:?}", page.errors);
        page
    }

    #[test]
    fn every_page_has_every_test_and_no_script() {
        for graded in samples::all() {
            let html = page(&graded);
            let page = parsed(&graded);
            let open = usize::from(about_withheld(&graded).is_some());
            assert_eq!(texts(&page, "li").len(), graded.judgement.tests.len() + open);
            assert_eq!(texts(&page, ".student bdi"), [graded.student.as_str()]);
            assert_eq!(texts(&page, "dd")[..2], [graded.judgement.edition, graded.submission]);
            assert!(!html.contains("4711"), "the seed");
            assert!(texts(&page, "script, link, img, iframe, object").is_empty() && !html.contains("src="));
            assert!(!html.contains(samples::SECRET));
        }
    }

    #[test]
    fn a_failed_test_has_its_sentence_its_log_and_its_picture() {
        let page = parsed(&samples::partly());
        let failed = texts(&page, "li.failed");
        assert!(failed[0].contains("In frames_are_given_once: Frame: right is 5"));
        assert!(failed[1].contains("EXCEPTION: page fault at 0xdeadbeef"));
        assert_eq!(texts(&page, "li.failed pre").len(), 2);
        assert_eq!(texts(&page, "li.failed pre")[0], "a line of the log with <angle brackets> & more");
        assert_eq!(texts(&page, "svg #tables-2-title").len(), 1);
        assert_eq!(texts(&page, ".points"), ["4 of 10 points"]);
        assert_eq!(texts(&parsed(&samples::not_compiled()), "pre"), ["error[E0308]"], "one log is enough");
    }

    #[test]
    fn a_refusal_is_said_once() {
        assert_eq!(page(&samples::refused()).matches("contains `asm!`").count(), 1);
    }

    #[test]
    fn what_is_no_grade_has_no_points() {
        for graded in [samples::infra_error(), samples::partial()] {
            let page = parsed(&graded);
            assert_eq!(texts(&page, ".points"), ["No points yet"]);
            assert!(texts(&page, "li.open")[0].contains("not judged · ? of 2"));
        }
        assert!(texts(&parsed(&samples::withheld()), "li.open")[0].contains("after the deadline"));
    }
}
