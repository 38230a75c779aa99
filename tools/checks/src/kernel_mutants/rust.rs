//! Breaks Rust by its syntax: operators, conditions, constants, statements, calls and match arms.
//!
//! Only code that is compiled for kernels alone is broken: files with `#![cfg(target_os = "none")]`, and items with
//! `#[cfg(target_os = "none")]`. The body of `macro_rules!` is left alone, because it need not be complete Rust.

use super::assembly;
use super::change::{Change, other_numbers};
use anyhow::{Context, Result};
use std::ops::Range;
use syn::parse::{ParseStream, Parser};
use syn::punctuated::Punctuated;
use syn::spanned::Spanned;
use syn::visit::{self, Visit};
use syn::{Attribute, Block, Expr, Item, Local, Pat, RangeLimits, ReturnType, Signature, Stmt, Token, UnOp};

/// Binary operators, and what each can become.
const OPERATORS: [(&str, &str); 24] = [
    ("+", "-"),
    ("-", "+"),
    ("*", "/"),
    ("/", "*"),
    ("%", "/"),
    ("&&", "||"),
    ("||", "&&"),
    ("&", "|"),
    ("|", "&"),
    ("^", "|"),
    ("<<", ">>"),
    (">>", "<<"),
    ("==", "!="),
    ("!=", "=="),
    ("<", "<="),
    ("<=", "<"),
    (">", ">="),
    (">=", ">"),
    ("+=", "-="),
    ("-=", "+="),
    ("&=", "|="),
    ("|=", "&="),
    ("<<=", ">>="),
    (">>=", "<<="),
];

/// Methods that are operators by another name, and their opposites.
const METHODS: [(&str, &str); 10] = [
    ("all", "any"),
    ("checked_add", "checked_sub"),
    ("fetch_add", "fetch_sub"),
    ("is_none", "is_some"),
    ("is_none_or", "is_some_and"),
    ("is_ok", "is_err"),
    ("max", "min"),
    ("saturating_add", "saturating_sub"),
    ("skip", "take"),
    ("wrapping_add", "wrapping_sub"),
];

/// Methods that can be left out, because what they are called on may stand for what they return.
const LEFT_OUT: [&str; 15] = [
    "chain",
    "filter",
    "max",
    "min",
    "or",
    "or_else",
    "rev",
    "saturating_add",
    "saturating_sub",
    "skip",
    "skip_while",
    "take",
    "take_while",
    "wrapping_add",
    "wrapping_sub",
];

/// Macros that take assembly.
const ASSEMBLERS: [&str; 3] = ["asm", "global_asm", "naked_asm"];

/// All changes of a file of Rust, in the order of the text.
pub fn changes(text: &str) -> Result<Vec<Change>> {
    let file = syn::parse_file(text).context("this is not valid Rust")?;
    let mut breaker = Breaker { text, is_for_kernels: is_for_kernels(&file.attrs), changes: Vec::new() };
    breaker.visit_file(&file);
    let mut changes = breaker.changes;
    changes.sort_by(|a, b| (a.range.start, a.range.end, &a.becomes).cmp(&(b.range.start, b.range.end, &b.becomes)));
    changes.dedup();
    Ok(changes)
}

/// Walks through the syntax, and notes what can be broken.
struct Breaker<'a> {
    text: &'a str,
    is_for_kernels: bool,
    changes: Vec<Change>,
}

