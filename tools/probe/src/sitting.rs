//! Boots a kernel that sits for its pictures: the machine is paused at chosen places.
//!
//! Its clock counts instructions instead of time, and its calendar begins on a fixed day, so that every run is the
//! same. The kernel is the one that `make run` boots. It does not take part in this, because the machine is paused from
//! outside.

use crate::program::{Checkpoint, ENTRY_IN_RUST, Program};
use crate::snapshot::{Registers, Snapshot};
use crate::stub::{Stop, Stub};
use anyhow::{Context, Result, anyhow, bail};
use machine::display::Display;
use machine::image;
use machine::monitor::Monitor;
use machine::process::Process;
use machine::vm::{CPU_OF_COUNTED_TIME, Machine, Parts};
use machine::workspace::Workspace;
use std::fs;
use std::ops::Range;
use std::path::Path;
use std::time::Duration;
use tempfile::TempDir;

/// An instruction takes 32 ns, and while the CPU is halted, time jumps ahead. The machine is made this slow so that a
/// second of its time takes less than a second of ours.
const COUNTED_TIME: [&str; 2] = ["-icount", "shift=5,align=off,sleep=off"];
/// The date at which the machine is switched on, and the clock that its calendar follows.
const CALENDAR: [&str; 2] = ["-rtc", "base=2026-01-01T00:00:00,clock=vm"];
/// Every kernel's first instruction. There, EBX has the address of the boot information, which begins with its size in
/// bytes (Multiboot2 specification, 3.3 "I386 machine state" and 3.6 "Boot information").
const ENTRY: &str = "_start";
/// Restarts the interval timer: it counts down from 65536 again and again, which takes 55 ms each time.
const TIMER: [(u16, u8); 3] = [(0x43, 0x34), (0x40, 0), (0x40, 0)];
// The real-time clock's registers, behind two ports.
const CALENDAR_PORTS: [u16; 2] = [0x70, 0x71];
const CALENDAR_RATE: u8 = 0x0A;
const CALENDAR_CONTROL: u8 = 0x0B;
/// For the rate register: the first stops the clock, the second lets it run.
const HELD: u8 = 0x66;
const GOING: u8 = 0x26;
/// For the rate register: lets the clock run, with 8192 interrupts a second. For the control register: turns these
/// interrupts on.
const GOING_FAST: u8 = 0x23;
const INTERRUPTING: u8 = 0x42;
/// At a stop, this many bytes of code must be those of the kernel's file.
const CODE_BYTES: usize = 4;

/// What boots for a sitting.
pub struct Seat<'a> {
    /// The kernel.
    pub kernel: &'a Path,
    /// The kernel's command line.
    pub words: &'a str,
    /// The memory of the machine.
    pub memory_mib: u32,
    /// The CPU, by QEMU's name for it; empty for the usual one.
    pub cpu: &'a str,
    /// Whether the boot loader loads the tests' module too.
    pub module: bool,
    /// More options for QEMU.
    pub flags: &'a [String],
    /// Whether the kernel can end QEMU by itself.
    pub exit_device: bool,
}

/// A machine that runs, while [`Sitting::race`] waits for it.
pub struct Running<'a> {
    /// Its monitor.
    pub monitor: &'a mut Monitor,
    /// Its process.
    pub process: &'a mut Process,
    /// What the kernel has printed so far.
    pub log: &'a [u8],
}

/// How long to wait for the machine to stop before looking at it.
const PAUSE: Duration = Duration::from_millis(20);

/// A paused machine with a kernel.
pub struct Sitting {
    /// The kernel's file.
    pub program: Program,
    /// Where the loader has left the boot information.
    pub boot_information: Range<u64>,
    machine: Machine,
    memory_mib: u32,
    stub: Stub,
    folder: TempDir,
    /// What the kernel has printed so far.
    log: Vec<u8>,
    /// Where it is paused, if that is a checkpoint.
    here: Option<u32>,
}

impl Sitting {
    /// Boots a kernel as `make run` does, up to its first function in Rust.
    pub fn boot(workspace: &Workspace, kernel: &Path) -> Result<Self> {
        let (words, memory_mib, cpu, module) = ("exit", 16, "", false);
        Self::take(workspace, &Seat { kernel, words, memory_mib, cpu, module, flags: &[], exit_device: true })
    }

