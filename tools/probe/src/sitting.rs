//! A kernel that sits for its pictures: it boots, and stands still wherever it is told to.
//!
//! The machine counts instructions instead of time, and its calendar begins at a fixed day, so that it
//! does the same in every run. The kernel is the one that `make run` boots, and knows nothing of this: the
//! machine is stopped from outside.

use crate::program::{Checkpoint, ENTRY_IN_RUST, Program};
use crate::snapshot::{Registers, Snapshot};
use crate::stub::{Stop, Stub};
use anyhow::{Context, Result, anyhow, bail};
use machine::display::Display;
use machine::image;
use machine::vm::{CPU_OF_COUNTED_TIME, Machine, Parts};
use machine::workspace::Workspace;
use std::fs;
use std::ops::Range;
use std::path::Path;
use tempfile::TempDir;

/// The memory of the machine, as `make run` has it.
const MEMORY_MIB: u32 = 16;
/// An instruction takes 32 ns, and where the CPU would wait, time passes at once. It is a slow machine: so
/// a second of its time takes less than one of ours.
const COUNTED_TIME: [&str; 2] = ["-icount", "shift=5,align=off,sleep=off"];
/// When the machine is switched on, and by whose clock.
const CALENDAR: [&str; 2] = ["-rtc", "base=2026-01-01T00:00:00,clock=vm"];
/// Every kernel's first instruction. EBX has the address of the boot information there, and that begins with
/// its size in bytes: Multiboot2, 3.3 and 3.6.
const ENTRY: &str = "_start";
/// The interval timer: begins to count 65536 down, over and over, which takes 55 ms.
const TIMER: [(u16, u8); 3] = [(0x43, 0x34), (0x40, 0), (0x40, 0)];
// The real-time clock's registers, behind two ports.
const CALENDAR_PORTS: [u16; 2] = [0x70, 0x71];
const CALENDAR_RATE: u8 = 0x0A;
const CALENDAR_CONTROL: u8 = 0x0B;
/// In the register of the rate: holds the clock, and lets it go on.
const HELD: u8 = 0x66;
const GOING: u8 = 0x26;
/// The same, with 8192 interrupts a second; and in the register of control, that these are wanted.
const GOING_FAST: u8 = 0x23;
const INTERRUPTING: u8 = 0x42;
/// So many bytes at a stop have to be the kernel's.
const CODE_BYTES: usize = 4;

/// A machine with a kernel that stands still.
pub struct Sitting {
    /// What the kernel's file knows.
    pub program: Program,
    /// Where the loader has left the boot information.
    pub boot_information: Range<u64>,
    machine: Machine,
    stub: Stub,
    folder: TempDir,
    /// Where it stands, if that was a checkpoint.
    here: Option<u32>,
}

impl Sitting {
    /// Boots a kernel as far as its first function in Rust.
    pub fn boot(workspace: &Workspace, kernel: &Path) -> Result<Self> {
        let folder = tempfile::tempdir().context("no temporary folder could be made")?;
        let image = folder.path().join("image.iso");
        image::make(kernel, "exit", false, &image)?;
        let socket = folder.path().join("gdb");
        let chardev = format!("socket,id=gdb,path={},server=on,wait=off", socket.display());
        let flags = COUNTED_TIME.into_iter().chain(CALENDAR).chain(["-chardev", &chardev, "-gdb", "chardev:gdb"]);
        let flags: Vec<String> = flags.map(String::from).collect();
        let memory = MEMORY_MIB.to_string();
        let parts = Parts {
            image: &image,
            memory: &memory,
            cpu: CPU_OF_COUNTED_TIME,
            display: Display::None,
            exit_device: true,
            flags: &flags,
        };
        let machine = Machine::still(&parts).map_err(|reason| anyhow!("QEMU did not start: {}", reason.0))?;
        let stub = Stub::connect(&socket).context("QEMU's gdb stub is not there")?;
        let program = Program::read(kernel, &workspace.root)?;
        let mut sitting = Self { program, boot_information: 0..0, machine, stub, folder, here: None };
        sitting.go_to(Checkpoint::Function(ENTRY))?;
        let start = sitting.registers()?.get("EBX")?;
        let size = sitting.read(start, 4)?;
        let size = u32::from_le_bytes(size.try_into().map_err(|_| anyhow!("QEMU's copy is too short"))?);
        sitting.boot_information = start.into()..u64::from(start) + u64::from(size);
        // How long GRUB takes depends on our disk. A clock that was held begins its next second half a second
        // after it was let go (MC146818 data sheet, "Divider Control"): now, in every run.
        sitting.set_calendar(CALENDAR_RATE, &[HELD, GOING])?;
        // With one stop more, time goes on to the timer's next interrupt (see `stop_briefly`). Otherwise seconds
        // would begin together with ticks, and it would be up to chance what comes first.
        TIMER.into_iter().try_for_each(|(port, value)| sitting.write_port(port, value))?;
        sitting.go_to(Checkpoint::Function(ENTRY_IN_RUST))?;
        Ok(sitting)
    }

