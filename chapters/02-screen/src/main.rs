//! The kernel of chapter 2: text in sixteen colors that scrolls, wraps and is corrected.

#![no_std]
#![no_main]

use boot::entry::Handover;
use boot::{information, serial, stop};
use core::fmt;
use screen::{Color, Colors};
use screen::{print, println};

boot::entry!(kernel, screen::last_words);

fn kernel(handover: Handover) -> ! {
    serial::init(); // COM1 carries the log
    let boot = handover.information(); // the boot information
    screen::init(); // 25 rows of text, and `println!`
    demonstrate();
    stop::end(information::command_line(&boot), screen::write)
}

fn demonstrate() {
    scroll();
    println!("Hello from chapter 2. All of this is on the screen and in the log.");
    println!();
    colors();
    wrap();
    tabulate();
    println!("A backspace erases: eighty-six\x08\x08\x08five.");
    println!("Characters that the font lacks become placeholders: Zürich, Łódź, 東京.");
    println!("Hexadecimal: {:#x}, and with all digits: {:#010x}.", 0xB8000, 0xB8000);
}

fn scroll() {
    for number in 1..=30 {
        println!("Line {number} of 30, on a screen with room for 25.");
    }
}

fn colors() {
    print!("Sixteen colors for the letters:\n ");
    for color in Color::ALL {
        let background = if color == Color::Black { Color::LightGrey } else { Color::Black };
        print_colored(color, background, format_args!("{color:?}"));
        print!("{}", if color == Color::LightGrey { "\n " } else { " " });
    }
    print!("\nAnd for the background:\n ");
    for color in Color::ALL {
        let letter = if color == Color::Black { Color::LightGrey } else { Color::Black };
        print_colored(letter, color, format_args!(" {:x} ", color as u8));
    }
    println!();
}

fn print_colored(letter: Color, background: Color, words: fmt::Arguments) {
    screen::set_colors(Colors { letter, background });
    print!("{words}");
    screen::set_colors(Colors::NORMAL);
}

fn wrap() {
    println!("A row has 80 cells. A longer line, such as this one, continues at the start of the next row.");
}

fn tabulate() {
    println!("Tabs:\tevery\teight\tcolumns");
    println!("\ta\tthat\tis");
    println!("\ttable\tadds\tup");
}
