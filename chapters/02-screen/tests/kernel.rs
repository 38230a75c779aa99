//! What the kernel of chapter 2 must survive: the tests print, and read the screen's memory.

#![no_std]
#![no_main]

use boot::serial::COM1;
use core::fmt;
use harness::{End, Test, test};
use screen::{Color, Colors, HEIGHT, WIDTH};
use screen::{print, println};
use x86::io;

harness::boot!(TESTS, up to screen);

const TESTS: &[Test] = &[
    test!(init_blanks_the_screen),
    test!(init_shows_the_memory_from_its_beginning),
    test!(init_shows_the_cursor_in_the_top_left_corner),
    test!(init_turns_blinking_off),
    test!(letters_land_in_their_cells),
    test!(colors_land_beside_their_letters),
    test!(the_cursor_follows),
    test!(the_cursor_follows_through_the_whole_screen),
    test!(a_long_line_wraps),
    test!(the_screen_scrolls),
    test!(a_tab_goes_to_the_next_multiple_of_eight),
    test!(a_backspace_erases),
    test!(a_character_outside_ascii_is_one_placeholder),
    test!(hexadecimal_has_one_prefix),
    test!(the_log_gets_every_byte_unchanged),
    test!(last_words_are_white_on_red_in_any_color),
    test!(last_words_scroll_a_full_screen),
    test!(the_end_is_shown_on_a_pc_without_a_serial_port).flags("-serial none"),
    test!(a_panic_while_printing_is_reported).ends(End::Stop("PANIC: in the middle of a line, at chapters/02-screen")),
    test!(a_value_that_cannot_be_printed_is_reported)
        .ends(End::Stop("PANIC: a value could not be formatted: screen and log accept everything: Error, at")),
    test!(printing_while_printing_panics_instead_of_hanging).ends(End::Stop("PANIC: deadlock")),
];

const NORMAL: u8 = 0x07;
const WHITE_ON_RED: u8 = 0x4F;

/// The attribute and the character of a cell, from the screen's memory.
fn cell(row: usize, column: usize) -> (u8, u8) {
    assert!(row < HEIGHT && column < WIDTH);
    let address = 0xB8000 + 2 * (row * WIDTH + column);
    // SAFETY: this is the address of a cell.
    let [attribute, character] = unsafe { (address as *const u16).read_volatile() }.to_be_bytes();
    (attribute, character)
}

/// The row must show this text in these colors from its first column on, and be blank after it.
#[track_caller]
fn assert_row(row: usize, attribute: u8, text: &[u8]) {
    for column in 0..WIDTH {
        let expected = text.get(column).map_or((NORMAL, b' '), |byte| (attribute, *byte));
        assert_eq!(cell(row, column), expected, "row {row}, column {column}: is, should be");
    }
}

/// A register of the CRT controller.
fn controller(register: u8) -> u8 {
    // SAFETY: these ports access no memory.
    unsafe {
        io::outb(0x3D4, register);
        io::inb(0x3D5)
    }
}

/// The row and the column of the cursor.
fn cursor() -> (usize, usize) {
    let cells = usize::from(controller(0x0E)) << 8 | usize::from(controller(0x0F));
    (cells / WIDTH, cells % WIDTH)
}

fn init_blanks_the_screen() {
    println!("to be blanked");
    screen::init();
    (0..HEIGHT).for_each(|row| assert_row(row, NORMAL, b""));
    print!("first");
    assert_row(0, NORMAL, b"first");
}

fn init_shows_the_memory_from_its_beginning() {
    for register in [0x0C, 0x0D] {
        // SAFETY: these ports access no memory. The registers say which cell is at the top left.
        unsafe {
            io::outb(0x3D4, register);
            io::outb(0x3D5, 1);
        }
    }
    screen::init();
    assert_eq!([controller(0x0C), controller(0x0D)], [0, 0]);
}

fn init_shows_the_cursor_in_the_top_left_corner() {
    // SAFETY: these ports access no memory. Bit 5 of the register hides the cursor.
    unsafe {
        io::outb(0x3D4, 0x0A);
        io::outb(0x3D5, 0x20);
    }
    println!("somewhere");
    screen::init();
    assert_eq!(cursor(), (0, 0));
    assert_eq!(controller(0x0A), 14);
    assert_eq!(controller(0x0B), 15);
}

fn init_turns_blinking_off() {
    const INDEX_OF_MODE: u8 = 0x30; // with the bit that keeps the display on
    // SAFETY: the ports of the attribute controller access no memory. After the last write it expects a value.
    unsafe {
        io::inb(0x3DA);
        [INDEX_OF_MODE, 0x0D, INDEX_OF_MODE].into_iter().for_each(|byte| io::outb(0x3C0, byte));
    }
    screen::init();
    // SAFETY: as above. This only reads.
    let [index, mode] = unsafe {
        io::inb(0x3DA);
        [0x3C0, 0x3C1].map(|port| io::inb(port))
    };
    assert_eq!((index, mode), (INDEX_OF_MODE, 0x05), "of the mode, only bit 3 has changed");
}

fn letters_land_in_their_cells() {
    print!("Hello, {}!\n2 + 2 = {}", "world", 2 + 2);
    assert_row(0, NORMAL, b"Hello, world!");
    assert_row(1, NORMAL, b"2 + 2 = 4");
    assert_row(2, NORMAL, b"");
}

fn colors_land_beside_their_letters() {
    for (number, color) in (0..).zip(Color::ALL) {
        screen::set_colors(Colors { letter: color, background: Color::ALL[15 - usize::from(number)] });
        println!("x");
        assert_eq!(cell(usize::from(number), 0), ((15 - number) << 4 | number, b'x'), "{color:?}");
    }
}