impl Breaker<'_> {
    fn note(&mut self, what: &impl Spanned, becomes: impl Into<String>) {
        self.note_range(what.span().byte_range(), becomes);
    }

    fn note_range(&mut self, range: Range<usize>, becomes: impl Into<String>) {
        if self.is_for_kernels {
            self.changes.push(Change::new(range, becomes));
        }
    }

    /// Makes a condition always true, or always false. A condition that binds names can only become false.
    fn condition(&mut self, condition: &Expr, can_hold_always: bool) {
        let range = condition.span().byte_range();
        if binds(condition) {
            return self.note_range(range.start..range.start, "false && ");
        }
        self.note_range(range.clone(), "false");
        if can_hold_always {
            self.note_range(range, "true");
        }
    }

    /// The last expression of a block that returns nothing can be left out like any statement.
    fn block_without_value(&mut self, block: &Block) {
        if let Some(Stmt::Expr(last, None)) = block.stmts.last() {
            self.statement(last, last);
        }
    }

    /// Breaks an expression whose value is not used. `whole` is the statement, perhaps with a semicolon.
    fn statement(&mut self, expression: &Expr, whole: &impl Spanned) {
        let only_has_a_condition = match expression {
            Expr::If(parts) => parts.else_branch.is_none(),
            Expr::While(_) => true,
            _ => false,
        };
        // Otherwise, leaving it out is the same as a condition that is always false.
        if !only_has_a_condition {
            self.note(whole, "");
        }
        match expression {
            Expr::If(parts) if parts.else_branch.is_none() => self.block_without_value(&parts.then_branch),
            // The only statement of a block is left out with the block.
            Expr::Unsafe(parts) if parts.block.stmts.len() > 1 => self.block_without_value(&parts.block),
            Expr::Match(parts) => {
                for arm in &parts.arms {
                    match &*arm.body {
                        body @ (Expr::Call(_) | Expr::MethodCall(_) | Expr::Macro(_)) => self.note(body, "{}"),
                        Expr::Block(body) => self.block_without_value(&body.block),
                        _ => {}
                    }
                }
            }
            Expr::Block(parts) => self.block_without_value(&parts.block),
            _ => {}
        }
    }

    fn function(&mut self, signature: &Signature, block: &Block) {
        if matches!(signature.output, ReturnType::Default) {
            self.block_without_value(block);
        }
    }

    /// Visits an item with these attributes, unless it is for tests.
    fn marked(&mut self, attributes: &[Attribute], visit: impl FnOnce(&mut Self)) {
        if attributes.iter().any(|attribute| is_cfg(attribute, "test")) {
            return;
        }
        let before = self.is_for_kernels;
        self.is_for_kernels |= is_for_kernels(attributes);
        visit(self);
        self.is_for_kernels = before;
    }
}

