//! Finds answers that are the same except for their form: spaces, comments, and the names of variables.

use crate::holes;
use crate::tree::{Answer, Filling, hex};
use proc_macro2::{TokenStream, TokenTree};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::str::FromStr;
use syn::visit::{self, Visit};
use syn::{Block, ItemFn, PatIdent};

/// SHA-256 of an answer without its form; `None` if it cannot be parsed.
pub fn digest(answer: &Answer) -> Option<String> {
    let mut digest = Sha256::new();
    for (path, filling) in answer {
        digest.update(path.to_string_lossy().as_bytes());
        match filling {
            Filling::Whole(text) => {
                let lines = text.lines().map(|line| line.split(['#', ';']).next().unwrap_or_default());
                lines.flat_map(str::split_whitespace).for_each(|word| digest.update(format!("{word} ")));
            }
            Filling::Bodies(bodies) => {
                for (hole, body) in bodies {
                    digest.update(format!("{hole}\n{}\n", without_form(body)?));
                }
            }
        }
    }
    Some(hex(&digest.finalize()))
}

/// The words and signs of a body. Names that it gives are replaced by their number.
fn without_form(body: &str) -> Option<String> {
    let text = format!("{{{body}}}");
    holes::with_stack(move || {
        let block: Block = syn::parse_str(&text).ok()?;
        let mut names = Names::default();
        names.visit_block(&block);
        let mut words = String::new();
        write(TokenStream::from_str(&text).ok()?, &names, &mut words);
        Some(words)
    })?
}

/// The names that a body gives to variables and to functions inside it, numbered in their order.
#[derive(Default)]
struct Names(BTreeMap<String, usize>);

impl Names {
    fn note(&mut self, name: String) {
        let number = self.0.len();
        self.0.entry(name).or_insert(number);
    }
}

impl<'a> Visit<'a> for Names {
    fn visit_pat_ident(&mut self, pattern: &'a PatIdent) {
        let name = pattern.ident.to_string();
        // What begins with a capital letter is a constant or a variant, and not a name for something new.
        if !name.starts_with(char::is_uppercase) {
            self.note(name);
        }
        visit::visit_pat_ident(self, pattern);
    }

    fn visit_item_fn(&mut self, function: &'a ItemFn) {
        self.note(function.sig.ident.to_string());
        visit::visit_item_fn(self, function);
    }
}

fn write(tokens: TokenStream, names: &Names, words: &mut String) {
    // The last two signs before a word.
    let mut signs = [' ', ' '];
    for tree in tokens {
        // A field, a method or a part of a path keeps its name, even if a variable has the same.
        let keeps_name = signs == [':', ':'] || signs[0] != '.' && signs[1] == '.';
        let sign = if let TokenTree::Punct(sign) = &tree { sign.as_char() } else { ' ' };
        signs = [signs[1], sign];
        match tree {
            TokenTree::Group(group) => {
                *words += &format!("{:?} ", group.delimiter());
                write(group.stream(), names, words);
                *words += "end ";
            }
            TokenTree::Ident(word) => match names.0.get(&word.to_string()).filter(|_| !keeps_name) {
                Some(number) => *words += &format!("#{number} "),
                None => *words += &format!("{word} "),
            },
            other => *words += &format!("{other} "),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn same(one: &str, other: &str) -> bool {
        without_form(one).expect("it is Rust") == without_form(other).expect("it is Rust")
    }

    #[test]
    fn form_makes_no_difference() {
        assert!(same("let a = 1; a + b", "let x=1; // one\nx + b"));
        assert!(same("for (i, c) in s { f(c, |d| d + i) }", "for (n, l) in s { f(l, |e| e + n) }"));
        assert!(same("let count = self.count; count", "let c = self.count; c"));
        assert!(same("let a = 1; (0..a, S { b: a })", "let c = 1; (0..c, S { b: c })"));
        assert!(same("fn two(a: u32) -> u32 { a } two(1)", "fn zwei(b: u32) -> u32 { b } zwei(1)"));
    }

    #[test]
    fn what_an_answer_does_makes_a_difference() {
        assert!(!same("let a = 1; a + b", "let a = 1; b + a"));
        assert!(!same("let a = 1; let b = 2; a", "let a = 1; let b = 2; b"));
        assert!(!same("match a { None => 1, _ => 2 }", "match a { Some => 1, _ => 2 }"));
    }

    #[test]
    fn brackets_are_kept() {
        assert!(!same("a((b, c), d)", "a(b, (c, d))"));
    }
}
