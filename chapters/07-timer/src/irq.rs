//! How the devices of a PC reach the CPU: lines, masks and vectors.
//!
//! ```text
//!     timer              0 --+
//!     keyboard           1 --+               real-time clock    8 --+
//!                        2 --+ <---+         free         9 to 11 --+
//!     serial ports    3, 4 --+     |         mouse             12 --+
//!     parallel port 2    5 --+     |         coprocessor       13 --+
//!     floppy disk        6 --+     |         disks         14, 15 --+
//!     parallel port 1    7 --+     |                                |
//!                            |     +------------------------- slave +
//!             CPU <-- master +
//! ```
//! Source: IBM, Personal Computer AT Technical Reference, "System Interrupts"; Intel, 8259A data sheet.

#![forbid(unsafe_code)]

/// The vector of line 0; the others follow. The CPU keeps those below 32 to itself (Intel SDM volume 3,
/// 6.2), and the BIOS leaves line 0 at vector 8, where a tick would look like a double fault.
const FIRST_VECTOR: u8 = 32;

/// An interrupt request line (IRQ) from a device to the pair of controllers, numbered as it is wired.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
#[allow(missing_docs, reason = "the picture above names them")]
pub enum Irq {
    Timer,
    Keyboard,
    /// No device: the slave.
    Cascade,
    Serial2,
    Serial1,
    Parallel2,
    Floppy,
    Parallel1,
    RealTimeClock,
    Free9,
    Free10,
    Free11,
    Mouse,
    Coprocessor,
    Disk1,
    Disk2,
}

impl Irq {
    /// The vector of the interrupts that come over this line.
    pub const fn vector(self) -> u8 {
        FIRST_VECTOR + self as u8
    }

    /// Whether the line ends at the slave, and so reaches the CPU through [`Irq::Cascade`].
    pub(crate) const fn is_slave(self) -> bool {
        self as u8 >= 8
    }

    /// The number of the line at its own controller, 0 to 7.
    pub(crate) const fn input(self) -> u8 {
        self as u8 % 8
    }
}

/// Which lines are masked, that is, kept from interrupting: a bit each.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Masks(u16);

impl Masks {
    /// Nothing interrupts.
    pub const ALL: Self = Self(0xFFFF);

    // ANCHOR: masks
    /// Lets `irq` interrupt; if it ends at the slave, through the cascade.
    #[must_use]
    pub const fn without(self, irq: Irq) -> Self {
        Self(self.0 & !(1 << irq as u8)).with_fitting_cascade()
    }

    /// Keeps `irq` from interrupting.
    #[must_use]
    pub const fn with(self, irq: Irq) -> Self {
        Self(self.0 | 1 << irq as u8).with_fitting_cascade()
    }

    /// The cascade is open while any line of the slave is.
    const fn with_fitting_cascade(self) -> Self {
        let cascade = 1 << Irq::Cascade as u8;
        let slave_is_quiet = self.0 >> 8 == 0xFF;
        Self(if slave_is_quiet { self.0 | cascade } else { self.0 & !cascade })
    }
    // ANCHOR_END: masks

    /// The masks as the master and the slave want them.
    pub const fn bytes(self) -> [u8; 2] {
        self.0.to_le_bytes()
    }
}

// ANCHOR: setup
/// The four words that set up the master (8259A data sheet, "Initialization Command Words").
pub(crate) const MASTER_SETUP: [u8; 4] = setup(Irq::Timer, 1 << Irq::Cascade.input());
/// The four words that set up the slave.
pub(crate) const SLAVE_SETUP: [u8; 4] = setup(Irq::RealTimeClock, Irq::Cascade.input());

/// The words ICW1 to ICW4 for the controller whose first line is `first`.
///
/// `cascade` tells a master which of its inputs have a slave, a bit each, and a slave the number of the
/// input that it is connected to.
const fn setup(first: Irq, cascade: u8) -> [u8; 4] {
    /// Interrupts are told by edges, there are two controllers, and there will be a fourth word.
    const EDGES_CASCADED_FOUR_WORDS: u8 = 0b0001_0001;
    /// Vectors as an x86 wants them; interrupts end when software says so.
    const X86_NORMAL_END: u8 = 0b0000_0001;
    // The controller replaces the lowest three bits of the vector by the number of its input.
    assert!(first.vector().is_multiple_of(8));
    [EDGES_CASCADED_FOUR_WORDS, first.vector(), cascade, X86_NORMAL_END]
}
// ANCHOR_END: setup

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const IRQS: [Irq; 16] = {
        use Irq::*;
        [
            Timer,
            Keyboard,
            Cascade,
            Serial2,
            Serial1,
            Parallel2,
            Floppy,
            Parallel1,
            RealTimeClock,
            Free9,
            Free10,
            Free11,
            Mouse,
            Coprocessor,
            Disk1,
            Disk2,
        ]
    };

    #[test]
    fn lines_have_the_vectors_from_32_to_47() {
        for (number, irq) in IRQS.into_iter().enumerate() {
            assert_eq!(usize::from(irq.vector()), 32 + number);
            assert_eq!(usize::from(irq.input()), number % 8);
            assert_eq!(irq.is_slave(), number >= 8);
        }
    }

    #[test]
    fn the_setup_has_the_words_of_the_data_sheet() {
        assert_eq!(MASTER_SETUP, [0x11, 32, 0b100, 0x01]);
        assert_eq!(SLAVE_SETUP, [0x11, 40, 2, 0x01]);
    }

    #[test]
    fn a_line_of_the_slave_opens_the_cascade() {
        let one = Masks::ALL.without(Irq::Keyboard);
        assert_eq!(one.bytes(), [0b1111_1101, 0xFF]);
        assert_eq!(one.without(Irq::Mouse).bytes(), [0b1111_1001, 0b1110_1111]);
        assert_eq!(one.without(Irq::Mouse).with(Irq::Mouse), one);
    }

    proptest! {
        #[test]
        fn masks_are_a_set_of_lines_and_a_fitting_cascade(changes in prop::collection::vec((0..16usize, any::<bool>()), 0..40)) {
            let mut masked = [true; 16];
            let mut masks = Masks::ALL;
            for (number, mask) in changes {
                masked[number] = mask;
                masks = if mask { masks.with(IRQS[number]) } else { masks.without(IRQS[number]) };
                masked[2] = masked[8..].iter().all(|masked| *masked);
            }
            let bytes = [0, 8].map(|first| (0..8).fold(0, |byte, bit| byte | u8::from(masked[first + bit]) << bit));
            prop_assert_eq!(masks.bytes(), bytes);
        }
    }
}
