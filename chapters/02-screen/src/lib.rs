//! Chapter 2: the VGA text screen, and `println!`.
//!
//! A PC with a BIOS starts with a screen of 25 rows of 80 cells, which are memory at 0xB8000. A [`cell`] is
//! a character and two colors. [`text`] decides which cell a character goes to. It is all of a terminal's
//! logic, and is independent of the hardware. [`vga`] is the hardware, and [`output`] is the one screen that
//! all code prints to.

#![cfg_attr(target_os = "none", no_std)]
#![cfg_attr(not(target_os = "none"), allow(dead_code))] // the host tests only the logic

mod cell;
mod text;
mod vga;
pub mod output;

pub use cell::{Color, Colors};
#[cfg(target_os = "none")]
pub use output::{init, last_words, set_colors, write};
pub use text::{HEIGHT, WIDTH};