impl<'ast> Visit<'ast> for Breaker<'_> {
    fn visit_attribute(&mut self, _: &'ast Attribute) {}

    fn visit_item(&mut self, item: &'ast Item) {
        let attributes = match item {
            // What the compiler asserts cannot fail a test.
            Item::Const(item) if item.ident == "_" => return,
            Item::Const(item) => &item.attrs,
            Item::Enum(item) => &item.attrs,
            Item::Fn(item) => &item.attrs,
            Item::Impl(item) => &item.attrs,
            Item::Macro(item) => &item.attrs,
            Item::Mod(item) => &item.attrs,
            Item::Static(item) => &item.attrs,
            Item::Struct(item) => &item.attrs,
            Item::Trait(item) => &item.attrs,
            _ => return,
        };
        self.marked(attributes, |breaker| visit::visit_item(breaker, item));
    }

    fn visit_item_fn(&mut self, function: &'ast syn::ItemFn) {
        self.function(&function.sig, &function.block);
        visit::visit_item_fn(self, function);
    }

    fn visit_impl_item_fn(&mut self, function: &'ast syn::ImplItemFn) {
        self.marked(&function.attrs, |breaker| {
            breaker.function(&function.sig, &function.block);
            visit::visit_impl_item_fn(breaker, function);
        });
    }

    fn visit_stmt(&mut self, statement: &'ast Stmt) {
        match statement {
            Stmt::Expr(expression, Some(_)) => self.statement(expression, statement),
            Stmt::Macro(_) => self.note(statement, ""),
            Stmt::Local(Local { pat: Pat::Ident(name), .. }) if name.ident.to_string().starts_with('_') => {
                self.note(statement, "");
            }
            Stmt::Local(Local { pat: Pat::Wild(_), .. }) => self.note(statement, ""),
            _ => {}
        }
        visit::visit_stmt(self, statement);
    }

    fn visit_block(&mut self, block: &'ast Block) {
        // `if`, `for` and the like end without a semicolon. The last expression may be the value of the block.
        for statement in block.stmts.iter().rev().skip(1) {
            if let Stmt::Expr(expression, None) = statement {
                self.statement(expression, expression);
            }
        }
        visit::visit_block(self, block);
    }

    fn visit_expr_binary(&mut self, binary: &'ast syn::ExprBinary) {
        let operator = &self.text[binary.op.span().byte_range()];
        if let Some((_, other)) = OPERATORS.iter().find(|(one, _)| *one == operator) {
            self.note(&binary.op, *other);
        }
        visit::visit_expr_binary(self, binary);
    }

    fn visit_expr_unary(&mut self, unary: &'ast syn::ExprUnary) {
        if matches!(unary.op, UnOp::Not(_) | UnOp::Neg(_)) {
            self.note(&unary.op, "");
        }
        visit::visit_expr_unary(self, unary);
    }

    fn visit_range_limits(&mut self, limits: &'ast RangeLimits) {
        self.note(limits, if matches!(limits, RangeLimits::HalfOpen(_)) { "..=" } else { ".." });
    }

    fn visit_expr_if(&mut self, parts: &'ast syn::ExprIf) {
        self.condition(&parts.cond, true);
        visit::visit_expr_if(self, parts);
    }

    fn visit_expr_while(&mut self, parts: &'ast syn::ExprWhile) {
        self.condition(&parts.cond, false);
        self.block_without_value(&parts.body);
        visit::visit_expr_while(self, parts);
    }

    fn visit_expr_for_loop(&mut self, parts: &'ast syn::ExprForLoop) {
        self.block_without_value(&parts.body);
        visit::visit_expr_for_loop(self, parts);
    }

    fn visit_expr_loop(&mut self, parts: &'ast syn::ExprLoop) {
        self.block_without_value(&parts.body);
        visit::visit_expr_loop(self, parts);
    }

    fn visit_pat_guard(&mut self, pattern: &'ast syn::PatGuard) {
        self.condition(&pattern.guard, true);
        visit::visit_pat_guard(self, pattern);
    }

    fn visit_expr_match(&mut self, parts: &'ast syn::ExprMatch) {
        // Without an arm that takes everything, a `match` without one of its arms does not compile.
        let takes_all = |arm: &syn::Arm| match &arm.pat {
            Pat::Wild(_) => true,
            // A constant or a variant would begin with a capital letter.
            Pat::Ident(name) => name.ident.to_string().starts_with(char::is_lowercase),
            _ => false,
        };
        if let Some(last) = parts.arms.iter().rposition(takes_all) {
            parts.arms[..last].iter().for_each(|arm| self.note(arm, ""));
        }
        visit::visit_expr_match(self, parts);
    }

    fn visit_expr_method_call(&mut self, call: &'ast syn::ExprMethodCall) {
        let name = call.method.to_string();
        for (one, other) in METHODS {
            if name == one || name == other {
                self.note(&call.method, if name == one { other } else { one });
            }
        }
        if LEFT_OUT.contains(&name.as_str()) {
            self.note_range(call.receiver.span().byte_range().end..call.span().byte_range().end, "");
        }
        visit::visit_expr_method_call(self, call);
    }

    fn visit_lit_int(&mut self, number: &'ast syn::LitInt) {
        for other in other_numbers(&self.text[number.span().byte_range()]) {
            self.note(number, other);
        }
    }

    fn visit_lit_bool(&mut self, word: &'ast syn::LitBool) {
        self.note(word, (!word.value).to_string());
    }

    fn visit_macro(&mut self, call: &'ast syn::Macro) {
        let is_assembler = call.path.segments.last().is_some_and(|name| ASSEMBLERS.iter().any(|one| name.ident == one));
        if is_assembler {
            return self.assembly(call);
        }
        let list = Punctuated::<Expr, Token![,]>::parse_terminated;
        let arguments = list.parse2(call.tokens.clone()).map(|list| list.into_iter().collect());
        let expressions = arguments.or_else(|_| lazy_statics.parse2(call.tokens.clone())).unwrap_or_default();
        expressions.iter().for_each(|expression| Visit::visit_expr(self, expression));
    }
}