fn the_cursor_follows() {
    print!("1234");
    assert_eq!(cursor(), (0, 4));
    print!("\n12\t");
    assert_eq!(cursor(), (1, 8));
    print!("\x08\x08");
    assert_eq!(cursor(), (1, 6));
    print!("\r");
    assert_eq!(cursor(), (1, 0));
}

fn the_cursor_follows_through_the_whole_screen() {
    for cells in 1..=HEIGHT * WIDTH {
        print!("x");
        assert_eq!(cursor(), (cells / WIDTH, cells % WIDTH));
    }
    print!("x");
    assert_eq!(cursor(), (HEIGHT - 1, 1));
}

fn a_long_line_wraps() {
    println!("{:x<80}", "");
    println!("{:y<81}", "");
    assert_row(0, NORMAL, &[b'x'; WIDTH]);
    assert_row(1, NORMAL, &[b'y'; WIDTH]);
    assert_row(2, NORMAL, b"y");
    assert_eq!(cursor(), (3, 0));
}

fn the_screen_scrolls() {
    for number in 10..40 {
        print!("\nline {number}");
    }
    for row in 0..HEIGHT {
        let number = 40 - HEIGHT + row;
        let (tens, ones) = (b'0' + (number / 10) as u8, b'0' + (number % 10) as u8);
        assert_row(row, NORMAL, &[b'l', b'i', b'n', b'e', b' ', tens, ones]);
    }
    println!();
    assert_row(HEIGHT - 1, NORMAL, b"");
    assert_eq!(cursor(), (HEIGHT - 1, 0));
}

fn a_tab_goes_to_the_next_multiple_of_eight() {
    print!("a\tb\n1234567\tc\n12345678\td");
    assert_row(0, NORMAL, b"a       b");
    assert_row(1, NORMAL, b"1234567 c");
    assert_row(2, NORMAL, b"12345678        d");
}

fn a_backspace_erases() {
    print!("abc\x08\x08");
    assert_row(0, NORMAL, b"a");
    print!("\n{:x<81}\x08\x08", "");
    assert_row(1, NORMAL, &[b'x'; WIDTH - 1]);
    assert_row(2, NORMAL, b"");
    assert_eq!(cursor(), (1, WIDTH - 1));
}

fn a_character_outside_ascii_is_one_placeholder() {
    print!("Zürich, 東京, \x1B\x7F\0!");
    assert_row(0, NORMAL, b"Z\xFErich, \xFE\xFE, \xFE\xFE\xFE!");
}

fn hexadecimal_has_one_prefix() {
    print!("{:#x} {:#010X} {:p}", 0xB8000, 0xB8000, 0xB8000 as *const u8);
    assert_row(0, NORMAL, b"0xb8000 0x000B8000 0xb8000");
}

fn the_log_gets_every_byte_unchanged() {
    const MODEM_CONTROL: u16 = COM1 + 4;
    const LOOP_BACK: u8 = 0x10;
    const TEXT: &str = "a\tb\x08ü\r\x1B";
    let mut received = [0; TEXT.len()];
    // SAFETY: a UART accesses no memory. While it is looped back, it receives what it sends.
    unsafe {
        let normal = io::inb(MODEM_CONTROL);
        io::outb(MODEM_CONTROL, normal | LOOP_BACK);
        print!("{TEXT}");
        received.fill_with(|| io::inb(COM1));
        io::outb(MODEM_CONTROL, normal);
    }
    assert_eq!(received, TEXT.as_bytes());
}

/// A value that calls its function while it is printed, and so while the screen's lock is held.
struct Interrupting(fn());

impl fmt::Display for Interrupting {
    fn fmt(&self, _: &mut fmt::Formatter) -> fmt::Result {
        self.0();
        Ok(())
    }
}

fn last_words_are_white_on_red_in_any_color() {
    print!("half a {}", Interrupting(|| screen::last_words(format_args!("\nLast: {}\n", 42))));
    assert_row(0, NORMAL, b"half a ");
    assert_row(1, WHITE_ON_RED, b"Last: 42");
    assert_eq!(cursor(), (2, 0));
}

fn last_words_scroll_a_full_screen() {
    for number in 0..HEIGHT {
        print!("\n{number}");
    }
    screen::last_words(format_args!("\nfirst\n"));
    screen::last_words(format_args!("second"));
    assert_row(HEIGHT - 3, NORMAL, b"24");
    assert_row(HEIGHT - 2, WHITE_ON_RED, b"first");
    assert_row(HEIGHT - 1, WHITE_ON_RED, b"second");
}

fn the_end_is_shown_on_a_pc_without_a_serial_port() {
    const LINE_STATUS: u16 = COM1 + 5;
    // SAFETY: reading the status changes nothing.
    assert_eq!(unsafe { io::inb(LINE_STATUS) }, 0xFF, "there is a serial port");
    // The host sees only whether the kernel ends well.
    boot::stop::end("exit", |words| {
        screen::write(words);
        assert_row(0, NORMAL, b"The demonstration is over.");
    });
}

fn a_value_that_cannot_be_printed_is_reported() {
    struct Refusing;
    impl fmt::Display for Refusing {
        fn fmt(&self, _: &mut fmt::Formatter) -> fmt::Result {
            Err(fmt::Error)
        }
    }
    print!("{Refusing}");
}

fn a_panic_while_printing_is_reported() {
    print!("half a {}", Interrupting(|| panic!("in the middle of a line")));
}

fn printing_while_printing_panics_instead_of_hanging() {
    print!("half a {}", Interrupting(|| print!("line")));
}
