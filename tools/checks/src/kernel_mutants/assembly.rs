//! Breaks assembly: leaves out an instruction, turns it into its opposite, or changes a register or a number.
//!
//! Lines are only split into words, because the syntaxes of AT&T and of Intel have no more in common. What is in braces
//! stays as it is, because Rust fills it in.

use super::change::{Change, other_numbers};
use std::ops::Range;

/// The directives that put something into the kernel, or determine how much. Others only give names.
const DIRECTIVES: [&str; 9] = [".align", ".byte", ".if", ".long", ".rept", ".set", ".skip", ".space", ".word"];

/// Instructions that can replace each other.
const OPPOSITES: [(&str, &str); 13] = [
    ("add", "sub"),
    ("addl", "subl"),
    ("and", "or"),
    ("cld", "std"),
    ("cli", "sti"),
    ("ja", "jbe"),
    ("jae", "jb"),
    ("jc", "jnc"),
    ("je", "jne"),
    ("incl", "decl"),
    ("jz", "jnz"),
    ("repe", "repne"),
    ("sete", "setne"),
];

/// Registers of the same kind. Each can become the next, and the last one the first.
const REGISTERS: [&[&str]; 6] = [
    &["eax", "ecx", "edx", "ebx"],
    &["esp", "ebp"],
    &["esi", "edi"],
    &["al", "cl", "dl", "bl"],
    &["ds", "es", "fs", "gs"],
    &["cr0", "cr3"],
];

/// All changes of a file of assembly, or of a line.
pub fn changes(text: &str) -> Vec<Change> {
    let code = without_comments(text);
    let mut changes = Vec::new();
    let mut start = 0;
    for line in code.split_inclusive('\n') {
        let instruction = behind_labels(line);
        let offset = start + line.len() - instruction.len();
        changes.extend(of_instruction(instruction.trim_end()).into_iter().map(|change| change.moved(offset)));
        start += line.len();
    }
    changes
}

/// The text with spaces instead of comments, so that every other byte keeps its place.
fn without_comments(text: &str) -> String {
    let mut code = String::new();
    let mut rest = text;
    while let Some(begin) = rest.find("/*") {
        let end = rest[begin..].find("*/").map_or(rest.len(), |length| begin + length + 2);
        code += &rest[..begin];
        code.extend(rest[begin..end].bytes().map(|byte| if byte == b'\n' { '\n' } else { ' ' }));
        rest = &rest[end..];
    }
    code + rest
}

/// The rest of a line behind its labels.
fn behind_labels(line: &str) -> &str {
    let line = line.trim_start();
    match line.split_once(':') {
        Some((label, rest)) if label.chars().all(is_of_word) => behind_labels(rest),
        _ => line,
    }
}

/// All changes of an instruction or a directive, without labels and comments.
fn of_instruction(instruction: &str) -> Vec<Change> {
    let mut words = words(instruction);
    if words.is_empty() {
        return Vec::new();
    }
    let first = words.remove(0);
    let operands = words.into_iter().flat_map(|word| {
        let others = other_words(&instruction[word.clone()]);
        others.into_iter().map(move |other| Change::new(word.clone(), other))
    });
    let name = &instruction[first.clone()];
    if name.starts_with('.') {
        return if DIRECTIVES.contains(&name) { operands.collect() } else { Vec::new() };
    }
    let opposite = OPPOSITES.iter().find_map(|(one, other)| match name {
        _ if name == *one => Some(*other),
        _ if name == *other => Some(*one),
        _ => None,
    });
    let whole = Change::new(0..instruction.len(), "");
    [whole].into_iter().chain(opposite.map(|other| Change::new(first, other))).chain(operands).collect()
}

/// What a word of an operand can become.
fn other_words(word: &str) -> Vec<String> {
    let next = |registers: &&[&str]| {
        let place = registers.iter().position(|register| *register == word)?;
        Some(registers[(place + 1) % registers.len()].to_owned())
    };
    if let Some(register) = REGISTERS.iter().find_map(next) {
        return vec![register];
    }
    // `1f` and `1b` are the next label 1 and the previous one.
    let is_label = word.ends_with(['f', 'b']) && !word.starts_with("0x");
    if is_label { Vec::new() } else { other_numbers(word) }
}

/// Where the words are, except those in braces.
fn words(text: &str) -> Vec<Range<usize>> {
    let mut words: Vec<Range<usize>> = Vec::new();
    let mut braces = 0;
    for (place, letter) in text.char_indices() {
        match letter {
            '{' => braces += 1,
            '}' => braces -= 1,
            _ if braces > 0 || !is_of_word(letter) => {}
            _ => match words.last_mut() {
                Some(word) if word.end == place => word.end += letter.len_utf8(),
                _ => words.push(place..place + letter.len_utf8()),
            },
        }
    }
    words
}

fn is_of_word(letter: char) -> bool {
    letter.is_alphanumeric() || "._".contains(letter)
}

#[cfg(test)]
mod tests {
    use super::super::change::tests::made;
    use super::*;

    fn made_of(text: &str) -> Vec<String> {
        made(text, changes(text))
    }

    #[test]
    fn an_instruction_is_left_out_or_inverted() {
        assert_eq!(made_of("    cli\n"), ["    \n", "    sti\n"]);
        assert_eq!(made_of("1:  jne 2f\n"), ["1:  \n", "1:  je 2f\n"]);
        assert_eq!(made_of("repe scasd"), ["", "repne scasd"]);
    }

    #[test]
    fn operands_change_in_both_syntaxes() {
        assert_eq!(made_of("mov cr3, eax"), ["", "mov cr0, eax", "mov cr3, ecx"]);
        assert_eq!(made_of("addl $8, %esp"), ["", "subl $8, %esp", "addl $9, %esp", "addl $0, %esp", "addl $8, %ebp"]);
        assert_eq!(made_of("popl %gs"), ["", "popl %ds"]);
    }

    #[test]
    fn operands_in_braces_stay() {
        assert_eq!(made_of("movl {VECTOR}(%esp), {0}"), ["", "movl {VECTOR}(%ebp), {0}"]);
    }

    #[test]
    fn a_directive_changes_only_in_its_numbers() {
        assert_eq!(made_of(".rept 256"), [".rept 257", ".rept 0"]);
        assert_eq!(made_of(".byte 0xE9 /* jmp rel32 */"), [".byte 0xEA /* jmp rel32 */", ".byte 0x0 /* jmp rel32 */"]);
        assert!(made_of(".section .text.switch, \"ax\"\n.global switch\nswitch:\n").is_empty());
    }

    #[test]
    fn comments_stay_and_do_not_shift_the_code_after_them() {
        let text = "/* push ebx\n * – */\n    ud2 /* cli */ /* eax\n";
        assert_eq!(made_of(text), ["/* push ebx\n * – */\n     /* cli */ /* eax\n"]);
    }
}
