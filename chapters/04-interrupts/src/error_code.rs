//! The error code of an exception, in words.
//!
//! Source: Intel SDM volume 3A, 6.13 "Error Code".

use crate::trap_frame::TrapFrame;
use core::fmt;

// ANCHOR: error_code
/// The error code of an exception. It is displayed in words, or as nothing for a vector without an error code.
pub(crate) struct ErrorCode {
    vector: u32,
    code: u32,
}

impl ErrorCode {
    pub fn of(frame: &TrapFrame) -> Self {
        Self { vector: frame.vector, code: frame.error_code }
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let Self { vector, code } = *self;
        match vector {
            10..=13 if code == 0 => f.write_str(", error code 0: not caused by a segment"),
            10..=13 => {
                let table = ["GDT", "IDT", "LDT", "IDT"][(code >> 1 & 3) as usize];
                let cause = if code & 1 == 0 { "" } else { ", while delivering an external interrupt" };
                write!(f, ", error code {code:#06x}: entry {} of the {table}{cause}", code >> 3)
            }
            14 => {
                let access = if code & 2 == 0 { "read" } else { "write" };
                let page = if code & 1 == 0 { "a page that is not present" } else { "a page that does not permit it" };
                write!(f, ", error code {code:#06x}: a {access} of {page}")
            }
            8 | 17 | 21 | 29 | 30 => write!(f, ", error code {code:#06x}"),
            _ => Ok(()),
        }
    }
}
// ANCHOR_END: error_code

#[cfg(test)]
mod tests {
    use super::*;

    fn words(vector: u32, code: u32) -> String {
        ErrorCode { vector, code }.to_string()
    }

    #[test]
    fn of_a_segment_the_entry_and_its_table_are_told() {
        for vector in 10..=13 {
            assert_eq!(words(vector, 0), ", error code 0: not caused by a segment");
            for (code, entry) in [
                (0x0100, "0x0100: entry 32 of the GDT"),
                (0x0202, "0x0202: entry 64 of the IDT"),
                (0x0204, "0x0204: entry 64 of the LDT"),
                (0x0206, "0x0206: entry 64 of the IDT"),
                (0x0001, "0x0001: entry 0 of the GDT, while delivering an external interrupt"),
            ] {
                assert_eq!(words(vector, code), format!(", error code {entry}"), "vector {vector}");
            }
        }
    }

    #[test]
    fn of_a_page_the_access_and_the_reason_are_told() {
        for (code, access) in [
            (0b000, "0x0000: a read of a page that is not present"),
            (0b001, "0x0001: a read of a page that does not permit it"),
            (0b010, "0x0002: a write of a page that is not present"),
            (0b111, "0x0007: a write of a page that does not permit it"),
        ] {
            assert_eq!(words(14, code), format!(", error code {access}"));
        }
    }

    #[test]
    fn the_other_exceptions_that_push_a_code_tell_it_as_a_number_and_the_rest_are_silent() {
        for vector in (0..256).filter(|vector| !(10..=14).contains(vector)) {
            let expected = if [8, 17, 21, 29, 30].contains(&vector) { ", error code 0x0012" } else { "" };
            assert_eq!(words(vector, 0x12), expected, "vector {vector}");
        }
    }
}
