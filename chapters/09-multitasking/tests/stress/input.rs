//! Input from both devices, as fast as it comes, while tasks fork.
//!
//! The kernel keeps 256 bytes of input that has not been read yet. The test requests input in its log, never
//! more than that, and then no byte may be lost or change places. The host sends it all at once: to
//! the serial port the bytes from 0x80 to 0xFF, and from the keyboard the letters a to z, again and again.
//! In the end the test requests much more and does not read. The kernel must still keep the first bytes.
//! The later bytes are lost, and do no other harm.

use crate::{FORKS, Pages, as_task, fork_to, frames, random};
use boot::{log, serial};
use core::sync::atomic::{AtomicU32, Ordering::Relaxed};
use harness::stress::{rounds, tell};
use multitasking::{Exited, wait};
use rand::RngExt;
use threads::input::read_byte;
use threads::yield_now;

/// The most input that is requested at once. The keyboard keeps 16 bytes of scan codes, and a key takes three.
const BYTES: u32 = 252;
const KEYS: u32 = 4;
const ROOM: u32 = BYTES + KEYS;
/// The input that is requested in the end.
const FLOOD: u32 = 60 * ROOM;

/// How many bytes have been read, or `OVER` after the end of the test.
static READ: AtomicU32 = AtomicU32::new(0);
const OVER: u32 = u32::MAX;

/// One thread reads, and tasks fork until it has read everything.
pub fn bytes_that_arrive_while_tasks_fork_are_read_in_order() {
    let reader = threads::spawn(read_all, 0).expect("there is room");
    as_task(|_| {
        /// These forks take much longer than a byte needs to arrive.
        const FORKS_WITHOUT_A_BYTE: u32 = 5000;
        let pages = Pages::map(8, 0x5EED_5EED);
        let (before, mut read, mut since) = (frames(), 0, 0);
        while READ.load(Relaxed) != OVER {
            let pid = fork_to(|| {
                pages.assert_marked(0);
                7
            });
            assert_eq!(wait(), Ok(Exited { pid, status: 7 }));
            assert_eq!(frames(), before, "frames have been lost, or found");
            let forks = FORKS.load(Relaxed);
            if READ.load(Relaxed) != read {
                (read, since) = (READ.load(Relaxed), forks);
            }
            assert!(forks - since < FORKS_WITHOUT_A_BYTE, "{read} bytes have been read, and no more for long");
        }
    });
    reader.join();
}

fn read_all(_: usize) {
    let mut order = Order { serial: 0, keyboard: 0 };
    let mut random = random(0);
    while READ.load(Relaxed) < rounds() {
        // Often only one byte: if the kernel misses its arrival, no later byte wakes the reader.
        let most = [1, 16, BYTES][random.random_range(0..3)];
        let (bytes, keys) = (random.random_range(1..=most), random.random_range(0..=KEYS));
        log!("wants {bytes} bytes and {keys} keys");
        for _ in 0..bytes + keys {
            order.check(read_byte());
            READ.fetch_add(1, Relaxed);
        }
        tell(READ.load(Relaxed), serial::write);
    }
    log!("wants {FLOOD} bytes and {KEYS} keys");
    let forks = FORKS.load(Relaxed);
    while FORKS.load(Relaxed) < forks + 1000 {
        yield_now();
    }
    (0..ROOM).for_each(|_| order.check(read_byte()));
    READ.store(OVER, Relaxed);
}

/// The next byte that must come from each device.
struct Order {
    serial: u8,
    keyboard: u8,
}

impl Order {
    fn check(&mut self, byte: u8) {
        let (device, expected) = match byte {
            0x80.. => ("serial port", 0x80 + self.serial),
            _ => ("keyboard", b'a' + self.keyboard),
        };
        assert_eq!(byte, expected, "bytes of the {device} have been lost, or have changed places");
        match byte {
            0x80.. => self.serial = (self.serial + 1) % 0x80,
            _ => self.keyboard = (self.keyboard + 1) % 26,
        }
    }
}
