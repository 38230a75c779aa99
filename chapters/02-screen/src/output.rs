//! The one screen that all code prints to, and the log beside it.
//!
//! What is printed appears twice: on the screen, where control characters do their work, and in the log
//! of chapter 1, which gets every byte as it is.
//!
//! Interrupts are off until all of it is written, and the log is slow: at 115,200 baud a byte takes 87 microseconds,
//! and so a line of 115 bytes takes 10 ms. A timer that ticks 100 times a second (chapter 7) can lose a tick over a
//! longer one. QEMU's serial port takes no time, and so it shows this only with a slow reader.

#![cfg(target_os = "none")]

use crate::cell::{Colour, Colours};
use crate::text::Screen;
use crate::vga::Vga;
use boot::serial;
use common::Lock;
use core::fmt::{self, Write};

static SCREEN: Lock<Screen<Vga>> = Lock::new(Screen::new(Vga));

const ALARM: Colours = Colours { letter: Colour::White, background: Colour::Red };

// ANCHOR: both
/// The screen and the log, written to piece by piece.
struct Both<'a>(&'a mut Screen<Vga>);

impl Write for Both<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        serial::write(format_args!("{text}"));
        self.0.write_str(text)
    }
}
// ANCHOR_END: both

/// Makes the screen ready: blank, the cursor in the top left corner. A second time, what stood there is gone; the log
/// keeps it.
pub fn init() {
    // The lock first: a handler that comes between would find a register chosen, and choose another.
    let mut screen = SCREEN.lock();
    Vga.init();
    screen.clear();
}

/// Prints in these colours from now on.
pub fn set_colours(colours: Colours) {
    SCREEN.lock().set_colours(colours);
}

// ANCHOR: write
/// Writes to the screen and to the log.
pub fn write(words: fmt::Arguments) {
    // One lock for all pieces, so that no other words come between them.
    Both(&mut SCREEN.lock()).write_fmt(words).expect("a value refuses to be formatted: screen and log take everything");
}
// ANCHOR_END: write

// ANCHOR: last
/// Writes in white on red, and to the log, at any moment, even while other code holds a lock: for the last words of
/// a kernel.
///
/// All that is known of the screen is its cursor, which is where the last piece of text ended.
pub fn last_words(words: fmt::Arguments) {
    serial::last_words(words);
    let mut screen = Screen::resume(Vga);
    screen.set_colours(ALARM);
    // If this fails, there is no other way left to say so.
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