    /// Lets a stop take no more than 122 us of the machine's time from here on, for kernels that count time and
    /// have no use for the real-time clock.
    ///
    /// Whenever it stops at a checkpoint, QEMU takes the CPU for waiting, and time goes on at once to when the
    /// next device wants something. That would be the timer, a tick later. Now it is an interrupt of the
    /// real-time clock, of which the kernel never hears, as that line is masked.
    pub fn stop_briefly(&mut self) -> Result<()> {
        self.set_calendar(CALENDAR_RATE, &[GOING_FAST])?;
        self.set_calendar(CALENDAR_CONTROL, &[INTERRUPTING])
    }

    /// Writes to a register of the real-time clock, as the CPU would.
    fn set_calendar(&mut self, register: u8, values: &[u8]) -> Result<()> {
        let [choose, value] = CALENDAR_PORTS;
        self.write_port(choose, register)?;
        values.iter().try_for_each(|bits| self.write_port(value, *bits))
    }

    fn write_port(&mut self, port: u16, value: u8) -> Result<()> {
        self.ask(&format!("o /b {port:#x} {value:#x}")).map(drop)
    }

    /// Lets the kernel run on to where it next comes by `checkpoint`, and takes everything down.
    pub fn until(&mut self, checkpoint: Checkpoint) -> Result<Snapshot> {
        self.go_to(checkpoint)?;
        self.snapshot()
    }

    /// Lets the kernel run on to where it next comes by `checkpoint`. Returns EIP.
    pub fn go_to(&mut self, checkpoint: Checkpoint) -> Result<u32> {
        let addresses = self.program.addresses(checkpoint)?;
        self.reach(&addresses).with_context(|| format!("The kernel did not come to {checkpoint:?}"))
    }

    /// As [`until`](Self::until); none if the kernel comes to `end` before.
    pub fn until_one_of(&mut self, checkpoint: Checkpoint, end: Checkpoint) -> Result<Option<Snapshot>> {
        let (mut addresses, ends) = (self.program.addresses(checkpoint)?, self.program.addresses(end)?);
        addresses.extend(&ends);
        let eip = self.reach(&addresses).with_context(|| format!("The kernel did not come to {end:?}"))?;
        if ends.contains(&eip) { Ok(None) } else { self.snapshot().map(Some) }
    }

    fn reach(&mut self, addresses: &[u32]) -> Result<u32> {
        loop {
            // A breakpoint where it stands would stop it at once.
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

    /// The registers of the machine, which stands still.
    pub fn registers(&mut self) -> Result<Registers> {
        self.machine.monitor.registers().map(Registers)
    }

    /// `bytes` bytes of physical memory, from `start` on.
    pub fn read(&mut self, start: u32, bytes: usize) -> Result<Vec<u8>> {
        let file = self.folder.path().join("memory");
        self.machine.monitor.save_memory(start, bytes as u32, &file)?;
        fs::read(&file).context("QEMU's copy of the memory could not be read")
    }

    /// Takes everything down: registers and physical memory.
    pub fn snapshot(&mut self) -> Result<Snapshot> {
        let bytes = self.read(0, (MEMORY_MIB << 20) as usize)?;
        Ok(Snapshot { registers: self.registers()?, bytes })
    }

    /// Asks QEMU something, in the words of the monitor that people type at.
    pub fn ask(&mut self, question: &str) -> Result<String> {
        self.machine.monitor.ask(question)
    }

    /// Lets the kernel run to its end, and returns its log.
    pub fn finish(mut self) -> Result<String> {
        if self.stub.go()? != Stop::Ended {
            bail!("The kernel did not end, but stopped:\n{}", self.registers()?.0);
        }
        let log = self.machine.process.output.iter().flatten().collect();
        Ok(String::from_utf8(log)?)
    }
}
