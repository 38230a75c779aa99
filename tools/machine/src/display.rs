//! Where the machine's screen is shown: in a window, or nowhere.

use crate::qemu;
use std::env;
use std::io::{IsTerminal, stdin};

/// The kinds of window that QEMU may have been built with, best first.
const WINDOWS: [&str; 3] = ["gtk", "sdl", "cocoa"];

/// Where the machine's screen is shown.
#[derive(Clone, Copy)]
pub enum Display {
    /// Nowhere.
    None,
    /// In a window of this kind.
    Window(&'static str),
}

impl Display {
    /// A window, if this runs in a terminal, the host has a screen, and QEMU can open a window.
    pub fn for_this_terminal() -> Self {
        if !stdin().is_terminal() || !has_screen() {
            return Self::None;
        }
        // If QEMU is missing, the attempt to start the machine reports it.
        let Ok(windows) = qemu::windows() else {
            return Self::None;
        };
        let window = first_window(&windows);
        if window.is_none() {
            eprintln!("This QEMU cannot open a window (on Debian, qemu-system-gui adds that). Going on without one.");
        }
        window.map_or(Self::None, Self::Window)
    }

    /// QEMU's name for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Window(name) => name,
        }
    }

    /// Whether the screen is shown.
    pub fn is_window(self) -> bool {
        matches!(self, Self::Window(_))
    }
}

fn has_screen() -> bool {
    let is_set = |name| env::var_os(name).is_some_and(|value| !value.is_empty());
    cfg!(target_os = "macos") || is_set("DISPLAY") || is_set("WAYLAND_DISPLAY")
}

/// Picks a kind of window from QEMU's list, which has one on each line.
fn first_window(list: &str) -> Option<&'static str> {
    WINDOWS.into_iter().find(|window| list.lines().any(|line| line.trim() == *window))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_is_chosen_from_the_list() {
        assert_eq!(first_window("Available display backend types:\nnone\nsdl\ngtk\n"), Some("gtk"));
        assert_eq!(first_window("Available display backend types:\nnone\negl-headless\n"), None);
    }
}
