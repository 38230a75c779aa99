//! What a test is: one boot, one behavior.
//!
//! A test kernel has a table of tests. Its command line names one (`test=NAME`), or asks for the table
//! (`test=?`). The kernel then prints one line of JSON per test, which tells the host how to boot the test
//! and how it must end. Some behavior is a way of ending: a test may have to stop with a certain message, or
//! end in a triple fault, and the host checks that.

use crate::stress;
use core::fmt;

/// One behavior, shown by one boot.
pub struct Test {
    name: &'static str,
    run: fn(),
    end: End,
    memory_mib: u32,
    module: bool,
    cpu: &'static str,
    flags: &'static str,
    types: &'static str,
    rounds: u32,
    told: &'static [&'static str],
}

/// How a test must end.
#[derive(Clone, Copy)]
pub enum End {
    /// The test returns.
    Good,
    /// The kernel stops, and its report contains these words.
    Stop(&'static str),
    /// The CPU ends in a triple fault.
    TripleFault,
    /// The test does not end by itself.
    Hang,
    /// The test prints without end.
    Endless,
    /// The kernel prints that it is over, or why it stops, and halts the CPU for good, because the machine has no
    /// exit device.
    Halt,
    /// The boot loader never gets as far as the kernel.
    NotLoaded,
}

/// A test with the name of its function.
#[macro_export]
macro_rules! test {
    ($function:ident) => {
        $crate::Test::new(stringify!($function), $function)
    };
    ($module:ident::$function:ident) => {
        $crate::Test::new(stringify!($function), $module::$function)
    };
}

impl Test {
    /// A test that must return, on a machine with 16 MiB of memory.
    pub const fn new(name: &'static str, run: fn()) -> Self {
        let (memory_mib, module, cpu, flags, types, told, rounds) = (16, false, "", "", "", &[] as &[_], 0);
        Self { name, run, end: End::Good, memory_mib, module, cpu, flags, types, told, rounds }
    }

    /// The same test, which must end like this instead.
    pub const fn ends(self, end: End) -> Self {
        Self { end, ..self }
    }

    /// The same test, with this much memory.
    pub const fn memory_mib(self, memory_mib: u32) -> Self {
        Self { memory_mib, ..self }
    }

    /// The same test, with a file of 64 KiB that the boot loader loads in addition to the kernel.
    pub const fn module(self) -> Self {
        Self { module: true, ..self }
    }

    /// The same test, on the CPU that has this name in QEMU.
    pub const fn cpu(self, cpu: &'static str) -> Self {
        Self { cpu, ..self }
    }

    /// The same test, with these additional options for QEMU.
    pub const fn flags(self, flags: &'static str) -> Self {
        Self { flags, ..self }
    }

    /// The same test. Once it logs `waiting for input`, the host sends these characters to the serial port.
    pub const fn types(self, types: &'static str) -> Self {
        Self { types, ..self }
    }

    /// The same test. The host's report of its end must contain these words, for example the function where it was.
    pub const fn told(self, told: &'static [&'static str]) -> Self {
        Self { told, ..self }
    }

    /// The same test, as a stress test with so many rounds in a full run: see [`stress`].
    pub const fn rounds(self, rounds: u32) -> Self {
        Self { rounds, ..self }
    }
}

impl fmt::Display for Test {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let Self { name, run: _, end: _, memory_mib, module, cpu, flags, types, told, rounds } = self;
        write!(f, r#"{{"test":"{name}","memory_mib":{memory_mib},"module":{module},"#)?;
        write!(f, r#""cpu":"{cpu}","flags":"{flags}","types":{types:?},"told":{told:?},"rounds":{rounds},"end":"#)?;
        match self.end {
            End::Good => f.write_str(r#""good"}"#),
            End::Stop(words) => write!(f, r#"{{"stop":{words:?}}}}}"#),
            End::TripleFault => f.write_str(r#""triple fault"}"#),
            End::Hang => f.write_str(r#""hang"}"#),
            End::Endless => f.write_str(r#""endless"}"#),
            End::Halt => f.write_str(r#""halt"}"#),
            End::NotLoaded => f.write_str(r#""not loaded"}"#),
        }
    }
}

/// Runs the test that the command line names, or prints the table. [`boot!`](crate::boot!) calls this.
///
/// # Panics
/// If the command line names no test of the table, or if its seed or rounds are not numbers.
#[inline(never)] // the judge of the exercises stops here
pub fn run(command_line: &str, tests: &[Test], log: fn(fmt::Arguments)) {
    let wanted = command_line.split_ascii_whitespace().find_map(|word| word.strip_prefix("test="));
    let wanted = wanted.expect("the command line names no test: test=NAME, or test=? for the table");
    if wanted == "?" {
        for test in tests {
            log(format_args!("{test}\n"));
        }
    } else {
        let test = tests.iter().find(|test| test.name == wanted);
        let test = test.unwrap_or_else(|| panic!("there is no test {wanted}"));
        stress::read(command_line);
        (test.run)();
    }
}
