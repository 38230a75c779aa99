//! Controls the machine as a debugger does: sets breakpoints, continues, and executes single instructions.
//!
//! This is the client's side of gdb's remote protocol ("Debugging with GDB", appendix E "GDB Remote Serial Protocol"),
//! as much of it as the pictures need. A packet is `$words#cc`, where `cc` is the sum of all bytes of the words; the
//! receiver answers `+`. QEMU 7.2 always waits for the `+`, because it does not know `QStartNoAckMode`.

use anyhow::{Context, Result, bail, ensure};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

/// If the machine runs for longer than this, it will not reach its breakpoint.
const PATIENCE: Duration = Duration::from_secs(60);

/// The connection to QEMU's gdb stub.
pub struct Stub {
    stream: BufReader<UnixStream>,
}

/// Why the machine has stopped.
#[derive(Debug, PartialEq)]
pub enum Stop {
    /// At a breakpoint, after a step, or because something has gone wrong. Its registers tell which.
    Still,
    /// QEMU has ended.
    Ended,
}

impl Stub {
    /// Connects, if QEMU has opened its socket already. That pauses the machine.
    pub fn connect(socket: &Path) -> Result<Self> {
        let stream = UnixStream::connect(socket)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        Ok(Self { stream: BufReader::new(stream) })
    }

    /// Sets a breakpoint: the machine stops before the instruction at this virtual address.
    ///
    /// It is a hardware breakpoint, which does not change memory: QEMU compares addresses.
    pub fn insert(&mut self, address: u32) -> Result<()> {
        self.order(&format!("Z1,{address:x},1"))
    }

    /// Removes this breakpoint.
    pub fn remove(&mut self, address: u32) -> Result<()> {
        self.order(&format!("z1,{address:x},1"))
    }

    /// Lets the machine run until it stops.
    pub fn go(&mut self) -> Result<Stop> {
        self.resume("c")
    }

    /// Lets the machine execute one instruction.
    pub fn step(&mut self) -> Result<Stop> {
        self.resume("s")
    }

    /// Lets the machine run, and does not wait until it stops.
    pub fn start(&mut self) -> Result<()> {
        self.send("c")?;
        // The receipt comes at once. What comes after it is the machine's stop.
        let mut receipt = [0];
        self.stream.read_exact(&mut receipt)?;
        ensure!(receipt == *b"+", "QEMU's gdb stub does not accept the command to continue");
        Ok(())
    }

    /// Waits for so long until the machine stops. Whether it has stopped.
    pub fn is_answering(&self, patience: Duration) -> Result<bool> {
        if !self.stream.buffer().is_empty() {
            return Ok(true);
        }
        let patience = Timespec::try_from(patience)?;
        let mut sockets = [PollFd::new(self.stream.get_ref(), PollFlags::IN)];
        Ok(poll(&mut sockets, Some(&patience))? > 0)
    }

    /// After [`start`](Self::start): waits until the machine stops.
    pub fn finish(&mut self) -> Result<Stop> {
        self.stopped("c")
    }

    fn resume(&mut self, how: &str) -> Result<Stop> {
        self.send(how)?;
        self.stopped(how)
    }

    fn stopped(&mut self, how: &str) -> Result<Stop> {
        match self.receive().context("the machine did not stop")? {
            Some(answer) if answer.starts_with('T') || answer.starts_with('S') => Ok(Stop::Still),
            Some(answer) if answer.starts_with('W') || answer.starts_with('X') => Ok(Stop::Ended),
            Some(answer) => bail!("QEMU's gdb stub answers \"{answer}\" to \"{how}\""),
            None => Ok(Stop::Ended),
        }
    }

    fn order(&mut self, words: &str) -> Result<()> {
        self.send(words)?;
        let answer = self.receive()?;
        ensure!(answer.as_deref() == Some("OK"), "QEMU's gdb stub answers {answer:?} to \"{words}\"");
        Ok(())
    }

    fn send(&mut self, words: &str) -> Result<()> {
        self.stream.get_mut().write_all(&packet(words))?;
        Ok(())
    }

    /// Receives the next packet; `None` once QEMU has hung up.
    fn receive(&mut self) -> Result<Option<String>> {
        let mut bytes = Vec::new();
        // The bytes before the packet answer our own packets.
        self.stream.read_until(b'$', &mut bytes)?;
        bytes.clear();
        self.stream.read_until(b'#', &mut bytes)?;
        let Some(b'#') = bytes.pop() else { return Ok(None) };
        let mut sum = [0; 2];
        self.stream.read_exact(&mut sum)?;
        let words = String::from_utf8(bytes)?;
        ensure!(packet(&words).ends_with(&sum), "QEMU's gdb stub sends \"{words}\" with a wrong checksum");
        // This fails if QEMU has ended after its packet.
        let _ = self.stream.get_mut().write_all(b"+");
        Ok(Some(words))
    }
}

fn packet(words: &str) -> Vec<u8> {
    let sum = words.bytes().fold(0u8, u8::wrapping_add);
    format!("${words}#{sum:02x}").into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::net::UnixListener;
    use std::thread;

    /// Sends `answers` to the client that connects.
    fn talk(answers: &'static [u8], client: impl FnOnce(Stub)) {
        let folder = tempfile::tempdir().expect("there is room");
        let socket = folder.path().join("gdb");
        let listener = UnixListener::bind(&socket).expect("the name is new");
        let server = thread::spawn(move || {
            let (mut stream, _) = listener.accept().expect("a client connects");
            stream.write_all(answers).expect("the other side listens");
            // Until the client hangs up.
            let _ = stream.read_to_end(&mut Vec::new());
        });
        client(Stub::connect(&socket).expect("the other side listens"));
        server.join().expect("the server does not panic");
    }

    #[test]
    fn packets_end_in_the_sum_of_their_bytes() {
        assert_eq!(packet("Z1,100000,1"), b"$Z1,100000,1#35");
        assert_eq!(packet(""), b"$#00");
    }

    #[test]
    fn answers_are_distinguished() {
        talk(b"+$OK#9a+$T05thread:01;#07+$W21#ba", |mut stub| {
            stub.insert(0x10_0000).expect("it is allowed");
            assert_eq!(stub.go().expect("an answer"), Stop::Still);
            assert_eq!(stub.step().expect("an answer"), Stop::Ended);
        });
    }

    #[test]
    fn a_refusal_and_a_damaged_packet_are_errors() {
        talk(b"+$E22#a9+$OK#00", |mut stub| {
            let refused = stub.insert(0).expect_err("it is refused").to_string();
            assert!(refused.contains("E22") && refused.contains("Z1,0,1"), "{refused}");
            let damaged = stub.remove(0).expect_err("the sum is wrong").to_string();
            assert!(damaged.contains("wrong checksum"), "{damaged}");
        });
    }
}
