//! Holes: functions whose bodies a student writes. They are found by syntax, so the sources carry no marks.
//!
//! A body is the text between the braces. [`bodies`] takes the bodies out of a file, and [`fill`] puts bodies into one.
//! Whatever else a submission has changed stays behind.

use proc_macro2::{Delimiter, TokenStream, TokenTree};
use std::collections::BTreeMap;
use std::ops::Range;
use std::str::FromStr;
use std::thread;
use syn::spanned::Spanned;
use syn::visit::{self, Visit};
use syn::{Block, ImplItemFn, ItemFn, ItemImpl, ItemMod, Signature, Type};

/// The bodies of holes, by their names.
pub type Bodies = BTreeMap<String, String>;

/// More brackets inside each other than any answer needs. The parser uses the stack for each.
const MOST_DEPTH: usize = 100;
/// More words, signs and brackets in a row than any file needs without a semicolon. The parser may use the stack for
/// each, as in `!!!!!!!x`.
const MOST_IN_A_ROW: usize = 10_000;
/// The stack of the thread that parses.
const STACK_BYTES: usize = 256 << 20;

/// Why the holes of a file cannot be read, as a sentence.
pub type Refusal = String;

/// The bodies of these holes.
pub fn bodies(text: &str, holes: &[String]) -> Result<Bodies, Refusal> {
    let places = find(text, holes)?;
    Ok(places.into_iter().map(|(hole, place)| (hole, text[place].to_owned())).collect())
}

/// The whole functions that these holes are: their signatures and bodies, without documentation and attributes.
pub fn functions(text: &str, holes: &[String]) -> Result<Bodies, Refusal> {
    let places = find_functions(text, holes)?;
    Ok(places.into_iter().map(|(hole, place)| (hole, text[place.start..=place.body.end].to_owned())).collect())
}

/// The file with other bodies in its holes.
pub fn fill(text: &str, bodies: &Bodies) -> Result<String, Refusal> {
    let holes: Vec<String> = bodies.keys().cloned().collect();
    let mut places: Vec<(String, Range<usize>)> = find(text, &holes)?.into_iter().collect();
    // From the last to the first, so that the places before stay where they are.
    places.sort_by_key(|(_, place)| std::cmp::Reverse(place.start));
    let mut text = text.to_owned();
    for (hole, place) in places {
        text.replace_range(place, &bodies[&hole]);
    }
    Ok(text)
}

/// For each of these holes, the spaces before the line with its closing brace.
pub fn indentations(text: &str, holes: &[String]) -> Result<Bodies, Refusal> {
    let spaces = |place: Range<usize>| {
        let start = text[..place.end].rfind('\n').map_or(0, |at| at + 1);
        text[start..].chars().take_while(|letter| *letter == ' ').collect()
    };
    Ok(find(text, holes)?.into_iter().map(|(hole, place)| (hole, spaces(place))).collect())
}

/// Whether two bodies, or two files, differ only in spaces and comments.
pub fn is_same(one: &str, other: &str) -> bool {
    match (TokenStream::from_str(one), TokenStream::from_str(other)) {
        (Ok(one), Ok(other)) => one.to_string() == other.to_string(),
        _ => one == other,
    }
}

/// Where a function is in a file.
#[derive(Clone)]
struct Place {
    /// The start of its signature.
    start: usize,
    /// What is between its braces.
    body: Range<usize>,
}

/// The places of these holes in a file: what is between their braces.
fn find(text: &str, holes: &[String]) -> Result<BTreeMap<String, Range<usize>>, Refusal> {
    Ok(find_functions(text, holes)?.into_iter().map(|(hole, place)| (hole, place.body)).collect())
}

