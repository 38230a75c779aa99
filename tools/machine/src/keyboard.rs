//! The terminal as the keyboard of the kernel's serial port.
//!
//! A terminal usually keeps a line until it is complete, and shows it itself. A kernel wants every key at
//! once, and shows what it likes. Ctrl-C stays what it is.

use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use std::io::{Read, Write, stdin};
use std::thread;

/// The terminal, passing on every key at once until this is dropped.
pub struct EveryKey {
    before: Option<Termios>,
}

impl EveryKey {
    /// Changes the terminal, if standard input is one.
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
    // Without effect, keys come line by line, which is no reason to give up.
    let _ = tcsetattr(stdin(), OptionalActions::Now, modes);
}

/// Passes on what is typed, or piped in, for as long as this program runs.
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