impl Breaker<'_> {
    /// Breaks the instructions, which are string literals among the arguments.
    fn assembly(&mut self, call: &syn::Macro) {
        for token in call.tokens.clone() {
            let range = token.span().byte_range();
            let text = self.text[range.clone()].strip_prefix('"').and_then(|text| text.strip_suffix('"'));
            if let Some(text) = text.filter(|text| !text.contains('\\')) {
                let changes = assembly::changes(text).into_iter().map(|change| change.moved(range.start + 1));
                changes.for_each(|change| self.note_range(change.range, change.becomes));
            }
        }
    }
}

/// The expressions in `lazy_static! { pub static ref NAME: Type = expression; }`.
fn lazy_statics(input: ParseStream) -> syn::Result<Vec<Expr>> {
    let mut expressions = Vec::new();
    while !input.is_empty() {
        input.call(Attribute::parse_outer)?;
        input.parse::<syn::Visibility>()?;
        input.parse::<Token![static]>()?;
        input.parse::<Token![ref]>()?;
        input.parse::<syn::Ident>()?;
        input.parse::<Token![:]>()?;
        input.parse::<syn::Type>()?;
        input.parse::<Token![=]>()?;
        expressions.push(input.parse()?);
        input.parse::<Token![;]>()?;
    }
    Ok(expressions)
}

/// Whether a condition binds names with `let`.
fn binds(condition: &Expr) -> bool {
    match condition {
        Expr::Let(_) => true,
        Expr::Binary(parts) => binds(&parts.left) || binds(&parts.right),
        _ => false,
    }
}

/// Whether these attributes mean that something is for kernels alone.
fn is_for_kernels(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| is_cfg(attribute, "target_os=\"none\""))
}

/// Whether an attribute is `cfg` with this condition; spaces do not matter.
fn is_cfg(attribute: &Attribute, condition: &str) -> bool {
    let syn::Meta::List(list) = &attribute.meta else { return false };
    list.path.is_ident("cfg") && list.tokens.to_string().replace(' ', "") == condition
}

#[cfg(test)]
mod tests {
    use super::super::change::tests::made;
    use super::*;

    const FOR_KERNELS: &str = "#![cfg(target_os = \"none\")]\n";

    /// All mutants of a file that contains only `code`.
    fn made_of_file(code: &str) -> Vec<String> {
        let text = format!("{FOR_KERNELS}{code}");
        let made = made(&text, changes(&text).expect("Rust"));
        made.iter().map(|text| text.strip_prefix(FOR_KERNELS).expect("the first line stays").into()).collect()
    }

    /// All mutants of these statements in a function that returns nothing, without that function.
    fn made_of(statements: &str) -> Vec<String> {
        let made = made_of_file(&format!("fn f() {{{statements}}}"));
        made.iter().map(|text| text["fn f() {".len()..text.len() - 1].into()).collect()
    }

    #[test]
    fn operators_become_others() {
        for (before, after) in OPERATORS {
            let wanted = format!("let x = a {after} b;");
            let is_assignment = before.ends_with('=') && !["==", "!=", "<=", ">="].contains(&before);
            if !is_assignment {
                assert_eq!(made_of(&format!("let x = a {before} b;")), [wanted], "{before}");
            }
        }
        assert_eq!(made_of("a += b;"), ["", "a -= b;"]);
        assert_eq!(made_of("let x = !a;"), ["let x = a;"]);
        assert_eq!(made_of("let x = a..b;"), ["let x = a..=b;"]);
        assert_eq!(made_of("let x = a.any(b);"), ["let x = a.all(b);"]);
    }

    #[test]
    fn conditions_become_constant() {
        let made = made_of("if a { b() } else { c() }; d()");
        assert!(made.contains(&"if true { b() } else { c() }; d()".into()), "{made:?}");
        assert!(made.contains(&"if false { b() } else { c() }; d()".into()), "{made:?}");
        assert!(made_of("while a {} d()").contains(&"while false {} d()".into()));
        assert!(!made_of("while a {} d()").contains(&"while true {} d()".into()));
        let made = made_of("if let Some(a) = b && c {} d()");
        assert!(made.contains(&"if false && let Some(a) = b && c {} d()".into()), "{made:?}");
        assert!(
            made_of("let x = match a { b if c => d, _ => e };")
                .contains(&"let x = match a { b if true => d, _ => e };".into())
        );
    }