    /// Boots a kernel up to its first function in Rust.
    pub fn take(workspace: &Workspace, seat: &Seat) -> Result<Self> {
        let Seat { kernel, memory_mib, .. } = *seat;
        let folder = tempfile::tempdir().context("a temporary folder could not be created")?;
        let image = folder.path().join("image.iso");
        image::make(kernel, seat.words, seat.module, &image)?;
        let socket = folder.path().join("gdb");
        let chardev = format!("socket,id=gdb,path={},server=on,wait=off", socket.display());
        let has_calendar = seat.flags.iter().any(|flag| flag == "-rtc");
        let flags = COUNTED_TIME.into_iter().chain(CALENDAR.into_iter().filter(|_| !has_calendar));
        let flags = flags.chain(["-chardev", &chardev, "-gdb", "chardev:gdb"]).map(String::from);
        let flags: Vec<String> = flags.chain(seat.flags.iter().cloned()).collect();
        let memory = memory_mib.to_string();
        let cpu = if seat.cpu.is_empty() { CPU_OF_COUNTED_TIME } else { seat.cpu };
        let (display, exit_device) = (Display::None, seat.exit_device);
        let parts = Parts { image: &image, memory: &memory, cpu, display, exit_device, flags: &flags };
        let machine = Machine::still(&parts).map_err(|reason| anyhow!("QEMU could not start: {}", reason.0))?;
        let stub = Stub::connect(&socket).context("QEMU's gdb stub does not answer")?;
        let program = Program::read(kernel, &workspace.root)?;
        let (boot_information, log, here) = (0..0, Vec::new(), None);
        let mut sitting = Self { program, boot_information, machine, memory_mib, stub, folder, log, here };
        sitting.go_to(Checkpoint::Function(ENTRY))?;
        let start = sitting.registers()?.get("EBX")?;
        let size = sitting.read(start, 4)?;
        let size = u32::from_le_bytes(size.try_into().map_err(|_| anyhow!("QEMU's copy is too short"))?);
        sitting.boot_information = start.into()..u64::from(start) + u64::from(size);
        // How long GRUB takes depends on the host's disk. A real-time clock that was stopped begins its next second
        // half a second after it is let run (MC146818 data sheet, "Divider Control"). Here, that is the same moment in
        // every run.
        sitting.set_calendar(CALENDAR_RATE, &[HELD, GOING])?;
        // At the next stop, time jumps ahead to the timer's next interrupt (see `stop_briefly`). Without that, seconds
        // would begin together with ticks, and chance would decide which comes first.
        TIMER.into_iter().try_for_each(|(port, value)| sitting.write_port(port, value))?;
        sitting.go_to(Checkpoint::Function(ENTRY_IN_RUST))?;
        Ok(sitting)
    }

    /// From now on, a stop takes no more than 122 us of the machine's time. This is for kernels that count time and do
    /// not use the real-time clock.
    ///
    /// When the machine stops at a checkpoint, QEMU takes the CPU for halted, and time jumps ahead to the next event of
    /// a device. That would be the timer's, up to a tick later. Now it is an interrupt of the real-time clock, which
    /// does not reach the kernel, because its line is masked.
    pub fn stop_briefly(&mut self) -> Result<()> {
        self.set_calendar(CALENDAR_RATE, &[GOING_FAST])?;
        self.set_calendar(CALENDAR_CONTROL, &[INTERRUPTING])
    }

    /// Writes these values to a register of the real-time clock, through its two ports.
    fn set_calendar(&mut self, register: u8, values: &[u8]) -> Result<()> {
        let [choose, value] = CALENDAR_PORTS;
        self.write_port(choose, register)?;
        values.iter().try_for_each(|bits| self.write_port(value, *bits))
    }

    fn write_port(&mut self, port: u16, value: u8) -> Result<()> {
        self.ask(&format!("o /b {port:#x} {value:#x}")).map(drop)
    }

    /// Lets the kernel run until it next reaches `checkpoint`, and returns registers and memory.
    pub fn until(&mut self, checkpoint: Checkpoint) -> Result<Snapshot> {
        self.go_to(checkpoint)?;
        self.snapshot()
    }

    /// Lets the kernel run until it next reaches `checkpoint`. Returns EIP.
    pub fn go_to(&mut self, checkpoint: Checkpoint) -> Result<u32> {
        let addresses = self.program.addresses(checkpoint)?;
        self.reach(&addresses).with_context(|| format!("The kernel did not reach {checkpoint:?}"))
    }

