//! The one screen that all code prints to, and the log beside it.
//!
//! Printed text appears twice: on the screen, where control characters have an effect, and in the log of
//! chapter 1, which gets every byte as it is.
//!
//! Interrupts are off until both have all of it, and the log is slow. At 115,200 baud a byte takes 87 microseconds,
//! so a line of 115 bytes takes 10 ms. During a longer line, a timer that ticks 100 times a second (chapter 7) can
//! lose a tick. QEMU's serial port takes no time, so QEMU shows this only with a slow reader.

#![cfg(target_os = "none")]

use crate::cell::{Color, Colors};
use crate::text::Screen;
use crate::vga::Vga;
use boot::serial;
use common::Lock;
use core::fmt::{self, Write};

static SCREEN: Lock<Screen<Vga>> = Lock::new(Screen::new(Vga));

const ALARM: Colors = Colors { letter: Color::White, background: Color::Red };

// ANCHOR: both
/// The screen and the log, which get each piece of text together.
struct Both<'a>(&'a mut Screen<Vga>);

impl Write for Both<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        serial::write(format_args!("{text}"));
        self.0.write_str(text)
    }
}
// ANCHOR_END: both

/// Sets up the screen: blank, with the cursor in the top left corner. A second call erases the screen again. The log
/// keeps the text.
pub fn init() {
    // The lock first: a handler that prints between two of the port accesses would select another register.
    let mut screen = SCREEN.lock();
    Vga.init();
    screen.clear();
}

/// Sets the colors of all text that is printed after this call.
pub fn set_colors(colors: Colors) {
    SCREEN.lock().set_colors(colors);
}

// ANCHOR: write
/// Writes to the screen and to the log.
pub fn write(words: fmt::Arguments) {
    // One lock for all pieces, so that no other text comes between them.
    Both(&mut SCREEN.lock())
        .write_fmt(words)
        .expect("a value could not be formatted: screen and log accept everything");
}
// ANCHOR_END: write

// ANCHOR: last
/// Writes the last words of a kernel, to the screen in white on red and to the log, at any moment, even while other
/// code holds a lock.
///
/// It knows only the cursor of the screen, which is where the last piece of text ended.
pub fn last_words(words: fmt::Arguments) {
    serial::last_words(words);
    let mut screen = Screen::resume(Vga);
    screen.set_colors(ALARM);
    // If this fails, there is no other output left to report it.
    let _ = screen.write_fmt(words);
}
// ANCHOR_END: last

// ANCHOR: macros
/// Prints to the screen and to the log, formatted as by [`format_args!`].
#[macro_export]
macro_rules! print {
    ($($words:tt)*) => {
        $crate::output::write(format_args!($($words)*))
    };
}

/// Prints a line to the screen and to the log, formatted as by [`format_args!`].
#[macro_export]
macro_rules! println {
    () => {
        $crate::print!("\n")
    };
    ($($words:tt)*) => {
        $crate::print!("{}\n", format_args!($($words)*))
    };
}
// ANCHOR_END: macros
