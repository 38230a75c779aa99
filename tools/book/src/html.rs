//! Text as HTML, for places where a page cannot use Markdown: captions, table cells, the text of defects.

/// The text with HTML's special characters escaped.
pub fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// A line or two of plain text, in which only words in backticks are marked up, as code.
pub fn inline(text: &str) -> String {
    let mut parts = text.split('`');
    let mut html = escaped(parts.next().unwrap_or_default());
    let rest: Vec<&str> = parts.collect();
    for pair in rest.chunks(2) {
        match pair {
            [code, after] => html += &format!("<code>{}</code>{}", escaped(code), escaped(after)),
            [alone] => html += &format!("`{}", escaped(alone)),
            _ => unreachable!("pieces are of one or two"),
        }
    }
    html
}

/// Paragraphs of such text, without empty lines between them, because an empty line would end a block of HTML.
pub fn paragraphs(text: &str) -> String {
    let paragraphs = text.split("\n\n").map(str::trim).filter(|paragraph| !paragraph.is_empty());
    paragraphs.map(|paragraph| format!("<p>{}</p>\n", inline(paragraph))).collect()
}

/// A long name, with places where a line may break.
pub fn name(name: &str) -> String {
    let name = escaped(name).replace('/', "/<wbr>").replace("::", "::<wbr>").replace('_', "_<wbr>");
    format!("<code>{name}</code>")
}

/// A link to a place in the book, around words that are already HTML.
pub fn link(to: &str, words: &str) -> String {
    format!("<a href=\"{to}\">{words}</a>")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_escaped_and_backticks_become_code() {
        assert_eq!(inline("a < b & `x<y>` \"c\""), "a &lt; b &amp; <code>x&lt;y&gt;</code> &quot;c&quot;");
        assert_eq!(inline("a ` b"), "a ` b");
        assert_eq!(inline(""), "");
    }

    #[test]
    fn long_names_may_be_broken() {
        assert_eq!(name("d/a::b_c"), "<code>d/<wbr>a::<wbr>b_<wbr>c</code>");
    }

    #[test]
    fn paragraphs_have_no_empty_line_between_them() {
        assert_eq!(paragraphs("a\nb\n\n\nc\n"), "<p>a\nb</p>\n<p>c</p>\n");
    }
}