    #[test]
    fn constants_change() {
        assert_eq!(made_of_file("const A: u8 = 0x80;"), ["const A: u8 = 0x0;", "const A: u8 = 0x81;"]);
        assert_eq!(made_of_file("static A: bool = true;"), ["static A: bool = false;"]);
        assert!(made_of_file("#[repr(align(8))] struct A;").is_empty());
        assert!(made_of_file("const _: () = assert!(1 == 2);").is_empty());
    }

    #[test]
    fn statements_are_left_out_and_values_are_not() {
        assert_eq!(made_of("a(); b()"), [" b()", "a(); "]);
        assert_eq!(made_of("unsafe { a() };"), [""]);
        assert_eq!(made_of("unsafe { a(); b() };"), ["", "unsafe {  b() };", "unsafe { a();  };"]);
        assert_eq!(made_of("if a { b() }"), ["if false { b() }", "if true { b() }", "if a {  }"]);
        assert_eq!(made_of("log!(a);"), [""]);
        assert_eq!(made_of("let _off = a();"), [""]);
        assert_eq!(made_of("for a in b { c() }"), ["", "for a in b {  }"]);
        assert!(made_of("let a = b();").is_empty());
        assert!(made_of_file("fn f() -> u32 { a() }").is_empty());
    }

    #[test]
    fn calls_are_left_out_where_the_rest_has_their_type() {
        assert!(made_of("let x = a.rev();").contains(&"let x = a;".into()));
        assert!(made_of("let x = a.wrapping_add(b);").contains(&"let x = a;".into()));
        let made = made_of("match a { B => c(), D => {} };");
        assert!(made.contains(&"match a { B => {}, D => {} };".into()), "{made:?}");
    }

    #[test]
    fn an_arm_is_left_out_where_another_takes_its_place() {
        assert_eq!(made_of("let x = match a { B => c, _ => d };"), ["let x = match a {  _ => d };"]);
        assert_eq!(made_of("let x = match a { B => c, e => d };"), ["let x = match a {  e => d };"]);
        assert!(made_of("let x = match a { B => c, D => d };").is_empty());
    }

    #[test]
    fn arguments_of_macros_are_mutated_too() {
        assert_eq!(made_of("let x = format_args!(\"{} 1\", a + b);"), ["let x = format_args!(\"{} 1\", a - b);"]);
        let made = made_of_file("lazy_static! { /// Words.\n static ref A: B = C::new(1); }");
        assert!(made.iter().any(|text| text.contains("C::new(2)")), "{made:?}");
        assert!(made_of_file("macro_rules! a { () => { 1 + 1 } }").is_empty());
    }

    #[test]
    fn inline_assembly_is_mutated_as_assembly() {
        let made = made_of("let x = asm!(\"mov {}, esp\", \"\\tcli\", out(reg) a);");
        assert_eq!(
            made,
            ["let x = asm!(\"\", \"\\tcli\", out(reg) a);", "let x = asm!(\"mov {}, ebp\", \"\\tcli\", out(reg) a);"]
        );
    }

    #[test]
    fn code_that_the_host_can_run_is_not_mutated_nor_are_tests() {
        let text = "fn a() { b(); }";
        assert!(changes(text).expect("Rust").is_empty());
        let marked = format!("{text}\n#[cfg(target_os = \"none\")]\n{text}\n{text}");
        assert_eq!(made(&marked, changes(&marked).expect("Rust")).len(), 1);
        assert!(made_of_file("#[cfg(test)] mod tests { fn a() { b(); } }").is_empty());
    }

    #[test]
    fn letters_of_several_bytes_do_not_shift_the_code_after_them() {
        assert_eq!(made_of("/* äöü – */ a();"), ["/* äöü – */ "]);
    }
}