    /// Like [`until`](Self::until), but returns `None` if the kernel reaches `end` first.
    pub fn until_one_of(&mut self, checkpoint: Checkpoint, end: Checkpoint) -> Result<Option<Snapshot>> {
        let (mut addresses, ends) = (self.program.addresses(checkpoint)?, self.program.addresses(end)?);
        addresses.extend(&ends);
        let eip = self.reach(&addresses).with_context(|| format!("The kernel did not reach {end:?}"))?;
        if ends.contains(&eip) { Ok(None) } else { self.snapshot().map(Some) }
    }

    fn reach(&mut self, addresses: &[u32]) -> Result<u32> {
        loop {
            // A breakpoint at the present instruction would stop it at once.
            if self.here.is_some_and(|here| addresses.contains(&here)) && self.stub.step()? == Stop::Ended {
                bail!("it ended");
            }
            addresses.iter().try_for_each(|address| self.stub.insert(*address))?;
            if self.stub.go()? == Stop::Ended {
                bail!("it ended");
            }
            addresses.iter().try_for_each(|address| self.stub.remove(*address))?;
            let eip = self.registers()?.get("EIP")?;
            if !addresses.contains(&eip) {
                bail!("it stopped at {eip:#010x} instead:\n{}", self.registers()?.0);
            }
            self.here = Some(eip);
            // GRUB uses the same memory before it loads the kernel there.
            if self.read(eip, CODE_BYTES)? == self.program.code(eip, CODE_BYTES)? {
                return Ok(eip);
            }
        }
    }

    /// Lets the kernel run until it reaches one of these addresses, and returns EIP. While it runs, `is_over` is called
    /// again and again. `None` if the machine has stopped by itself, or once `is_over` is true; then it is paused.
    pub fn race(&mut self, addresses: &[u32], mut is_over: impl FnMut(Running) -> Result<bool>) -> Result<Option<u32>> {
        if self.here.is_some_and(|here| addresses.contains(&here)) && self.stub.step()? == Stop::Ended {
            return Ok(None);
        }
        addresses.iter().try_for_each(|address| self.stub.insert(*address))?;
        self.stub.start()?;
        while !self.stub.is_answering(PAUSE)? {
            self.log.extend(self.machine.process.output.try_iter().flatten());
            let Machine { monitor, process, .. } = &mut self.machine;
            if is_over(Running { monitor, process, log: &self.log })? {
                self.machine.monitor.pause()?;
            }
        }
        let stop = self.stub.finish()?;
        self.log.extend(self.machine.process.output.try_iter().flatten());
        if stop == Stop::Ended {
            return Ok(None);
        }
        addresses.iter().try_for_each(|address| self.stub.remove(*address))?;
        let eip = self.registers()?.get("EIP")?;
        self.here = addresses.contains(&eip).then_some(eip);
        Ok(self.here)
    }

    /// The machine's monitor.
    pub fn monitor(&mut self) -> &mut Monitor {
        &mut self.machine.monitor
    }

    /// The machine's process.
    pub fn process(&mut self) -> &mut Process {
        &mut self.machine.process
    }

    /// What the kernel has printed so far.
    pub fn log(&mut self) -> String {
        // What it printed last may still be in the pipe.
        while let Ok(bytes) = self.machine.process.output.recv_timeout(PAUSE) {
            self.log.extend(bytes);
        }
        String::from_utf8_lossy(&self.log).into_owned()
    }

    /// The registers of the paused machine.
    pub fn registers(&mut self) -> Result<Registers> {
        self.machine.monitor.registers().map(Registers)
    }

    /// `bytes` bytes of physical memory, beginning at `start`.
    pub fn read(&mut self, start: u32, bytes: usize) -> Result<Vec<u8>> {
        let file = self.folder.path().join("memory");
        self.machine.monitor.save_memory(start, bytes as u32, &file)?;
        fs::read(&file).context("QEMU's copy of the memory could not be read")
    }

    /// Returns the registers and all physical memory.
    pub fn snapshot(&mut self) -> Result<Snapshot> {
        let bytes = self.read(0, (self.memory_mib << 20) as usize)?;
        Ok(Snapshot { registers: self.registers()?, bytes })
    }

    /// Gives a command to QEMU's human monitor, and returns what it prints.
    pub fn ask(&mut self, question: &str) -> Result<String> {
        self.machine.monitor.ask(question)
    }

    /// Lets the kernel run to its end, and returns its log.
    pub fn finish(mut self) -> Result<String> {
        if self.stub.go()? != Stop::Ended {
            bail!("The kernel stopped instead of ending:\n{}", self.registers()?.0);
        }
        self.log.extend(self.machine.process.output.iter().flatten());
        Ok(String::from_utf8(self.log)?)
    }
}
