//! How the interrupts of a PC's devices reach the CPU: lines, masks and vectors.
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

/// The vector of line 0. The other lines follow. Vectors below 32 are reserved for the CPU (Intel SDM volume 3A, 6.2,
/// "Exception and Interrupt Vectors"). The BIOS sets line 0 to vector 8, where a tick would look like a double fault.
const FIRST_VECTOR: u8 = 32;

/// An interrupt request line (IRQ) from a device to the pair of controllers, with the number of its input.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
#[allow(missing_docs, reason = "the picture above names them")]
pub enum Irq {
    Timer,
    Keyboard,
    /// The slave, instead of a device.
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
    /// The vector of this line's interrupts.
    pub const fn vector(self) -> u8 {
        FIRST_VECTOR + self as u8
    }

    /// Whether the line belongs to the slave, and so reaches the CPU through [`Irq::Cascade`].
    pub(crate) const fn is_slave(self) -> bool {
        self as u8 >= 8
    }

    /// The number of the line's input at its own controller, 0 to 7.
    pub(crate) const fn input(self) -> u8 {
        self as u8 % 8
    }
}

/// The lines that are masked, that is, kept from interrupting. One bit for each line.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Masks(u16);

impl Masks {
    /// All lines are masked.
    pub const ALL: Self = Self(0xFFFF);

    // ANCHOR: masks
    /// Unmasks `irq`, and the cascade if the line belongs to the slave.
    #[must_use]
    pub const fn without(self, irq: Irq) -> Self {
        Self(self.0 & !(1 << irq as u8)).with_fitting_cascade()
    }

    /// Masks `irq`, and the cascade if this was the slave's last open line.
    #[must_use]
    pub const fn with(self, irq: Irq) -> Self {
        Self(self.0 | 1 << irq as u8).with_fitting_cascade()
    }

    /// Opens the cascade if any line of the slave is open, and masks it otherwise.
    const fn with_fitting_cascade(self) -> Self {
        let cascade = 1 << Irq::Cascade as u8;
        let slave_is_quiet = self.0 >> 8 == 0xFF;
        Self(if slave_is_quiet { self.0 | cascade } else { self.0 & !cascade })
    }
    // ANCHOR_END: masks

    /// The mask registers of the master and of the slave.
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
/// For the master, `cascade` has a bit set for each input that has a slave. For a slave, it is the number of the
/// master's input that the slave is connected to.
const fn setup(first: Irq, cascade: u8) -> [u8; 4] {
    /// Lines are edge-triggered, there are two controllers, and a fourth word follows.
    const EDGES_CASCADED_FOUR_WORDS: u8 = 0b0001_0001;
    /// The CPU is an x86, and interrupts end when software sends an EOI.
    const X86_NORMAL_END: u8 = 0b0000_0001;
    // The controller replaces the lowest three bits of this vector with the number of the input.
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
