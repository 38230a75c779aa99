//! Chapter 2: the VGA text screen, and `println!`.
//!
//! A PC with a BIOS starts with a screen of 25 rows of 80 cells; what is written to memory at 0xB8000
//! appears on it. A [`cell`] is a character and two colours. [`text`] decides which cell a character
//! goes to: that is all of a terminal's logic, and knows no hardware. [`vga`] is the hardware, and
//! [`output`] the one screen that everybody prints to.

#![cfg_attr(target_os = "none", no_std)]
#![cfg_attr(not(target_os = "none"), allow(dead_code))] // the host only tests what is pure logic

mod cell;
mod text;
mod vga;
pub mod output;

pub use cell::{Colour, Colours};
#[cfg(target_os = "none")]
pub use output::{init, last_words, set_colours};
pub use text::{HEIGHT, WIDTH};
