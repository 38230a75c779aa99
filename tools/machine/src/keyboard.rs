//! Connects the terminal's keyboard to the kernel's serial port.
//!
//! A terminal usually keeps a line until Enter, and echoes it. The kernel should get every key at once, and decide
//! itself what it echoes. Ctrl-C still interrupts.

use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use std::io::{Read, Write, stdin};
use std::thread;

/// As long as this exists, the terminal passes on every key at once.
pub struct EveryKey {
    before: Option<Termios>,
}

impl EveryKey {
    /// Switches the terminal over, if standard input is one.
    pub fn new() -> Self {
        let before = tcgetattr(stdin()).ok();
        if let Some(mut modes) = before.clone() {
            modes.local_modes.remove(LocalModes::ICANON | LocalModes::ECHO);
            set(&modes);
        }
        Self { before }
    }
}

impl Drop for EveryKey {
    fn drop(&mut self) {
        self.before.iter().for_each(set);
    }
}

fn set(modes: &Termios) {
    // If this fails, keys arrive line by line, which is not a reason to give up.
    let _ = tcsetattr(stdin(), OptionalActions::Now, modes);
}

/// Passes on standard input, typed or piped, for as long as this program runs.
pub fn forward(mut keys: impl Write + Send + 'static) {
    thread::spawn(move || {
        let mut buffer = [0; 256];
        while let Ok(count @ 1..) = stdin().read(&mut buffer) {
            if keys.write_all(&buffer[..count]).and_then(|()| keys.flush()).is_err() {
                break;
            }
        }
    });
}