fn find_functions(text: &str, holes: &[String]) -> Result<BTreeMap<String, Place>, Refusal> {
    let tokens = TokenStream::from_str(text).map_err(|error| {
        let start = error.span().start();
        format!("The file is not valid Rust: {error}, at line {}.", start.line)
    })?;
    if text.starts_with(BYTE_ORDER_MARK) || text.starts_with("#!") && !text.starts_with("#![") {
        return Err("The file begins with a byte order mark or with \"#!\". Take that away.".into());
    }
    if is_long_winded(tokens.clone()) {
        return Err(format!("The file has more than {MOST_IN_A_ROW} words and signs without a semicolon."));
    }
    if depth_exceeds(tokens, MOST_DEPTH) {
        return Err(format!("The file has more than {MOST_DEPTH} brackets inside each other."));
    }
    let (text, holes) = (text.to_owned(), holes.to_vec());
    let parse = move || {
        let file = syn::parse_file(&text).map_err(|error| {
            let start = error.span().start();
            format!("The file is not valid Rust: {error}, at line {}.", start.line)
        })?;
        let mut finder = Finder { path: Vec::new(), found: Vec::new() };
        finder.visit_file(&file);
        let mut places = BTreeMap::new();
        for hole in holes {
            let mut found = finder.found.iter().filter(|(name, _)| *name == hole);
            let place = found.next().ok_or_else(|| format!("There is no function `{hole}` in the file."))?;
            if found.next().is_some() {
                return Err(format!("There are two functions `{hole}` in the file, and only one can be judged."));
            }
            places.insert(hole, place.1.clone());
        }
        Ok(places)
    };
    with_stack(parse).unwrap_or_else(|| Err("The file cannot be parsed.".into()))
}

/// Does work that needs much stack, as parsing does; `None` if it panics.
pub fn with_stack<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    let thread = thread::Builder::new().stack_size(STACK_BYTES).spawn(work).expect("the host can start a thread");
    thread.join().ok()
}

/// Some editors put this before a text. The parser would skip it, and count from behind it.
const BYTE_ORDER_MARK: char = '\u{FEFF}';

/// Whether more than [`MOST_IN_A_ROW`] tokens follow each other without a semicolon. Needs no stack.
fn is_long_winded(tokens: TokenStream) -> bool {
    let mut streams = vec![tokens];
    while let Some(stream) = streams.pop() {
        let mut row = 0;
        for tree in stream {
            let is_end = matches!(&tree, TokenTree::Punct(sign) if sign.as_char() == ';');
            row = if is_end { 0 } else { row + 1 };
            if row > MOST_IN_A_ROW {
                return true;
            }
            streams.extend(inner(tree));
        }
    }
    false
}

/// Whether there are more brackets inside each other than this. Needs no stack.
fn depth_exceeds(tokens: TokenStream, most: usize) -> bool {
    let mut level = vec![tokens];
    for _ in 0..most {
        level = level.into_iter().flatten().filter_map(inner).collect();
        if level.is_empty() {
            return false;
        }
    }
    true
}

fn inner(tree: TokenTree) -> Option<TokenStream> {
    match tree {
        TokenTree::Group(group) if group.delimiter() != Delimiter::None => Some(group.stream()),
        _ => None,
    }
}

/// Walks through the syntax, and notes every function with the place of its body.
struct Finder {
    path: Vec<String>,
    found: Vec<(String, Place)>,
}

impl Finder {
    fn note(&mut self, signature: &Signature, block: &Block) {
        let (start, whole) = (signature.span().byte_range().start, block.span().byte_range());
        let name = signature.ident.to_string();
        let path: Vec<&str> = self.path.iter().map(String::as_str).chain([name.as_str()]).collect();
        self.found.push((path.join("::"), Place { start, body: whole.start + 1..whole.end - 1 }));
    }

    fn inside(&mut self, name: String, visit: impl FnOnce(&mut Self)) {
        self.path.push(name);
        visit(self);
        self.path.pop();
    }
}

impl<'a> Visit<'a> for Finder {
    // Functions inside a body are part of it.
    fn visit_item_fn(&mut self, function: &'a ItemFn) {
        self.note(&function.sig, &function.block);
    }

    fn visit_impl_item_fn(&mut self, function: &'a ImplItemFn) {
        self.note(&function.sig, &function.block);
    }

