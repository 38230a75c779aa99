//! Judges exercise 1.2: a real second port, chips that are slow or stuck, and none at all.

#![no_std]
#![no_main]

use core::fmt::Write;
use ex01_second_voice::*;
use harness::seeded::{Random, show};
use harness::{Test, test};

harness::boot!(TESTS, up to serial);

const TESTS: &[Test] = &[
    test!(text_through_com2).flags("-serial stdio -serial file:{folder}/output"),
    test!(every_speed).flags("-serial stdio -serial null"),
    test!(slow_chips),
    test!(missing_chips),
];

const SPEEDS: [u32; 10] = [50, 75, 300, 1200, 2400, 9600, 19_200, 38_400, 57_600, 115_200];

fn com2() -> Ports {
    // SAFETY: on a PC these ports belong to COM2, or to no device.
    unsafe { Ports::new(COM2) }
}

fn speed(random: &mut Random) -> u32 {
    SPEEDS[random.within(0..SPEEDS.len() as u32) as usize]
}

/// Leaves the port as no program wants it: looped back to itself, with interrupts, and with its divisor accessible.
fn disturb(ports: &mut Ports, random: &mut Random) {
    ports.write(INTERRUPT_ENABLE, random.word() as u8 & 0x0F);
    ports.write(MODEM_CONTROL, 0x1C);
    ports.write(FIFO_CONTROL, 0);
    ports.write(LINE_CONTROL, DIVISOR_ACCESS | random.word() as u8);
    ports.write(DATA, random.word() as u8);
    ports.write(INTERRUPT_ENABLE, random.word() as u8);
}

fn text_through_com2() {
    let mut random = Random::new();
    disturb(&mut com2(), &mut random);
    let voice = Voice::open(com2(), speed(&mut random));
    show("whether the second port is there", voice.is_some().into());
    let Some(mut voice) = voice else { return };
    for line in 0..random.within(10..20) {
        write!(voice, "line {line}: ").expect("the host takes everything");
        for _ in 0..random.within(1..40) {
            voice.write_char(random.within(0x20..0x7F) as u8 as char).expect("the host takes everything");
        }
        voice.write_str("\r\n").expect("the host takes everything");
    }
}

fn every_speed() {
    let mut random = Random::new();
    let mut speeds = SPEEDS;
    random.shuffle(&mut speeds);
    for speed in speeds {
        disturb(&mut com2(), &mut random);
        let Some(voice) = Voice::open(com2(), speed) else { continue };
        let mut ports = voice.close();
        show("the line control", ports.read(LINE_CONTROL).into());
        show("which interrupts are on", ports.read(INTERRUPT_ENABLE).into());
        show("whether the FIFO is on (bits 6 and 7 of register 2)", u32::from(ports.read(FIFO_CONTROL) >> 6));
        show("the modem control", ports.read(MODEM_CONTROL).into());
        ports.write(LINE_CONTROL, DIVISOR_ACCESS);
        let [low, high] = [DATA, INTERRUPT_ENABLE].map(|register| u32::from(ports.read(register)));
        show("the divisor", high << 8 | low);
    }
}

/// A chip that needs some reads of its status to send a byte. If a byte comes too early, it is lost.
struct Slow {
    random: Random,
    /// How many more reads it takes.
    busy: u32,
    /// Up to how many reads it takes for a byte, one time in eight.
    most: u32,
    line_control: u8,
    scratch: u8,
    sent: u32,
    lost: u32,
    checksum: u32,
}

impl Slow {
    fn new(most: u32, random: Random) -> Self {
        Self { random, busy: 0, most, line_control: 0, scratch: 0, sent: 0, lost: 0, checksum: 0 }
    }
}

impl Registers for &mut Slow {
    fn read(&mut self, register: u16) -> u8 {
        match register {
            LINE_STATUS if self.busy == 0 => 0x60,
            LINE_STATUS => {
                self.busy -= 1;
                0
            }
            LINE_CONTROL => self.line_control,
            SCRATCH => self.scratch,
            _ => 0,
        }
    }

    fn write(&mut self, register: u16, value: u8) {
        match register {
            DATA if self.line_control & DIVISOR_ACCESS != 0 => {}
            DATA if self.busy > 0 => self.lost += 1,
            DATA => {
                self.sent += 1;
                self.checksum = self.checksum.rotate_left(5).wrapping_mul(0x9E37_79B9) ^ u32::from(value);
                let is_long = self.random.within(0..8) == 0;
                self.busy = if is_long { self.most } else { self.random.within(1..50) };
            }
            LINE_CONTROL => self.line_control = value,
            SCRATCH => self.scratch = value,
            _ => {}
        }
    }
}

fn slow_chips() {
    let mut random = Random::new();
    for round in 0..6 {
        // Half of them become so slow that a byte has to be given up.
        let most = if round % 2 == 0 { random.within(1000..MOST_READS - 100) } else { MOST_READS * 2 };
        let mut chip = Slow::new(most, Random::new());
        let Some(mut voice) = Voice::open(&mut chip, speed(&mut random)) else { continue };
        for _ in 0..40 {
            let is_sent = voice.send(random.word() as u8).is_ok();
            show("whether a byte was sent", is_sent.into());
        }
        show("how many bytes were sent", chip.sent);
        show("how many bytes came too early, and were lost", chip.lost);
        show("a checksum of all bytes that were sent", chip.checksum);
    }
}

/// No chip: every read returns the same.
struct Nothing(u8);

impl Registers for Nothing {
    fn read(&mut self, _: u16) -> u8 {
        self.0
    }

    fn write(&mut self, _: u16, _: u8) {}
}

fn missing_chips() {
    let mut random = Random::new();
    // There is none in this machine.
    show("whether COM2 is there in a machine without it", Voice::open(com2(), speed(&mut random)).is_some().into());
    for value in [0xFF, 0x00, random.word() as u8] {
        let voice = Voice::open(Nothing(value), speed(&mut random));
        show("whether a chip is there if all registers read the same", voice.is_some().into());
    }
    let mut chip = Slow::new(1, Random::new());
    show("whether a good chip is there", Voice::open(&mut chip, speed(&mut random)).is_some().into());
}
