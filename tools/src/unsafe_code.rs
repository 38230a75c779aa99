//! Unsafe code, counted: how much of a file the compiler takes on trust.
//!
//! Tokens are counted, and not the items and expressions that they make up: so what stands in a macro,
//! where nothing is an expression yet, counts like everything else. Tests inside of a file do not.

use anyhow::{Result, anyhow};
use proc_macro2::{Delimiter, TokenStream, TokenTree};
use std::collections::HashSet;
use std::ops::AddAssign;

/// The macros that take assembly.
const ASSEMBLERS: [&str; 3] = ["asm", "global_asm", "naked_asm"];

/// How much unsafe code there is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// Blocks: `unsafe { ... }`.
    pub blocks: usize,
    /// The lines on which such blocks stand.
    pub lines: usize,
    /// Functions, implementations, foreign blocks and attributes that are `unsafe`.
    pub declarations: usize,
    /// Lines of assembly.
    pub assembly: usize,
}

impl Count {
    /// Counts what a file of Rust has.
    pub fn of_rust(source: &str) -> Result<Self> {
        let tokens: TokenStream = source.parse().map_err(|error| anyhow!("this is no Rust: {error}"))?;
        let mut counter = Counter::default();
        counter.walk(tokens);
        let Counter { blocks, declarations, lines, assembly } = counter;
        Ok(Self { blocks, declarations, lines: lines.len(), assembly: assembly.len() })
    }

    /// Counts what a file of assembly has: the lines with anything but a comment on them.
    pub fn of_assembly(source: &str) -> Self {
        let mut code = String::new();
        for (index, piece) in source.split("/*").enumerate() {
            let (comment, rest) = if index == 0 { ("", piece) } else { piece.split_once("*/").unwrap_or((piece, "")) };
            // A comment may be as long as it likes, but the lines after it stay lines.
            code.extend(comment.chars().filter(|letter| *letter == '\n'));
            code.push_str(rest);
        }
        Self { assembly: code.lines().filter(|line| !line.trim().is_empty()).count(), ..Self::default() }
    }

    /// Whether there is none.
    pub fn is_nothing(&self) -> bool {
        *self == Self::default()
    }
}

impl AddAssign for Count {
    fn add_assign(&mut self, other: Self) {
        self.blocks += other.blocks;
        self.lines += other.lines;
        self.declarations += other.declarations;
        self.assembly += other.assembly;
    }
}

/// What has been seen so far; lines by their numbers, as several things may stand on one.
#[derive(Default)]
struct Counter {
    blocks: usize,
    declarations: usize,
    lines: HashSet<usize>,
    assembly: HashSet<usize>,
}

impl Counter {
    fn walk(&mut self, tokens: TokenStream) {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        let mut rest = tokens.as_slice();
        while let [token, behind @ ..] = rest {
            rest = behind;
            match token {
                TokenTree::Punct(mark) if mark.as_char() == '#' && is_for_tests(behind) => rest = behind_item(behind),
                TokenTree::Ident(word) if word == "unsafe" => self.count_unsafe(word.span().start().line, behind),
                TokenTree::Ident(word) if ASSEMBLERS.iter().any(|name| word == name) => self.count_assembly(behind),
                TokenTree::Group(group) => self.walk(group.stream()),
                _ => {}
            }
        }
    }

    /// Counts an `unsafe` on this line, with these tokens behind it.
    fn count_unsafe(&mut self, line: usize, behind: &[TokenTree]) {
        match behind {
            [TokenTree::Group(group), ..] if group.delimiter() == Delimiter::Brace => {
                self.blocks += 1;
                self.lines.extend(line..=group.span_close().end().line);
            }
            _ if is_declaration(behind) => self.declarations += 1,
            _ => {}
        }
    }

    /// Counts the lines of the texts that are given to such a macro: they are the instructions.
    fn count_assembly(&mut self, behind: &[TokenTree]) {
        let [TokenTree::Punct(mark), TokenTree::Group(arguments), ..] = behind else { return };
        if mark.as_char() == '!' {
            for argument in arguments.stream() {
                if let TokenTree::Literal(text) = argument
                    && text.to_string().ends_with(['"', '#'])
                {
                    self.assembly.extend(text.span().start().line..=text.span().end().line);
                }
            }
        }
    }
}

/// Whether an `unsafe` with these tokens behind it declares something. In the type of a function it does not.
fn is_declaration(behind: &[TokenTree]) -> bool {
    let behind = match behind {
        [TokenTree::Ident(word), TokenTree::Literal(_), rest @ ..] if word == "extern" => rest,
        [TokenTree::Ident(word), rest @ ..] if word == "extern" => rest,
        _ => behind,
    };
    match behind {
        [TokenTree::Ident(word), next, ..] if word == "fn" => !matches!(next, TokenTree::Group(_)),
        [TokenTree::Ident(word), ..] => word == "impl" || word == "trait",
        // A foreign block, or what an attribute is about.
        [TokenTree::Group(_), ..] => true,
        _ => false,
    }
}

/// Whether these tokens, behind a `#`, say that what follows is compiled for tests alone.
fn is_for_tests(behind: &[TokenTree]) -> bool {
    matches!(behind, [TokenTree::Group(group), ..] if group.stream().to_string().replace(' ', "") == "cfg(test)")
}

/// What is left of the tokens behind the next item.
fn behind_item(tokens: &[TokenTree]) -> &[TokenTree] {
    let ends = |token: &TokenTree| match token {
        TokenTree::Group(group) => group.delimiter() == Delimiter::Brace,
        TokenTree::Punct(mark) => mark.as_char() == ';',
        _ => false,
    };
    let end = tokens.iter().position(ends).map_or(tokens.len(), |last| last + 1);
    &tokens[end..]
}

#[cfg(test)]
mod tests;