    fn visit_item_impl(&mut self, block: &'a ItemImpl) {
        let name = match &*block.self_ty {
            Type::Path(path) => path.path.segments.last().map(|segment| segment.ident.to_string()),
            _ => None,
        };
        self.inside(name.unwrap_or_default(), |finder| visit::visit_item_impl(finder, block));
    }

    fn visit_item_mod(&mut self, module: &'a ItemMod) {
        self.inside(module.ident.to_string(), |finder| visit::visit_item_mod(finder, module));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "struct A;\nimpl A {\n    /// Doc.\n    fn one(&self) -> u32 { 1 /* } */ }\n}\nfn one() {\n    \"{\";\n}\nmod m {\n    fn one() {}\n}\n";

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| String::from(*name)).collect()
    }

    #[test]
    fn a_hole_is_found_by_its_path() {
        let found = bodies(FILE, &names(&["A::one", "one", "m::one"])).expect("all three are there");
        assert_eq!(found["A::one"], " 1 /* } */ ");
        assert_eq!(found["one"], "\n    \"{\";\n");
        assert_eq!(found["m::one"], "");
    }

    #[test]
    fn filling_changes_nothing_but_the_bodies() {
        let new = fill(FILE, &Bodies::from([("A::one".into(), " 2 ".into()), ("m::one".into(), " 3 ".into())]));
        let expected = FILE.replace(" 1 /* } */ ", " 2 ").replace("one() {}", "one() { 3 }");
        assert_eq!(new.as_deref(), Ok(expected.as_str()));
    }

    #[test]
    fn a_whole_function_has_its_signature() {
        let found = functions(FILE, &names(&["A::one", "m::one"])).expect("both are there");
        assert_eq!(found["A::one"], "fn one(&self) -> u32 { 1 /* } */ }");
        assert_eq!(found["m::one"], "fn one() {}");
        let found = functions("/// Doc.\n#[inline]\npub const unsafe fn a() {}", &names(&["a"])).expect("it is there");
        assert_eq!(found["a"], "const unsafe fn a() {}");
    }

    #[test]
    fn a_hole_knows_how_far_it_is_indented() {
        let found = indentations(FILE, &names(&["A::one", "one"])).expect("both are there");
        assert_eq!((found["A::one"].as_str(), found["one"].as_str()), ("    ", ""));
    }

    #[test]
    fn a_missing_hole_and_a_second_one_are_refused() {
        assert!(bodies(FILE, &names(&["two"])).unwrap_err().contains("no function `two`"));
        let twice = format!("{FILE}fn one() {{}}");
        assert!(bodies(&twice, &names(&["one"])).unwrap_err().contains("two functions `one`"));
    }

    #[test]
    fn what_is_not_rust_is_refused_with_its_line() {
        assert!(bodies("fn a() {\n", &names(&["a"])).unwrap_err().contains("line 1"));
        assert!(bodies("fn a() {}\nfn b( {}\n", &names(&["a"])).unwrap_err().contains("line 2"));
    }

    #[test]
    fn endless_brackets_are_refused() {
        let deep = format!("fn a() {{ {}1{} }}", "(".repeat(100_000), ")".repeat(100_000));
        assert!(bodies(&deep, &names(&["a"])).unwrap_err().contains("inside each other"));
    }

    #[test]
    fn endless_expressions_are_refused() {
        for part in ["!", "return ", "& ", "a = ", "a = {} ", "|a, b| ", "A<b, "] {
            let long = format!("fn a() {{ {}1 }}", part.repeat(240_000 / part.len()));
            assert!(bodies(&long, &names(&["a"])).unwrap_err().contains("without a semicolon"), "{part}");
        }
    }

    #[test]
    fn what_the_parser_would_skip_is_refused() {
        for start in ["\u{FEFF}", "#!é\n", "#! /usr/bin/env é\n"] {
            let why = bodies(&format!("{start}fn a() {{ é }}"), &names(&["a"])).unwrap_err();
            assert!(why.contains("begins with") || why.contains("not valid Rust"), "{why}");
        }
    }

    #[test]
    fn spaces_and_comments_make_no_difference() {
        assert!(is_same("a + b // sum", "a+b"));
        assert!(!is_same("a + b", "b + a"));
    }
}
