//! The answer to exercise 1.2: the functions that have no bodies yet in `src/lib.rs`.

impl<R: Registers> Voice<R> {
    pub fn open(mut registers: R, baud: u32) -> Option<Self> {
        for value in [0x55, 0xAA] {
            registers.write(SCRATCH, value);
            if registers.read(SCRATCH) != value {
                return None;
            }
        }
        let [low, high] = ((MOST_BAUD / baud) as u16).to_le_bytes();
        registers.write(LINE_CONTROL, DIVISOR_ACCESS);
        registers.write(DATA, low);
        registers.write(INTERRUPT_ENABLE, high);
        registers.write(LINE_CONTROL, EIGHT_BITS_NO_PARITY_ONE_STOP);
        registers.write(INTERRUPT_ENABLE, 0);
        registers.write(FIFO_CONTROL, FIFO_ON_AND_CLEARED);
        registers.write(MODEM_CONTROL, READY_AND_REQUEST_TO_SEND);
        Some(Self { registers })
    }

    pub fn send(&mut self, byte: u8) -> fmt::Result {
        if (0..MOST_READS).any(|_| self.registers.read(LINE_STATUS) & TRANSMITTER_EMPTY != 0) {
            self.registers.write(DATA, byte);
            Ok(())
        } else {
            Err(fmt::Error)
        }
    }
}
