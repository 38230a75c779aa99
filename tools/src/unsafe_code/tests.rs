//! What counts as unsafe code, and what does not.

use super::*;

fn count(source: &str) -> [usize; 4] {
    let Count { blocks, lines, declarations, assembly } = Count::of_rust(source).expect("this is Rust");
    [blocks, lines, declarations, assembly]
}

#[test]
fn blocks_are_counted_with_their_lines() {
    assert_eq!(count("fn f() { unsafe { g() } }"), [1, 1, 0, 0]);
    assert_eq!(count("fn f() {\n    unsafe {\n        g();\n        h();\n    }\n}\n"), [1, 4, 0, 0]);
    assert_eq!(count("fn f() { unsafe { g() }; unsafe { h() } }"), [2, 1, 0, 0], "a line counts once");
    assert_eq!(count("fn f() {\n unsafe {\n unsafe { g() }\n }\n}"), [2, 3, 0, 0], "blocks may nest");
    assert_eq!(count("const X: u8 = const { unsafe\n{ g() } };"), [1, 2, 0, 0]);
}

#[test]
fn declarations_are_counted() {
    assert_eq!(count("unsafe fn f() {} pub const unsafe extern \"C\" fn g() {}"), [0, 0, 2, 0]);
    assert_eq!(count("unsafe impl Sync for X {} unsafe trait T {}"), [0, 0, 2, 0]);
    assert_eq!(count("unsafe extern \"C\" { unsafe fn f(); safe static X: u8; }"), [0, 0, 2, 0]);
    assert_eq!(count("unsafe extern { safe fn f(); }"), [0, 0, 1, 0]);
    assert_eq!(count("#[unsafe(no_mangle)] extern \"C\" fn f() {}"), [0, 0, 1, 0]);
}

#[test]
fn types_words_and_lints_are_no_unsafe_code() {
    assert_eq!(count("type F = unsafe fn(u8); type G = unsafe extern \"C\" fn(u8);"), [0; 4]);
    assert_eq!(count("#![forbid(unsafe_code)]\n//! unsafe { }\n/// unsafe { }\nfn f() {} // unsafe { }"), [0; 4]);
    assert_eq!(count("const X: &str = \"unsafe { }\";"), [0; 4]);
}

#[test]
fn macros_are_looked_into() {
    assert_eq!(count("fn f() { assert!(\n!unsafe { g() }); }"), [1, 1, 0, 0]);
    assert_eq!(count("macro_rules! m { ($f:ident) => { unsafe fn $f() { unsafe { g() } } } }"), [1, 1, 1, 0]);
    assert_eq!(count("macro_rules! m { ($f:ident) => { unsafe extern \"C\" fn $f() {} } }"), [0, 0, 1, 0]);
}

#[test]
fn tests_do_not_count() {
    assert_eq!(count("#[cfg(test)]\nmod tests { fn f() { unsafe { g() } } }\nfn f() { unsafe { g() } }"), [1, 1, 0, 0]);
    assert_eq!(count("#[cfg(test)]\n#[path = \"x\"]\nmod tests;\nunsafe fn f() {}"), [0, 0, 1, 0]);
    assert_eq!(count("#[cfg(not(test))]\nmod m { unsafe fn f() {} }"), [0, 0, 1, 0]);
}

#[test]
fn assembly_is_what_the_macros_are_given_as_text() {
    let two_lines = "fn f() { unsafe { asm!(\n\"mov {}, 1\",\n\"hlt\",\nout(\"eax\") _,\noptions(nostack)) } }";
    assert_eq!(count(two_lines), [1, 5, 0, 2]);
    assert_eq!(count("global_asm!(\"push 0\n pop eax\", X = const 1);"), [0, 0, 0, 2], "a text of two lines");
    assert_eq!(count("global_asm!(r#\"hlt\"#,\nX = const\n2 * 8);"), [0, 0, 0, 1], "a number is no instruction");
    assert_eq!(count("global_asm!(include_str!(\"entry.s\"));"), [0; 4], "that file counts by itself");
    assert_eq!(count("use core::arch::asm; log!(\"asm!\");"), [0; 4]);
}

#[test]
fn of_a_file_of_assembly_all_lines_count_but_comments() {
    let source =
        "/*\n * A comment.\n */\n    .global f\nf:\n    push 0 /* one */\n\n    ret /* two\n lines */ nop\n/**/\n";
    assert_eq!(Count::of_assembly(source), Count { assembly: 5, ..Count::default() });
    assert!(Count::of_assembly("/* nothing */\n").is_nothing());
}

#[test]
fn what_is_no_rust_is_refused() {
    assert!(Count::of_rust("fn f( {").is_err());
}

#[test]
fn counts_add_up() {
    let mut sum = Count { blocks: 1, lines: 2, declarations: 3, assembly: 4 };
    sum += Count { blocks: 10, lines: 20, declarations: 30, assembly: 40 };
    assert_eq!(sum, Count { blocks: 11, lines: 22, declarations: 33, assembly: 44 });
}
