//! The pair of interrupt controllers (8259A): set up, masked, and told when an interrupt is over.
//!
//! A controller has three registers of eight bits. A line that wants to interrupt is *requested*; once
//! the CPU has taken the interrupt, the line is *in service*, which holds back this line and all behind
//! it until the controller is told that the interrupt is over; and a line may be *masked*.
//!
//! A line that gives up between the request and the CPU's question for the vector leaves the controller
//! without an answer. It then answers 7, the last of its lines, with nothing in service: a spurious
//! interrupt. That must not be ended, as there is nothing to end. But if the slave says so, the master,
//! which cannot know, has the cascade in service all the same.
//!
//! Source: Intel, 8259A data sheet, "Operation Command Words", "Interrupt Sequence".

#![cfg(target_os = "none")]

use crate::irq::{Irq, MASTER_SETUP, Masks, SLAVE_SETUP};
use boot::stop;
use common::Lock;
use core::sync::atomic::{AtomicU32, Ordering::Relaxed};
use interrupts::TrapFrame;
use x86::io;

/// One controller, by its two ports.
struct Controller {
    command: u16,
    data: u16,
}

const MASTER: Controller = Controller { command: 0x20, data: 0x21 };
const SLAVE: Controller = Controller { command: 0xA0, data: 0xA1 };

/// With the number of an input added, ends the interrupt of this input (OCW2).
const SPECIFIC_END_OF_INTERRUPT: u8 = 0x60;
/// Makes the command port show the lines in service (OCW3).
const SHOW_IN_SERVICE: u8 = 0x0B;

static MASKS: Lock<Masks> = Lock::new(Masks::ALL);

static SPURIOUS_AT_MASTER: AtomicU32 = AtomicU32::new(0);
static SPURIOUS_AT_SLAVE: AtomicU32 = AtomicU32::new(0);

// ANCHOR: init
/// Gives the lines their vectors. What has been unmasked before stays so; everything else is masked.
pub(crate) fn init() {
    // SAFETY: the handler changes no register, and ends the interrupt where there is one to end.
    unsafe { interrupts::register(Irq::Parallel1.vector(), last_line_of_master) };
    // SAFETY: as above.
    unsafe { interrupts::register(Irq::Disk2.vector(), last_line_of_slave) };
    let masks = MASKS.lock();
    MASTER.set_up(MASTER_SETUP);
    SLAVE.set_up(SLAVE_SETUP);
    // The setup clears the masks. Where there is no controller, all bits read as ones.
    if [MASTER, SLAVE].iter().any(|controller| controller.masks() != 0) {
        stop!("this kernel needs the pair of interrupt controllers of a PC (8259A), and finds none");
    }
    write(*masks);
}
// ANCHOR_END: init

/// Lets `irq` interrupt. The handler of its vector has to end the interrupt; without one, the interrupt stops the kernel.
pub fn unmask(irq: Irq) {
    let mut masks = MASKS.lock();
    *masks = masks.without(irq);
    write(*masks);
}

/// Keeps `irq` from interrupting.
///
/// # Panics
/// If it is the timer's: time would stand still, and whatever waits for it would wait forever.
pub fn mask(irq: Irq) {
    assert!(irq != Irq::Timer, "the timer's line is never masked: time would stand still");
    let mut masks = MASKS.lock();
    *masks = masks.with(irq);
    write(*masks);
}

// ANCHOR: end
/// Tells that the interrupt of `irq` is over, so that the next one can come.
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

/// Whether the CPU has taken an interrupt of `irq` that is not over.
pub fn is_in_service(irq: Irq) -> bool {
    let controller = if irq.is_slave() { SLAVE } else { MASTER };
    controller.in_service() & 1 << irq.input() != 0
}

/// How many spurious interrupts have come from the master and from the slave.
pub fn spurious_interrupts() -> [u32; 2] {
    [SPURIOUS_AT_MASTER.load(Relaxed), SPURIOUS_AT_SLAVE.load(Relaxed)]
}

// ANCHOR: spurious
extern "C" fn last_line_of_master(_: &mut TrapFrame) {
    assert!(!is_in_service(Irq::Parallel1), "line 7 is not masked, and has no handler");
    SPURIOUS_AT_MASTER.fetch_add(1, Relaxed);
}

extern "C" fn last_line_of_slave(_: &mut TrapFrame) {
    assert!(!is_in_service(Irq::Disk2), "line 15 is not masked, and has no handler");
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
    /// The first word goes to the one port and starts the setup; the others go to the other port.
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
        // SAFETY: as for the masks.
        unsafe { io::inb(self.command) }
    }

    #[inline]
    fn write(&self, port: u16, value: u8) {
        // SAFETY: a controller reaches no memory. All it can do is interrupt, and where interrupts are
        // on, every vector has a handler.
        unsafe { io::outb(port, value) }
    }
}

/// Waits about a microsecond: the first controllers were slower than the CPUs of today.
fn wait() {
    /// Shows the progress of the BIOS's self-test, and is of no use afterwards.
    const POST_CODE: u16 = 0x80;
    // SAFETY: the port only remembers the byte. What counts is that an old bus takes its time.
    unsafe { io::outb(POST_CODE, 0) };
}
