//! How a kernel ends: well, with a sentence and a trace, or in the middle of a stop.
//!
//! The trace is the chain of callers. Every function of the kernel keeps its caller's EBP on the stack
//! (`frame-pointer` in `i686.json`), just below the address that it returns to:
//!
//! ```text
//!     EBP ->  | EBP of the caller   | -> the caller's own pair, higher up; 0 in the outermost call
//!             | address to return to|
//! ```

use common::lock::interrupts_off;
use common::qemu::{self, Outcome};
use core::arch::asm;
use core::fmt;
use core::panic::PanicInfo;
use core::sync::atomic::{AtomicBool, Ordering::Relaxed};

/// Longer chains are cut off: the interesting end of a runaway recursion is its last calls.
const MOST_CALLERS: usize = 12;

static STOPPING: AtomicBool = AtomicBool::new(false);

unsafe extern "Rust" {
    /// Defined by [`entry!`](crate::entry!).
    safe fn kernel_last_words(words: fmt::Arguments);
}

/// Where the CPU was, and the chain of its callers.
pub struct Trace {
    /// The instruction; none if the trace begins with the caller.
    pub eip: Option<u32>,
    /// The address of the innermost pair of the chain.
    pub ebp: u32,
}

impl Trace {
    /// The chain of those who called the function in which this stands.
    #[inline(always)]
    pub fn here() -> Self {
        let ebp;
        // SAFETY: copies a register.
        unsafe { asm!("mov {}, ebp", out(reg) ebp, options(nomem, nostack, preserves_flags)) };
        Self { eip: None, ebp }
    }

    fn callers(&self) -> impl Iterator<Item = u32> {
        let mut ebp = self.ebp;
        core::iter::from_fn(move || {
            if ebp == 0 || !ebp.is_multiple_of(4) {
                return None;
            }
            let pair = ebp as *const [u32; 2];
            // SAFETY: EBP points to such a pair in all compiled code. Where it does not, in assembly or
            // after a stray write, this may fault: then the stop in progress ends at once.
            let [outer, return_address] = unsafe { pair.read_volatile() };
            // The stack grows down, so callers lie higher; anything else is not a chain of calls.
            ebp = if outer > ebp { outer } else { 0 };
            // The last byte of the call: its line is the caller's, which need not hold for the next byte.
            // The outermost function of a thread has no caller: 0 is its return address (chapter 8).
            return_address.checked_sub(1)
        })
        .take(MOST_CALLERS)
    }
}

/// Ends the kernel badly: says `kind` and `words`, where it was, and leaves QEMU or halts.
pub fn report(kind: &str, words: fmt::Arguments, trace: &Trace) -> ! {
    // For good: nobody else shall run, and perhaps end well, while this is being said.
    core::mem::forget(interrupts_off());
    if STOPPING.swap(true, Relaxed) {
        kernel_last_words(format_args!("\n(stopped again while saying so: {words})\n"));
        qemu::exit(Outcome::Bad);
    }
    kernel_last_words(format_args!("\n{kind}: {words}\n"));
    for address in trace.eip.into_iter().chain(trace.callers()) {
        kernel_last_words(format_args!("  EIP {address:#010x}\n"));
    }
    qemu::exit(Outcome::Bad)
}

/// Ends the kernel because of a panic.
pub fn panicked(info: &PanicInfo) -> ! {
    let place = info.location().expect("every panic has a place");
    report("PANIC", format_args!("{}, at {place}", info.message()), &Trace::here())
}

/// Stops the kernel with a sentence, formatted as by [`format_args!`].
#[macro_export]
macro_rules! stop {
    ($($words:tt)*) => {
        $crate::stop::report("STOP", format_args!($($words)*), &$crate::stop::Trace::here())
    };
}
pub use stop;

/// Ends the kernel well: leaves QEMU if the command line has the word `exit`, and idles otherwise.
pub fn end(command_line: &str) -> ! {
    crate::log!("The demonstration is over.");
    if command_line.split_ascii_whitespace().any(|word| word == "exit") {
        qemu::exit(Outcome::Good);
    }
    qemu::halt()
}
