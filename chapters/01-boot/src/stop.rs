//! How a kernel ends: well, with a sentence and a trace, or in the middle of a stop.
//!
//! The trace is the chain of callers. Every function of the kernel keeps its caller's EBP on the stack
//! (`frame-pointer` in `i686.json`), just below the address that it returns to:
//!
//! ```text
//!     EBP ->  | EBP of the caller   | -> the caller's own pair, higher up; 0 in the outermost call
//!             | address to return to|
//! ```

#![cfg(target_os = "none")]

use common::lock::interrupts_off;
use common::qemu::{self, Outcome};
use common::{VirtAddr, image};
use core::arch::asm;
use core::fmt;
use core::panic::PanicInfo;
use core::sync::atomic::{AtomicU32, Ordering::Relaxed};

/// Longer chains are cut off: the interesting end of a runaway recursion is its last calls.
const MOST_CALLERS: usize = 12;

/// How many stops have begun: more than one if something goes wrong while the first is being said.
static STOPS: AtomicU32 = AtomicU32::new(0);

unsafe extern "Rust" {
    /// Defined by [`entry!`](crate::entry!).
    safe fn kernel_last_words(words: fmt::Arguments);
}

/// Where the CPU was, and the chain of its callers.
pub struct Trace {
    /// The instruction; none if the trace begins with the caller.
    pub eip: Option<VirtAddr>,
    /// The stack pointer.
    pub esp: VirtAddr,
    /// The address of the innermost pair of the chain.
    pub ebp: VirtAddr,
}

impl Trace {
    /// The chain of those who called the function in which this stands.
    #[inline(always)]
    pub(crate) fn here() -> Self {
        let (esp, ebp): (u32, u32);
        // SAFETY: copies registers.
        unsafe {
            asm!("mov {}, esp", "mov {}, ebp", out(reg) esp, out(reg) ebp, options(nomem, nostack, preserves_flags))
        };
        Self { eip: None, esp: VirtAddr::new(esp), ebp: VirtAddr::new(ebp) }
    }

    /// Who has called what is no function: a null pointer, perhaps. Nothing there has saved EBP, so the caller's
    /// pair is the innermost one, and the address to return to lies on top of the stack.
    fn caller_of_nothing(&self) -> Option<VirtAddr> {
        let is_code = |address: &VirtAddr| image::text().contains(address);
        if is_code(&self.eip?) {
            return None;
        }
        // SAFETY: as for the callers below.
        let top = unsafe { self.esp.as_ptr::<u32>().read_volatile() };
        Some(VirtAddr::new(top.wrapping_sub(1))).filter(is_code)
    }

    // ANCHOR: callers
    fn callers(&self) -> impl Iterator<Item = VirtAddr> {
        let mut ebp = self.ebp.as_u32();
        core::iter::from_fn(move || {
            if ebp == 0 || !ebp.is_multiple_of(4) {
                return None;
            }
            let pair = ebp as *const [u32; 2];
            // SAFETY: EBP points to such a pair in all compiled code. Where it does not, in assembly or
            // after a stray write, this may fault: then that is said too, and the stop is over.
            let [outer, return_address] = unsafe { pair.read_volatile() };
            // The stack grows down, so callers lie higher; anything else is not a chain of calls.
            ebp = if outer > ebp { outer } else { 0 };
            // The last byte of the call: its line is the caller's, which need not hold for the next byte.
            // The outermost function of a thread has no caller: 0 is its return address (chapter 8).
            return_address.checked_sub(1).map(VirtAddr::new)
        })
        .take(MOST_CALLERS)
    }
    // ANCHOR_END: callers
}

// ANCHOR: report
/// Ends the kernel badly: says `kind` and `words`, where it was, and leaves QEMU or halts.
pub fn report(kind: &str, words: fmt::Arguments, trace: &Trace) -> ! {
    // For good: nobody else shall run, and perhaps end well, while this is being said.
    core::mem::forget(interrupts_off());
    match STOPS.fetch_add(1, Relaxed) {
        0 => kernel_last_words(format_args!("\n{kind}: {words}\n")),
        1 => kernel_last_words(format_args!("\n(stopped again while saying so: {words})\n")),
        // These words could not be said either, but where that was still can.
        2 => kernel_last_words(format_args!("\n(and once more)\n")),
        _ => qemu::exit(Outcome::Bad),
    }
    let say_address = |address: VirtAddr| kernel_last_words(format_args!("  EIP {address}\n"));
    trace.eip.into_iter().chain(trace.caller_of_nothing()).chain(trace.callers()).for_each(say_address);
    qemu::exit(Outcome::Bad)
}

/// Ends the kernel because of a panic.
pub fn panicked(info: &PanicInfo) -> ! {
    let place = info.location().expect("every panic has a place");
    report("PANIC", format_args!("{}, at {place}", info.message()), &Trace::here())
}

/// Ends the kernel because it cannot go on: what [`stop!`](crate::stop!) calls.
#[inline(never)] // the trace begins with the caller
pub fn because(words: fmt::Arguments) -> ! {
    report("STOP", words, &Trace::here())
}
// ANCHOR_END: report

/// Stops the kernel with a sentence, formatted as by [`format_args!`].
#[macro_export]
macro_rules! stop {
    ($($words:tt)*) => {
        $crate::stop::because(format_args!($($words)*))
    };
}
pub use stop;

// ANCHOR: end
/// Ends the kernel well: leaves QEMU if the command line has the word `exit`, and idles otherwise.
pub fn end(command_line: &str) -> ! {
    crate::log!("The demonstration is over.");
    if command_line.split_ascii_whitespace().any(|word| word == "exit") {
        qemu::exit(Outcome::Good);
    }
    qemu::halt()
}
// ANCHOR_END: end
