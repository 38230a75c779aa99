//! One change in a source: a mistake that the compiler may accept.

use std::ops::Range;

/// The bytes of a text to replace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Which bytes.
    pub range: Range<usize>,
    /// What they become; empty if they are left out.
    pub becomes: String,
}

impl Change {
    /// These bytes become `becomes`.
    pub fn new(range: Range<usize>, becomes: impl Into<String>) -> Self {
        Self { range, becomes: becomes.into() }
    }

    /// The same change in a text that has this many more bytes in front.
    pub fn moved(self, bytes: usize) -> Self {
        Self { range: self.range.start + bytes..self.range.end + bytes, ..self }
    }
}

/// What a number can become: one more, and 0. It keeps its base and its suffix. A word that is not a number has no
/// others.
pub fn other_numbers(number: &str) -> Vec<String> {
    let (prefix, base) = match number.get(..2) {
        Some("0x" | "0X") => ("0x", 16),
        Some("0b" | "0B") => ("0b", 2),
        Some("0o") => ("0o", 8),
        _ => ("", 10),
    };
    let rest = &number[prefix.len()..];
    let is_digit = |letter: char| letter == '_' || letter.is_digit(base);
    let (digits, suffix) = rest.split_at(rest.find(|letter| !is_digit(letter)).unwrap_or(rest.len()));
    let Ok(value) = u128::from_str_radix(&digits.replace('_', ""), base) else { return Vec::new() };
    let others = if value == 0 { vec![1] } else { vec![value + 1, 0] };
    let written = |value: u128| match base {
        16 => format!("{prefix}{value:X}{suffix}"),
        8 => format!("{prefix}{value:o}{suffix}"),
        2 => format!("{prefix}{value:b}{suffix}"),
        _ => format!("{value}{suffix}"),
    };
    others.into_iter().map(written).collect()
}

#[cfg(test)]
pub mod tests {
    use super::*;

    /// The texts that these changes make of `text`.
    pub fn made(text: &str, changes: Vec<Change>) -> Vec<String> {
        let make = |change: Change| {
            let mut text = text.to_owned();
            text.replace_range(change.range, &change.becomes);
            text
        };
        changes.into_iter().map(make).collect()
    }

    #[test]
    fn a_number_keeps_its_base_and_its_suffix() {
        for (number, others) in [
            ("0", vec!["1"]),
            ("1", vec!["2", "0"]),
            ("10_000", vec!["10001", "0"]),
            ("0x3F8", vec!["0x3F9", "0x0"]),
            ("0b111u8", vec!["0b1000u8", "0b0u8"]),
            ("0o17", vec!["0o20", "0o0"]),
            ("7u32", vec!["8u32", "0u32"]),
        ] {
            assert_eq!(other_numbers(number), others, "{number}");
        }
        assert!(other_numbers("eax").is_empty() && other_numbers("").is_empty());
    }
}
