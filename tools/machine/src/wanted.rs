//! Input that a kernel asks for: it prints `wants 252 bytes and 4 keys`, and gets them at once.
//!
//! The bytes arrive at the serial port, from 0x80 to 0xFF and then from 0x80 again. The keys are typed on the keyboard,
//! from a to z and then from a again. So the kernel always knows what must come next.

use crate::vm::Machine;
use std::io::Write;

const WORD: &str = "wants ";

/// What has been typed so far.
#[derive(Clone, Copy, Default)]
pub struct Wanted {
    /// How many requests in the log have been served.
    lines: usize,
    bytes: usize,
    keys: usize,
}

/// Whether a kernel with this log asked for any input.
pub fn is_anything(text: &str) -> bool {
    text.lines().any(|line| line.starts_with(WORD))
}

impl Wanted {
    /// Types what the log asks for and has not been typed yet.
    pub fn type_into(&mut self, machine: &mut Machine, text: &str) {
        let (bytes, keys) = self.rest(text);
        // If this fails, the machine has ended and needs no input.
        if let Some(port) = &mut machine.process.input {
            let _ = port.write_all(&bytes).and_then(|()| port.flush());
        }
        for key in keys {
            let _ = machine.monitor.press(&key.to_string());
        }
    }

    /// The bytes and keys that the log asks for and that were not returned before.
    fn rest(&mut self, text: &str) -> (Vec<u8>, Vec<char>) {
        // The last line may not be complete.
        let complete = text.rsplit_once('\n').map_or("", |(complete, _)| complete);
        let lines: Vec<&str> = complete.lines().filter(|line| line.starts_with(WORD)).collect();
        let (mut bytes, mut keys) = (Vec::new(), Vec::new());
        for line in &lines[self.lines..] {
            let mut numbers = line.split_whitespace().filter_map(|word| word.parse::<usize>().ok());
            let mut next = || numbers.next().unwrap_or(0);
            let (more_bytes, more_keys) = (self.bytes + next(), self.keys + next());
            bytes.extend((self.bytes..more_bytes).map(|number| 0x80 | (number % 0x80) as u8));
            keys.extend((self.keys..more_keys).map(|number| char::from(b'a' + (number % 26) as u8)));
            (self.bytes, self.keys) = (more_bytes, more_keys);
        }
        self.lines = lines.len();
        (bytes, keys)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expected_keys_are_typed_once_and_in_order() {
        let mut wanted = Wanted::default();
        let mut text = String::from("hello\nwants 2 bytes and 1 keys\nwants 126 by");
        assert_eq!(wanted.rest(&text), (vec![0x80, 0x81], vec!['a']));
        assert_eq!(wanted.rest(&text), (vec![], vec![]));
        text += "tes and 26 keys\nwants 1 bytes and 0 keys\n";
        let (bytes, keys) = wanted.rest(&text);
        assert_eq!((bytes.len(), bytes[0], bytes[125], bytes[126]), (127, 0x82, 0xFF, 0x80));
        assert_eq!((keys.len(), keys[0], keys[25]), (26, 'b', 'a'));
        assert!(is_anything(&text) && !is_anything("it wants nothing\n"));
    }
}
