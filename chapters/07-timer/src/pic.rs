//! The driver of the two interrupt controllers (8259A): setup, masks, end of interrupt (EOI).
//!
//! A controller has three registers with one bit for each line. A line whose device wants to interrupt is *requested*.
//! A line whose interrupt the CPU has taken is *in service*. It holds back itself and all lines of lower priority until
//! software acknowledges the interrupt with an EOI. And a line may be *masked*.
//!
//! If a device withdraws its request before the CPU asks for the vector, the controller has no right answer. It answers
//! with line 7, its last one, and sets no line in service: a spurious interrupt. The handler must not send an EOI then,
//! because that could end another interrupt. If the slave answers like that, the master cannot know, and has the
//! cascade in service all the same.
//!
//! Source: Intel, 8259A data sheet, "Operation Command Words", "Interrupt Sequence".

#![cfg(target_os = "none")]

use crate::irq::{Irq, MASTER_SETUP, Masks, SLAVE_SETUP};
use boot::stop;
use common::Lock;
use core::sync::atomic::{AtomicU32, Ordering::Relaxed};
use interrupts::TrapFrame;
use x86::io;

/// The two ports of one controller.
struct Controller {
    command: u16,
    data: u16,
}

const MASTER: Controller = Controller { command: 0x20, data: 0x21 };
const SLAVE: Controller = Controller { command: 0xA0, data: 0xA1 };

/// The EOI for one input, whose number is added (OCW2).
const SPECIFIC_END_OF_INTERRUPT: u8 = 0x60;
/// Makes the next read from the command port return the lines in service (OCW3).
const SHOW_IN_SERVICE: u8 = 0x0B;

static MASKS: Lock<Masks> = Lock::new(Masks::ALL);

static SPURIOUS_AT_MASTER: AtomicU32 = AtomicU32::new(0);
static SPURIOUS_AT_SLAVE: AtomicU32 = AtomicU32::new(0);

// ANCHOR: init
/// Sets up both controllers, with vectors from 32 up. Lines that are unmasked already stay so.
pub(crate) fn init() {
    // SAFETY: the handler changes no register, and ends the interrupt where there is one to end.
    unsafe { interrupts::register(Irq::Parallel1.vector(), last_line_of_master) };
    // SAFETY: as above.
    unsafe { interrupts::register(Irq::Disk2.vector(), last_line_of_slave) };
    let masks = MASKS.lock();
    MASTER.set_up(MASTER_SETUP);
    SLAVE.set_up(SLAVE_SETUP);
    // The setup clears the masks. Without a controller, a read returns all ones.
    if [MASTER, SLAVE].iter().any(|controller| controller.masks() != 0) {
        stop!("this kernel needs a PC's interrupt controllers (8259A) and finds none");
    }
    write(*masks);
}
// ANCHOR_END: init

/// Unmasks `irq`. The handler of its vector has to send the EOI. Without a handler, an interrupt stops the kernel.
pub fn unmask(irq: Irq) {
    let mut masks = MASKS.lock();
    *masks = masks.without(irq);
    write(*masks);
}

/// Masks `irq`.
///
/// # Panics
/// If it is the timer's: time would stand still, and code that waits for it would never continue.
pub fn mask(irq: Irq) {
    assert!(irq != Irq::Timer, "the timer's line cannot be masked: time would stand still");
    let mut masks = MASKS.lock();
    *masks = masks.with(irq);
    write(*masks);
}

// ANCHOR: end
/// Sends the EOI: tells the controllers that the interrupt of `irq` is over, so that the next one can arrive.
#[inline]
pub fn end_of_interrupt(irq: Irq) {
    if irq.is_slave() {
        SLAVE.end_of_interrupt(irq);
        MASTER.end_of_interrupt(Irq::Cascade);
    } else {
        MASTER.end_of_interrupt(irq);
    }
}
// ANCHOR_END: end

/// Whether the CPU has taken an interrupt of `irq` that has not been ended yet.
pub fn is_in_service(irq: Irq) -> bool {
    let controller = if irq.is_slave() { SLAVE } else { MASTER };
    controller.in_service() & 1 << irq.input() != 0
}

/// The number of spurious interrupts from the master and from the slave.
pub fn spurious_interrupts() -> [u32; 2] {
    [SPURIOUS_AT_MASTER.load(Relaxed), SPURIOUS_AT_SLAVE.load(Relaxed)]
}

// ANCHOR: spurious
extern "C" fn last_line_of_master(_: &mut TrapFrame) {
    assert!(!is_in_service(Irq::Parallel1), "line 7 interrupted and has no handler");
    SPURIOUS_AT_MASTER.fetch_add(1, Relaxed);
}

extern "C" fn last_line_of_slave(_: &mut TrapFrame) {
    assert!(!is_in_service(Irq::Disk2), "line 15 interrupted and has no handler");
    SPURIOUS_AT_SLAVE.fetch_add(1, Relaxed);
    MASTER.end_of_interrupt(Irq::Cascade);
}
// ANCHOR_END: spurious

fn write(masks: Masks) {
    let [master, slave] = masks.bytes();
    MASTER.write(MASTER.data, master);
    SLAVE.write(SLAVE.data, slave);
}

impl Controller {
    // ANCHOR: words
    /// Writes the four words. The first one goes to the command port and starts the setup, the others to the data port.
    fn set_up(&self, words: [u8; 4]) {
        let ports = [self.command, self.data, self.data, self.data];
        for (port, word) in ports.into_iter().zip(words) {
            self.write(port, word);
            wait();
        }
    }
    // ANCHOR_END: words

    #[inline]
    fn end_of_interrupt(&self, irq: Irq) {
        self.write(self.command, SPECIFIC_END_OF_INTERRUPT + irq.input());
    }

    fn masks(&self) -> u8 {
        // SAFETY: reading a register of the controller changes nothing.
        unsafe { io::inb(self.data) }
    }

    fn in_service(&self) -> u8 {
        self.write(self.command, SHOW_IN_SERVICE);
        // SAFETY: as in `masks`.
        unsafe { io::inb(self.command) }
    }

    #[inline]
    fn write(&self, port: u16, value: u8) {
        // SAFETY: a controller does not access memory. It can only interrupt, and when interrupts are on, every vector
        // has a handler.
        unsafe { io::outb(port, value) }
    }
}

/// Waits about a microsecond, because the first controllers were slower than their CPUs.
fn wait() {
    /// The BIOS shows the progress of its self-test here. Afterwards the port is unused.
    const POST_CODE: u16 = 0x80;
    // SAFETY: the port only stores the byte. What matters is the time that the write takes on an old bus.
    unsafe { io::outb(POST_CODE, 0) };
}
