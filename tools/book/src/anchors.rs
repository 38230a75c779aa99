//! The anchors that mark a listing in a source: `ANCHOR: name` to `ANCHOR_END: name`.
//!
//! mdBook includes the lines between them, and does not complain if there are none. So this module checks them.

const START: &str = "ANCHOR:";
const END: &str = "ANCHOR_END:";

/// One line of a source.
#[derive(Debug, PartialEq)]
enum Line<'a> {
    Start(&'a str),
    End(&'a str),
    Other(&'a str),
}

fn parse(line: &str) -> Line<'_> {
    let name = |rest: &'_ str| {
        let rest = rest.trim_start();
        rest.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == '-')).unwrap_or(rest.len())
    };
    let named = |at: usize| {
        let rest = line[at..].trim_start();
        &rest[..name(rest)]
    };
    match (line.find(END), line.find(START)) {
        (Some(at), _) => Line::End(named(at + END.len())),
        (None, Some(at)) => Line::Start(named(at + START.len())),
        (None, None) => Line::Other(line),
    }
}

/// The names of a source's anchors in source order, each with its line number, from 1.
pub fn names(source: &str) -> Vec<(usize, &str)> {
    let lines = source.lines().enumerate();
    lines
        .filter_map(|(at, line)| if let Line::Start(name) = parse(line) { Some((at + 1, name)) } else { None })
        .collect()
}

/// The source without its anchor lines.
pub fn without(source: &str) -> String {
    let lines = source.lines().filter(|line| matches!(parse(line), Line::Other(_)));
    lines.map(|line| format!("{line}\n")).collect()
}

/// The lines between the marks of this name, as mdBook includes them; or a message that says why there are none.
pub fn between(source: &str, name: &str) -> Result<String, String> {
    let mut lines = source.lines().map(parse).skip_while(|line| *line != Line::Start(name));
    if lines.next().is_none() {
        let others: Vec<&str> = names(source).into_iter().map(|(_, name)| name).collect();
        let others = if others.is_empty() { "none".into() } else { others.join(", ") };
        return Err(format!("has no anchor \"{name}\"; its anchors: {others}"));
    }
    let mut text = String::new();
    for line in lines {
        match line {
            Line::End(end) if end == name => {
                let is_empty = text.trim().is_empty();
                return if is_empty { Err(format!("has nothing in its anchor \"{name}\"")) } else { Ok(text) };
            }
            Line::Other(line) => text += &format!("{line}\n"),
            Line::Start(_) | Line::End(_) => {}
        }
    }
    Err(format!("has no end of its anchor \"{name}\""))
}

/// What is wrong with the anchors of a source: for each fault its line and a message.
pub fn faults(source: &str) -> Vec<(usize, String)> {
    let mut open: Vec<&str> = Vec::new();
    let mut seen: Vec<&str> = Vec::new();
    let mut faults = Vec::new();
    for (at, line) in source.lines().enumerate() {
        let what = match parse(line) {
            Line::Start("") | Line::End("") => Some("This anchor has no name.".into()),
            Line::Start(name) if seen.contains(&name) => Some(format!("There are two anchors \"{name}\".")),
            Line::Start(name) => {
                seen.push(name);
                open.push(name);
                None
            }
            Line::End(name) => match open.iter().position(|other| *other == name) {
                Some(place) => {
                    open.remove(place);
                    None
                }
                None => Some(format!("An anchor \"{name}\" ends here that has not begun.")),
            },
            Line::Other(_) => None,
        };
        faults.extend(what.map(|what| (at + 1, what)));
    }
    faults.extend(open.into_iter().map(|name| (0, format!("Its anchor \"{name}\" does not end."))));
    faults
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOURCE: &str = "a\n// ANCHOR: one\nb\n    # ANCHOR: two-2\nc\n/* ANCHOR_END: one */\nd\n// ANCHOR_END: two-2\n\
        // ANCHOR: none\n\n// ANCHOR_END: none\n// ANCHOR: open\ne\n";

    #[test]
    fn a_listing_is_the_text_between_its_anchors_without_other_marks() {
        assert_eq!(between(SOURCE, "one").as_deref(), Ok("b\nc\n"));
        assert_eq!(between(SOURCE, "two-2").as_deref(), Ok("c\nd\n"));
        assert_eq!(without(SOURCE), "a\nb\nc\nd\n\ne\n");
    }

    #[test]
    fn an_anchor_must_exist_end_and_contain_something() {
        for (name, lack) in [("on", "has no anchor"), ("none", "nothing in"), ("open", "no end")] {
            assert!(between(SOURCE, name).expect_err(name).contains(lack), "{name}");
        }
        assert!(between("", "x").expect_err("nothing is there").contains("none"));
    }

    #[test]
    fn faulty_marks_are_reported() {
        assert_eq!(names(SOURCE), [(2, "one"), (4, "two-2"), (9, "none"), (12, "open")]);
        assert_eq!(faults(SOURCE), [(0, "Its anchor \"open\" does not end.".into())]);
        let text = "ANCHOR: a\nANCHOR_END: b\nANCHOR: a\nANCHOR_END: a\nANCHOR:\n";
        let faults: Vec<usize> = faults(text).into_iter().map(|(line, _)| line).collect();
        assert_eq!(faults, [2, 3, 5]);
    }
}
