//! Rules for the text of an answer. They give good reasons early; what defends the judge is how it judges.

use crate::holes::Bodies;
use proc_macro2::{TokenStream, TokenTree};
use std::str::FromStr;
use trials::exercise::About;

/// A body longer than this is no answer to any exercise.
const MOST_BYTES: usize = 64 << 10;

/// Words that no body may contain, each with a reason.
const REFUSED: [(&str, &str); 19] = [
    ("asm", "assembly would take the test's place"),
    ("global_asm", "assembly would take the test's place"),
    ("naked_asm", "assembly would take the test's place"),
    ("include", "an answer is one file"),
    ("include_str", "an answer is one file"),
    ("include_bytes", "an answer is one file"),
    ("env", "an answer must not depend on the machine that compiles it"),
    ("option_env", "an answer must not depend on the machine that compiles it"),
    ("extern", "an answer calls only what the chapters offer"),
    ("std", "a kernel has no standard library"),
    ("macro_rules", "macros hide what a body contains"),
    ("harness", "an answer must not know that it is tested"),
    ("command_line", "an answer must not know that it is tested"),
    ("serial", "the log belongs to the test"),
    ("last_words", "the log belongs to the test"),
    ("qemu", "only the test ends the machine"),
    ("stop", "only the test ends the machine"),
    ("compile_error", "it only stops the compiler"),
    ("proc_macro", "macros hide what a body contains"),
];

/// What an answer in assembly must not contain.
const REFUSED_DIRECTIVES: [(&str, &str); 10] = [
    (".incbin", "an answer is one file"),
    (".include", "an answer is one file"),
    (".section", "the answer belongs to the kernel's code"),
    (".pushsection", "the answer belongs to the kernel's code"),
    (".macro", "macros hide what a file contains"),
    (".altmacro", "macros hide what a file contains"),
    (".rep", "an answer needs no repetition by the assembler"),
    (".irp", "an answer needs no repetition by the assembler"),
    (".org", "the answer belongs to the kernel's code"),
    ("harness", "an answer must not know that it is tested"),
];

/// Checks the bodies of an answer. The error is a sentence.
pub fn check(about: &About, bodies: &Bodies) -> Result<(), String> {
    for (hole, body) in bodies {
        if body.len() > MOST_BYTES {
            return Err(format!("The body of `{hole}` has {} bytes, and {MOST_BYTES} are allowed.", body.len()));
        }
        let tokens = TokenStream::from_str(body).map_err(|error| format!("The body of `{hole}`: {error}."))?;
        let mut streams = vec![tokens];
        while let Some(stream) = streams.pop() {
            for tree in stream {
                match tree {
                    TokenTree::Group(group) => streams.push(group.stream()),
                    TokenTree::Ident(word) => check_word(about, hole, &word.to_string())?,
                    TokenTree::Punct(sign) if sign.as_char() == '#' => {
                        return Err(format!("The body of `{hole}` contains an attribute, and no answer needs one."));
                    }
                    _ => {}
                }
            }
        }
    }
    Ok(())
}

fn check_word(about: &About, hole: &str, word: &str) -> Result<(), String> {
    let word = word.strip_prefix("r#").unwrap_or(word);
    match REFUSED.iter().find(|(refused, _)| *refused == word) {
        Some((_, reason)) if !about.allowed.iter().any(|allowed| allowed == word) => {
            Err(format!("The body of `{hole}` contains the word `{word}`, which is refused: {reason}."))
        }
        _ => Ok(()),
    }
}

/// Checks an answer in assembly, which may define only the global symbols that the original defines.
pub fn check_assembly(text: &str, original: &str) -> Result<(), String> {
    if text.len() > MOST_BYTES {
        return Err(format!("The file has {} bytes, and {MOST_BYTES} are allowed.", text.len()));
    }
    let lower = text.to_ascii_lowercase();
    for (refused, reason) in REFUSED_DIRECTIVES {
        if lower.contains(refused) && !original.contains(refused) {
            return Err(format!("The file contains `{refused}`, which is refused: {reason}."));
        }
    }
    // Wherever the directive is: behind a label, or behind a comment.
    let globals = |text: &str| -> Vec<String> {
        let text = text.to_ascii_lowercase();
        let all = [".global", ".globl", ".weak"].into_iter().flat_map(|word| text.split(word).skip(1));
        let names = all.map(|rest| rest.split(['/', '#', ';', '\n']).next().unwrap_or_default().trim().to_owned());
        names.collect()
    };
    let known = globals(original);
    match globals(text).into_iter().find(|name| !known.contains(name)) {
        Some(name) => Err(format!("The file makes `{name}` global, which the chapter's file does not.")),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(body: &str) -> Result<(), String> {
        let about = "number = '1.1'\ntitle = 't'\nkind = 'extend'\ngrade = 'core'\nminutes = 1\nchapter = '1'\n\
                     allowed = ['env']\ntests = []\nholes = {}";
        check(&toml::from_str(about).expect("a description"), &Bodies::from([("f".into(), body.into())]))
    }

    #[test]
    fn words_are_found_at_any_depth_and_only_whole() {
        assert!(checked("{ [include_bytes!(\"x\")] }").unwrap_err().contains("`include_bytes`"));
        assert!(checked("r#asm!(\"hlt\")").unwrap_err().contains("`asm`"));
        assert_eq!(checked("let asm_like = \"asm\"; // asm"), Ok(()));
    }

    #[test]
    fn attributes_are_refused_and_raw_texts_are_not() {
        assert!(checked("#[cfg(test)] let a = 1;").unwrap_err().contains("attribute"));
        assert_eq!(checked("let a = r#\"x\"#;"), Ok(()));
    }

    #[test]
    fn an_exercise_can_allow_a_word() {
        assert_eq!(checked("env!(\"A\")"), Ok(()));
    }

    #[test]
    fn assembly_defines_no_new_symbol_and_includes_nothing() {
        let original = ".global switch\nswitch:\n    ret\n";
        assert_eq!(check_assembly("  .global switch // here\nswitch: push ebp; ret\n", original), Ok(()));
        assert!(check_assembly(".globl end\nend:", original).unwrap_err().contains("`end`"));
        assert!(check_assembly("end: .GLOBL end", original).unwrap_err().contains("`end`"));
        assert!(check_assembly("/**/ .global switch, end", original).unwrap_err().contains("`switch, end`"));
        assert!(check_assembly("mov [harness_shown], eax", original).unwrap_err().contains("harness"));
        assert!(check_assembly("nop; .INCBIN \"x\"", original).unwrap_err().contains(".incbin"));
    }
}
