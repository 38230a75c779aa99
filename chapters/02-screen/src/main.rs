//! The kernel of chapter 2: text in sixteen colors that scrolls, wraps and is corrected.

#![no_std]
#![no_main]

use boot::entry::Handover;
use boot::{information, serial, stop};
use core::fmt;
use screen::{Colour, Colours};
use screen::{print, println};

boot::entry!(kernel, screen::last_words);

fn kernel(handover: Handover) -> ! {
    serial::init(); // COM1 carries the log
    let boot = handover.information(); // what the loader tells
    screen::init(); // 25 rows of text, and `println!`
    demonstrate();
    stop::end(information::command_line(&boot), screen::write)
}

fn demonstrate() {
    scroll();
    println!("Hello from chapter 2. All of this is on the screen and in the log.");
    println!();
    colours();
    wrap();
    tabulate();
    println!("A backspace erases: eighty-six\x08\x08\x08five.");
    println!("What the font lacks is a placeholder, one for each character: Zürich, Łódź, 東京.");
    println!("Hexadecimal: {:#x}, and with all its digits: {:#010x}.", 0xB8000, 0xB8000);
}

fn scroll() {
    for number in 1..=30 {
        println!("Line {number} of 30, on a screen with room for 25.");
    }
}

fn colours() {
    print!("Sixteen colours for the letters:\n ");
    for colour in Colour::ALL {
        let background = if colour == Colour::Black { Colour::LightGrey } else { Colour::Black };
        print_coloured(colour, background, format_args!("{colour:?}"));
        print!("{}", if colour == Colour::LightGrey { "\n " } else { " " });
    }
    print!("\nAnd for what lies behind them:\n ");
    for colour in Colour::ALL {
        let letter = if colour == Colour::Black { Colour::LightGrey } else { Colour::Black };
        print_coloured(letter, colour, format_args!(" {:x} ", colour as u8));
    }
    println!();
}

fn print_coloured(letter: Colour, background: Colour, words: fmt::Arguments) {
    screen::set_colours(Colours { letter, background });
    print!("{words}");
    screen::set_colours(Colours::NORMAL);
}

fn wrap() {
    println!("A row has 80 cells. What is longer, as this line is, goes on at the start of the next row.");
}

fn tabulate() {
    println!("Tabs:\tevery\teight\tcolumns");
    println!("\ta\tthat\tis");
    println!("\ttable\tadds\tup");
}
